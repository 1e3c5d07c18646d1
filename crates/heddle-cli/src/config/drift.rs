//! Arguments of `drift` and of `reporter`.

use clap::{Args, Subcommand};
use heddle_core::{
    drift::{DriftSource, DriftTool},
    git::RepoName,
    name::EnvironmentName,
};
use uuid::Uuid;

use super::{
    diff::parse_source,
    value::{parse_environment, parse_repo_name},
};

/// Arguments of `drift`.
#[derive(Debug, Args)]
#[command(
    after_help = "Syncs are looked at by their agents; Terraform folders and playbooks by whoever runs `heddle diff --report`.
With --check it exits with 0 when all that is listed is the same, and with 1 when something differs, is not known, or
nobody looks at it.

Examples:
  heddle drift
  heddle drift infra/prod                  what differs there, with its history
  heddle drift --environment prod --check
  heddle drift infra/prod --markdown | gh issue create --title 'infra/prod drifted' --body-file -
  heddle drift -o json | jq '.items[] | select(.state != \"same\") | .source'"
)]
pub struct DriftArguments {
    /// Show what differs in this one: a folder or a playbook, by the name in the list.
    #[arg(value_name = "SOURCE", value_parser = parse_source)]
    pub source: Option<DriftSource>,
    /// Only what lies in this repository, as OWNER/NAME.
    #[arg(long, value_parser = parse_repo_name, value_name = "NAME")]
    pub repository: Option<RepoName>,
    /// Only this environment.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
    /// Only what is looked at with this tool: kubernetes, terraform, ansible.
    #[arg(long, value_parser = parse_tool, value_name = "TOOL")]
    pub tool: Option<DriftTool>,
    /// Exit with 1 unless all that is listed is the same.
    #[arg(long)]
    pub check: bool,
    /// Print what differs in SOURCE as Markdown, for an issue or a pull request.
    #[arg(long, requires = "source")]
    pub markdown: bool,
}

/// What to do with reporters.
#[derive(Debug, Subcommand)]
pub enum ReporterCommand {
    /// List the reporters: what each may report, and when it last did.
    List,
    /// Make a reporter, and print its token, which is shown this once.
    Add(ReporterAddArguments),
    /// Revoke a reporter: its looks are refused from now on, and what it said last is marked.
    Revoke {
        /// Its id, as `heddle reporter list` has it.
        #[arg(value_name = "ID")]
        reporter: Uuid,
    },
}

/// Arguments of `reporter add`.
#[derive(Debug, Args)]
#[command(
    after_help = "The token goes to stdout and nothing else does, so that it can be piped to where secrets are kept.

Examples:
  heddle reporter add 'CI of acme/infra' --repository acme/infra --environment prod --tool terraform \
    --source infra/prod
  heddle reporter add nightly --repository acme/infra --environment prod --tool ansible --source site.yml |
    gh secret set HEDDLE_REPORT_TOKEN"
)]
pub struct ReporterAddArguments {
    /// What it is for.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The repository that the source lies in, as OWNER/NAME.
    #[arg(long, value_parser = parse_repo_name, value_name = "NAME")]
    pub repository: RepoName,
    /// The environment that it is to report.
    #[arg(short, long, value_parser = parse_environment, value_name = "NAME")]
    pub environment: EnvironmentName,
    /// The tool: terraform, ansible or kubernetes.
    #[arg(long, value_parser = parse_tool, value_name = "TOOL")]
    pub tool: DriftTool,
    /// The folder or playbook, by its path in the repository.
    #[arg(long, value_parser = parse_source, value_name = "SOURCE")]
    pub source: DriftSource,
}

fn parse_tool(text: &str) -> Result<DriftTool, String> {
    text.parse()
}
