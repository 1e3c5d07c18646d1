//! Arguments of `automator`: automators that the organization runs itself.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use heddle_core::registry::HostPattern;

/// What to do with automators of the organization.
#[derive(Debug, Subcommand)]
pub enum AutomatorCommand {
    /// List them: which registries each serves, and when it was seen.
    List,
    /// Add one for registries whose secrets must stay in your cluster, and print the manifest that installs it.
    Add(AutomatorAddArguments),
    /// Remove one; the hosted automators scan its registries again.
    Remove {
        /// Its name.
        name: String,
    },
}

/// Arguments of `automator add`.
#[derive(Debug, Args)]
pub struct AutomatorAddArguments {
    /// Its name, such as that of its cluster.
    pub name: String,
    /// A registry that it serves, such as `registry.example.com:5000`, or `*.example.com`; give it several times for more.
    #[arg(long = "registry", required = true, value_name = "HOST")]
    pub registries: Vec<HostPattern>,
    /// Write the manifest, which holds the token, into this file instead of to stdout. The file must not exist.
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
}
