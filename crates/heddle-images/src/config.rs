//! What the command line and the environment say; nothing else reads either.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

/// Everything that the person said.
#[derive(Debug, Parser)]
#[command(name = "heddle-images", version, about = "Makes the images of a release, without a container engine")]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make every image, in one OCI image layout, and print a table of their sizes.
    Build(Build),
    /// Write what each image holds to a folder, for a container engine to copy.
    Roots(Roots),
    /// Push every image of a layout to a registry.
    Push(Push),
}

/// What goes into the images.
#[derive(Debug, Args)]
pub struct Inputs {
    /// The folder with the built programs.
    #[arg(long, value_name = "DIR")]
    pub programs: PathBuf,
    /// The built dashboard.
    #[arg(long, value_name = "DIR")]
    pub dashboard: PathBuf,
    /// The official `kustomize`.
    #[arg(long, value_name = "FILE")]
    pub kustomize: PathBuf,
    /// The official `helm`.
    #[arg(long, value_name = "FILE")]
    pub helm: PathBuf,
    /// The official `sops`.
    #[arg(long, value_name = "FILE")]
    pub sops: PathBuf,
    /// The certificate authorities that programs trust, in PEM form.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    pub authorities: PathBuf,
    /// The root of the sources, whose locks say what was built in.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub sources: PathBuf,
}

/// Arguments of `build`.
#[derive(Debug, Args)]
pub struct Build {
    /// What goes in.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Where the layout is written; what is there is replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Host and path under which the images are going to be pushed, such as `ghcr.io/heddle-dev`.
    #[arg(long, value_name = "NAME")]
    pub registry: String,
    /// The commit that was built.
    #[arg(long, value_name = "SHA")]
    pub revision: String,
    /// The time of that commit, in seconds since 1970: it stands for the time of the build, so that two builds are equal.
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_parser = parse_epoch, value_name = "SECONDS")]
    pub created: DateTime<Utc>,
}

/// Arguments of `roots`.
#[derive(Debug, Args)]
pub struct Roots {
    /// What goes in.
    #[command(flatten)]
    pub inputs: Inputs,
    /// Where the folders are written, one an image, by its name.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `push`.
#[derive(Debug, Args)]
pub struct Push {
    /// The layout.
    #[arg(long, value_name = "DIR")]
    pub layout: PathBuf,
    /// Host and path, such as `registry.example.com/heddle`.
    #[arg(long, value_name = "NAME")]
    pub to: String,
    /// The user's name at the registry.
    #[arg(long, requires = "password_file", value_name = "NAME")]
    pub username: Option<String>,
    /// The file with the password: an argument is seen by every user of the machine.
    #[arg(long, requires = "username", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Speak plain HTTP, as a registry on this machine does.
    #[arg(long)]
    pub plain_http: bool,
}

impl Config {
    /// Reads the command line. Wrong usage ends the program with 2, `--help` with 0.
    pub fn from_environment() -> Self {
        Self::parse()
    }
}

fn parse_epoch(text: &str) -> Result<DateTime<Utc>, String> {
    let seconds = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| format!("{text} is out of range"))
}
