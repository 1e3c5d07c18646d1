//! What the program is told at its start. The only place that reads the environment.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Parser;
use heddle_core::registry::RegistryHost;
use heddle_wire::automator::OWN_TOKEN_PREFIX;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A setting that the program cannot start with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {fault}; {remedy}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with its value.
    pub fault: String,
    /// What to do.
    pub remedy: &'static str,
}

/// The settings as they were written: each is an environment variable and a flag.
#[derive(Debug, Parser)]
#[command(
    name = "heddle-automator",
    version,
    about = "Watches registries and brings new tags into config repositories"
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
            api_url: read_url(settings.api_url)?,
            token,
            cache_dir: make_cache_dir(settings.cache_dir)?,
            ca_pem: read_ca(settings.ca_file)?,
            allow_registries: read_registries(settings.allow_registries)?,
            cloud_endpoints: settings.cloud_endpoints.into_iter().filter(|text| !text.trim().is_empty()).collect(),
            registry_mirrors: settings.registry_mirrors.into_iter().filter(|text| !text.trim().is_empty()).collect(),
            docker_config: settings.docker_config,
            token_servers: read_token_servers(&settings.token_servers)?,
            concurrency: read_concurrency(&settings.concurrency)?,
            metrics_listen: read_listen(&settings.metrics_listen)?,
            log: settings.log,
        })
    }
}

fn read_url(text: Option<String>) -> Result<Url, ConfigError> {
    let error = |fault: String| ConfigError {
        variable: "HEDDLE_API_URL",
        fault,
        remedy: "set it to the address of the Heddle API, such as https://heddle.example.com",
    };
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| error("it is not set".to_owned()))?;
    let url = Url::parse(&text).map_err(|fault| error(format!("`{text}` is no address: {fault}")))?;
    match url.scheme() {
        "https" | "http" if url.has_host() => Ok(url),
        _ => Err(error(format!("`{text}` is no https address"))),
    }
}

fn read_token(file: Option<PathBuf>) -> Result<SecretString, ConfigError> {
    let error = |fault: String| ConfigError {
        variable: "HEDDLE_AUTOMATOR_TOKEN_FILE",
        fault,
        remedy: "name a file with the token that the API knows for automators",
    };
    let file = file.ok_or_else(|| error("it is not set".to_owned()))?;
    let text = std::fs::read_to_string(&file)
        .map_err(|fault| error(format!("`{}` cannot be read: {fault}", file.display())))?;
    let token = text.trim_end_matches(['\r', '\n']);
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(error(format!("`{}` holds no token", file.display())));
    }
    Ok(token.to_owned().into())
}

fn read_ca(file: Option<PathBuf>) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some(file) = file else { return Ok(None) };
    let pem = std::fs::read(&file).map_err(|error| ConfigError {
        variable: "HEDDLE_CA_FILE",
        fault: format!("`{}` cannot be read: {error}", file.display()),
        remedy: "name a file with certificates in PEM, or leave it unset",
    })?;
    Ok(Some(pem).filter(|pem| !pem.trim_ascii().is_empty()))
}

fn read_registries(list: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let list: Vec<String> = list.iter().map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()).collect();
    match list.iter().find(|host| host.contains('/') || host.contains(char::is_whitespace)) {
        None => Ok(list),
        Some(wrong) => Err(ConfigError {
            variable: "HEDDLE_ALLOW_REGISTRIES",
            fault: format!("`{wrong}` is no host"),
            remedy: "write hosts alone, such as registry.lan or 127.0.0.1:5000, separated by commas",
        }),
    }
}

/// A hosted automator works for every organization, and each could see what one login of the process may.
fn check_docker_config(file: Option<&Path>, token: &SecretString) -> Result<(), ConfigError> {
    if file.is_none() || token.expose_secret().starts_with(OWN_TOKEN_PREFIX) {
        return Ok(());
    }
    Err(ConfigError {
        variable: "HEDDLE_DOCKER_CONFIG",
        fault: "it is set, and the token is that of automators which work for every organization".to_owned(),
        remedy: "use a token of one organization (Settings, Automators), or leave it unset and add logins there",
    })
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
            read(text).ok_or_else(|| ConfigError {
                variable: "HEDDLE_TOKEN_SERVERS",
                fault: format!("`{text}` names no registry and its token server"),
                remedy: "write for example registry.example.com=auth.example.com, separated by commas",
            })
        })
        .collect()
}

fn read_concurrency(text: &str) -> Result<usize, ConfigError> {
    text.parse().ok().filter(|count| (1..=256).contains(count)).ok_or_else(|| ConfigError {
        variable: "HEDDLE_CONCURRENCY",
        fault: format!("`{text}` is no number from 1 to 256"),
        remedy: "write for example 8",
    })
}

fn read_listen(text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError {
        variable: "HEDDLE_METRICS_LISTEN",
        fault: format!("`{text}` is no address with a port"),
        remedy: "write it like 127.0.0.1:9091",
    })
}

fn make_cache_dir(dir: PathBuf) -> Result<PathBuf, ConfigError> {
    let probe = |dir: &Path| {
        std::fs::create_dir_all(dir)?;
        let file = dir.join(".writable");
        std::fs::write(&file, "").and_then(|()| std::fs::remove_file(file))
    };
    match probe(&dir) {
        Ok(()) => Ok(dir),
        Err(error) => Err(ConfigError {
            variable: "HEDDLE_CACHE_DIR",
            fault: format!("`{}` cannot be written: {error}", dir.display()),
            remedy: "name a folder that the program may write",
        }),
    }
}

#[cfg(test)]
mod tests;
