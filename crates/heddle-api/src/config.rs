//! What the program is told at its start. The only place that reads the environment.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

mod read;
mod settings;

use heddle_db::retention::{Age, Ages};
use heddle_service::config::{ConfigError, read_address, read_authorities, read_url};
pub use settings::{AdminCommand, Command, DEFAULT_AGENT_IMAGE, Settings};

use read::{
    read_count, read_database, read_days, read_duration, read_header, read_image, read_public_url, read_secret,
    read_signup, read_web_dir,
};

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
    /// A server that somebody else runs; addresses hold passwords.
    External {
        /// As whom the program works.
        url: SecretString,
        /// As whom it brings the schema up to date, where that is somebody else.
        owner: Option<SecretString>,
    },
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
    /// Whether nobody said which image that is, neither its release nor who runs it.
    pub agent_image_is_guessed: bool,
    /// The image of the automator in the manifest for those that organizations run themselves.
    pub automator_image: String,
    /// The address under which agents reach this API.
    pub agent_api_url: Url,
    /// What is shown of the settings, by variable.
    pub shown: BTreeMap<String, String>,
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
                Some(url) => Database::External {
                    url: read_database("DATABASE_URL", url)?,
                    owner: settings
                        .database_owner_url
                        .map(|url| read_database("HEDDLE_DATABASE_OWNER_URL", url))
                        .transpose()?,
                },
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
            ca_pem: read_authorities("HEDDLE_CA_FILE", settings.ca_file.as_deref())?,
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
            agent_image_is_guessed: settings.agent_image.is_none()
                && settings.released_agent_image == DEFAULT_AGENT_IMAGE,
            agent_image: read_image(
                settings.agent_image,
                settings.released_agent_image,
                settings.image_registry.as_deref(),
            )?,
            automator_image: read_image(
                settings.automator_image,
                settings.released_automator_image,
                settings.image_registry.as_deref(),
            )?,
            agent_api_url,
            shown: settings.shown,
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
        return Err(ConfigError::new(*missing, "it is not set, but others of the GitHub App are", remedy));
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
