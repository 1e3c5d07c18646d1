//! Starts `ansible-playbook --check --diff` with our callback, and with the user's settings as they are.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::events::{Checked, read_events};
use crate::{
    config::AnsibleArguments,
    limits::MAX_EVENT_BYTES,
    tool::{Bounds, ToolFault, private_folder, run},
};

/// Our callback, which is put into a folder that only we may read.
const CALLBACK: &str = include_str!("heddle_drift.py");

/// A playbook, and the program that runs it.
pub(crate) struct Ansible<'a> {
    arguments: &'a AnsibleArguments,
    private: tempfile::TempDir,
    bounds: Bounds,
}

/// Why nothing was found out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnsibleFault {
    /// The private folder cannot be made or read.
    #[error("no private folder could be made")]
    NoPrivateFolder(#[source] io::Error),
    /// It was not run to its end.
    #[error(transparent)]
    Tool(#[from] ToolFault),
    /// It ended before our callback was asked.
    #[error("`{program}` ended before it looked at anything{words}", program = .0.display(), words = said(.1))]
    Failed(PathBuf, String),
    /// Our callback does not understand this version of Ansible.
    #[error("ansible-core {0} is not understood: {1}; update `heddle`")]
    Broken(String, String),
    /// What it found is more than is read.
    #[error("more than {} MiB of findings", MAX_EVENT_BYTES >> 20)]
    TooMuch,
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

impl<'a> Ansible<'a> {
    /// Puts the callback in its place.
    ///
    /// # Errors
    /// When the private folder cannot be made.
    pub(crate) fn open(arguments: &'a AnsibleArguments, bounds: Bounds) -> Result<Self, AnsibleFault> {
        let private = private_folder().map_err(AnsibleFault::NoPrivateFolder)?;
        let allowed = serde_json::json!(arguments.allow_running).to_string();
        for (name, text) in [("heddle_drift.py", CALLBACK), ("allowed.json", &allowed)] {
            fs::write(private.path().join(name), text).map_err(AnsibleFault::NoPrivateFolder)?;
        }
        Ok(Self { arguments, private, bounds })
    }

    /// Runs the playbook in check mode. Hosts and tasks that fail are no error: they are told.
    ///
    /// # Errors
    /// When the program does not run, goes over a bound, or ends before it looks.
    pub(crate) async fn check(&self) -> Result<Checked, AnsibleFault> {
        let ran = run(self.command(), self.bounds).await?;
        let events = read_bounded(&self.private.path().join("events.jsonl"))?;
        let failed = || AnsibleFault::Failed(self.arguments.program.clone(), first_error(&ran.stderr));
        let checked = read_events(&events).ok_or_else(failed)?;
        if let Some(why) = checked.broken {
            return Err(AnsibleFault::Broken(checked.version, why));
        }
        // It may also end between two plays, such as where a file of the second one is missing.
        if !checked.has_ended && checked.refused.is_empty() {
            return Err(failed());
        }
        Ok(checked)
    }

    fn command(&self) -> Command {
        let arguments = self.arguments;
        let mut command = Command::new(&arguments.program);
        command.args(["--check", "--diff"]);
        let flags = [
            ("--inventory", arguments.inventory.iter().map(OsStr::new).collect::<Vec<_>>()),
            ("--limit", arguments.limit.iter().map(OsStr::new).collect()),
            ("--extra-vars", arguments.extra_vars.iter().map(OsStr::new).collect()),
            ("--vault-password-file", arguments.vault_password_file.iter().map(|file| file.as_os_str()).collect()),
        ];
        for (flag, values) in flags {
            values.into_iter().for_each(|value| {
                command.arg(flag).arg(value);
            });
        }
        command.arg(&arguments.playbook);
        command.env("ANSIBLE_STDOUT_CALLBACK", "heddle_drift").env("ANSIBLE_CALLBACK_PLUGINS", self.private.path());
        // Others would tell what they hear, to wherever they tell it.
        command
            .env("ANSIBLE_CALLBACKS_ENABLED", "heddle_drift")
            .env("ANSIBLE_LOCAL_TEMP", self.private.path().join("tmp"));
        command.env("ANSIBLE_NOCOLOR", "1").env("ANSIBLE_RETRY_FILES_ENABLED", "0");
        command.env("ANSIBLE_ENABLE_TASK_DEBUGGER", "0").env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn read_bounded(path: &Path) -> Result<String, AnsibleFault> {
    let Ok(file) = fs::File::open(path) else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    file.take(MAX_EVENT_BYTES + 1).read_to_end(&mut bytes).map_err(AnsibleFault::NoPrivateFolder)?;
    if bytes.len() as u64 > MAX_EVENT_BYTES {
        return Err(AnsibleFault::TooMuch);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The first error that it complained of, without the source that follows: that is the user's text, in which anything may stand.
fn first_error(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let error = text.lines().find_map(|line| {
        let line = line.trim();
        line.strip_prefix("ERROR! ")
            .or_else(|| line.strip_prefix("[ERROR]: "))
            .or_else(|| line.strip_prefix("ansible-playbook: error: "))
    });
    error.unwrap_or_default().chars().take(500).collect()
}
