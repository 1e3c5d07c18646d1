//! The settings as they are written.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use heddle_service::config::{ConfigError, with_files};
use uuid::Uuid;

/// The agent's image of this release, as far as a program can say that does not know where images were pushed.
pub const DEFAULT_AGENT_IMAGE: &str = concat!("ghcr.io/heddle-dev/heddle-synchronizer:", env!("CARGO_PKG_VERSION"));

/// The settings as they were written: each is an environment variable and a flag.
#[derive(Debug, Parser)]
#[command(name = "heddle-api", version, about = "The central web API of Heddle", args_override_self = true)]
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
    /// The same database as the owner of its tables, who is needed at the start alone; then `DATABASE_URL` names a role that
    /// owns nothing.
    #[arg(long, env = "HEDDLE_DATABASE_OWNER_URL", hide_env_values = true)]
    pub database_owner_url: Option<String>,
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
    /// The image of the agent in the install manifest, in place of the released one.
    #[arg(long, env = "HEDDLE_AGENT_IMAGE")]
    pub agent_image: Option<String>,
    /// The image of the agent that this API was released with. The image of the API says it.
    #[arg(long, env = "HEDDLE_RELEASED_AGENT_IMAGE", default_value = DEFAULT_AGENT_IMAGE)]
    pub released_agent_image: String,
    /// The image of the automator in the manifest for those that organizations run themselves, in place of the released one.
    #[arg(long, env = "HEDDLE_AUTOMATOR_IMAGE")]
    pub automator_image: Option<String>,
    /// The image of the automator that this API was released with. The image of the API says it.
    #[arg(long, env = "HEDDLE_RELEASED_AUTOMATOR_IMAGE", default_value = "ghcr.io/heddle-dev/heddle-automator:0.1.0")]
    pub released_automator_image: String,
    /// The registry (`host/path`) from which clusters take the released images, where these were copied to another one than they
    /// were made for. Tags and digests stay.
    #[arg(long, env = "HEDDLE_IMAGE_REGISTRY")]
    pub image_registry: Option<String>,
    /// The address under which agents, and automators that organizations run, reach this API, if it is not the public one.
    #[arg(long, env = "HEDDLE_AGENT_API_URL")]
    pub agent_api_url: Option<String>,
    /// What is shown of all of these, by variable.
    #[arg(skip)]
    pub shown: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the command line, the environment, and the files in which settings stand. Wrong usage ends the program with 2.
    ///
    /// # Errors
    /// When a file cannot be read, or says what the environment says too.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Ok(Self::read(with_files::<Self>(std::env::args_os(), |name| std::env::var_os(name))?))
    }

    pub(crate) fn read(arguments: Vec<OsString>) -> Self {
        let matches = Self::command().get_matches_from(arguments);
        match Self::from_arg_matches(&matches) {
            Ok(settings) => Self { shown: shown(&matches), ..settings },
            Err(error) => error.exit(),
        }
    }
}

/// The settings by variable. Of one whose value may hold a secret it is only said that it is set.
fn shown(matches: &ArgMatches) -> BTreeMap<String, String> {
    let command = Settings::command();
    let settings = command.get_arguments().filter_map(|argument| {
        let variable = argument.get_env()?.to_string_lossy().into_owned();
        let mut values = matches.get_raw(argument.get_id().as_str())?;
        let value = if argument.is_hide_env_values_set() {
            "(set)".to_owned()
        } else {
            values.next()?.to_string_lossy().into_owned()
        };
        Some((variable, value))
    });
    settings.collect()
}

/// What the program can do besides serving.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Seal every stored secret anew with the first key of the file, and say which keys may be dropped.
    RotateSecrets,
    /// Look at settings, clock, database, keys, automators, GitHub and webhooks, and say what to do; ends with 1 where something
    /// does not work. It changes nothing.
    Doctor {
        /// Print JSON with the settings in it, for a report of a fault: secrets are left out.
        #[arg(long)]
        json: bool,
    },
    /// Make a link by which a person chooses a new password, once and within a day, and hand it on to them yourself.
    PasswordLink {
        /// The address that they sign in with.
        email: String,
    },
    /// Say who looks after the installation, and may ask for this over the API (`heddle doctor`).
    #[command(subcommand)]
    Admin(AdminCommand),
}

/// Who looks after the installation. A person is named by their id, which `heddle whoami` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum AdminCommand {
    /// Add a person.
    Add {
        /// Their id.
        user_id: Uuid,
    },
    /// Take a person away.
    Remove {
        /// Their id.
        user_id: Uuid,
    },
    /// List them.
    List,
}
