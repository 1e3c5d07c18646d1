//! Arguments of what a person asks to be written: `release`, `promote`, `requests` and `withdraw`.

use chrono::{DateTime, Utc};
use clap::Args;
use heddle_core::{
    git::RepoName,
    id::RequestId,
    image::{ImageRepository, Tag},
    name::EnvironmentName,
    request::{Override, Reason, ReasonError},
};

use super::value::{parse_environment, parse_repository, parse_tag};

/// Arguments of `release`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle release ghcr.io/acme/api 1.4.1 --environment prod --dry-run     what it would do, and what the rule says
  heddle release ghcr.io/acme/api 1.4.1 --environment prod --reason \"1.4.2 leaks memory\"
  heddle release ghcr.io/acme/api 1.4.1 --environment prod --hold        and keep it there until `heddle resume`
  heddle release ghcr.io/acme/api 1.4.1 --environment prod --despite hold --despite freeze

It is written as the rule of the place says: as a commit, or as a pull request that somebody merges. Several environments
that share a place, and images without a rule, go by pull request. The commit names you and the reason, never an address.
If a place says something else by then, nothing is written, and the request ends with what stands there.
Who may: owners, admins, and operators with a grant for each environment that it touches.")]
pub struct ReleaseArguments {
    /// The image's repository, as `heddle image list` names it.
    #[arg(value_parser = parse_repository)]
    pub image: ImageRepository,
    /// The tag, also one that the rule passes over.
    #[arg(value_parser = parse_tag)]
    pub tag: Tag,
    /// The environment.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: EnvironmentName,
    /// The config repository, where several have such an environment.
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<RepoName>,
    /// How it is written.
    #[command(flatten)]
    pub write: WriteArguments,
    /// Write a hold with it, by which the tag stays. That goes by pull request.
    #[arg(long)]
    pub hold: bool,
    /// When that hold ends, such as 2026-12-01T08:00:00Z; without it when somebody ends it.
    #[arg(long, requires = "hold", value_name = "TIME")]
    pub until: Option<DateTime<Utc>>,
    /// How to ask.
    #[command(flatten)]
    pub how: AskArguments,
}

/// Arguments of `promote`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle promote --environment prod --dry-run              what would come, and why not the rest
  heddle promote --environment prod ghcr.io/acme/api --reason \"the fix cannot wait\"
  heddle promote --environment prod --from staging

What was healthy in the environment that `promote` of `.heddle.yaml` names comes now, without waiting as long as it says there.
What the rules would not take is listed and left: `heddle release` brings it by name.
Who may: owners, admins, and operators with a grant for each environment that it touches.")]
pub struct PromoteArguments {
    /// The images; without any all that are healthy there and stand here with another tag.
    #[arg(value_parser = parse_repository)]
    pub images: Vec<ImageRepository>,
    /// The environment.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: EnvironmentName,
    /// The environment from which tags are taken, where `promote` does not say it.
    #[arg(long, value_parser = parse_environment, value_name = "NAME")]
    pub from: Option<EnvironmentName>,
    /// The config repository, where several have such an environment.
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<RepoName>,
    /// How it is written.
    #[command(flatten)]
    pub write: WriteArguments,
    /// How to ask.
    #[command(flatten)]
    pub how: AskArguments,
}

/// How what people ask for is written at places of images.
#[derive(Debug, Args)]
pub struct WriteArguments {
    /// Write it although this says otherwise: `hold`, `freeze` or `schedule`. May be given several times.
    #[arg(long, value_name = "WHAT")]
    pub despite: Vec<Override>,
    /// By pull request, also where the rules commit.
    #[arg(long)]
    pub pull_request: bool,
}

/// How something is asked for, whatever it is.
#[derive(Debug, Args)]
pub struct AskArguments {
    /// Why, on one line of at most 200 characters. It stands in the commit.
    #[arg(long, value_parser = parse_reason, value_name = "TEXT")]
    pub reason: Option<Reason>,
    /// Say what it would do, and ask for nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not wait until it is written.
    #[arg(long, conflicts_with = "dry_run")]
    pub no_wait: bool,
}

/// Arguments of `requests`.
#[derive(Debug, Args)]
pub struct RequestsArguments {
    /// Those too that have ended.
    #[arg(long)]
    pub all: bool,
    /// How many to show.
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub limit: u16,
}

/// Arguments of `withdraw`.
#[derive(Debug, Args)]
pub struct WithdrawArguments {
    /// The request's id, as `heddle requests` shows it.
    #[arg(value_name = "REQUEST")]
    pub request: RequestId,
}

fn parse_reason(text: &str) -> Result<Reason, String> {
    text.parse().map_err(|error: ReasonError| error.to_string())
}
