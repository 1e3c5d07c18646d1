//! Arguments of `where` and `at`.

use chrono::{DateTime, Utc};
use clap::Args;
use heddle_core::{git::RepoName, name::EnvironmentName};

use super::value::{parse_beginning, parse_environment, parse_instant, parse_repo_name};

/// Arguments of `where`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle where 4b825dc                                     a commit of the config repository
  heddle where \"$(git rev-parse HEAD)\" --repository acme/config

Any commit: of a branch, of a pull request that was merged or squashed, of one that is open. One that no read met is looked
for at the host, which takes some seconds. Exit code 3 where there is no such commit, 5 where that is not known yet.
The knots of the line: pushed, merged, applied, healthy.")]
pub struct WhereArguments {
    /// The commit's id, or at least its first seven digits.
    #[arg(value_name = "REVISION", value_parser = parse_beginning)]
    pub revision: String,
    /// Only in this repository.
    #[arg(long, value_parser = parse_repo_name, value_name = "OWNER/NAME")]
    pub repository: Option<RepoName>,
}

/// Arguments of `at`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle at 2026-11-03T14:00 --environment prod            by this machine's clock and time zone
  heddle at 2026-11-03T14:00:00Z -o json

What each Sync had applied as a whole then: its revision and images, and whether all of it had been seen healthy.
Exit code 3 where nothing is known to have run.")]
pub struct AtArguments {
    /// The instant, such as 2026-11-03T14:00 (local) or 2026-11-03T14:00:00Z.
    #[arg(value_name = "TIME", value_parser = parse_instant)]
    pub time: DateTime<Utc>,
    /// Only this environment.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
}
