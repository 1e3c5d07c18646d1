//! The package of a chart, unpacked into memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use flate2::read::MultiGzDecoder;

use crate::{
    FileMode, Kind, Listing, PathError, ReadError, TreePath, Walk,
    limits::{MAX_CHART_FILES, MAX_CHART_UNPACKED_BYTES, MAX_FILE_BYTES},
};

/// The files of a chart, from its own directory on.
#[derive(Debug, Default)]
pub(in crate::bases) struct ChartTree {
    files: BTreeMap<TreePath, Vec<u8>>,
    directories: BTreeSet<TreePath>,
    bytes: u64,
}

impl ChartTree {
    /// Unpacks a package. Of what is not a file of the chart nothing is made: no link is followed, and no name leads out.
    ///
    /// # Errors
    /// When it is no package of a chart, holds what is no plain file, or is too large.
    pub(in crate::bases) fn unpack(package: &[u8]) -> Result<Self, String> {
        let mut archive = tar::Archive::new(MultiGzDecoder::new(package).take(MAX_CHART_UNPACKED_BYTES));
        let mut tree = Self::default();
        let taken = tree.take_all(&mut archive);
        if archive.into_inner().limit() == 0 {
            return Err(format!("unpacks to more than {} MiB", MAX_CHART_UNPACKED_BYTES >> 20));
        }
        taken?;
        if !tree.files.contains_key("Chart.yaml") {
            return Err("holds no `Chart.yaml` in its directory".to_owned());
        }
        Ok(tree)
    }

    fn take_all(&mut self, archive: &mut tar::Archive<impl Read>) -> Result<(), String> {
        let broken = |error: io::Error| format!("is no package of a chart: {error}");
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            let name = String::from_utf8(entry.path_bytes().into_owned());
            let name = name.map_err(|_| "holds a file whose name is no text".to_owned())?;
            if !kind.is_file() {
                return Err(format!("holds `{name}`, which is a link or no file, and links are not followed"));
            }
            let path = way(&name).map_err(|error| format!("is refused: {error}"))?;
            if entry.size() > MAX_FILE_BYTES {
                return Err(format!("holds `{name}`, which has more than {} MiB", MAX_FILE_BYTES >> 20));
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(broken)?;
            self.insert(path, content)?;
        }
        Ok(())
    }

    fn insert(&mut self, path: TreePath, content: Vec<u8>) -> Result<(), String> {
        if self.files.len() >= MAX_CHART_FILES {
            return Err(format!("holds more than {MAX_CHART_FILES} files"));
        }
        let mut directory = path.parent();
        let mut is_new = !self.files.contains_key(&path) && !self.directories.contains(&path);
        while !directory.is_root() && self.directories.insert(directory.clone()) {
            is_new &= !self.files.contains_key(&directory);
            directory = directory.parent();
        }
        if !is_new {
            return Err(format!("holds `{path}` twice, or as a file and a directory"));
        }
        self.bytes += content.len() as u64;
        self.files.insert(path, content);
        Ok(())
    }

    /// How many bytes its files have.
    pub(in crate::bases) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What stands at a path.
    pub(in crate::bases) fn find(&self, path: &TreePath) -> Option<Kind> {
        match self.files.contains_key(path) {
            true => Some(Kind::File(FileMode::Regular)),
            false => (path.is_root() || self.directories.contains(path)).then_some(Kind::Directory),
        }
    }

    /// Every file in a directory and below.
    ///
    /// # Errors
    /// When the walk has seen enough.
    pub(in crate::bases) fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Listing, ReadError> {
        let mut listing = Listing::default();
        for path in self.files.keys().filter(|path| path.is_in(directory)) {
            walk.step()?;
            listing.files.push((path.clone(), FileMode::Regular));
        }
        Ok(listing)
    }

    /// The content of a file.
    pub(in crate::bases) fn read(&self, path: &TreePath) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }
}

/// The way of a file from the chart's own directory on, which is the first name whatever it is called.
fn way(name: &str) -> Result<TreePath, PathError> {
    if name.starts_with('/') {
        return Err(PathError::Absolute { path: name.to_owned() });
    }
    let whole = TreePath::parse(name)?;
    let rest = whole.names().skip(1).collect::<Vec<_>>().join("/");
    if rest.is_empty() { Err(PathError::Outside { path: name.to_owned() }) } else { TreePath::parse(&rest) }
}

#[cfg(test)]
mod tests;
