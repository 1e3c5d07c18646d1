//! Where our own programs are: beside the one that runs, as Cargo builds them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The path of one of our binaries.
///
/// # Errors
/// When it is not built; the message has the command.
pub fn path(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it lies")?;
    // Test executables lie in `deps/`, one below the binaries.
    let folder = own.parent().and_then(|folder| if folder.ends_with("deps") { folder.parent() } else { Some(folder) });
    let path = folder.unwrap_or(Path::new(".")).join(name);
    ensure!(path.is_file(), "{} is not built; run `cargo build --workspace --bins` (`make test` does)", path.display());
    Ok(path)
}
