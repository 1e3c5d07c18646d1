//! What the command line and the environment say; nothing else reads either.

mod diff;
mod judge;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use heddle_core::{
    image::{Digest, ImageError, ImageRepository, Tag},
    name::{EnvironmentName, NameError},
    registry::LoginKind,
};
use heddle_source::RenderTools;
use secrecy::SecretString;
use url::Url;

pub use diff::{
    AnsibleArguments, ClusterDiffArguments, DiffArguments, DiffTool, SyncCommand, SyncTerraformArguments,
    TerraformArguments,
};
pub use judge::{HealthArguments, HealthProfile, PolicyCommand, PolicyEvalArguments};

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
  heddle status --check                    exits with 1 when something is stuck
  heddle registry add ghcr.io --username acme-bot < token
  heddle image set clusters/prod --image ghcr.io/acme/api --tag 1.4.2 --dry-run
  heddle import . > .heddle.yaml           takes over from Flux, Argo CD Image Updater or Keel
  heddle changes -o json | jq '.items[0].line'

`policy`, `image`, `import`, `render`, `health` and `diff` work on local files and need no API. In CI, set HEDDLE_API_URL and HEDDLE_TOKEN instead of logging in.";

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
    /// The logins to registries that the organization's images are read with.
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Try a policy on a list of tags.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Find and change images in manifests.
    #[command(subcommand)]
    Image(ImageCommand),
    /// Print the objects that a folder holds, as the agent would apply them.
    Render(RenderArguments),
    /// Read the set-up of Flux, Argo CD Image Updater or Keel, and print the `.heddle.yaml` that does the same.
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
    /// Compare objects as they are wanted with those of a cluster, or the world with what Terraform or Ansible says.
    Diff(DiffArguments),
    /// Apply exactly what was approved.
    #[command(subcommand)]
    Sync(SyncCommand),
}

impl Command {
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

/// What to do with images.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// List the images that stand in a file or below a folder, with the rules that govern them.
    List(ImageListArguments),
    /// Write another tag, and change no other byte.
    Set(ImageSetArguments),
}

/// Arguments of `image list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Finds images in workloads, kustomizations, values of charts, Flux HelmReleases, Argo CD Applications and\n\
                  ApplicationSets, and where `resources` in .heddle.yaml says that custom resources hold them.\n\
                  Exits with 0, and with 2 when a file cannot be read; the others are listed all the same.

Examples:
  heddle image list .
  heddle image list clusters/prod -o json
  heddle image list . --environment prod
  heddle image list . --root overlays/prod"
)]
pub struct ImageListArguments {
    /// A file, or a folder; the root of a config repository brings its `.heddle.yaml` with it.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Only what runs in this folder below PATH, each image at the place that wins: as `kustomize build` would have it.
    #[arg(long, value_name = "DIR", conflicts_with = "environment")]
    pub root: Option<PathBuf>,
    /// Only what runs in this environment of `.heddle.yaml`, each image at the place that wins.
    #[arg(long, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads markers and objects of Flux 2 (ImagePolicy, ImageRepository, ImageUpdateAutomation), annotations of Flux 1,\n\
                  annotations of Argo CD Image Updater on Applications and its ImageUpdater objects, and annotations of\n\
                  Keel. The rules go to stdout, and what will differ from today to stderr, each with file and line.\n\
                  Exits with 0, and with 2 when a file cannot be read.

Examples:
  heddle import . > .heddle.yaml
  heddle import clusters/prod -o json | jq -r '.differs[] | \"\\(.file):\\(.line) \\(.message)\"'"
)]
pub struct ImportArguments {
    /// A file or a folder, best the root of the config repository.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Print the `Sync`s that stand for Flux's Kustomizations and Argo CD's Applications, in the place of `.heddle.yaml`.
    #[arg(long)]
    pub syncs: bool,
}

/// Arguments of `image set`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every place of the image gets the tag, or none does: the bytes of each value change and no other.\n\
                  Exits with 0 when something was changed, 3 when there is nothing to change, and 2 when a place cannot\n\
                  be edited; then no file is touched.

Examples:
  heddle image set . --image ghcr.io/acme/api --tag 1.4.2 --dry-run
  heddle image set prod --image nginx --tag 1.27.1 --digest sha256:6745aaad46d795c9836632e1fb62f24b7e7f4c843144da8e47a5465c411a14be
  heddle image set prod --image nginx --tag 1.27.1 --at values.yaml:web.image.tag
  heddle image set prod --image nginx --tag 1.27.1 --at 'kustomization.yaml:images[name=nginx].newTag'"
)]
pub struct ImageSetArguments {
    /// A file, or a folder.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The image repository that stands there now.
    #[arg(long, value_parser = parse_repository, value_name = "NAME")]
    pub image: ImageRepository,
    /// The tag to write.
    #[arg(long, value_parser = parse_tag, value_name = "TAG")]
    pub tag: Tag,
    /// The digest to write beside the tag. A place that has one needs the new one.
    #[arg(long, value_parser = parse_digest, value_name = "DIGEST")]
    pub digest: Option<Digest>,
    /// Another repository to write in the place of the image's; in a kustomization as `newName`.
    #[arg(long, value_parser = parse_new_name, value_name = "NAME")]
    pub name_new: Option<String>,
    /// Only at this place: a file below PATH and a path in it, such as `values.yaml:image.tag` or
    /// `kustomization.yaml:images[name=api].newTag`. What is missing at a named place is added.
    #[arg(long, value_name = "FILE:PATH")]
    pub at: Option<String>,
    /// Print the difference and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `render`.
#[derive(Debug, Args)]
#[command(
    after_help = "Renders as the agent in the cluster does: plain YAML and JSON as kubectl reads them, kustomizations by the\n\
                  official kustomize, with nothing fetched. Each object is told with its file, and its line in plain YAML.\n\
                  Exits with 0, and with 2 when something cannot be rendered: then every error is told and no object.

Examples:
  heddle render clusters/prod
  heddle render clusters/prod -o json | jq -r '.[] | \"\\(.file):\\(.line) \\(.object.kind)\"'
  heddle render apps --substitute region=eu-central-1 --substitute-from vars.yaml"
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
    /// The programs that render.
    #[command(flatten)]
    pub programs: Programs,
}

/// The programs that render a folder. They run in an empty environment, so each is found before that.
#[derive(Debug, Args)]
pub struct Programs {
    /// The official `kustomize`; needed where there is a kustomization.
    #[arg(long, env = "HEDDLE_KUSTOMIZE", default_value = "kustomize", value_name = "PROGRAM")]
    pub kustomize: PathBuf,
}

impl Programs {
    /// Makes each name the path of a file, looked for in `folders`, which are separated as in `PATH`.
    fn find(&mut self, folders: &str) {
        if let Some(found) = RenderTools::find(&self.kustomize, folders) {
            self.kustomize = found;
        }
    }
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

/// What to do with logins to registries.
#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// List the logins: whose they are, when they were used last, and how that ended.
    List,
    /// Add a login.
    Add(Box<RegistryAddArguments>),
    /// Try the login that is for an image; an automator does it.
    Test(RegistryTestArguments),
    /// Remove a login.
    Remove {
        /// Its host, and after a slash its prefix: `ghcr.io/acme`.
        #[arg(value_name = "HOST[/PREFIX]")]
        login: String,
    },
}

/// Arguments of `registry add`.
#[derive(Debug, Args)]
#[command(
    after_help = "The secret comes from stdin when that is a file or a pipe, else a prompt asks for it; it is never an argument.
Which rights it needs at each registry: docs/registries.md.

Examples:
  heddle registry add ghcr.io --username acme-bot < token
  heddle registry add registry.gitlab.com --prefix acme/shop --username deploy
  heddle registry add 123456789012.dkr.ecr.eu-central-1.amazonaws.com --kind ecr --access-key-id AKIA…
  heddle registry add europe-docker.pkg.dev --kind gar < key.json
  heddle registry add acme.azurecr.io --kind acr --tenant acme.onmicrosoft.com --client-id …
  heddle registry add --docker-config ~/.docker/config.json"
)]
pub struct RegistryAddArguments {
    /// The registry's host, as images name it.
    #[arg(value_name = "HOST", conflicts_with = "docker_config")]
    pub host: Option<String>,
    /// Only for images whose path is this or lies below it.
    #[arg(long, value_name = "PATH")]
    pub prefix: Option<String>,
    /// A token server at another host that the secret may go to.
    #[arg(long, value_name = "HOST")]
    pub auth_host: Option<String>,
    /// The kind: basic, identity-token, ecr, gar, acr.
    #[arg(long, default_value = "basic", value_parser = parse_kind, value_name = "KIND")]
    pub kind: LoginKind,
    /// Of `basic`: the user's name.
    #[arg(short, long, value_name = "NAME")]
    pub username: Option<String>,
    /// Of `ecr`: the id of the access key.
    #[arg(long, value_name = "ID")]
    pub access_key_id: Option<String>,
    /// Of `ecr`: a role that is assumed with the key.
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Of `ecr`: what the role's trust asks for besides.
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Of `acr`: the tenant, by id or domain.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Of `acr`: the application's id.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Add a login for each host of a Docker configuration; `-` for stdin.
    #[arg(long, value_name = "FILE")]
    pub docker_config: Option<PathBuf>,
    /// Enter the login again that is there for this host and prefix.
    #[arg(long)]
    pub again: bool,
}

/// Arguments of `registry test`.
#[derive(Debug, Args)]
#[command(after_help = "Exits with 0 when the registry showed the image, 1 when it did not.

Example:
  heddle registry test ghcr.io/acme/api")]
pub struct RegistryTestArguments {
    /// An image that can be read with the login.
    #[arg(value_parser = parse_repository, value_name = "IMAGE")]
    pub image: ImageRepository,
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

fn parse_variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_tag(text: &str) -> Result<Tag, String> {
    text.parse().map_err(|error: ImageError| error.to_string())
}

fn parse_listed_tag(text: &str) -> Result<Tag, String> {
    Tag::of_list(text).map_err(|error| error.to_string())
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    text.parse().map_err(|error: ImageError| error.to_string())
}

/// A repository as a person writes it: `nginx` stays `nginx`.
fn parse_new_name(text: &str) -> Result<String, String> {
    parse_repository(text).map(|_| text.to_owned())
}

fn parse_repository(text: &str) -> Result<ImageRepository, String> {
    text.parse().map_err(|error: ImageError| error.to_string())
}

fn parse_kind(text: &str) -> Result<LoginKind, String> {
    text.parse().map_err(|fault: String| format!("{fault}; write basic, identity-token, ecr, gar or acr"))
}

fn parse_environment(text: &str) -> Result<EnvironmentName, String> {
    text.parse().map_err(|error: NameError| error.to_string())
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
    /// `HEDDLE_TOKEN`: an environment variable alone, because arguments are seen by every user of the machine.
    pub token: Option<SecretString>,
    /// `HEDDLE_PLAN_KEY`: the key with which plans are hashed; an environment variable alone, like the token.
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
        command.find_programs(&variable("PATH").and_then(|path| path.into_string().ok()).unwrap_or_default());
        Self {
            command,
            output: arguments.output,
            api_url: arguments.api_url,
            ca_file: arguments.ca_file,
            organization: arguments.organization,
            token: variable("HEDDLE_TOKEN").and_then(|token| token.into_string().ok()).map(trim_token),
            plan_key: variable("HEDDLE_PLAN_KEY").and_then(|key| key.into_string().ok()).map(trim_token),
            config_dir: find_config_dir(variable("XDG_CONFIG_HOME"), variable("HOME")),
            no_color: variable("NO_COLOR").is_some() || variable("TERM").is_some_and(|terminal| terminal == "dumb"),
        }
    }
}

/// A variable of the environment; `None` where it is empty. Terraform's own are read like this as well.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
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
