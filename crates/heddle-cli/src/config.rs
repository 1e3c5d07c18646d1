//! What the command line and the environment say; nothing else reads either.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use heddle_core::name::EnvironmentName;
use secrecy::SecretString;
use url::Url;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no (only commands that ask a question)
  2  bad input, or the API refused it
  4  not logged in, or the token is not accepted any more
  5  the API is away; the same command may succeed later";

const EXAMPLES: &str = "\
Examples:
  heddle login https://heddle.example      asks for an API token and keeps it
  heddle changes --watch                   the line of every change, live
  heddle workloads --environment prod      what runs, and what could run
  heddle status --check                    exits with 1 when something is stuck
  heddle changes -o json | jq '.items[0].line'

In CI, set HEDDLE_API_URL and HEDDLE_TOKEN instead of logging in.";

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
    /// List workloads: what runs, what could run, why not.
    Workloads(WorkloadsArguments),
    /// List clusters with their Syncs: alive, and true to Git?
    Clusters,
}

/// Arguments of `login`.
#[derive(Debug, Args)]
#[command(
    after_help = "The token comes from --token-file, else from stdin when that is a file or a pipe, else a prompt \
                        asks for it.\nIt is kept in $XDG_CONFIG_HOME/heddle/logins.json, which only you may read."
)]
pub struct LoginArguments {
    /// The API's address, as the dashboard's in the browser.
    #[arg(value_name = "URL")]
    pub url: Option<Url>,
    /// Read the token from this file.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// Arguments of `logout`.
#[derive(Debug, Args)]
pub struct LogoutArguments {
    /// The address. Default: the one last logged in to.
    #[arg(value_name = "URL")]
    pub url: Option<Url>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Exit with 1 when something is stuck, unread, unreachable or broken.
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `changes`.
#[derive(Debug, Args)]
#[command(after_help = "The knots of a line: ● done  ◐ moving  ◎ waiting for a person or a rule  ■ failed  ○ not yet")]
pub struct ChangesArguments {
    /// Only this environment.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
    /// How many to show.
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub limit: u16,
    /// Stay and redraw as things happen; without a terminal, print each change again when it moved.
    #[arg(short, long)]
    pub watch: bool,
}

/// Arguments of `workloads`.
#[derive(Debug, Args)]
pub struct WorkloadsArguments {
    /// Only this environment.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
}

fn parse_environment(text: &str) -> Result<EnvironmentName, String> {
    text.to_owned().try_into().map_err(|error: heddle_core::name::NameError| error.to_string())
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
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
    /// `HEDDLE_TOKEN`: an environment variable alone, because arguments are seen by every user of the machine.
    pub token: Option<SecretString>,
    /// Where logins are kept; `None` where the shell names no home.
    pub config_dir: Option<PathBuf>,
    /// Whether colours are unwanted (`NO_COLOR`, or a terminal that calls itself dumb).
    pub no_color: bool,
}

impl Config {
    /// Reads the command line and the environment. Wrong usage ends the program with 2, `--help` with 0.
    pub fn from_environment() -> Self {
        let arguments = Arguments::parse();
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            command: arguments.command,
            output: arguments.output,
            api_url: arguments.api_url,
            ca_file: arguments.ca_file,
            organization: arguments.organization,
            token: set("HEDDLE_TOKEN").and_then(|token| token.into_string().ok()).map(trim_token),
            config_dir: find_config_dir(set("XDG_CONFIG_HOME"), set("HOME")),
            no_color: set("NO_COLOR").is_some() || set("TERM").is_some_and(|terminal| terminal == "dumb"),
        }
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
