//! Arguments of `policy` and of `health`: what is judged.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use heddle_core::image::Digest;

use super::value::{RunningTag, parse_digest, parse_running_tag};

/// Arguments of `health`.
#[derive(Debug, Args)]
#[command(
    after_help = "Judges what `kubectl get -o yaml` or `-o json` prints. A workload that is stuck is told by the fault of its pod,\n\
                  where the pod is among the objects. Exits with 0 when all are healthy, 1 when one is not, 2 when the\n\
                  file cannot be read.

Examples:
  kubectl get deployments,pods -n shop -o yaml | heddle health -f -
  heddle health -f live.yaml --profile kstatus -o json
  heddle health -f live.yaml --expressions checks.yaml"
)]
pub struct HealthArguments {
    /// The objects, as YAML or JSON; `-` for stdin.
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// Whose rules judge; the peers' profiles print the peers' own words.
    #[arg(long, value_enum, default_value_t = HealthProfile::Strict)]
    pub profile: HealthProfile,
    /// CEL expressions by kind, as Flux's `healthCheckExprs`: a list of `apiVersion`, `kind`, `current`, `failed`, `inProgress`.
    #[arg(long, value_name = "FILE")]
    pub expressions: Option<PathBuf>,
    /// The time of the verdicts, as RFC 3339. Default: now.
    #[arg(long, value_name = "TIME")]
    pub now: Option<DateTime<Utc>>,
}

/// Whose rules judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HealthProfile {
    /// The stricter of kstatus and Argo CD.
    Strict,
    /// kstatus, as `kubectl` plugins and kpt use it.
    Kstatus,
    /// kstatus with Flux's rule for Jobs.
    Flux,
    /// Argo CD.
    Argo,
}

/// What to do with a policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say which tag a policy would choose, and why each other was passed over.
    Eval(PolicyEvalArguments),
    /// Print the JSON Schema of `.heddle.yaml`, by which editors complete and check it.
    #[command(after_help = "Example, for editors with the YAML language server:
  heddle policy schema > .heddle.schema.json
  echo '# yaml-language-server: $schema=.heddle.schema.json'   # as the first line of .heddle.yaml")]
    Schema,
}

/// Arguments of `policy eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 0 when a tag is chosen, 3 when none qualifies, 2 when the policy or a tag cannot be read.

A policy may also stand in the words of a peer, and then chooses as it does there: an ImagePolicy object of Flux, or
one of
  flux-v1: \"semver:~1\"
  argocd-image-updater: {update-strategy: semver, constraint: ^1.2, allow-tags: \"regexp:^v\", platforms: [linux/amd64]}
  kargo: {imageSelectionStrategy: SemVer, constraint: ^1.2, allowTagsRegexes: [^v], strictSemvers: true}
  keel: {policy: minor, matchPreRelease: true}
  renovate: {allowedVersions: <2, ignoreUnstable: true}

Examples:
  echo 'semver: \">=1.2 <2\"' > policy.yaml
  heddle policy eval --policy policy.yaml --tags tags.txt --current 1.4.1

  # Tags with what is known of them, one JSON object a line.
  echo '{\"tag\":\"main-4b825dc\",\"created\":\"2026-11-02T08:00:00Z\",\"platforms\":[\"linux/amd64\"]}' > tags.txt
  echo '{newest: created, platforms: [linux/amd64], min_age: 2d}' > policy.yaml
  heddle policy eval --policy policy.yaml --tags tags.txt --now 2026-11-23T12:00:00Z -o json"
)]
pub struct PolicyEvalArguments {
    /// The policy, in the words of a rule's `policy` in `.heddle.yaml` or of a peer.
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// The tags, one a line: the tag alone, or JSON with `tag` and, where known, `digest`, `created`, `first_seen`,
    /// `platforms`, `labels` and `signed`, the paths of the keys that signed it.
    #[arg(long, value_name = "FILE")]
    pub tags: PathBuf,
    /// The tag that runs now, also as `TAG@DIGEST`; empty for an image without a tag. Without it the best of the list is
    /// asked for.
    #[arg(long, value_parser = parse_running_tag, value_name = "TAG")]
    pub current: Option<RunningTag>,
    /// The digest that runs now: which image a tag such as `latest` is.
    #[arg(long, value_parser = parse_digest, value_name = "DIGEST")]
    pub current_digest: Option<Digest>,
    /// The time at which the choice is made, as RFC 3339. Default: now.
    #[arg(long, value_name = "TIME")]
    pub now: Option<DateTime<Utc>>,
}
