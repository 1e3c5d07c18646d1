//! What the command line and the environment say; nothing else reads either.

mod automator;
mod diff;
mod drift;
mod hold;
mod hub;
mod images;
mod judge;
mod registry;
mod release;
mod render;
mod revision;
mod value;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use clap_complete::Shell;
use heddle_service::config::find_text;
use secrecy::SecretString;
use url::Url;

pub use automator::{AutomatorAddArguments, AutomatorCommand};
pub use diff::{
    AnsibleArguments, ClusterDiffArguments, DiffArguments, DiffTerraformArguments, DiffTool, ReportArguments,
    SyncCommand, SyncTerraformArguments, TerraformArguments,
};
pub use drift::{DriftArguments, ReporterAddArguments, ReporterCommand};
pub use hold::{
    BackTo, FreezeArguments, HoldArguments, HoldsArguments, ResumeArguments, RollbackArguments, ThawArguments,
};
pub use hub::{ChangesArguments, LoginArguments, LogoutArguments, StatusArguments, WorkloadsArguments};
pub use images::{
    ChartCommand, ChartSetArguments, ImageCommand, ImageListArguments, ImageSetArguments, ImportArguments,
    ListArguments, ListKind,
};
pub use judge::{HealthArguments, HealthProfile, PolicyCommand, PolicyEvalArguments};
pub use registry::{RegistryAddArguments, RegistryCommand, RegistryTestArguments};
pub use release::{AskArguments, PromoteArguments, ReleaseArguments, RequestsArguments, WithdrawArguments};
pub use render::{ChartFields, Programs, RemoteArguments, RenderArguments, SyncFields};
pub use revision::{AtArguments, WhereArguments};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no (only commands that ask a question)
  2  bad input, or the API refused it
  3  there is nothing: no tag qualifies, nothing is to be changed
  4  not logged in, or the token is not accepted any more
  5  the API is away; the same command may succeed later";

const EXAMPLES: &str = "\
Examples:
  heddle login https://heddle.example      asks for an API token and keeps it
  heddle changes --watch                   the line of every change, live
  heddle workloads --environment prod      what runs, and what could run
  heddle where 4b825dc                     where is my commit?
  heddle at 2026-11-03T14:00 -e prod       what ran then
  heddle status --check                    exits with 1 when something is stuck
  heddle release ghcr.io/acme/api 1.4.1 --environment prod --dry-run
  heddle hold ghcr.io/acme/api --environment prod --tag 1.4.1
  heddle drift --check                     exits with 1 unless all is as Git says
  heddle registry add ghcr.io --username acme-bot < token
  heddle image set clusters/prod --image ghcr.io/acme/api --tag 1.4.2 --dry-run
  heddle import . > .heddle.yaml           takes over from Flux, Image Updater, Keel, Renovate
  heddle changes -o json | jq '.items[0].line'

`policy`, `list`, `image`, `chart`, `import`, `render`, `health` and `diff` work on local files and need no API. In CI, set HEDDLE_API_URL and HEDDLE_TOKEN, or HEDDLE_TOKEN_FILE, instead of logging in.";

/// Moves each new image from the registry, through Git, into the cluster, and shows where it is on the way.
#[derive(Debug, Parser)]
#[command(name = "heddle", version, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"), max_term_width = 100)]
struct Arguments {
    /// Print for people, or one JSON document with the API's own members.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// The API's address. Default: the one last logged in to.
    #[arg(long, global = true, env = "HEDDLE_API_URL", value_name = "URL")]
    api_url: Option<Url>,
    /// A certificate authority to trust beside the system's, in PEM form.
    #[arg(long, global = true, env = "HEDDLE_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The organization, by name or id. Not needed where there is only one.
    #[arg(long, global = true, env = "HEDDLE_ORGANIZATION", value_name = "NAME")]
    organization: Option<String>,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keep an API token for an address, and use that address from now on.
    Login(LoginArguments),
    /// Forget the token of an address.
    Logout(LogoutArguments),
    /// Say how the platform is: changes, clusters, registries, findings.
    Status(StatusArguments),
    /// List changes, newest first, each with its line: pushed, proposed, merged, applied, healthy.
    Changes(ChangesArguments),
    /// Say where a commit is: on which branch, by which pull request, applied and healthy in which Syncs.
    Where(WhereArguments),
    /// Say what ran at an instant: the revision and the images of each Sync.
    At(AtArguments),
    /// Say who is asking: the person with their id, and the organizations with the role in each.
    Whoami,
    /// Look at the whole installation: settings, clock, database, keys, automators, GitHub and webhooks; exits with 1 where
    /// something does not work. For who looks after it.
    #[command(
        after_help = "On the host of the API, `heddle-api admin add USER_ID` lets a person ask for this, and `heddle-api doctor`
does the same where the API does not run.

Examples:
  heddle doctor
  heddle doctor -o json > report.json      for a report of a fault: it holds the settings, and no secret"
    )]
    Doctor,
    /// List workloads: what runs, what could run, why not.
    Workloads(WorkloadsArguments),
    /// List clusters with their Syncs: alive, and true to Git?
    Clusters,
    /// Ask for a tag to be written at all places of an image in an environment; the bot commits it or opens a pull request.
    Release(ReleaseArguments),
    /// Ask for what is healthy in the environment before, without waiting longer.
    Promote(PromoteArguments),
    /// Ask for what stood before a change, at its places alone, or before everything since an instant.
    Rollback(RollbackArguments),
    /// Ask for a hold: images stay as they are in an environment.
    Hold(HoldArguments),
    /// Ask for the end of a hold.
    Resume(ResumeArguments),
    /// Ask for a freeze: a time in which nothing is written.
    Freeze(FreezeArguments),
    /// Ask for the end of a freeze.
    Thaw(ThawArguments),
    /// List holds and freezes: what the rules keep back.
    Holds(HoldsArguments),
    /// List what people asked for, and where it is.
    Requests(RequestsArguments),
    /// Take back what was asked for; its pull request is closed.
    Withdraw(WithdrawArguments),
    /// Say whether the world is as Git says: every Sync, Terraform folder and playbook that somebody looks at.
    Drift(DriftArguments),
    /// Who may report drift, each of one record and nothing else.
    #[command(subcommand)]
    Reporter(ReporterCommand),
    /// The logins to registries that the organization's images are read with.
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Automators that the organization runs itself, for registries whose secrets stay in its cluster.
    #[command(subcommand)]
    Automator(AutomatorCommand),
    /// Try a policy on a list of tags.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// List what moves in manifests: images, charts, references to other repositories.
    List(ListArguments),
    /// Find and change images in manifests.
    #[command(subcommand)]
    Image(ImageCommand),
    /// Change versions of charts in manifests.
    #[command(subcommand)]
    Chart(ChartCommand),
    /// Print the objects that a folder holds, as the agent would apply them.
    Render(Box<RenderArguments>),
    /// Read the set-up of Flux, Argo CD Image Updater, Keel or Renovate, and print the `.heddle.yaml` that does the same.
    Import(ImportArguments),
    /// Judge how objects of a cluster are doing.
    Health(HealthArguments),
    /// Print the script by which a shell completes commands.
    #[command(after_help = "Examples:
  source <(heddle completions bash)
  heddle completions zsh > ~/.zfunc/_heddle
  heddle completions fish > ~/.config/fish/completions/heddle.fish")]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Copy this program into a folder: in an init container, for an image of your own that has the tools.
    #[command(after_help = "Example:
  heddle install-into /tools               # then /tools/heddle, in every container that mounts the folder")]
    InstallInto {
        /// The folder, which is there already.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Compare objects as they are wanted with those of a cluster, or the world with what Terraform or Ansible says.
    Diff(Box<DiffArguments>),
    /// Apply exactly what was approved.
    #[command(subcommand)]
    Sync(SyncCommand),
}

impl Command {
    /// Has what fetches remote bases trust what the rest trusts.
    fn trust(&mut self, ca_file: Option<&Path>) {
        let fields = match self {
            Self::Diff(arguments) => &mut arguments.cluster.fields,
            Self::Render(arguments) => &mut arguments.fields,
            _ => return,
        };
        fields.remote.ca_file = ca_file.map(Path::to_owned);
    }

    /// Finds the programs that this command may start in `folders`, which are separated as in `PATH`.
    fn find_programs(&mut self, folders: &str) {
        match self {
            Self::Diff(arguments) => arguments.find_programs(folders),
            Self::Render(arguments) => arguments.programs.find(folders),
            Self::Sync(SyncCommand::Terraform(arguments)) => arguments.plan.find_programs(folders),
            _ => {}
        }
    }
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The script by which a shell completes what it is given.
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "heddle", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Everything that the person and the shell said.
#[derive(Debug)]
pub struct Config {
    /// What to do.
    pub command: Command,
    /// How to print.
    pub output: Output,
    /// The API's address, where one is given.
    pub api_url: Option<Url>,
    /// An extra certificate authority.
    pub ca_file: Option<PathBuf>,
    /// The organization, where one is given.
    pub organization: Option<String>,
    /// `HEDDLE_TOKEN` or the file `HEDDLE_TOKEN_FILE`: an environment variable alone, because arguments are seen by every user of the machine.
    pub token: Option<SecretString>,
    /// `HEDDLE_REPORT_TOKEN` or the file `HEDDLE_REPORT_TOKEN_FILE`: a reporter's token; an environment variable alone, like the token.
    pub report_token: Option<SecretString>,
    /// `HEDDLE_PLAN_KEY` or the file `HEDDLE_PLAN_KEY_FILE`: the key with which plans are hashed; an environment variable alone, like the token.
    pub plan_key: Option<SecretString>,
    /// Where logins are kept; `None` where the shell names no home.
    pub config_dir: Option<PathBuf>,
    /// Whether colours are unwanted (`NO_COLOR`, or a terminal that calls itself dumb).
    pub no_color: bool,
}

impl Config {
    /// Reads the command line and the environment. Wrong usage ends the program with 2, `--help` with 0.
    pub fn from_environment() -> Self {
        let arguments = Arguments::parse();
        let mut command = arguments.command;
        command.trust(arguments.ca_file.as_deref());
        command.find_programs(&variable("PATH").and_then(|path| path.into_string().ok()).unwrap_or_default());
        Self {
            command,
            output: arguments.output,
            api_url: arguments.api_url,
            ca_file: arguments.ca_file,
            organization: arguments.organization,
            token: find_secret("HEDDLE_TOKEN"),
            report_token: find_secret("HEDDLE_REPORT_TOKEN"),
            plan_key: find_secret("HEDDLE_PLAN_KEY"),
            config_dir: find_config_dir(variable("XDG_CONFIG_HOME"), variable("HOME")),
            no_color: variable("NO_COLOR").is_some() || variable("TERM").is_some_and(|terminal| terminal == "dumb"),
        }
    }
}

/// A variable of the environment; `None` where it is empty. Terraform's own are read like this as well.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A secret of the environment, or of the file that `NAME_FILE` names. One that cannot be read ends the program with 2.
fn find_secret(name: &'static str) -> Option<SecretString> {
    match find_text(name, variable) {
        Ok(text) => text.map(trim_token),
        Err(error) => Arguments::command().error(ErrorKind::ValueValidation, error).exit(),
    }
}

/// A token without the line feed that files and pipes end with.
pub(crate) fn trim_token(text: impl AsRef<str>) -> SecretString {
    text.as_ref().trim().to_owned().into()
}

/// `heddle` below the user's configuration directory (XDG Base Directory Specification: relative paths are ignored).
fn find_config_dir(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let xdg = xdg.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = xdg.or_else(|| home.map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("heddle"))
}

#[cfg(test)]
mod tests;
