//! Arguments of `diff` and of `sync`: what is compared, and what is applied.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use heddle_core::{
    drift::{DriftSource, PlanHash, SourceError},
    git::RepoName,
    name::EnvironmentName,
};

use super::{
    Programs, SyncFields,
    value::{parse_environment, parse_repo_name},
};

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Asks the API server what an apply would change, and changes nothing. Where the login may only read, what is\n\
                  wanted is compared with what is there: defaults and what others added do not show, lists are matched\n\
                  by key, quantities by value. Values of Secrets are masked. Exits with 0 when nothing differs, 1 when\n\
                  something does, 2 when a file is wrong or the cluster refuses it.

Examples:
  heddle diff clusters/prod
  heddle diff shop.yaml --context prod --namespace shop
  kubectl get deployments,services -n shop -o yaml | heddle diff shop.yaml --live -
  heddle diff wanted.yaml --live live.json -o json
  heddle diff terraform infra/prod
  heddle diff ansible site.yml -i inventory/prod
  heddle diff ./terraform                  # a folder of that name"
)]
pub struct DiffArguments {
    /// Another tool that is asked, instead of a cluster.
    #[command(subcommand)]
    pub tool: Option<DiffTool>,
    /// Comparing with a cluster.
    #[command(flatten)]
    pub cluster: ClusterDiffArguments,
}

impl DiffArguments {
    pub(super) fn find_programs(&mut self, folders: &str) {
        match &mut self.tool {
            Some(DiffTool::Terraform(arguments)) => arguments.plan.find_programs(folders),
            // The shell's own way finds it: it is started in the user's environment.
            Some(DiffTool::Ansible(_)) => {}
            None => self.cluster.programs.find(folders),
        }
    }
}

/// Arguments of `diff` with a cluster.
#[derive(Debug, Args)]
pub struct ClusterDiffArguments {
    /// A folder, which is rendered, or the objects as they are wanted, as YAML or JSON; `-` for stdin.
    #[arg(value_name = "PATH", required = true)]
    pub path: Option<PathBuf>,
    /// The objects as a cluster has them, instead of asking one; `-` for stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kubeconfig", "context", "namespace", "report"])]
    pub live: Option<PathBuf>,
    /// How to reach the cluster. Default: as kubectl.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig. Default: the current one.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The namespace of objects that name none. Default: that of the context.
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// What is done to everything in a folder.
    #[command(flatten)]
    pub fields: SyncFields,
    /// The programs that render.
    #[command(flatten)]
    pub programs: Programs,
    /// Whom to tell.
    #[command(flatten)]
    pub report: ReportArguments,
}

/// Whether the API is told what was found.
#[derive(Debug, Default, Args)]
pub struct ReportArguments {
    /// Report what is found as the drift record of this environment, with the token in HEDDLE_REPORT_TOKEN.
    #[arg(long, value_name = "ENVIRONMENT", value_parser = parse_environment)]
    pub report: Option<EnvironmentName>,
    /// The name under which it is reported. Default: the path in the git repository.
    #[arg(long, value_name = "NAME", requires = "report", value_parser = parse_source)]
    pub source: Option<DriftSource>,
    /// The repository that it lies in, as OWNER/NAME. Default: that of the git remote `origin`.
    #[arg(long, value_name = "NAME", requires = "report", value_parser = parse_repo_name)]
    pub repository: Option<RepoName>,
}

pub(super) fn parse_source(text: &str) -> Result<DriftSource, String> {
    text.parse().map_err(|error: SourceError| error.to_string())
}

/// Another tool that is asked what differs.
#[derive(Debug, Subcommand)]
pub enum DiffTool {
    /// Plan a folder of OpenTofu or Terraform, and tell what drifted outside and what is not applied yet.
    #[command(
        after_help = "Plans without a lock and applies nothing; never runs `init`. Planning runs code of the folder: providers, and\n\
                      programs of `external` data sources. What is sensitive is masked wherever it stands. Exits with 0 when\n\
                      the world is as the folder says, 1 when it is not, 2 when it cannot be planned.

Examples:
  heddle diff terraform infra/prod
  heddle diff terraform infra --var-file prod.tfvars -o json | jq '.drift[].object'
  heddle diff terraform infra/prod --report prod      # and tells the API; HEDDLE_REPORT_TOKEN has the token"
    )]
    Terraform(DiffTerraformArguments),
    /// Run a playbook in check mode, and tell what it would change.
    #[command(
        after_help = "Runs `ansible-playbook --check --diff`. Tasks with `check_mode: false` would really run, so they are refused by\n\
                      name. What comes from a vault, `no_log` and `diff: false` is hidden. Exits with 0 when every task of every\n\
                      host was looked at and nothing would change, 1 when something would, 2 when a host cannot be reached, a\n\
                      task fails, or nothing is known to differ and not everything can be checked.

Examples:
  heddle diff ansible site.yml -i inventory/prod
  heddle diff ansible site.yml -i hosts --allow-running 'Read the version' -o json"
    )]
    Ansible(AnsibleArguments),
}

/// How a playbook is run in check mode.
#[derive(Debug, Args)]
pub struct AnsibleArguments {
    /// The playbook.
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: PathBuf,
    /// An inventory, or several.
    #[arg(short, long, required = true, value_name = "INVENTORY")]
    pub inventory: Vec<String>,
    /// Only these hosts; the answer is about them alone.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub limit: Option<String>,
    /// Variables, or `@FILE`, as `ansible-playbook` takes them.
    #[arg(short, long, value_name = "VARIABLES")]
    pub extra_vars: Vec<String>,
    /// The file, or the program, that has the password of a vault.
    #[arg(long, value_name = "FILE")]
    pub vault_password_file: Vec<PathBuf>,
    /// A task that may really run in spite of check mode, by its name.
    #[arg(long, value_name = "TASK")]
    pub allow_running: Vec<String>,
    /// The program that runs it.
    #[arg(long, env = "HEDDLE_ANSIBLE_PLAYBOOK", default_value = "ansible-playbook", value_name = "PROGRAM")]
    pub program: PathBuf,
    /// How long all of it may take, such as 90s, 20m or 2h.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub time_limit: Option<Duration>,
    /// Whom to tell.
    #[command(flatten)]
    pub report: ReportArguments,
}

/// Arguments of `diff terraform`.
#[derive(Debug, Args)]
pub struct DiffTerraformArguments {
    /// How the folder is planned.
    #[command(flatten)]
    pub plan: TerraformArguments,
    /// Whom to tell.
    #[command(flatten)]
    pub report: ReportArguments,
}

/// How a folder is planned.
#[derive(Debug, Args)]
pub struct TerraformArguments {
    /// The folder, initialized.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Values of variables, beside those files that the folder itself names.
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_files: Vec<PathBuf>,
    /// The program that plans. Default: of `tofu` and `terraform` the one that made the lock file, else the one that is there.
    #[arg(long, env = "HEDDLE_TERRAFORM", value_name = "PROGRAM")]
    pub program: Option<PathBuf>,
    /// How long all of it may take, such as 90s, 20m or 2h.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub time_limit: Option<Duration>,
    /// Where programs are looked for, as in `PATH`.
    #[arg(skip)]
    pub folders: String,
}

impl TerraformArguments {
    pub(super) fn find_programs(&mut self, folders: &str) {
        folders.clone_into(&mut self.folders);
    }
}

/// What is applied.
#[derive(Debug, Subcommand)]
pub enum SyncCommand {
    /// Plan a folder of OpenTofu or Terraform anew, and apply that plan if it is the approved one.
    #[command(
        after_help = "Plans under the lock, and refuses where the hash is not the one that was approved: when what the plan does to\n\
                      resources and outputs (moves, imports and actions too), values of variables, what data sources read, the\n\
                      configuration, the state (its lineage or serial), the workspace, the settings of the backend, the lock file\n\
                      of providers, the commit that is checked out or the program's version changed since. With --report it looks\n\
                      again after the apply, and tells what is left. Exits with 0 when all is applied, 2 when nothing or not\n\
                      all is.

Example:
  heddle diff terraform infra/prod         # somebody reads it, and approves the hash in its last line
  heddle sync terraform infra/prod --approve 1-9f…-41…"
    )]
    Terraform(SyncTerraformArguments),
}

/// Arguments of `sync terraform`.
#[derive(Debug, Args)]
pub struct SyncTerraformArguments {
    /// How the folder is planned; as it was for `heddle diff terraform`.
    #[command(flatten)]
    pub plan: TerraformArguments,
    /// The hash that `heddle diff terraform` printed.
    #[arg(long, value_name = "PLAN_HASH", value_parser = str::parse::<PlanHash>)]
    pub(crate) approve: PlanHash,
    /// Whom to tell what is left, which is looked at again after the apply.
    #[command(flatten)]
    pub report: ReportArguments,
}

/// A whole number with its unit; at most a day.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number with its unit, from 1s to 24h, such as 90s, 20m or 2h".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit_secs = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let secs = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_secs)).ok_or_else(wrong)?;
    if (1..=24 * 3600).contains(&secs) { Ok(Duration::from_secs(secs)) } else { Err(wrong()) }
}
