//! Folders that outlive no run: each process has one of its own, and removes those of processes that are gone.
//!
//! A test process ends without unwinding its statics, and a demo may be killed, so the next run clears up. A folder is
//! in use as long as its lock is held, and the kernel lets go of a lock when its holder ends in any way.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context, Result};

/// A folder that is removed when dropped, or by the next run.
///
/// Everyone may look into it, since Postgres runs as another user when root starts it.
pub fn dir(name: &str) -> Result<tempfile::TempDir> {
    let own = own()?;
    let builder = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(own);
    let folder = builder.with_context(|| format!("no scratch folder in {}", own.display()))?;
    open(folder.path())?;
    Ok(folder)
}

/// Keeps the lock of this process's folder for as long as the process lives.
struct Own {
    path: PathBuf,
    _lock: File,
}

fn own() -> Result<&'static Path> {
    static OWN: OnceLock<std::result::Result<Own, String>> = OnceLock::new();
    match OWN.get_or_init(|| make().map_err(|error| format!("{error:#}"))) {
        Ok(own) => Ok(&own.path),
        Err(error) => Err(anyhow::anyhow!("{error}")),
    }
}

fn make() -> Result<Own> {
    // Sockets have paths of at most 107 bytes, so this stays short and out of the build folder.
    let root = PathBuf::from(format!("/tmp/heddle-{}", rustix::process::getuid().as_raw()));
    fs::create_dir_all(&root).with_context(|| format!("could not make {}", root.display()))?;
    open(&root)?;
    remove_left_over(&root);
    let path = root.join(std::process::id().to_string());
    // A process with our number that is gone has left it, and `remove_left_over` could not take its lock only if it
    // was just being made by that process.
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path)?;
    open(&path)?;
    let lock = File::create(path.join("lock"))?;
    lock.try_lock().context("another process holds our scratch folder")?;
    Ok(Own { path, _lock: lock })
}

fn remove_left_over(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let folder = entry.path();
        let Ok(lock) = File::open(folder.join("lock")) else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

fn open(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("could not open {} to all", folder.display()))
}
