//! The package of a chart, unpacked onto disk: of its files only the names are in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufWriter, Read, Write},
    ops::Range,
    os::unix::fs::FileExt,
};

use flate2::read::MultiGzDecoder;

use super::room::{Room, Rooms};
use crate::{
    FileMode, Kind, Listing, PathError, ReadError, TreePath, Walk,
    limits::{MAX_CHART_FILES, MAX_CHART_NAMES_BYTES, MAX_CHART_UNPACKED_BYTES, MAX_FILE_BYTES},
};

/// The files of a chart, from its own directory on.
#[derive(Debug)]
pub(in crate::bases) struct ChartTree {
    names: Names,
    /// The contents of all files, one behind another.
    content: Room,
}

/// What a package holds, and where its content is.
#[derive(Debug, Default)]
struct Names {
    files: BTreeMap<TreePath, Range<u64>>,
    directories: BTreeSet<TreePath>,
    bytes: u64,
    /// How many bytes the names of files and directories have.
    names: usize,
}

impl ChartTree {
    /// Unpacks a package. Of what is not a file of the chart nothing is made: no link is followed, and no name leads out.
    ///
    /// # Errors
    /// When it is no package of a chart, holds what is no plain file, or is too large, or there is no room on disk.
    pub(in crate::bases) fn unpack(package: &[u8], rooms: &Rooms) -> Result<Self, String> {
        let mut archive = tar::Archive::new(MultiGzDecoder::new(package).take(MAX_CHART_UNPACKED_BYTES));
        let mut names = Names::default();
        let (mut content, file) = rooms.take().map_err(no_room)?;
        let mut file = BufWriter::new(file);
        let taken = names.take_all(&mut archive, &mut file);
        if archive.into_inner().limit() == 0 {
            return Err(format!("unpacks to more than {} MiB", MAX_CHART_UNPACKED_BYTES >> 20));
        }
        taken?;
        file.flush().map_err(no_room)?;
        content.fill(names.bytes).map_err(no_room)?;
        if !names.files.contains_key("Chart.yaml") {
            return Err("holds no `Chart.yaml` in its directory".to_owned());
        }
        Ok(Self { names, content })
    }

    /// How many bytes its files have.
    pub(in crate::bases) fn bytes(&self) -> u64 {
        self.names.bytes
    }

    /// What stands at a path.
    pub(in crate::bases) fn find(&self, path: &TreePath) -> Option<Kind> {
        match self.names.files.contains_key(path) {
            true => Some(Kind::File(FileMode::Regular)),
            false => (path.is_root() || self.names.directories.contains(path)).then_some(Kind::Directory),
        }
    }

    /// Every file in a directory and below.
    ///
    /// # Errors
    /// When the walk has seen enough.
    pub(in crate::bases) fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Listing, ReadError> {
        let mut listing = Listing::default();
        for path in self.names.files.keys().filter(|path| path.is_in(directory)) {
            walk.step()?;
            listing.files.push((path.clone(), FileMode::Regular));
        }
        Ok(listing)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// When there is no such file, or it was lost.
    pub(in crate::bases) fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        let missing = || ReadError::Missing { path: path.clone() };
        let Range { start, end } = self.names.files.get(path).cloned().ok_or_else(missing)?;
        let mut bytes = vec![0; usize::try_from(end - start).map_err(|_| missing())?];
        let read = File::open(self.content.path()).and_then(|file| file.read_exact_at(&mut bytes, start));
        read.map_err(|error| ReadError::Damaged(format!("a chart that was unpacked cannot be read: {error}")))?;
        Ok(bytes)
    }
}

impl Names {
    fn take_all(&mut self, archive: &mut tar::Archive<impl Read>, to: &mut impl Write) -> Result<(), String> {
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
            self.insert(path, entry.size())?;
            if copy(&mut entry, to)? != entry.size() {
                return Err(format!("is no package of a chart: `{name}` ends early"));
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: TreePath, size_bytes: u64) -> Result<(), String> {
        let mut directory = path.parent();
        let mut is_new = !self.files.contains_key(&path) && !self.directories.contains(&path);
        self.names += path.len();
        while !directory.is_root() && self.directories.insert(directory.clone()) {
            self.names += directory.len();
            is_new &= !self.files.contains_key(&directory);
            directory = directory.parent();
        }
        if !is_new {
            return Err(format!("holds `{path}` twice, or as a file and a directory"));
        }
        let end = self.bytes + size_bytes;
        self.files.insert(path, self.bytes..end);
        self.bytes = end;
        if self.files.len() + self.directories.len() > MAX_CHART_FILES {
            return Err(format!("holds more than {MAX_CHART_FILES} files and directories"));
        }
        if self.names > MAX_CHART_NAMES_BYTES {
            return Err(format!("holds names of more than {} KiB", MAX_CHART_NAMES_BYTES >> 10));
        }
        Ok(())
    }
}

/// Copies a content, and says how long it is.
///
/// # Errors
/// When it cannot be read, or there is no room for it.
fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<u64, String> {
    let (mut buffer, mut copied) = ([0; 16 << 10], 0);
    loop {
        let count = from.read(&mut buffer).map_err(broken)?;
        if count == 0 {
            return Ok(copied);
        }
        to.write_all(&buffer[..count]).map_err(no_room)?;
        copied += count as u64;
    }
}

fn broken(error: io::Error) -> String {
    format!("is no package of a chart: {error}")
}

fn no_room(error: io::Error) -> String {
    format!("cannot be unpacked: {error}")
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
