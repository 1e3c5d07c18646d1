//! Arguments of `render`, and those of every command that renders.

use std::path::PathBuf;

use clap::Args;
use heddle_source::RenderTools;

/// Arguments of `render`.
#[derive(Debug, Args)]
#[command(
    after_help = "Renders as the agent in the cluster does: plain YAML and JSON as kubectl reads them, kustomizations by the\n\
                  official kustomize, charts by the official helm, with nothing fetched; files that are encrypted with SOPS are opened by the\n\
                  official sops where --age-key-file names the key. Each object is told with its file, and its line in plain YAML.\n\
                  Exits with 0, and with 2 when something cannot be rendered: then every error is told and no object.

Examples:
  heddle render clusters/prod
  heddle render clusters/prod -o json | jq -r '.[] | \"\\(.file):\\(.line) \\(.object.kind)\"'
  heddle render apps --substitute region=eu-central-1 --substitute-from vars.yaml
  heddle render apps --sync clusters/prod/apps.yaml
  heddle render apps --age-key-file ~/.config/sops/age/keys.txt
  heddle render apps --component ../components/ha --target-namespace shop
  heddle render charts/web --release-name web --namespace shop --values charts/web/values-prod.yaml"
)]
pub struct RenderArguments {
    /// A folder, or a file of manifests.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Put this value in for `${NAME}`. Without any variable nothing is put in.
    #[arg(long, value_parser = parse_variable, value_name = "NAME=VALUE")]
    pub substitute: Vec<(String, String)>,
    /// Put in what the ConfigMaps and Secrets of this file hold; `-` for stdin.
    #[arg(long, value_name = "FILE")]
    pub substitute_from: Vec<PathBuf>,
    /// Take variables that are not set for empty ones; otherwise they are errors.
    #[arg(long)]
    pub lenient: bool,
    /// The namespace of a chart's release. Default: that of the Sync, else `default`.
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// What is done to everything in it.
    #[command(flatten)]
    pub fields: SyncFields,
    /// The programs that render.
    #[command(flatten)]
    pub programs: Programs,
}

/// What a `Sync` does to everything in its path, besides what the files say.
#[derive(Debug, Args)]
pub struct SyncFields {
    /// Take components, patches, images, names, metadata and variables from the `Sync` in this file; `-` for stdin. Of
    /// several, that of the folder.
    #[arg(long, value_name = "FILE")]
    pub sync: Option<PathBuf>,
    /// Apply this component of Kustomize, named from the folder on.
    #[arg(long = "component", value_name = "DIR")]
    pub components: Vec<String>,
    /// Put every object that has a namespace into this one.
    #[arg(long, value_name = "NAME")]
    pub target_namespace: Option<String>,
    /// Begin every name with this.
    #[arg(long, value_name = "TEXT")]
    pub name_prefix: Option<String>,
    /// End every name with this.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub name_suffix: Option<String>,
    /// Give every object this label.
    #[arg(long = "label", value_parser = parse_variable, value_name = "KEY=VALUE")]
    pub labels: Vec<(String, String)>,
    /// Give every object this annotation.
    #[arg(long = "annotation", value_parser = parse_variable, value_name = "KEY=VALUE")]
    pub annotations: Vec<(String, String)>,
    /// How a chart is rendered.
    #[command(flatten)]
    pub chart: ChartFields,
    /// From where remote bases, files and charts may come.
    #[command(flatten)]
    pub remote: RemoteArguments,
}

/// What a `Sync` says of the chart in its path, and what its templates learn of the cluster, with helm's names.
#[derive(Debug, Args)]
pub struct ChartFields {
    /// The name of the chart's release. Default: that of the Sync, else of the folder.
    #[arg(long, value_name = "NAME")]
    pub release_name: Option<String>,
    /// Values for the chart, stronger than its own and those of the Sync; the last file is the strongest.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// The version of Kubernetes that the chart is rendered for. Default: the cluster's that is compared with, else helm's own.
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,
    /// An API version that the cluster of the chart has, such as `monitoring.coreos.com/v1`.
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    pub api_versions: Vec<String>,
}

/// From where bases, files and charts may come that are named by an address. Without any of it nothing is fetched.
#[derive(Debug, Args)]
pub struct RemoteArguments {
    /// Fetch what kustomizations and charts name by an address from below this prefix, such as `github.com/acme/`.
    #[arg(long = "remote-host", value_name = "HOST/PREFIX")]
    pub hosts: Vec<String>,
    /// Fetch from the hosts that `spec.remote` of the `Sync` names.
    #[arg(long, requires = "sync")]
    pub fetch: bool,
    /// Follow tags, branches, files and ranges of versions; otherwise a commit, the digest of a file or one version of a chart
    /// has to be named.
    #[arg(long = "remote-resolve")]
    pub resolve: bool,
    /// Hosts (`host` or `host:port`) that may be on private addresses.
    #[arg(long = "allow-remote", env = "HEDDLE_ALLOW_REMOTES", value_delimiter = ',', value_name = "HOST")]
    pub allow: Vec<String>,
    /// An extra certificate authority, which is one of all commands.
    #[arg(skip)]
    pub ca_file: Option<PathBuf>,
    /// Where what was fetched is kept, so that the next time it is not fetched again. Without it nothing is kept.
    #[arg(long, env = "HEDDLE_CACHE_DIR", value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
}

/// The programs that render a folder. They run in an empty environment, so each is found before that.
#[derive(Debug, Args)]
pub struct Programs {
    /// The official `kustomize`; needed where there is a kustomization.
    #[arg(long, env = "HEDDLE_KUSTOMIZE", default_value = "kustomize", value_name = "PROGRAM")]
    pub kustomize: PathBuf,
    /// The official `helm`, version 4; needed where there is a chart.
    #[arg(long, env = "HEDDLE_HELM", default_value = "helm", value_name = "PROGRAM")]
    pub helm: PathBuf,
    /// The official `sops`; needed with `--age-key-file`.
    #[arg(long, env = "HEDDLE_SOPS", default_value = "sops", value_name = "PROGRAM")]
    pub sops: PathBuf,
    /// Open what is encrypted with SOPS by the identities of age in this file. Without it nothing is opened.
    #[arg(long, value_name = "FILE")]
    pub age_key_file: Option<PathBuf>,
    /// A folder in memory (tmpfs), in which kustomize reads the encrypted files that its generators name. Default: `/dev/shm`,
    /// where that is one.
    #[arg(long, env = "HEDDLE_MEMORY_DIR", value_name = "DIR")]
    pub memory_dir: Option<PathBuf>,
}

impl Programs {
    /// Makes each name the path of a file, looked for in `folders`, which are separated as in `PATH`.
    pub(super) fn find(&mut self, folders: &str) {
        for program in [&mut self.kustomize, &mut self.helm, &mut self.sops] {
            if let Some(found) = RenderTools::find(program, folders) {
                *program = found;
            }
        }
    }
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
