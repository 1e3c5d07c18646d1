//! The kept logins: one token an address, in one file that only its owner may read.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use heddle_wire::secret::WireSecret;
use serde::{Deserialize, Serialize};
use url::Url;

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Logins {
    /// The address last logged in to.
    pub(crate) current: Option<Url>,
    logins: BTreeMap<Url, Login>,
}

/// A login at one address. Its token never goes to another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) token: WireSecret,
    pub(crate) ca_file: Option<PathBuf>,
}

impl Logins {
    /// Reads the file; an absent one holds nothing.
    pub(crate) fn load(dir: &Path) -> anyhow::Result<Self> {
        let path = file_in(dir);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("could not read {}", path.display())),
        };
        let mode = fs::metadata(&path)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("{0} holds tokens and may be read by others: run `chmod 600 {0}`", path.display());
        }
        serde_json::from_str(&text).with_context(|| format!("{} does not read; remove it and log in", path.display()))
    }

    /// Writes the file whole, or not at all.
    pub(crate) fn save(&self, dir: &Path) -> anyhow::Result<()> {
        let path = file_in(dir);
        self.write(dir, &path).with_context(|| format!("could not write {}", path.display()))
    }

    fn write(&self, dir: &Path, path: &Path) -> anyhow::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let draft = dir.join(format!(".logins.{}", std::process::id()));
        let mut file = create_private(&draft)?;
        serde_json::to_writer_pretty(&file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        Ok(fs::rename(&draft, path)?)
    }

    pub(crate) fn find(&self, url: &Url) -> Option<&Login> {
        self.logins.get(&normalize(url))
    }

    /// Keeps a login and makes its address the current one.
    pub(crate) fn keep(&mut self, url: &Url, login: Login) {
        let url = normalize(url);
        self.current = Some(url.clone());
        self.logins.insert(url, login);
    }

    /// Forgets a login; says whether there was one.
    pub(crate) fn forget(&mut self, url: &Url) -> bool {
        let url = normalize(url);
        if self.current.as_ref() == Some(&url) {
            self.current = None;
        }
        self.logins.remove(&url).is_some()
    }
}

/// A new file with mode 0600 from its first moment on.
fn create_private(path: &Path) -> std::io::Result<File> {
    // A draft of a killed process with our id may be left.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn file_in(dir: &Path) -> PathBuf {
    dir.join("logins.json")
}

/// `https://h/x/` and `https://h/x` are one address.
fn normalize(url: &Url) -> Url {
    let mut url = url.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests;
