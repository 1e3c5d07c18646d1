//! Local manifests: read from a file or a folder, written back whole or not at all.

use std::{
    fs::{self, DirEntry},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use heddle_core::name::EnvironmentName;
use heddle_manifest::{
    Config, Files, Finding, Found,
    config::{self, CONFIG_FILE, MAX_CONFIG_BYTES},
    find,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment, is_kustomization, needs_reference},
    intake::Intake,
};

/// The manifests below a root.
pub(crate) struct Manifests {
    root: PathBuf,
    pub(crate) files: Files,
    /// What `.heddle.yaml` at the root says, where there is one.
    pub(crate) config: Config,
    /// What is wrong in it.
    findings: Vec<Finding>,
}

impl Manifests {
    /// Reads the file, or every manifest below the folder. Hidden folders are passed over and links not followed.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let context = || format!("could not read {}", path.display());
        if fs::metadata(path).with_context(context)?.is_file() {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| anyhow!("{} is no text", path.display()))?;
            let mut files = Files::default();
            read_file(path, name.to_owned(), &mut Intake::default(), &mut files)?;
            let root = path.parent().unwrap_or(Path::new("")).to_owned();
            return Ok(Self { root, files, config: Config::default(), findings: Vec::new() });
        }
        let (config, findings) = read_config(&path.join(CONFIG_FILE))?;
        let mut files = Files::with_resources(config.resources.clone());
        read_folder(path, "", &mut Intake::default(), &mut files)?;
        Ok(Self { root: path.to_owned(), files, config, findings })
    }

    /// Every place that says which image runs: in the environments of `.heddle.yaml`, else in every kustomization to which no
    /// other leads, and in files that no kustomization refers to, such as the values of a chart.
    pub(crate) fn find(&self) -> Found {
        let mut environments: Vec<FoundEnvironment> = self
            .config
            .environments
            .iter()
            .map(|known| FoundEnvironment::new(known.name.clone(), known.path.clone(), EnvironmentOrigin::Named))
            .collect();
        // Where environments are named, the folder is none beside them: it would share their places. A base to which an
        // overlay leads runs nowhere by itself.
        if environments.is_empty() {
            environments.extend(self.files.roots().iter().map(|root| whole(root)));
        }
        let found = self.find_in(&environments);
        let left = |found: &Found| -> Vec<&str> {
            let paths = self.files.paths().filter(|path| !found.reached.contains(*path));
            paths.filter(|path| !needs_reference(path)).collect()
        };
        // Kustomizations come first: a file that one of them refers to is read as a part of it.
        let units = left(&found).into_iter().filter(|path| is_kustomization(path));
        environments.extend(units.map(|path| whole(path.rsplit_once('/').map_or("", |(folder, _)| folder))));
        let alone = left(&self.find_in(&environments));
        environments.extend(alone.into_iter().map(whole));
        self.find_in(&environments)
    }

    /// What runs in one folder, and nothing beside it.
    pub(crate) fn find_below(&self, root: &str) -> Found {
        self.find_in(&[FoundEnvironment::new(
            EnvironmentName::implicit_for(root),
            root.to_owned(),
            EnvironmentOrigin::Synced,
        )])
    }

    /// The folder that a person names, from the root or as the shell sees it; `None` where nothing is read below it.
    pub(crate) fn folder(&self, named: &Path) -> Option<String> {
        let inner = named.strip_prefix(&self.root).unwrap_or(named).to_str()?;
        let parts: Vec<&str> = inner.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let folder = parts.join("/");
        let below =
            |path: &str| folder.is_empty() || path.strip_prefix(&folder).is_some_and(|rest| rest.starts_with('/'));
        self.files.paths().any(below).then_some(folder)
    }

    fn find_in(&self, environments: &[FoundEnvironment]) -> Found {
        let mut found = find(&FindInput { files: &self.files, environments });
        found.leave_out_idle_charts(&self.config);
        found.findings.splice(0..0, self.findings.iter().cloned());
        found
    }

    /// The text of a file of the repository that is no manifest; nothing where it is not there, or too large.
    pub(crate) fn read_beside(&self, path: &str) -> Option<String> {
        let is_inside = !path.split('/').any(|part| matches!(part, "" | ".." | "."));
        let path = self.root.join(path);
        let is_small = fs::metadata(&path).is_ok_and(|known| known.is_file() && known.len() <= MAX_CONFIG_BYTES);
        (is_inside && is_small).then(|| fs::read_to_string(&path).ok()).flatten()
    }

    /// The file that a person names: from the root, or as the shell sees it.
    pub(crate) fn named(&self, name: &str) -> Option<String> {
        let known = |path: &str| self.files.get(path).is_some().then(|| path.to_owned());
        let from_root = name.trim_start_matches("./");
        known(from_root).or_else(|| known(Path::new(name).strip_prefix(&self.root).ok()?.to_str()?))
    }

    /// Replaces a file, so that it has the old text or the new one at any moment.
    pub(crate) fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        let path = self.root.join(file);
        replace(&path, text).with_context(|| format!("could not write {}", path.display()))
    }
}

/// All that is at a path, as a part of the whole folder.
fn whole(path: &str) -> FoundEnvironment {
    FoundEnvironment::new(everything(), path.to_owned(), EnvironmentOrigin::Folder)
}

/// The environment that stands for the whole folder.
pub(crate) fn everything() -> EnvironmentName {
    EnvironmentName::implicit_for("")
}

/// What `.heddle.yaml` says, and what is wrong in it; nothing where there is none.
fn read_config(path: &Path) -> anyhow::Result<(Config, Vec<Finding>)> {
    let context = || format!("could not read {}", path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((Config::default(), Vec::new())),
        Err(error) => Err(error).with_context(context),
        Ok(known) if known.len() > MAX_CONFIG_BYTES => Ok(config::too_large()),
        Ok(_) => Ok(config::read(&String::from_utf8_lossy(&fs::read(path).with_context(context)?))),
    }
}

fn read_folder(root: &Path, inner: &str, intake: &mut Intake, files: &mut Files) -> anyhow::Result<()> {
    let folder = root.join(inner);
    let context = || format!("could not read {}", folder.display());
    // In the order of their names, so that the same files are left out each time where there are too many.
    let mut entries: Vec<DirEntry> =
        fs::read_dir(&folder).with_context(context)?.collect::<Result<_, _>>().with_context(context)?;
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().with_context(context)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let path = if inner.is_empty() { name.clone() } else { format!("{inner}/{name}") };
        if kind.is_dir() && !name.starts_with('.') {
            read_folder(root, &path, intake, files)?;
        } else if kind.is_file() && Files::wants(&name) && name != CONFIG_FILE {
            read_file(&entry.path(), path, intake, files)?;
        }
    }
    Ok(())
}

/// Reads a file where it is small enough; one that is not becomes a finding.
fn read_file(path: &Path, name: String, intake: &mut Intake, files: &mut Files) -> anyhow::Result<()> {
    let context = || format!("could not read {}", path.display());
    match intake.admit(fs::metadata(path).with_context(context)?.len()) {
        // One file that cannot be read stops no other.
        Ok(()) => match fs::read(path) {
            Ok(bytes) => files.insert_bytes(name, bytes),
            Err(_) => files.insert_unreadable(name),
        },
        Err(why) => files.leave_out(name, why),
    }
    Ok(())
}

fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".heddle-{}", std::process::id()));
    let mut file = fs::File::create(&draft)?;
    file.set_permissions(fs::metadata(path)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(fs::rename(&draft, path)?)
}
