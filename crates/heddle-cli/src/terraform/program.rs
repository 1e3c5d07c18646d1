//! Starts `tofu` or `terraform`, in the user's folder and with the user's settings as they are.
//!
//! The plan file holds secrets in clear: it lies in a folder that only we may read, is overwritten and removed. `init` is
//! never run, because it fetches and installs programs.

use std::path::{Path, PathBuf};

use heddle_source::RenderTools;
use serde_json::Value;
use tokio::process::Command;

use super::{
    approval::{Basis, StateId},
    messages::Messages,
};
use crate::{
    config::variable,
    tool::{Bounds, Ran, SecretFile, ToolFault, private_folder, run},
};

/// The file in which the versions of providers are fixed.
const LOCK_FILE: &str = ".terraform.lock.hcl";

/// The file in the data folder in which `init` writes down where the state is kept.
const BACKEND_FILE: &str = "terraform.tfstate";

/// The variables whose arguments are added to those of `plan`.
const ARGUMENT_VARIABLES: [&str; 2] = ["TF_CLI_ARGS", "TF_CLI_ARGS_plan"];

/// How long a plan that is to be applied waits for somebody else's lock.
const LOCK_WAIT: &str = "-lock-timeout=60s";

/// Whether others are kept from changing the state meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locking {
    /// A look takes no lock, so it hinders nobody.
    Off,
    On,
}

/// A folder, and the program that plans it.
pub(crate) struct Terraform {
    program: PathBuf,
    folder: PathBuf,
    var_files: Vec<PathBuf>,
    private: tempfile::TempDir,
    bounds: Bounds,
}

/// A plan on disk, or what is left of one that failed.
pub(crate) struct Planned {
    file: SecretFile,
    /// What `show -json` prints of it; `None` where no plan was written.
    pub(crate) json: Option<Vec<u8>>,
    pub(crate) messages: Messages,
    pub(crate) has_failed: bool,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TerraformFault {
    /// It is no folder.
    #[error("{0} is no folder that can be read")]
    NoFolder(PathBuf),
    /// Neither program is there.
    #[error("neither `tofu` nor `terraform` is in PATH")]
    NoProgram,
    /// The private folder cannot be made.
    #[error("no private folder could be made")]
    NoPrivateFolder(#[source] std::io::Error),
    /// The user's settings make it a plan of nothing.
    #[error("`-refresh-only` stands in {0}: such a plan leaves out all that the configuration wants")]
    RefreshOnly(&'static str),
    /// It was not run to its end.
    #[error(transparent)]
    Tool(#[from] ToolFault),
    /// It ended with an error where none is told.
    #[error("`{program} {command}` failed", program = .0.display(), command = .1)]
    Failed(PathBuf, &'static str),
}

impl Terraform {
    /// Finds the program: the named one, else of those in `folders` the one that made the lock file.
    ///
    /// # Errors
    /// When there is no folder or no program.
    pub(crate) fn open(
        folder: &Path,
        named: Option<&Path>,
        folders: &str,
        var_files: &[PathBuf],
        bounds: Bounds,
    ) -> Result<Self, TerraformFault> {
        let no_folder = || TerraformFault::NoFolder(folder.to_owned());
        let folder = folder.canonicalize().ok().filter(|folder| folder.is_dir()).ok_or_else(no_folder)?;
        let program = match named {
            Some(named) => RenderTools::find(named, folders).unwrap_or_else(|| named.to_owned()),
            None => find_program(&folder, folders).ok_or(TerraformFault::NoProgram)?,
        };
        // They are named from where the user stands, and read from the folder.
        let var_files =
            var_files.iter().map(|file| std::path::absolute(file).unwrap_or_else(|_| file.clone())).collect();
        let private = private_folder().map_err(TerraformFault::NoPrivateFolder)?;
        Ok(Self { program, folder, var_files, private, bounds })
    }

    /// The name of the program, without its folder.
    pub(crate) fn name(&self) -> String {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Plans. A plan that fails is no error: what it said is in its messages.
    ///
    /// # Errors
    /// When the user's settings ask for another kind of plan, or the program does not run, goes over a bound, or cannot show
    /// what it planned.
    pub(crate) async fn plan(&self, locking: Locking) -> Result<Planned, TerraformFault> {
        let asks = |name: &&str| variable(name).is_some_and(|text| is_refresh_only(&text.to_string_lossy()));
        if let Some(name) = ARGUMENT_VARIABLES.into_iter().find(|name| asks(name)) {
            return Err(TerraformFault::RefreshOnly(name));
        }
        let file = SecretFile::new(self.private.path().join("plan"));
        let mut command = self.command(&["plan", "-json", "-input=false", "-refresh=true"]);
        command.arg(match locking {
            Locking::Off => "-lock=false",
            Locking::On => LOCK_WAIT,
        });
        command.args(self.var_files.iter().map(|file| {
            let mut argument = std::ffi::OsString::from("-var-file=");
            argument.push(file);
            argument
        }));
        let mut out = std::ffi::OsString::from("-out=");
        out.push(file.path());
        command.arg(out);
        let ran = run(command, self.bounds).await?;
        let messages = Messages::read(&ran.stdout);
        let has_failed = !ran.status.success();
        let json = match file.path().is_file() {
            true => Some(self.show(&file).await?),
            false => None,
        };
        Ok(Planned { file, json, messages, has_failed })
    }

    async fn show(&self, file: &SecretFile) -> Result<Vec<u8>, TerraformFault> {
        let mut command = self.command(&["show", "-json"]);
        command.arg(file.path());
        let ran = run(command, self.bounds).await?;
        self.succeeded(ran, "show -json").map(|ran| ran.stdout)
    }

    /// What an apply depends on beside its plan.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(crate) async fn basis(&self, key: Option<Vec<u8>>) -> Result<Basis, TerraformFault> {
        let ran = self.succeeded(run(self.command(&["state", "pull"]), self.bounds).await?, "state pull")?;
        // Where there is no state, nothing is printed.
        let state: Option<StateId> = serde_json::from_slice(&ran.stdout).ok();
        let ran = self.succeeded(run(self.command(&["workspace", "show"]), self.bounds).await?, "workspace show")?;
        let workspace = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
        let lock = std::fs::read(self.folder.join(LOCK_FILE)).ok();
        let head = gix::discover(&self.folder).ok().and_then(|repository| Some(repository.head_id().ok()?.to_string()));
        Ok(Basis { state, lock, workspace, backend: self.backend(), commit: head, key })
    }

    /// Where the state is kept, as `init` wrote it down; `None` where it lies in the folder.
    fn backend(&self) -> Option<Value> {
        let data = self.folder.join(variable("TF_DATA_DIR").unwrap_or_else(|| ".terraform".into()));
        let mut written: Value = serde_json::from_slice(&std::fs::read(data.join(BACKEND_FILE)).ok()?).ok()?;
        Some(written.get_mut("backend")?.take())
    }

    /// Applies exactly this plan. One that fails is no error: what it said is in its messages.
    ///
    /// # Errors
    /// When the program does not run or goes over a bound.
    pub(crate) async fn apply(&self, planned: &Planned) -> Result<(bool, Messages), TerraformFault> {
        let mut command = self.command(&["apply", "-json", "-input=false"]);
        command.arg(planned.file.path());
        let ran = run(command, self.bounds).await?;
        Ok((ran.status.success(), Messages::read(&ran.stdout)))
    }

    fn succeeded(&self, ran: Ran, command: &'static str) -> Result<Ran, TerraformFault> {
        if ran.status.success() { Ok(ran) } else { Err(TerraformFault::Failed(self.program.clone(), command)) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).args(arguments);
        // No question, no advice for a terminal, no call home.
        command.env("TF_IN_AUTOMATION", "1").env("TF_INPUT", "0").env("CHECKPOINT_DISABLE", "1");
        command
    }
}

/// Whether one of the arguments in a text, as a shell would read it, is `-refresh-only`.
fn is_refresh_only(arguments: &str) -> bool {
    let words = arguments.split_whitespace().map(|word| word.trim_matches(['"', '\'']).trim_start_matches('-'));
    // A later one wins.
    words.filter_map(|word| word.strip_prefix("refresh-only")).next_back().is_some_and(|value| {
        value.is_empty() || !matches!(value.trim_start_matches('='), "0" | "f" | "F" | "false" | "FALSE" | "False")
    })
}

/// The program whose registry stands in the lock file, else the one that is there.
fn find_program(folder: &Path, folders: &str) -> Option<PathBuf> {
    let lock = std::fs::read_to_string(folder.join(LOCK_FILE)).unwrap_or_default();
    let names = match lock.contains("registry.terraform.io/") {
        true => ["terraform", "tofu"],
        false => ["tofu", "terraform"],
    };
    names.iter().find_map(|name| RenderTools::find(Path::new(name), folders))
}
