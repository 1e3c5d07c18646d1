//! What the program is told at its start. The only place that reads the environment.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use secrecy::SecretString;
use url::Url;

mod read;

use heddle_db::retention::{Age, Ages};
use read::{read_bytes, read_count, read_days, read_duration, read_secret, read_signup, read_url};

/// A setting that the program cannot start with.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {fault}; {remedy}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with its value.
    pub fault: String,
    /// What to do.
    pub remedy: String,
}

impl ConfigError {
    fn new(variable: &'static str, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { variable, fault: fault.into(), remedy: remedy.into() }
    }
}

/// The settings as they were written: each is an environment variable and a flag.
#[derive(Debug, Parser)]
#[command(name = "heddle-api", version, about = "The central web API of Heddle")]
pub struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The address under which people and agents reach this API, such as `https://heddle.example.com`.
    #[arg(long, env = "HEDDLE_PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: String,
    /// Where to listen.
    #[arg(long, env = "HEDDLE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Where to serve probes and Prometheus metrics; not for the public.
    #[arg(long, env = "HEDDLE_METRICS_LISTEN", default_value = "127.0.0.1:9090")]
    pub metrics_listen: String,
    /// The Postgres database; without it the program starts one of its own.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Most connections to Postgres.
    #[arg(long, env = "HEDDLE_DATABASE_CONNECTIONS", default_value = "20")]
    pub database_connections: String,
    /// Where the program's own Postgres keeps its data.
    #[arg(long, env = "HEDDLE_DATA_DIR", default_value = "heddle-data")]
    pub data_dir: PathBuf,
    /// The built dashboard.
    #[arg(long, env = "HEDDLE_WEB_DIR")]
    pub web_dir: Option<PathBuf>,
    /// Who may sign up: `open`, `first-user` or `invite`.
    #[arg(long, env = "HEDDLE_SIGNUP", default_value = "first-user")]
    pub signup: String,
    /// What to log: `info`, or more by module.
    #[arg(long, env = "HEDDLE_LOG", default_value = "info")]
    pub log: String,
    /// The header in which a proxy in front names the client's address, such as `X-Forwarded-For`; its last entry counts.
    #[arg(long, env = "HEDDLE_CLIENT_ADDRESS_HEADER")]
    pub client_address_header: Option<String>,
    /// A file with further certificate authorities, PEM.
    #[arg(long, env = "HEDDLE_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// The GitHub App's number.
    #[arg(long, env = "HEDDLE_GITHUB_APP_ID")]
    pub github_app_id: Option<String>,
    /// The GitHub App's name in addresses.
    #[arg(long, env = "HEDDLE_GITHUB_APP_SLUG")]
    pub github_app_slug: Option<String>,
    /// A file with the GitHub App's private key, PEM.
    #[arg(long, env = "HEDDLE_GITHUB_PRIVATE_KEY_FILE")]
    pub github_private_key_file: Option<PathBuf>,
    /// A file with the secret of the GitHub App's webhooks.
    #[arg(long, env = "HEDDLE_GITHUB_WEBHOOK_SECRET_FILE")]
    pub github_webhook_secret_file: Option<PathBuf>,
    /// The GitHub App's client id.
    #[arg(long, env = "HEDDLE_GITHUB_CLIENT_ID")]
    pub github_client_id: Option<String>,
    /// A file with the GitHub App's client secret.
    #[arg(long, env = "HEDDLE_GITHUB_CLIENT_SECRET_FILE")]
    pub github_client_secret_file: Option<PathBuf>,
    /// GitHub's pages and repositories.
    #[arg(long, env = "HEDDLE_GITHUB_URL", default_value = "https://github.com")]
    pub github_url: String,
    /// GitHub's REST API.
    #[arg(long, env = "HEDDLE_GITHUB_API_URL", default_value = "https://api.github.com")]
    pub github_api_url: String,
    /// A file with the token that automators show.
    #[arg(long, env = "HEDDLE_AUTOMATOR_TOKEN_FILE")]
    pub automator_token_file: Option<PathBuf>,
    /// A file with the keys that stored secrets are sealed with: 64 hexadecimal digits a line, the first one seals. The
    /// program's own Postgres has one beside its data.
    #[arg(long, env = "HEDDLE_SEALING_KEYS_FILE")]
    pub sealing_keys_file: Option<PathBuf>,
    /// How often each image's registry is asked without a notice.
    #[arg(long, env = "HEDDLE_SCAN_INTERVAL", default_value = "5m")]
    pub scan_interval: String,
    /// How often each repository is read without a webhook.
    #[arg(long, env = "HEDDLE_READ_INTERVAL", default_value = "2m")]
    pub read_interval: String,
    /// How long a piece of work belongs to an automator that does not renew it.
    #[arg(long, env = "HEDDLE_LEASE", default_value = "30s")]
    pub lease: String,
    /// How many days ended changes are kept.
    #[arg(long, env = "HEDDLE_KEEP_HISTORY_DAYS", default_value = "400")]
    pub keep_history_days: String,
    /// How many days the texts of settled commits and pull requests are kept.
    #[arg(long, env = "HEDDLE_KEEP_INTENTS_DAYS", default_value = "90")]
    pub keep_intents_days: String,
    /// How many days it is kept what agents reported that happened.
    #[arg(long, env = "HEDDLE_KEEP_REPORTS_DAYS", default_value = "14")]
    pub keep_reports_days: String,
    /// How many days it is kept who did what.
    #[arg(long, env = "HEDDLE_KEEP_AUDIT_DAYS", default_value = "730")]
    pub keep_audit_days: String,
    /// How many days tags are kept that their registry does not list any more.
    #[arg(long, env = "HEDDLE_KEEP_TAGS_DAYS", default_value = "30")]
    pub keep_tags_days: String,
    /// How many days revoked keys of agents are kept.
    #[arg(long, env = "HEDDLE_KEEP_KEYS_DAYS", default_value = "90")]
    pub keep_keys_days: String,
    /// Most config repositories of one organization.
    #[arg(long, env = "HEDDLE_MOST_REPOSITORIES", default_value = "100")]
    pub most_repositories: String,
    /// Most clusters of one organization.
    #[arg(long, env = "HEDDLE_MOST_CLUSTERS", default_value = "200")]
    pub most_clusters: String,
    /// The image of the agent in the install manifest.
    #[arg(long, env = "HEDDLE_AGENT_IMAGE", default_value = "ghcr.io/heddle-dev/heddle-synchronizer:0.1.0")]
    pub agent_image: String,
    /// The address under which agents reach this API, if it is not the public one.
    #[arg(long, env = "HEDDLE_AGENT_API_URL")]
    pub agent_api_url: Option<String>,
}

/// What the program can do besides serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Seal every stored secret anew with the first key of the file, and say which keys may be dropped.
    RotateSecrets,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signup {
    /// Anybody.
    Open,
    /// The first one; everybody after that by invitation.
    FirstUser,
    /// By invitation alone.
    Invite,
}

/// Where the store is.
#[derive(Debug, Clone)]
pub enum Database {
    /// A server that somebody else runs; the address holds a password.
    External(SecretString),
    /// A server that the program starts itself, with its data here.
    Embedded(PathBuf),
}

/// The GitHub App.
#[derive(Debug, Clone)]
pub struct GitHubApp {
    /// Its number.
    pub app_id: u64,
    /// Its name in addresses.
    pub slug: String,
    /// Its private key, PEM.
    pub private_key: SecretString,
    /// The secret of its webhooks.
    pub webhook_secret: SecretString,
    /// Its client id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: SecretString,
    /// GitHub's pages and repositories.
    pub web_url: Url,
    /// GitHub's REST API.
    pub api_url: Url,
}

/// The settings, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address under which people reach this API.
    pub public_url: Url,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to serve probes and metrics.
    pub metrics_listen: SocketAddr,
    /// The store.
    pub database: Database,
    /// Most connections to it.
    pub database_connections: u32,
    /// The built dashboard.
    pub web_dir: Option<PathBuf>,
    /// Who may sign up.
    pub signup: Signup,
    /// What to log.
    pub log: String,
    /// The header in which a trusted proxy names the client's address.
    pub client_address_header: Option<axum::http::HeaderName>,
    /// Further certificate authorities, PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// The GitHub App, when one is set up.
    pub github: Option<GitHubApp>,
    /// The token that automators show.
    pub automator_token: Option<SecretString>,
    /// The keys that stored secrets are sealed with.
    pub sealing_keys_file: Option<PathBuf>,
    /// How often an image is scanned without a notice.
    pub scan_interval: Duration,
    /// How often a repository is read without a webhook.
    pub read_interval: Duration,
    /// How long a lease lasts.
    pub lease: Duration,
    /// How long what is known is kept.
    pub keep: Ages,
    /// Most config repositories of one organization.
    pub most_repositories: usize,
    /// Most clusters of one organization.
    pub most_clusters: usize,
    /// The image of the agent in the install manifest.
    pub agent_image: String,
    /// The address under which agents reach this API.
    pub agent_api_url: Url,
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        let public_url = read_public_url("HEDDLE_PUBLIC_URL", &settings.public_url)?;
        let agent_api_url = match &settings.agent_api_url {
            Some(text) => read_public_url("HEDDLE_AGENT_API_URL", text)?,
            None => public_url.clone(),
        };
        let keep = read_ages(&settings)?;
        Ok(Self {
            github: read_github(&settings)?,
            public_url,
            listen: read_address("HEDDLE_LISTEN", &settings.listen)?,
            metrics_listen: read_address("HEDDLE_METRICS_LISTEN", &settings.metrics_listen)?,
            database: match settings.database_url {
                Some(url) => Database::External(read_database(url)?),
                None => Database::Embedded(settings.data_dir),
            },
            database_connections: match settings.database_connections.parse() {
                Ok(count @ 2..=1000) => count,
                _ => {
                    let fault = format!("`{}` is not a number from 2 to 1000", settings.database_connections);
                    return Err(ConfigError::new("HEDDLE_DATABASE_CONNECTIONS", fault, "write 20, for example"));
                }
            },
            web_dir: settings.web_dir.map(read_web_dir).transpose()?,
            signup: read_signup(&settings.signup)?,
            log: settings.log,
            client_address_header: settings.client_address_header.map(read_header).transpose()?,
            ca_pem: settings.ca_file.map(|path| read_bytes("HEDDLE_CA_FILE", &path)).transpose()?,
            automator_token: settings
                .automator_token_file
                .map(|path| read_secret("HEDDLE_AUTOMATOR_TOKEN_FILE", &path, 32))
                .transpose()?,
            sealing_keys_file: settings.sealing_keys_file,
            scan_interval: read_duration("HEDDLE_SCAN_INTERVAL", &settings.scan_interval)?,
            read_interval: read_duration("HEDDLE_READ_INTERVAL", &settings.read_interval)?,
            lease: read_duration("HEDDLE_LEASE", &settings.lease)?,
            keep,
            most_repositories: read_count("HEDDLE_MOST_REPOSITORIES", &settings.most_repositories)?,
            most_clusters: read_count("HEDDLE_MOST_CLUSTERS", &settings.most_clusters)?,
            agent_image: settings.agent_image,
            agent_api_url,
        })
    }
}

fn read_ages(settings: &Settings) -> Result<Ages, ConfigError> {
    let days = |age| match age {
        Age::History => &settings.keep_history_days,
        Age::Intents => &settings.keep_intents_days,
        Age::Reports => &settings.keep_reports_days,
        Age::Audit => &settings.keep_audit_days,
        Age::Tags => &settings.keep_tags_days,
        Age::Keys => &settings.keep_keys_days,
    };
    Age::ALL
        .into_iter()
        .try_fold(Ages::default(), |ages, age| Ok(ages.with(age, read_days(age.variable(), days(age))?)))
}

fn read_address(variable: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    let fault =
        || ConfigError::new(variable, format!("`{text}` is no address and port"), "write 127.0.0.1:8080, for example");
    text.parse().map_err(|_| fault())
}

/// Sessions are safe on HTTPS and on loopback only, and so are agents' tokens.
fn read_public_url(variable: &'static str, text: &str) -> Result<Url, ConfigError> {
    let url = read_url(variable, text)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        let fault = format!("`{text}` is plain HTTP to another machine");
        return Err(ConfigError::new(variable, fault, "write https://, with a proxy in front that speaks TLS"));
    }
    Ok(url)
}

/// Whether an address is this machine itself.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn read_database(url: String) -> Result<SecretString, ConfigError> {
    // The address may hold a password: it is not repeated.
    let known_scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if !known_scheme || url.parse::<sqlx::postgres::PgConnectOptions>().is_err() {
        let fault = "this is no address of a Postgres database";
        return Err(ConfigError::new("DATABASE_URL", fault, "write postgres://user:password@host/database"));
    }
    Ok(url.into())
}

fn read_web_dir(path: PathBuf) -> Result<PathBuf, ConfigError> {
    if path.join("index.html").is_file() {
        return Ok(path);
    }
    let fault = format!("there is no index.html in {}", path.display());
    Err(ConfigError::new(
        "HEDDLE_WEB_DIR",
        fault,
        "build the dashboard (`npm run build` in web/) and name its dist folder",
    ))
}

fn read_header(text: String) -> Result<axum::http::HeaderName, ConfigError> {
    text.parse().map_err(|_| {
        ConfigError::new(
            "HEDDLE_CLIENT_ADDRESS_HEADER",
            format!("`{text}` is no header's name"),
            "write X-Forwarded-For, for example",
        )
    })
}

fn read_github(settings: &Settings) -> Result<Option<GitHubApp>, ConfigError> {
    let given: Vec<(&'static str, bool)> = vec![
        ("HEDDLE_GITHUB_APP_ID", settings.github_app_id.is_some()),
        ("HEDDLE_GITHUB_APP_SLUG", settings.github_app_slug.is_some()),
        ("HEDDLE_GITHUB_PRIVATE_KEY_FILE", settings.github_private_key_file.is_some()),
        ("HEDDLE_GITHUB_WEBHOOK_SECRET_FILE", settings.github_webhook_secret_file.is_some()),
        ("HEDDLE_GITHUB_CLIENT_ID", settings.github_client_id.is_some()),
        ("HEDDLE_GITHUB_CLIENT_SECRET_FILE", settings.github_client_secret_file.is_some()),
    ];
    if given.iter().all(|(_, set)| !set) {
        return Ok(None);
    }
    if let Some((missing, _)) = given.iter().find(|(_, set)| !set) {
        let remedy = "set all of HEDDLE_GITHUB_APP_ID, _APP_SLUG, _PRIVATE_KEY_FILE, _WEBHOOK_SECRET_FILE, _CLIENT_ID and _CLIENT_SECRET_FILE, or none";
        return Err(ConfigError::new(missing, "it is not set, but others of the GitHub App are", remedy));
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let path = |value: &Option<PathBuf>| value.clone().unwrap_or_default();
    let app_id = text(&settings.github_app_id);
    let key_file = path(&settings.github_private_key_file);
    let private_key = read_secret("HEDDLE_GITHUB_PRIVATE_KEY_FILE", &key_file, 1)?;
    Ok(Some(GitHubApp {
        app_id: app_id.parse().map_err(|_| {
            let fault = format!("`{app_id}` is no number");
            ConfigError::new("HEDDLE_GITHUB_APP_ID", fault, "copy the App ID from the App's page at GitHub")
        })?,
        slug: text(&settings.github_app_slug),
        private_key: read::check_pem("HEDDLE_GITHUB_PRIVATE_KEY_FILE", &key_file, private_key)?,
        webhook_secret: read_secret(
            "HEDDLE_GITHUB_WEBHOOK_SECRET_FILE",
            &path(&settings.github_webhook_secret_file),
            16,
        )?,
        client_id: text(&settings.github_client_id),
        client_secret: read_secret("HEDDLE_GITHUB_CLIENT_SECRET_FILE", &path(&settings.github_client_secret_file), 1)?,
        web_url: read_url("HEDDLE_GITHUB_URL", &settings.github_url)?,
        api_url: read_url("HEDDLE_GITHUB_API_URL", &settings.github_api_url)?,
    }))
}

#[cfg(test)]
mod tests;
