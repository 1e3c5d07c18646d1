//! From what was said to a client that is ready to ask.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use heddle_client::{Http, UserClient};
use heddle_wire::view::{Me, OrganizationView};
use secrecy::SecretString;
use url::Url;

use crate::{
    config::Config,
    exit::{Exit, Failure},
    login::{Login, Logins},
};

/// A client with the organization it asks about.
pub(crate) struct Session {
    pub(crate) client: UserClient,
    pub(crate) api: Url,
    pub(crate) organization: OrganizationView,
}

impl Session {
    /// Takes address and token from the arguments, the environment or the kept login, and asks who we are.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let logins = load_logins(config)?;
        let (api, ca_file) = address(config, &logins)?;
        let token = find_token(config, logins.find(&api)).ok_or_else(|| no_token(&api))?;
        let client = UserClient::new(connect(&api, ca_file.as_deref())?, token);
        let organization = choose(client.me().await?, config.organization.as_deref())?;
        Ok(Self { client, api, organization })
    }
}

/// A client without an organization: for what is of a person, or of the whole installation.
pub(crate) fn open_client(config: &Config) -> Result<UserClient, Failure> {
    let logins = load_logins(config)?;
    let (api, ca_file) = address(config, &logins)?;
    let token = find_token(config, logins.find(&api)).ok_or_else(|| no_token(&api))?;
    Ok(UserClient::new(connect(&api, ca_file.as_deref())?, token))
}

/// The API's address, and the certificate authority that it is trusted by, for a program that has a token of its own.
pub(crate) fn find_api(config: &Config) -> Result<(Url, Option<PathBuf>), Failure> {
    address(config, &load_logins(config)?)
}

fn load_logins(config: &Config) -> Result<Logins, Failure> {
    Ok(config.config_dir.as_deref().map(Logins::load).transpose()?.unwrap_or_default())
}

fn address(config: &Config, logins: &Logins) -> Result<(Url, Option<PathBuf>), Failure> {
    let api = config.api_url.clone().or_else(|| logins.current.clone()).ok_or_else(not_logged_in)?;
    let ca_file = config.ca_file.clone().or_else(|| logins.find(&api)?.ca_file.clone());
    Ok((api, ca_file))
}

/// The connection to `api`.
pub(crate) fn connect(api: &Url, ca_file: Option<&Path>) -> Result<Http, Failure> {
    let ca_pem = match ca_file {
        Some(path) => {
            Some(std::fs::read(path).with_context(|| format!("could not read HEDDLE_CA_FILE {}", path.display()))?)
        }
        None => None,
    };
    Http::new(api.clone(), ca_pem).map_err(Failure::wrong)
}

/// `HEDDLE_TOKEN` wins; a kept token is used at its own address alone.
fn find_token(config: &Config, login: Option<&Login>) -> Option<SecretString> {
    config.token.clone().or_else(|| login.map(|login| login.token.0.clone()))
}

fn not_logged_in() -> Failure {
    Failure { exit: Exit::NotLoggedIn, error: anyhow!("not logged in"), remedy: None }
        .remedy("run `heddle login URL`, or set HEDDLE_API_URL and HEDDLE_TOKEN")
}

fn no_token(api: &Url) -> Failure {
    Failure { exit: Exit::NotLoggedIn, error: anyhow!("not logged in to {api}"), remedy: None }
        .remedy(format!("run `heddle login {api}`, or set HEDDLE_TOKEN"))
}

fn choose(me: Me, wanted: Option<&str>) -> Result<OrganizationView, Failure> {
    let names = me.organizations.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut matching = me
        .organizations
        .into_iter()
        .filter(|o| wanted.is_none_or(|wanted| o.name == wanted || o.id.to_string() == wanted));
    match (matching.next(), matching.next(), wanted) {
        (Some(one), None, _) => Ok(one),
        (Some(_), Some(_), None) => Err(Failure::wrong(anyhow!("there are several organizations: {names}"))
            .remedy("name one with --organization or HEDDLE_ORGANIZATION")),
        (Some(_), Some(_), Some(wanted)) => {
            Err(Failure::wrong(anyhow!("several organizations are called `{wanted}`")).remedy("give its id instead"))
        }
        (None, _, Some(wanted)) if !names.is_empty() => {
            Err(Failure::wrong(anyhow!("there is no organization `{wanted}` for this token; there are: {names}")))
        }
        (None, ..) => Err(Failure::wrong(anyhow!("{} is in no organization", me.email))
            .remedy("make one in the dashboard, or ask for an invitation")),
    }
}
