//! What is in an image: the packages that were built or copied into it, from the locks and the system that they came from.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    /// As its registry calls it.
    pub name: String,
    /// As its registry counts it.
    pub version: String,
    /// What it says of its license: an SPDX expression.
    pub license: Option<String>,
    /// Where it comes from. Source: <https://github.com/package-url/purl-spec>.
    pub url: String,
}

/// The crates that are built into a program of the package `name`.
///
/// # Errors
/// When Cargo cannot tell.
pub(crate) fn crates(sources: &Path, name: &str) -> Result<Vec<Package>> {
    let output = Command::new("cargo")
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
            "-p",
            name,
        ])
        .current_dir(sources)
        .output()
        .context("cargo cannot be started")?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    Ok(read_tree(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads lines such as `serde v1.0.228|MIT OR Apache-2.0`.
fn read_tree(tree: &str) -> Vec<Package> {
    let read = |line: &str| {
        let (package, license) = line.split_once('|')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        // Crates of before 2018 wrote a slash where an expression has a word.
        let license = license.trim_end_matches(" (*)").split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
        Some(Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: Some(license).filter(|license| !license.is_empty()),
            url: format!("pkg:cargo/{name}@{version}"),
        })
    };
    tree.lines().filter_map(read).collect::<BTreeSet<_>>().into_iter().collect()
}

#[derive(Deserialize)]
struct NpmLock {
    packages: BTreeMap<String, NpmPackage>,
}

#[derive(Deserialize)]
struct NpmPackage {
    version: Option<String>,
    license: Option<String>,
    #[serde(default)]
    dev: bool,
}

/// The packages of the dashboard, from npm's lock.
///
/// # Errors
/// When it is none.
pub(crate) fn npm(lock: &[u8]) -> Result<Vec<Package>> {
    let lock: NpmLock = serde_json::from_slice(lock).context("web/package-lock.json is no lock of npm")?;
    let read = |(path, package): (String, NpmPackage)| {
        let (_, name) = path.rsplit_once("node_modules/").filter(|_| !package.dev)?;
        let version = package.version?;
        let url = format!("pkg:npm/{}@{version}", name.replacen('@', "%40", 1));
        Some(Package { name: name.to_owned(), version, license: package.license, url })
    };
    Ok(lock.packages.into_iter().filter_map(read).collect::<BTreeSet<_>>().into_iter().collect())
}

/// The modules that a Go program is built of, from its `go.mod`.
pub(crate) fn go(module: &[u8]) -> Vec<Package> {
    let read = |line: &str| {
        let line = line.trim().trim_start_matches("require ");
        let mut words = line.split_whitespace();
        let (name, version) = (words.next()?, words.next().filter(|version| version.starts_with('v'))?);
        let url = format!("pkg:golang/{name}@{version}");
        Some(Package { name: name.to_owned(), version: version.to_owned(), license: None, url })
    };
    let text = String::from_utf8_lossy(module);
    text.lines().filter_map(read).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Debian's packages that files of this system belong to, and that of the certificate authorities. On another system
/// there are none.
pub(crate) fn debian<'a>(files: impl IntoIterator<Item = &'a String>) -> Vec<Package> {
    let names = owners(files).into_iter().chain(["ca-certificates".to_owned()]);
    let mut packages = BTreeSet::new();
    for name in names {
        let Some(told) =
            ask("dpkg-query", &["--show", "--showformat", "${Package} ${Version} ${Architecture}\n", &name])
        else {
            continue;
        };
        packages.extend(told.lines().filter_map(read_debian));
    }
    packages.into_iter().collect()
}

fn read_debian(line: &str) -> Option<Package> {
    let mut words = line.split(' ');
    let (name, version, architecture) = (words.next()?, words.next()?, words.next()?);
    let url = format!("pkg:deb/debian/{name}@{version}?arch={architecture}");
    Some(Package { name: name.to_owned(), version: version.to_owned(), license: None, url })
}

/// Where Debian keeps the licenses of the packages that files belong to.
pub(crate) fn copyrights<'a>(files: impl IntoIterator<Item = &'a String>) -> Vec<PathBuf> {
    let path = |name: String| {
        let name = name.split(':').next().unwrap_or_default().to_owned();
        Path::new("/usr/share/doc").join(name).join("copyright")
    };
    owners(files).into_iter().map(path).filter(|path| path.is_file()).collect()
}

fn owners<'a>(files: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    // `/lib` may be a link to `/usr/lib`; the database knows a file by one of the two.
    let ask = |path: &String| {
        ask("dpkg-query", &["--search", path]).or_else(|| ask("dpkg-query", &["--search", &format!("/usr{path}")]))
    };
    let owner = |told: String| Some(told.lines().next()?.split_once(": ")?.0.to_owned());
    files.into_iter().filter_map(|path| owner(ask(path)?)).collect()
}

/// What a program says; `None` where it is not there or says no.
fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests;
