//! What the program is told at its start. The only place that reads the environment.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Parser;
use heddle_core::registry::RegistryHost;
use heddle_service::config::{
    ConfigError, make_dir, read_address, read_api_url, read_authorities, read_text, with_files,
};
use heddle_wire::automator::OWN_TOKEN_PREFIX;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// The settings as they were written: each is an environment variable and a flag.
#[derive(Debug, Parser)]
#[command(
    name = "heddle-automator",
    version,
    about = "Watches registries and brings new tags into config repositories",
    args_override_self = true
)]
pub struct Settings {
    /// The address of the Heddle API.
    #[arg(long, env = "HEDDLE_API_URL")]
    pub api_url: Option<String>,
    /// A file with the automator's token.
    #[arg(long, env = "HEDDLE_AUTOMATOR_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Where clones of config repositories are kept; what is there can be deleted at any time.
    #[arg(long, env = "HEDDLE_CACHE_DIR", default_value = "heddle-cache")]
    pub cache_dir: PathBuf,
    /// A file with further certificate authorities, PEM; an empty file counts as none.
    #[arg(long, env = "HEDDLE_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Registries (`host` or `host:port`, separated by commas) that may be plain HTTP or on private addresses.
    #[arg(long, env = "HEDDLE_ALLOW_REGISTRIES", value_delimiter = ',')]
    pub allow_registries: Vec<String>,
    /// Addresses in the place of the clouds' own, for a private endpoint or a test: `NAME=ADDRESS`, separated by commas, with
    /// the names `ecr`, `ecr-public`, `sts`, `google`, `azure`, `acr`.
    #[arg(long, env = "HEDDLE_CLOUD_ENDPOINTS", value_delimiter = ',')]
    pub cloud_endpoints: Vec<String>,
    /// Mirrors that are asked in the place of registries, and shown their logins: `REGISTRY=ADDRESS`, separated by commas.
    #[arg(long, env = "HEDDLE_REGISTRY_MIRRORS", value_delimiter = ',')]
    pub registry_mirrors: Vec<String>,
    /// A Docker configuration with logins to registries, for an automator that an organization runs itself. Read at each scan;
    /// a file that is not there holds none.
    #[arg(long, env = "HEDDLE_DOCKER_CONFIG")]
    pub docker_config: Option<PathBuf>,
    /// Token servers at other hosts that these logins may go to: `REGISTRY=HOST`, separated by commas.
    #[arg(long, env = "HEDDLE_TOKEN_SERVERS", value_delimiter = ',')]
    pub token_servers: Vec<String>,
    /// How many pieces of work are done at once, 1 to 256.
    #[arg(long, env = "HEDDLE_CONCURRENCY", default_value = "8")]
    pub concurrency: String,
    /// Where to serve probes and Prometheus metrics.
    #[arg(long, env = "HEDDLE_METRICS_LISTEN", default_value = "127.0.0.1:9091")]
    pub metrics_listen: String,
    /// What to log: `info`, or more by module.
    #[arg(long, env = "HEDDLE_LOG", default_value = "info")]
    pub log: String,
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
    /// The automator's token.
    pub token: SecretString,
    /// Where clones are kept.
    pub cache_dir: PathBuf,
    /// Further certificate authorities.
    pub ca_pem: Option<Vec<u8>>,
    /// Registries that may be plain HTTP or on private addresses.
    pub allow_registries: Vec<String>,
    /// Addresses in the place of the clouds' own.
    pub cloud_endpoints: Vec<String>,
    /// Mirrors that are asked in the place of registries.
    pub registry_mirrors: Vec<String>,
    /// A Docker configuration with logins to registries.
    pub docker_config: Option<PathBuf>,
    /// Token servers at other hosts that its logins may go to, by registry.
    pub token_servers: BTreeMap<String, String>,
    /// How many pieces of work are done at once.
    pub concurrency: usize,
    /// Where to serve probes and metrics.
    pub metrics_listen: SocketAddr,
    /// What to log.
    pub log: String,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("api_url", &self.api_url.as_str()).finish_non_exhaustive()
    }
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        let token = read_token(settings.token_file)?;
        check_docker_config(settings.docker_config.as_deref(), &token)?;
        Ok(Self {
            api_url: read_api_url(settings.api_url.as_deref())?,
            token,
            cache_dir: make_dir("HEDDLE_CACHE_DIR", settings.cache_dir)?,
            ca_pem: read_authorities("HEDDLE_CA_FILE", settings.ca_file.as_deref())?,
            allow_registries: read_registries(settings.allow_registries)?,
            cloud_endpoints: settings.cloud_endpoints.into_iter().filter(|text| !text.trim().is_empty()).collect(),
            registry_mirrors: settings.registry_mirrors.into_iter().filter(|text| !text.trim().is_empty()).collect(),
            docker_config: settings.docker_config,
            token_servers: read_token_servers(&settings.token_servers)?,
            concurrency: read_concurrency(&settings.concurrency)?,
            metrics_listen: read_address("HEDDLE_METRICS_LISTEN", &settings.metrics_listen)?,
            log: settings.log,
        })
    }
}

fn read_token(file: Option<PathBuf>) -> Result<SecretString, ConfigError> {
    let error = |fault: String| {
        ConfigError::new(
            "HEDDLE_AUTOMATOR_TOKEN_FILE",
            fault,
            "name a file with the token that the API knows for automators",
        )
    };
    let file = file.ok_or_else(|| error("it is not set".to_owned()))?;
    let token = read_text("HEDDLE_AUTOMATOR_TOKEN_FILE", &file)?;
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(error(format!("`{}` holds no token", file.display())));
    }
    Ok(token.into())
}

fn read_registries(list: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let list: Vec<String> = list.iter().map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()).collect();
    match list.iter().find(|host| host.contains('/') || host.contains(char::is_whitespace)) {
        None => Ok(list),
        Some(wrong) => Err(ConfigError::new(
            "HEDDLE_ALLOW_REGISTRIES",
            format!("`{wrong}` is no host"),
            "write hosts alone, such as registry.lan or 127.0.0.1:5000, separated by commas",
        )),
    }
}

/// A hosted automator works for every organization, and each could see what one login of the process may.
fn check_docker_config(file: Option<&Path>, token: &SecretString) -> Result<(), ConfigError> {
    if file.is_none() || token.expose_secret().starts_with(OWN_TOKEN_PREFIX) {
        return Ok(());
    }
    Err(ConfigError::new(
        "HEDDLE_DOCKER_CONFIG",
        "it is set, and the token is that of automators which work for every organization",
        "use a token of one organization (Settings, Automators), or leave it unset and add logins there",
    ))
}

fn read_token_servers(list: &[String]) -> Result<BTreeMap<String, String>, ConfigError> {
    let named = list.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    let read = |text: &str| {
        let (registry, server) = text.split_once('=')?;
        let [registry, server] = [registry, server].map(|host| host.parse::<RegistryHost>().ok());
        Some((registry?.to_string(), server?.to_string()))
    };
    named
        .map(|text| {
            read(text).ok_or_else(|| {
                ConfigError::new(
                    "HEDDLE_TOKEN_SERVERS",
                    format!("`{text}` names no registry and its token server"),
                    "write for example registry.example.com=auth.example.com, separated by commas",
                )
            })
        })
        .collect()
}

fn read_concurrency(text: &str) -> Result<usize, ConfigError> {
    text.parse().ok().filter(|count| (1..=256).contains(count)).ok_or_else(|| {
        ConfigError::new("HEDDLE_CONCURRENCY", format!("`{text}` is no number from 1 to 256"), "write for example 8")
    })
}

#[cfg(test)]
mod tests;
