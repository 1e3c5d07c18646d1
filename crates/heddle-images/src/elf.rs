//! What a program needs of the system that runs it: its loader, its libraries, its kind of processor.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};
use object::{
    Endianness, elf,
    read::elf::{Dyn, FileHeader, ProgramHeader},
};

/// What one file needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// `e_machine`.
    pub machine: u16,
    /// The path of the loader; `None` for a static program, and for a library.
    pub loader: Option<String>,
    /// The names of libraries.
    pub libraries: Vec<String>,
}

/// Reads what a program or a library needs.
///
/// # Errors
/// When it is no ELF file of 64 bits.
pub(crate) fn needs(file: &[u8]) -> object::Result<Needs> {
    let header = elf::FileHeader64::<Endianness>::parse(file)?;
    let endian = header.endian()?;
    let mut needs = Needs { machine: header.e_machine(endian), ..Needs::default() };
    for segment in header.program_headers(endian, file)? {
        if let Some(loader) = segment.interpreter(endian, file)? {
            needs.loader = Some(String::from_utf8_lossy(loader).into_owned());
        }
    }
    let sections = header.sections(endian, file)?;
    if let Some((entries, strings)) = sections.dynamic(endian, file)? {
        let strings = sections.strings(endian, file, strings)?;
        for entry in entries.iter().filter(|entry| entry.tag(endian) == elf::DT_NEEDED) {
            needs.libraries.push(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned());
        }
    }
    Ok(needs)
}

/// The name of a kind of processor in an image, and the folders in which Debian's loader looks for libraries by itself.
struct Machine {
    architecture: &'static str,
    folders: [&'static str; 2],
}

/// Source: Debian's multiarch paths, <https://wiki.debian.org/Multiarch/Tuples>; names of Go's `GOARCH`, as the image
/// specification asks for.
fn machine(code: u16) -> Result<Machine> {
    Ok(match code {
        elf::EM_X86_64 => {
            Machine { architecture: "amd64", folders: ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"] }
        }
        elf::EM_AARCH64 => {
            Machine { architecture: "arm64", folders: ["/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"] }
        }
        other => bail!("images are made for x86-64 and arm64, and this is built for machine {other}"),
    })
}

/// The files that programs need, by their path in the image, and what they run on.
#[derive(Debug)]
pub(crate) struct Closure {
    /// `amd64` or `arm64`.
    pub architecture: &'static str,
    /// The loader and the libraries; path on this system, which is the one in the image.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Finds all that these programs need, and what that needs in turn.
///
/// # Errors
/// When a program is none, programs are for different processors, or something that is needed is not on this system.
pub(crate) fn closure(programs: &[(&Path, &[u8])]) -> Result<Closure> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut code = None;
    let mut waiting: VecDeque<(String, String)> = VecDeque::new();
    for (path, bytes) in programs {
        let name = path.display().to_string();
        let needed = needs(bytes).with_context(|| format!("{name} is no program for Linux on 64 bits"))?;
        if *code.get_or_insert(needed.machine) != needed.machine {
            bail!("{name} is built for another processor than the programs before it");
        }
        waiting.extend(needed.loader.into_iter().chain(needed.libraries).map(|file| (name.clone(), file)));
    }
    let machine = machine(code.context("there is no program")?)?;
    while let Some((by, needed)) = waiting.pop_front() {
        if files.keys().any(|known| is_same(known, &needed)) {
            continue;
        }
        let places = match needed.starts_with('/') {
            true => vec![needed.clone()],
            false => machine.folders.iter().map(|folder| format!("{folder}/{needed}")).collect(),
        };
        let found = places.into_iter().find_map(|place| Some((fs::read(&place).ok()?, place)));
        let (bytes, place) = found.with_context(|| format!("{by} needs {needed}, which is not on this system"))?;
        let more = needs(&bytes).with_context(|| format!("{place} is no library"))?;
        waiting.extend(more.libraries.into_iter().map(|library| (place.clone(), library)));
        files.insert(place, bytes);
    }
    Ok(Closure { architecture: machine.architecture, files })
}

/// Libraries are known by the names of their files; the loader, which programs name by its path, is a library too.
fn is_same(path: &str, name: &str) -> bool {
    path.rsplit('/').next() == name.rsplit('/').next()
}

#[cfg(test)]
mod tests;
