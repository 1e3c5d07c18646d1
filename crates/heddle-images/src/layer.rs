//! A layer: files as a compressed tar, in which the same files have the same bytes.
//!
//! Source: OCI image specification 1.1, "Image Layer Filesystem Changeset".

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::root::Root;

/// A packed layer.
#[derive(Debug)]
pub(crate) struct Layer {
    /// As it is pulled.
    pub packed: Vec<u8>,
    /// Of the tar before it was compressed: `sha256:…`.
    pub diff_id: String,
    /// How many bytes its files have.
    pub unpacked_bytes: u64,
}

/// Packs files. `time` is that of each of them, in seconds since 1970.
///
/// # Errors
/// When a path is too long for a tar.
pub(crate) fn pack(root: &Root, time: u64) -> io::Result<Layer> {
    let mut tar = Builder::new(Vec::new());
    for (path, entry) in root.entries() {
        let mut header = Header::new_ustar();
        let content = entry.content.as_deref();
        header.set_entry_type(if content.is_some() { EntryType::Regular } else { EntryType::Directory });
        header.set_size(content.map_or(0, <[u8]>::len) as u64);
        header.set_mode(entry.mode);
        header.set_uid(u64::from(entry.owner));
        header.set_gid(u64::from(entry.owner));
        header.set_mtime(time);
        let name = if content.is_some() { path.to_owned() } else { format!("{path}/") };
        tar.append_data(&mut header, name, content.unwrap_or_default())?;
    }
    let tar = tar.into_inner()?;
    // The header of gzip has no name and no time.
    let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
    packer.write_all(&tar)?;
    Ok(Layer { packed: packer.finish()?, diff_id: digest(&tar), unpacked_bytes: root.size_bytes() })
}

/// `sha256:…`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests;
