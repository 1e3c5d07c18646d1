//! Arguments of `registry`: logins to registries.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use heddle_core::{image::ImageRepository, registry::LoginKind};

use super::value::parse_repository;

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

fn parse_kind(text: &str) -> Result<LoginKind, String> {
    text.parse().map_err(|fault: String| format!("{fault}; write basic, identity-token, ecr, gar or acr"))
}
