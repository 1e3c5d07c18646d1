//! The directory of one clone, and how it is opened.
//!
//! Git obeys what stands in a clone: its configuration rewrites addresses and names programs, and files beside it borrow
//! objects or graft history. Nothing of that is used here. Before each opening the directory is brought back to packs,
//! heads and a configuration of our own, and gix is told to take configuration from memory alone.

use std::{
    fs::{self, DirEntry},
    io,
    path::Path,
};

use crate::{FetchError, limits::MAX_OBJECT_BYTES};

/// What stands in `config`: the least that makes a directory a repository for gix and for people who look into it.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";

/// Where `HEAD` points: at no branch that is fetched.
const HEAD: &str = "ref: refs/heads/heddle/none\n";

/// Opens the clone in `dir`, which is made when it does not exist. `scheme` is the one protocol that it may speak.
///
/// Nothing else may use the directory meanwhile.
pub(crate) fn open(dir: &Path, scheme: &str) -> Result<gix::ThreadSafeRepository, FetchError> {
    prepare(dir).map_err(FetchError::Store)?;
    options(scheme).open(dir).map_err(FetchError::from_gix)
}

fn options(scheme: &str) -> gix::open::Options {
    let overrides = [
        "protocol.allow=never".to_owned(),
        format!("protocol.{scheme}.allow=always"),
        "core.bare=true".to_owned(),
        "core.logAllRefUpdates=false".to_owned(),
        "core.multiPackIndex=false".to_owned(),
        "core.useReplaceRefs=false".to_owned(),
        format!("gitoxide.objects.allocLimit={MAX_OBJECT_BYTES}"),
        // Each thread holds objects of its own.
        "pack.threads=1".to_owned(),
    ];
    gix::open::Options::isolated()
        .open_path_as_is(true)
        .config_overrides(overrides)
        .filter_config_section(|section| section.source == gix::config::Source::Api)
}

/// Makes what a clone needs, and removes all that it does not: what a killed process left, and what anyone put there.
fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    keep(dir, |name, kind| match name {
        "objects" | "refs" => kind.is_dir(),
        "HEAD" | "config" | "shallow" => kind.is_file(),
        _ => false,
    })?;
    prepare_folder(&dir.join("objects"), |name, kind| name == "pack" && kind.is_dir())?;
    prepare_folder(&dir.join("objects/pack"), |name, kind| kind.is_file() && is_of_pack(name))?;
    prepare_folder(&dir.join("refs"), |name, kind| name == "heads" && kind.is_dir())?;
    prepare_heads(&dir.join("refs/heads"))?;
    ensure(&dir.join("config"), CONFIG)?;
    ensure(&dir.join("HEAD"), HEAD)
}

/// Makes a folder whose place holds nothing else, and keeps what is wanted of its entries.
fn prepare_folder(dir: &Path, is_wanted: impl Fn(&str, fs::FileType) -> bool) -> io::Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => keep(dir, is_wanted),
    }
}

fn is_of_pack(name: &str) -> bool {
    let kinds = [".pack", ".idx", ".keep"];
    name.starts_with("pack-") && kinds.iter().any(|kind| name.ends_with(kind))
}

fn prepare_heads(dir: &Path) -> io::Result<()> {
    prepare_folder(dir, |name, kind| kind.is_dir() || kind.is_file() && !name.ends_with(".lock"))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            prepare_heads(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the entries of a directory that are not wanted. Links are removed, never followed.
fn keep(dir: &Path, is_wanted: impl Fn(&str, fs::FileType) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if !entry.file_name().to_str().is_some_and(|name| is_wanted(name, kind)) {
            remove(&entry, kind)?;
        }
    }
    Ok(())
}

fn remove(entry: &DirEntry, kind: fs::FileType) -> io::Result<()> {
    if kind.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }
}

/// Writes a file unless it holds the text already.
fn ensure(path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|found| found == text.as_bytes()) { Ok(()) } else { fs::write(path, text) }
}

#[cfg(test)]
mod tests;
