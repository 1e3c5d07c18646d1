//! Where `initdb` and `postgres` are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::LaunchError;

/// Debian keeps each major version in a folder of its own, outside `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) initdb: PathBuf,
    pub(super) postgres: PathBuf,
}

impl Programs {
    /// The programs of `bin_dir`; else the newest of Debian's, of the major version that wrote `cluster` where there
    /// is one; else those in `PATH`.
    pub(super) fn find(bin_dir: Option<&Path>, cluster: &Path) -> Result<Self, LaunchError> {
        let written_by = fs::read_to_string(cluster.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
        if let Some(bin_dir) = bin_dir {
            return Self::within(bin_dir).ok_or_else(|| missing(bin_dir.display().to_string()));
        }
        let installed = debian_versions(Path::new(DEBIAN));
        if let Some(major) = written_by {
            let same = installed.iter().find(|(version, _)| version.to_string() == major);
            return match same.and_then(|(_, bin)| Self::within(bin)).or_else(|| Self::in_path_of(Some(&major))) {
                Some(programs) => Ok(programs),
                None => Err(LaunchError::WrongVersion { folder: cluster.to_owned(), major }),
            };
        }
        let newest = installed.iter().find_map(|(_, bin)| Self::within(bin));
        newest.or_else(|| Self::in_path_of(None)).ok_or_else(|| missing(format!("{DEBIAN}/*/bin and in PATH")))
    }

    fn within(bin: &Path) -> Option<Self> {
        let programs = Self { initdb: bin.join("initdb"), postgres: bin.join("postgres") };
        (programs.initdb.is_file() && programs.postgres.is_file()).then_some(programs)
    }

    /// The shell looks through `PATH`, as the environment is read by the programs' `config.rs` alone.
    fn in_path_of(major: Option<&str>) -> Option<Self> {
        let output = Command::new("sh").args(["-c", "command -v postgres"]).output().ok()?;
        let found = fs::canonicalize(String::from_utf8_lossy(&output.stdout).trim()).ok()?;
        let programs = Self::within(found.parent()?)?;
        let version = Command::new(&programs.postgres).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let is_wanted = |major| version.split([' ', '.', '\n']).any(|word| word == major);
        major.is_none_or(is_wanted).then_some(programs)
    }
}

/// The `bin` folders under `root`, newest major version first.
pub(super) fn debian_versions(root: &Path) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions
}

fn missing(searched: String) -> LaunchError {
    LaunchError::MissingProgram { program: "postgres", searched, package: "postgresql" }
}
