//! `heddle login` and `heddle logout`.

use anyhow::{Context, anyhow};
use heddle_client::UserClient;
use heddle_wire::{secret::WireSecret, view::Role};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use crate::{
    ask,
    config::{Config, LoginArguments, LogoutArguments, trim_token},
    exit::{Exit, Failure},
    login::{Login, Logins},
    screen::Screen,
    session::connect,
};

/// Keeps a token, once the API has accepted it.
pub(crate) async fn run(config: &Config, arguments: &LoginArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let dir = config.config_dir.as_deref().ok_or_else(no_home)?;
    let mut logins = Logins::load(dir)?;
    let api = find_address(arguments.url.as_ref().or(config.api_url.as_ref()), &logins)?;
    let ca_file = config.ca_file.as_deref().map(std::path::absolute).transpose().context("the current directory")?;
    let http = connect(&api, ca_file.as_deref())?;
    let token = read_token(config, arguments)?;
    if token.expose_secret().is_empty() {
        return Err(Failure::wrong(anyhow!("the token is empty"))
            .remedy("make one in the dashboard under Settings, API tokens"));
    }
    let me = UserClient::new(http, token.clone()).me().await?;
    logins.keep(&api, Login { token: WireSecret(token), ca_file });
    logins.save(dir)?;
    if screen.is_json() {
        screen.json(&json!({"api": api, "user": me.email, "organizations": me.organizations}))?;
        return Ok(Exit::Done);
    }
    screen.line(&format!("Logged in to {api} as {}", me.email))?;
    for organization in &me.organizations {
        screen.line(&format!("  {} ({})", organization.name, role(organization.role)))?;
    }
    Ok(Exit::Done)
}

/// Forgets a token. The API goes on accepting it until it is revoked there.
pub(crate) fn forget(config: &Config, arguments: &LogoutArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let dir = config.config_dir.as_deref().ok_or_else(no_home)?;
    let mut logins = Logins::load(dir)?;
    let api = find_address(arguments.url.as_ref().or(config.api_url.as_ref()), &logins)?;
    if !logins.forget(&api) {
        return Err(Failure::wrong(anyhow!("there is no login for {api}")));
    }
    logins.save(dir)?;
    screen.note(&format!("forgot the token for {api}; revoke it in the dashboard under Settings, API tokens"));
    Ok(Exit::Done)
}

fn find_address(given: Option<&Url>, logins: &Logins) -> Result<Url, Failure> {
    given.or(logins.current.as_ref()).cloned().ok_or_else(|| {
        Failure::wrong(anyhow!("no address is given")).remedy("name the API: `heddle login https://heddle.example`")
    })
}

fn no_home() -> Failure {
    Failure::wrong(anyhow!("there is no place to keep logins: neither XDG_CONFIG_HOME nor HOME is set"))
        .remedy("set one of them, or use HEDDLE_API_URL and HEDDLE_TOKEN without logging in")
}

fn read_token(config: &Config, arguments: &LoginArguments) -> Result<SecretString, Failure> {
    if let Some(path) = &arguments.token_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        return Ok(trim_token(text));
    }
    if let Some(token) = &config.token {
        return Ok(token.clone());
    }
    Ok(ask::read("API token (dashboard, Settings, API tokens)").context("could not read the token from stdin")?)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}
