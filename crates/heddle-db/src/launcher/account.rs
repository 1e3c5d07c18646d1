//! As whom the server runs: the user `postgres` when root starts it, else the starter.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt, chown},
    path::Path,
    process::Command,
};

use super::{LaunchError, at};

const USER: &str = "postgres";
const SETPRIV: &str = "setpriv";

#[derive(Debug)]
pub(super) enum Account {
    /// The starter's own.
    Own,
    /// [`USER`], chosen because root started it.
    Dropped { uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn choose() -> Result<Self, LaunchError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let ask = |flag: &str| {
            let output = Command::new("id").args([flag, USER]).output().ok()?;
            String::from_utf8_lossy(&output.stdout).trim().parse().ok()
        };
        match (ask("-u"), ask("-g")) {
            (Some(uid), Some(gid)) => Ok(Self::Dropped { uid, gid }),
            _ => Err(LaunchError::MissingUser(USER)),
        }
    }

    /// A command that runs as this account and ends, by a fast shutdown, when the thread that spawned it ends.
    ///
    /// The parent-death signal must be set between fork and exec, which the standard library offers only as unsafe
    /// `pre_exec`; util-linux' `setpriv` sets it after the change of user (which would clear it) and then becomes
    /// the program, under the same process id.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(SETPRIV);
        command.args(["--pdeathsig", "INT"]);
        if let Self::Dropped { uid, gid } = self {
            command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--init-groups");
        }
        command.arg("--").arg(program).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        command
    }

    /// Makes `folder` where it is missing and lets nobody but this account enter.
    pub(super) fn own(&self, folder: &Path) -> Result<(), LaunchError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder).map_err(at("make", folder))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(at("close", folder))?;
        if let Self::Dropped { uid, gid } = self {
            chown(folder, Some(*uid), Some(*gid)).map_err(at("give away", folder))?;
        }
        Ok(())
    }

    /// Whether this account can reach `folder` through all folders above it.
    pub(super) fn check_reach(&self, folder: &Path) -> Result<(), LaunchError> {
        let Ok(status) = self.command("test").arg("-x").arg(folder).status() else {
            return Err(LaunchError::MissingProgram {
                program: SETPRIV,
                searched: "PATH".to_owned(),
                package: "util-linux",
            });
        };
        if status.success() { Ok(()) } else { Err(LaunchError::Unreachable { user: USER, folder: folder.to_owned() }) }
    }
}
