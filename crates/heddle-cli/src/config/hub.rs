//! Arguments of what is asked of the API: `login`, `logout`, `status`, `changes` and `workloads`.

use std::path::PathBuf;

use clap::Args;
use heddle_core::name::EnvironmentName;
use url::Url;

use super::value::parse_environment;

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
    /// Exit with 1 when something is stuck, unread, unreachable or broken, or no automator asks for work.
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
