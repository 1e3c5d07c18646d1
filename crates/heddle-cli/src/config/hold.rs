//! Arguments of what keeps back and what goes back: `hold`, `resume`, `holds`, `freeze`, `thaw` and `rollback`.

use chrono::{DateTime, Utc};
use clap::Args;
use heddle_core::{
    git::RepoName,
    id::ChangeId,
    image::{ImageRepository, Tag},
    name::EnvironmentName,
};

use super::{
    release::{AskArguments, WriteArguments},
    value::{parse_environment, parse_repository, parse_tag},
};

/// What all have that ask for another `.heddle.yaml`.
#[derive(Debug, Args)]
pub struct RulesArguments {
    /// The config repository, where several have such an environment.
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<RepoName>,
    /// How to ask.
    #[command(flatten)]
    pub how: AskArguments,
}

/// Arguments of `hold`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle hold ghcr.io/acme/api --environment prod --reason \"wait for the audit\"
  heddle hold ghcr.io/acme/api --environment prod --tag 1.4.1 --until 2026-12-01T08:00:00Z
  heddle hold 'ghcr.io/acme/*' --environment prod --dry-run

An entry of `holds` in `.heddle.yaml`, by pull request: it counts once that is merged. A hold of the same images in the same
environment becomes this one; every other byte of the file stays.
Who may: owners, admins, and operators with a grant for each environment in which something else holds then.")]
pub struct HoldArguments {
    /// The images, as a glob over repositories; without it all of them.
    pub image: Option<String>,
    /// The environment; without it all of them.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
    /// The one tag that may be written; without it whatever runs stays.
    #[arg(long, value_parser = parse_tag)]
    pub tag: Option<Tag>,
    /// When it ends, such as 2026-12-01T08:00:00Z; without it when somebody ends it.
    #[arg(long, value_name = "TIME")]
    pub until: Option<DateTime<Utc>>,
    /// Of which `.heddle.yaml`, and how to ask.
    #[command(flatten)]
    pub rules: RulesArguments,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle holds                                             what is held, and how to name it
  heddle resume ghcr.io/acme/api --environment prod")]
pub struct ResumeArguments {
    /// The images, as the hold names them.
    pub image: Option<String>,
    /// The environment, as the hold names it.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
    /// Of which `.heddle.yaml`, and how to ask.
    #[command(flatten)]
    pub rules: RulesArguments,
}

/// Arguments of `freeze`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle freeze --environment prod --to 2027-01-03T00:00:00Z --reason holidays
  heddle freeze --from 2026-12-20T00:00:00Z --to 2027-01-03T00:00:00Z --dry-run

An entry of `freezes` in `.heddle.yaml`, by pull request: it counts once that is merged. Who may: owners and admins.")]
pub struct FreezeArguments {
    /// An environment; may be given several times. Without it all of them.
    #[arg(short, long = "environment", value_parser = parse_environment, value_name = "NAME")]
    pub environments: Vec<EnvironmentName>,
    /// When it begins, such as 2026-12-20T00:00:00Z; without it now.
    #[arg(long, value_name = "TIME")]
    pub from: Option<DateTime<Utc>>,
    /// When it ends.
    #[arg(long, value_name = "TIME")]
    pub to: DateTime<Utc>,
    /// Of which `.heddle.yaml`, and how to ask.
    #[command(flatten)]
    pub rules: RulesArguments,
}

/// Arguments of `thaw`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle holds                                             what is frozen
  heddle thaw --environment prod

Of several freezes of just these environments the begin names one. Who may: owners and admins.")]
pub struct ThawArguments {
    /// The environments of the freeze, all of them; without it the freeze of every environment.
    #[arg(short, long = "environment", value_parser = parse_environment, value_name = "NAME")]
    pub environments: Vec<EnvironmentName>,
    /// When the freeze begins.
    #[arg(long, value_name = "TIME")]
    pub from: Option<DateTime<Utc>>,
    /// Of which `.heddle.yaml`, and how to ask.
    #[command(flatten)]
    pub rules: RulesArguments,
}

/// Arguments of `holds`.
#[derive(Debug, Args)]
pub struct HoldsArguments {}

/// Arguments of `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  heddle changes                                           names the changes
  heddle rollback 0195f3a2-0000-7000-8000-000000000002 --dry-run
  heddle rollback 0195f3a2-0000-7000-8000-000000000002 --reason \"leaks memory\"
  heddle rollback --since 2026-11-03T14:00:00Z --environment prod --dry-run
  heddle rollback --since 2026-11-03T14:00:00Z --environment prod --to ghcr.io/acme/api=1.4.0

Only the places of this change, also when its commit carried others, and of these only those that still say what it wrote. The
tag stays back there, as after a revert, until something newer comes. The tag that stood before must have been healthy there;
another one is named with `--to`.
With `--since` everything that was merged into an environment since then goes back as one pull request, to what stood before
the first of it. What says something else by now, and what cannot go back without a name, is listed and left.")]
pub struct RollbackArguments {
    /// The change, as `heddle changes -o json` and the dashboard's address name it.
    #[arg(value_name = "CHANGE", required_unless_present = "since", conflicts_with = "since")]
    pub change: Option<ChangeId>,
    /// Everything since this instant, such as 2026-11-03T14:00:00Z, instead of one change.
    #[arg(long, value_name = "TIME", requires = "environment")]
    pub since: Option<DateTime<Utc>>,
    /// The environment that goes back to that instant.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME", requires = "since")]
    pub environment: Option<EnvironmentName>,
    /// The config repository, where several have such an environment.
    #[arg(long, value_name = "OWNER/NAME", requires = "since")]
    pub repository: Option<RepoName>,
    /// The tag to go back to; with `--since` of one image, and once for each.
    #[arg(long, value_parser = parse_back_to, value_name = "TAG or IMAGE=TAG")]
    pub to: Vec<BackTo>,
    /// How it is written.
    #[command(flatten)]
    pub write: WriteArguments,
    /// How to ask.
    #[command(flatten)]
    pub how: AskArguments,
}

/// A tag to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackTo {
    /// The image; left out where one change goes back.
    pub image: Option<ImageRepository>,
    /// The tag.
    pub tag: Tag,
}

fn parse_back_to(text: &str) -> Result<BackTo, String> {
    let (image, tag) = text.split_once('=').map_or((None, text), |(image, tag)| (Some(image), tag));
    Ok(BackTo { image: image.map(parse_repository).transpose()?, tag: parse_tag(tag)? })
}
