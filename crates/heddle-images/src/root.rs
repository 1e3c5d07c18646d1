//! The files of an image, before they are packed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
};

use anyhow::{Context, Result};

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its content; `None` for a folder.
    pub content: Option<Vec<u8>>,
    /// Its permissions.
    pub mode: u32,
    /// Its user and group.
    pub owner: u32,
}

/// Files and folders by their path, which starts with no slash. The folders that a file lies in are there too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Root(BTreeMap<String, Entry>);

impl Root {
    /// A file that everybody may read, and root owns.
    pub fn file(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.put(path, Entry { content: Some(content.into()), mode: 0o644, owner: 0 });
    }

    /// A program or a library.
    pub fn program(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.put(path, Entry { content: Some(content.into()), mode: 0o755, owner: 0 });
    }

    /// A folder of its own kind.
    pub fn folder(&mut self, path: &str, mode: u32, owner: u32) {
        self.put(path, Entry { content: None, mode, owner });
    }

    /// All files below a folder of this system.
    ///
    /// # Errors
    /// When it cannot be read, or holds what is neither file nor folder.
    pub fn tree(&mut self, path: &str, from: &Path) -> Result<()> {
        let context = || format!("{} cannot be read", from.display());
        for entry in fs::read_dir(from).with_context(context)? {
            let entry = entry.with_context(context)?;
            let name = entry.file_name().into_string().map_err(|name| anyhow::anyhow!("{name:?} is no text"))?;
            let (inner, source) = (format!("{path}/{name}"), entry.path());
            match entry.file_type().with_context(context)? {
                kind if kind.is_dir() => self.tree(&inner, &source)?,
                kind if kind.is_file() => self.file(&inner, fs::read(&source).with_context(context)?),
                _ => anyhow::bail!("{} is neither a file nor a folder", source.display()),
            }
        }
        Ok(())
    }

    /// Without one file or folder.
    pub fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    fn put(&mut self, path: &str, entry: Entry) {
        let path = path.trim_start_matches('/');
        for (at, _) in path.match_indices('/') {
            let parent = Entry { content: None, mode: 0o755, owner: 0 };
            self.0.entry(path[..at].to_owned()).or_insert(parent);
        }
        self.0.insert(path.to_owned(), entry);
    }

    /// In the order of their paths: folders before what is in them.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// How many bytes its files have.
    pub fn size_bytes(&self) -> u64 {
        let sizes = self.0.values().filter_map(|entry| entry.content.as_ref()).map(|content| content.len() as u64);
        sizes.sum()
    }

    /// Writes it below a folder. Owners are given where this process may give them.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for (path, entry) in self.entries() {
            let at = folder.join(path);
            let context = || format!("{} cannot be written", at.display());
            match &entry.content {
                None => fs::create_dir_all(&at).with_context(context)?,
                Some(content) => fs::write(&at, content).with_context(context)?,
            }
            fs::set_permissions(&at, fs::Permissions::from_mode(entry.mode)).with_context(context)?;
            if entry.owner != 0 {
                // An engine copies as root and gives the owner once more.
                let _ = chown(&at, Some(entry.owner), Some(entry.owner));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
