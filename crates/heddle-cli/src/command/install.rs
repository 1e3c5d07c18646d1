//! `heddle install-into`: the image of the command line holds this program and no shell that could copy it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use anyhow::Context;

use crate::{
    exit::{Exit, Failure},
    screen::Screen,
};

/// Copies the running program to `heddle` in the folder.
pub(crate) fn into(folder: &Path, screen: &Screen) -> Result<Exit, Failure> {
    let copied = copy(folder).with_context(|| format!("`heddle` could not be copied into {}", folder.display()));
    copied.map_err(|error| Failure::wrong(error).remedy("the folder has to be there, and to be writable"))?;
    screen.note(&format!("copied to {}", folder.join("heddle").display()));
    Ok(Exit::Done)
}

/// Whoever starts it meanwhile starts the one of before or this one, and never a part.
fn copy(folder: &Path) -> anyhow::Result<()> {
    let program = std::env::current_exe()?;
    let part =
        tempfile::Builder::new().prefix(".heddle-").permissions(Permissions::from_mode(0o755)).tempfile_in(folder)?;
    fs::copy(program, part.path())?;
    fs::set_permissions(part.path(), Permissions::from_mode(0o755))?;
    part.persist(folder.join("heddle"))?;
    Ok(())
}
