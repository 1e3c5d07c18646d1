//! Kustomize, through the official program.
//!
//! It runs on a private copy of the directories that the kustomization needs, in an empty environment, without `PATH` and
//! without sockets: its loader would fetch addresses by itself. What does not stand in the repository is refused before it
//! runs, by the field that names it. The copy asks for `originAnnotations`, from which each object's file is learnt, and
//! which are taken off again.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    process::Command,
};

use heddle_manifest::documents::{parse_document, read_documents};
use serde_json::{Value, json};

use super::{
    Files, RenderTools, Rendered,
    copy::PrivateCopy,
    fields, plain,
    process::{self, ProcessFault},
    secrets::{self, Secrets},
    unread::{WhyUnread, obstacle},
    until::Until,
};
use crate::{
    FileMode, ReadError, Tree, TreePath,
    limits::{CHILD_HEAP_BYTES, MAX_RENDER_BYTES},
};

const ORIGIN: &str = "config.kubernetes.io/origin";

/// Renders the kustomization of a loaded directory.
///
/// # Errors
/// When the tree cannot be read, or the path holds too much with what kustomize wrote.
pub(super) fn render(
    files: &mut Files<'_, impl Tree>,
    directory: &TreePath,
    tools: &RenderTools,
    until: &Until,
    rendered: &mut Rendered,
) -> Result<(), ReadError> {
    let before = rendered.errors.len();
    let roots = find_roots(files, directory, rendered)?;
    for root in &roots {
        rendered.inputs.note(files.tree, root);
    }
    if rendered.errors.len() > before {
        return Ok(());
    }
    let file = files.kustomization(directory).map_or_else(|| directory.clone(), |(file, _)| file);
    let copy = match copy(files, &file, &roots, rendered) {
        Ok(copy) => copy,
        Err(error) => {
            rendered.fail(&file, None, format!("it could not be copied for rendering: {error}"));
            return Ok(());
        }
    };
    match process::run(command(tools, &copy, directory), tools.limit, until, &tools.slots) {
        Ok(output) => {
            rendered.admit_bytes(&output)?;
            let before = (rendered.objects.len(), rendered.errors.len());
            plain::read(plain::Source::Built { directory, kustomization: &file }, &output, rendered);
            if (rendered.objects.len(), rendered.errors.len()) == before {
                rendered.pass_over(directory, WhyUnread::NothingBuilt);
            }
        }
        Err(ProcessFault::Failed(complaint)) => {
            let text = explain(&complaint.0, &copy);
            tell_failure(&text, files, &roots, directory, rendered)?;
        }
        Err(ProcessFault::Ended) => rendered.cut_short(until),
        Err(fault) => rendered.fail(&file, None, format!("`{}` {fault}", tools.kustomize.display())),
    }
    Ok(())
}

/// The directories that a kustomization reads: its own, and those of the kustomizations that it refers to.
fn find_roots(
    files: &mut Files<'_, impl Tree>,
    directory: &TreePath,
    rendered: &mut Rendered,
) -> Result<BTreeSet<TreePath>, ReadError> {
    let mut roots = BTreeSet::from([directory.clone()]);
    let mut queue = VecDeque::from([directory.clone()]);
    while let Some(directory) = queue.pop_front() {
        let Some((file, mode)) = files.kustomization(&directory) else { continue };
        if mode == FileMode::Symlink {
            rendered.fail(&file, None, "it is a symbolic link, and links are not followed".to_owned());
            continue;
        }
        let text = match files.tree.read(&file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                rendered.fail(&file, None, error.to_string());
                continue;
            }
        };
        let kustomization = match parse_document(&text) {
            Ok(kustomization) => kustomization,
            Err(error) => {
                rendered.fail(&file, Some(error.line), error.message);
                continue;
            }
        };
        let mut faults = Faults::default();
        faults.refuse_remote(&kustomization);
        for plugin in fields::plugins(&kustomization) {
            faults.refuse_remote_in_plugin(files.tree, &directory, plugin);
        }
        faults.refuse_out_of_reach(files, &directory, &kustomization)?;
        for reference in fields::references(&kustomization).iter().filter(|text| !fields::is_remote(text)) {
            match directory.resolve(reference) {
                _ if faults.has(reference) => {}
                Some(path) if files.has_file(&path)? => {
                    // Kustomize takes it for a file with no objects, whatever was in it before.
                    if files.tree.read(&path).is_ok_and(|text| plain::is_blank(&text)) {
                        rendered.pass_over(&path, WhyUnread::NoManifest);
                    }
                }
                Some(path) if files.load_directory(&path)? && files.kustomization(&path).is_some() => {
                    if roots.insert(path.clone()) {
                        queue.push_back(path);
                    }
                }
                _ => faults.add(
                    reference,
                    format!("`{reference}` is neither a file nor a directory with a kustomization in the repository"),
                ),
            }
        }
        for (wrong, message) in faults.0 {
            rendered.fail(&file, line_of(&text, &wrong), message);
        }
    }
    Ok(roots)
}

/// What is wrong with a kustomization, each with the text that says so in it.
#[derive(Default)]
struct Faults(Vec<(String, String)>);

impl Faults {
    fn add(&mut self, wrong: &str, message: String) {
        self.0.push((wrong.to_owned(), message));
    }

    fn has(&self, wrong: &str) -> bool {
        self.0.iter().any(|(known, _)| known == wrong)
    }

    fn refuse_remote(&mut self, value: &Value) {
        for address in fields::remote(value) {
            let told = without_login(address);
            self.add(
                address,
                format!("`{told}` lies outside of the repository, and nothing is fetched while rendering: copy it in"),
            );
        }
    }

    /// What configures a step of kustomize may stand in the kustomization, or in a file.
    fn refuse_remote_in_plugin(&mut self, tree: &impl Tree, directory: &TreePath, plugin: &str) {
        let text = if fields::is_inline(plugin) {
            plugin.to_owned()
        } else {
            let file = directory.resolve(plugin).and_then(|path| tree.read(&path).ok());
            file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
        };
        for document in read_documents(&text) {
            if let Ok(value) = document.value {
                self.refuse_remote(&value);
            }
        }
    }

    /// Kustomize reads files in and below the directory of a kustomization alone, and the copy has no links. Its own words
    /// would be about the copy. Source: `RestrictionRootOnly` of kustomize's `api/types/loadrestrictions.go`.
    fn refuse_out_of_reach(
        &mut self,
        files: &Files<'_, impl Tree>,
        directory: &TreePath,
        kustomization: &Value,
    ) -> Result<(), ReadError> {
        for named in fields::files(kustomization) {
            let Some(path) = directory.resolve(named).filter(|_| !self.has(named)) else { continue };
            if let Some((at, why)) = obstacle(files, &path) {
                let put = if at == path { "what it stands for" } else { "a directory" };
                self.add(named, format!("`{named}` cannot be read: `{at}` is {why}; put {put} in its place"));
            } else if !path.is_in(directory) && files.has_file(&path)? {
                self.add(
                    named,
                    format!(
                        "the file `{named}` lies outside of the kustomization's own directory, where `kustomize build` \
                         reads none: move it in, or give its directory a kustomization and name that directory"
                    ),
                );
            }
        }
        Ok(())
    }
}

/// An address without the user and the password that may stand in it.
fn without_login(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let host = rest.find('/').unwrap_or(rest.len());
    let start = rest[..host].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[start..])
}

/// The line on which a reference is written.
fn line_of(text: &str, reference: &str) -> Option<u32> {
    (1u32..).zip(text.lines()).find(|(_, line)| line.contains(reference)).map(|(number, _)| number)
}

/// Copies the directories into a private one, and has the unit's kustomization ask for origins.
fn copy(
    files: &Files<'_, impl Tree>,
    kustomization: &TreePath,
    roots: &BTreeSet<TreePath>,
    rendered: &mut Rendered,
) -> io::Result<PrivateCopy> {
    let copy = PrivateCopy::new()?;
    let mut bytes_copied = 0;
    for (file, mode) in files_of(files, roots) {
        if mode == FileMode::Symlink {
            continue;
        }
        let content = match files.tree.read(file) {
            Err(error @ ReadError::FileTooLarge { .. }) => {
                rendered.notes.push(format!("{error}; it was passed over"));
                continue;
            }
            content => content.map_err(io::Error::other)?,
        };
        bytes_copied += content.len() as u64;
        if bytes_copied > MAX_RENDER_BYTES {
            return Err(io::Error::other(format!(
                "it needs more than {} MiB of files: move what is no manifest out of its directories",
                MAX_RENDER_BYTES >> 20
            )));
        }
        if file == kustomization {
            copy.write(file, with_origins(&String::from_utf8_lossy(&content)).as_bytes())?;
        } else {
            copy.write(file, &content)?;
        }
    }
    Ok(copy)
}

/// Every file of some directories, each once.
fn files_of<'a>(
    files: &'a Files<'_, impl Tree>,
    roots: &'a BTreeSet<TreePath>,
) -> impl Iterator<Item = (&'a TreePath, FileMode)> {
    let outer = roots.iter().filter(|root| !roots.iter().any(|other| other != *root && root.is_in(other)));
    outer.flat_map(|root| files.under(root))
}

/// The kustomization with `originAnnotations` in its build metadata.
fn with_origins(text: &str) -> String {
    let mut kustomization = parse_document(text).unwrap_or_default();
    let is_block = kustomization["buildMetadata"].is_null() && !text.trim_start().starts_with('{');
    if is_block {
        return format!("{}\nbuildMetadata: [originAnnotations]\n", text.trim_end());
    }
    let mut wanted = vec![json!("originAnnotations")];
    let others = kustomization["buildMetadata"].as_array().into_iter().flatten();
    wanted.extend(others.filter(|other| **other != "originAnnotations").cloned());
    if let Some(fields) = kustomization.as_object_mut() {
        fields.insert("buildMetadata".to_owned(), Value::Array(wanted));
    }
    kustomization.to_string()
}

/// The renderer over a directory of the copy. Its proxies lead nowhere, should it ever get a socket.
fn command(tools: &RenderTools, copy: &PrivateCopy, directory: &TreePath) -> Command {
    let mut command = Command::new(&tools.kustomize);
    command
        .arg("build")
        .arg(copy.at(directory))
        .env_clear()
        .env("HOME", copy.path())
        .env("TMPDIR", copy.path())
        .env("GOMEMLIMIT", CHILD_HEAP_BYTES.to_string())
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .current_dir(copy.path());
    command
}

/// Kustomize's complaint, with paths of the repository instead of those of the copy.
fn explain(complaint: &str, copy: &PrivateCopy) -> String {
    let prefix = format!("{}/", copy.path().display());
    let text = complaint.trim().replace(&prefix, "").replace(&copy.path().display().to_string(), ".");
    text.strip_prefix("Error: ").unwrap_or(&text).to_owned()
}

/// Tells why kustomize failed: in its words, unless these may hold what a Secret holds.
fn tell_failure(
    complaint: &str,
    files: &Files<'_, impl Tree>,
    roots: &BTreeSet<TreePath>,
    directory: &TreePath,
    rendered: &mut Rendered,
) -> Result<(), ReadError> {
    let mut secrets = Secrets::default();
    let copied: Vec<&TreePath> =
        files_of(files, roots).filter(|(_, mode)| *mode != FileMode::Symlink).map(|(file, _)| file).collect();
    for file in &copied {
        match files.tree.read(file) {
            Ok(content) => secrets.take_file(&content),
            Err(ReadError::FileTooLarge { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    for root in roots {
        let kustomization = files.kustomization(root).map(|(file, _)| files.tree.read(&file)).transpose()?;
        let text = String::from_utf8_lossy(&kustomization.unwrap_or_default()).into_owned();
        for source in secrets::sources(&parse_document(&text).unwrap_or_default()) {
            // One that is missing may be what kustomize complains about.
            let content = root.resolve(&source).and_then(|path| files.tree.read(&path).ok());
            secrets.take_source(&content.unwrap_or_default());
        }
    }
    let file = files.kustomization(directory).map_or_else(|| directory.clone(), |(file, _)| file);
    if secrets.in_reach {
        let named = secrets::named(complaint, copied.iter().copied()).unwrap_or(&file);
        let told = format!(
            "kustomize fails: {}. Its words are not told, because they may hold what a Secret holds; `kustomize build \
             {directory}` says them to you",
            secrets::class(complaint)
        );
        rendered.fail(named, None, told);
    } else {
        rendered.fail(&file, None, format!("kustomize: {complaint}"));
    }
    rendered.withheld.append(&mut secrets.objects);
    Ok(())
}

/// The file that an object comes from; its annotation of origin is taken off.
pub(super) fn take_origin(object: &mut Value, directory: &TreePath) -> Option<TreePath> {
    let metadata = object["metadata"].as_object_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
    let origin = annotations.remove(ORIGIN);
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    let origin = parse_document(origin?.as_str()?).ok()?;
    let file = origin["path"].as_str().or_else(|| origin["configuredIn"].as_str())?;
    directory.resolve(file)
}
