//! What the program is told at its start. The only place that reads the environment.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use heddle_egress::{Egress, SetupError};
use heddle_service::config::{ConfigError, make_dir, read_address, read_api_url, read_authorities, with_files};
use heddle_source::{RenderTools, memory_dir};
use url::Url;

use crate::interval::read_interval;

/// The settings as they were written: each is an environment variable and a flag.
#[derive(Debug, Parser)]
#[command(name = "heddle-synchronizer", version, about = "Heddle's agent in a cluster", args_override_self = true)]
pub struct Settings {
    /// The address of the Heddle API.
    #[arg(long, env = "HEDDLE_API_URL")]
    pub api_url: Option<String>,
    /// Where reports wait and repositories are kept.
    #[arg(long, env = "HEDDLE_STATE_DIR", default_value = "/var/lib/heddle")]
    pub state_dir: PathBuf,
    /// A file with further certificate authorities, PEM; an empty file counts as none.
    #[arg(long, env = "HEDDLE_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Hosts (`host` or `host:port`, separated by commas) whose remote bases and charts may be fetched from private addresses, or over
    /// plain HTTP from this machine. A Sync has to name them all the same.
    #[arg(long, env = "HEDDLE_ALLOW_REMOTES", value_delimiter = ',')]
    pub allow_remotes: Vec<String>,
    /// The official `kustomize`.
    #[arg(long, env = "HEDDLE_KUSTOMIZE", default_value = "kustomize")]
    pub kustomize: PathBuf,
    /// The official `helm`; needed where a path holds a chart.
    #[arg(long, env = "HEDDLE_HELM", default_value = "helm")]
    pub helm: PathBuf,
    /// The official `sops`; needed where a Sync has `spec.decrypt`.
    #[arg(long, env = "HEDDLE_SOPS", default_value = "sops")]
    pub sops: PathBuf,
    /// A folder in memory (tmpfs), in which kustomize reads the encrypted files that its generators name. Default: `/dev/shm`,
    /// where that is one.
    #[arg(long, env = "HEDDLE_MEMORY_DIR")]
    pub memory_dir: Option<PathBuf>,
    /// The agent's own namespace.
    #[arg(long, env = "HEDDLE_NAMESPACE", default_value = "heddle-system")]
    pub namespace: String,
    /// How to reach the cluster from outside of it.
    #[arg(long, env = "HEDDLE_KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,
    /// Where to serve probes and Prometheus metrics.
    #[arg(long, env = "HEDDLE_METRICS_LISTEN", default_value = "127.0.0.1:9090")]
    pub metrics_listen: String,
    /// How often every object is compared by a dry run, as a net below the watches.
    #[arg(long, env = "HEDDLE_SWEEP_INTERVAL", default_value = "1h")]
    pub sweep_interval: String,
    /// How long the agent signs with one key before it makes another.
    #[arg(long, env = "HEDDLE_KEY_LIFE", default_value = "720h")]
    pub key_life: String,
    /// What to log: `info`, or more by module.
    #[arg(long, env = "HEDDLE_LOG", default_value = "info")]
    pub log: String,
    /// Where programs are searched that are named without a folder.
    #[arg(long, env = "PATH", hide = true)]
    pub path: Option<String>,
    /// The name of the pod, or of the machine, for the name under which the agent holds its Lease.
    #[arg(long, env = "HOSTNAME", hide = true, default_value = "agent")]
    pub host_name: String,
}

impl Settings {
    /// Reads the command line, the environment, and the files in which settings stand. Wrong usage ends the program with 2.
    ///
    /// # Errors
    /// When a file cannot be read, or says what the environment says too.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Ok(Self::parse_from(with_files::<Self>(std::env::args_os(), |name| std::env::var_os(name))?))
    }
}

/// The settings, read.
#[derive(Clone)]
pub struct Config {
    /// The address of the Heddle API.
    pub api_url: Url,
    /// Where reports wait and repositories are kept.
    pub state_dir: PathBuf,
    /// Further certificate authorities.
    pub ca_pem: Option<Vec<u8>>,
    /// The connections to hosts of remote bases and charts.
    pub egress: Egress,
    /// The official `kustomize`.
    pub kustomize: PathBuf,
    /// The official `helm`; it may not be there.
    pub helm: PathBuf,
    /// The official `sops`; it may not be there.
    pub sops: PathBuf,
    /// A folder in memory.
    pub memory_dir: Option<PathBuf>,
    /// The agent's own namespace.
    pub namespace: String,
    /// How to reach the cluster from outside of it.
    pub kubeconfig: Option<PathBuf>,
    /// Where to serve probes and metrics.
    pub metrics_listen: SocketAddr,
    /// How often every object is compared by a dry run.
    pub sweep_interval: Duration,
    /// How long the agent signs with one key before it makes another.
    pub key_life: Duration,
    /// What to log.
    pub log: String,
    /// The name of the pod, or of the machine.
    pub host_name: String,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("api_url", &self.api_url.as_str()).finish_non_exhaustive()
    }
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        let ca_pem = read_authorities("HEDDLE_CA_FILE", settings.ca_file.as_deref())?;
        Ok(Self {
            api_url: read_api_url(settings.api_url.as_deref())?,
            egress: open_egress(&settings.allow_remotes, ca_pem.as_deref())?,
            ca_pem,
            kustomize: find_kustomize(settings.kustomize, settings.path.as_deref())?,
            helm: find_or_name(settings.helm, settings.path.as_deref()),
            sops: find_or_name(settings.sops, settings.path.as_deref()),
            memory_dir: find_memory_dir(settings.memory_dir)?,
            metrics_listen: read_address("HEDDLE_METRICS_LISTEN", &settings.metrics_listen)?,
            state_dir: make_dir("HEDDLE_STATE_DIR", settings.state_dir)?,
            namespace: settings.namespace,
            kubeconfig: settings.kubeconfig,
            sweep_interval: read_time("HEDDLE_SWEEP_INTERVAL", &settings.sweep_interval)?,
            key_life: read_time("HEDDLE_KEY_LIFE", &settings.key_life)?,
            log: settings.log,
            host_name: settings.host_name,
        })
    }
}

fn open_egress(allowed: &[String], ca_pem: Option<&[u8]>) -> Result<Egress, ConfigError> {
    let allowed: Vec<String> = allowed.iter().filter(|host| !host.is_empty()).cloned().collect();
    Egress::new(&allowed, ca_pem).map_err(|error| {
        let (variable, remedy) = match error {
            SetupError::Allowed(_) => ("HEDDLE_ALLOW_REMOTES", "write it like git.example.com,10.0.0.5:8443"),
            SetupError::Certificate | SetupError::Client(_) => {
                ("HEDDLE_CA_FILE", "name a file with certificates in PEM, or leave it unset")
            }
        };
        ConfigError::new(variable, error.to_string(), remedy)
    })
}

fn find_kustomize(program: PathBuf, path: Option<&str>) -> Result<PathBuf, ConfigError> {
    RenderTools::find(&program, path.unwrap_or_default()).ok_or_else(|| {
        ConfigError::new(
            "HEDDLE_KUSTOMIZE",
            format!("there is no program `{}`", program.display()),
            "set it to the path of the official kustomize",
        )
    })
}

/// Where a program is that is not needed by everybody; its name where it is not there.
fn find_or_name(program: PathBuf, path: Option<&str>) -> PathBuf {
    RenderTools::find(&program, path.unwrap_or_default()).unwrap_or(program)
}

fn find_memory_dir(said: Option<PathBuf>) -> Result<Option<PathBuf>, ConfigError> {
    memory_dir(said).map_err(|fault| {
        ConfigError::new("HEDDLE_MEMORY_DIR", fault.to_string(), "name a folder on a tmpfs, or leave it unset")
    })
}

fn read_time(variable: &'static str, text: &str) -> Result<Duration, ConfigError> {
    read_interval(text).ok_or_else(|| {
        ConfigError::new(variable, format!("`{text}` is no interval"), "write it like 90s, 30m or 1h30m")
    })
}

#[cfg(test)]
mod tests;
