//! Reads a Docker configuration: one login for each host that it holds a secret for.
//!
//! Source: the `docker login` reference, "Credential stores", and the Kubernetes documentation of
//! `kubernetes.io/dockerconfigjson`, whose keys may name a path too.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use heddle_wire::{registry::RegistrySecret, secret::WireSecret, view::EnterRegistryLogin};
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use crate::problem::{ApiError, ApiResult, FieldChecks};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Auth {
    auth: Option<WireSecret>,
    username: Option<String>,
    password: Option<WireSecret>,
    identitytoken: Option<WireSecret>,
}

/// One login for each entry. An entry without a secret is at fault, by name: the secret lies in a store of the machine that
/// the configuration is from.
///
/// # Errors
/// 422 with every entry at fault; nothing of a secret is repeated.
pub(super) fn read(config: &WireSecret) -> ApiResult<Vec<EnterRegistryLogin>> {
    let configuration: Configuration = serde_json::from_str(config.expose()).map_err(|_| {
        ApiError::invalid("config", "this is no Docker configuration; paste the text of ~/.docker/config.json")
    })?;
    let mut checks = FieldChecks::default();
    let mut logins = Vec::new();
    for (host, helper) in &configuration.cred_helpers {
        let told = format!(
            "the secret for `{}` lies with the credential helper `{}` and not in this file (`credHelpers`); add this host by \
             itself",
            shown(host),
            shown(helper)
        );
        checks.check(false, "config", told);
    }
    for (key, auth) in configuration.auths {
        if configuration.cred_helpers.contains_key(&key) {
            continue;
        }
        match secret(auth) {
            Ok(Some(secret)) => logins.push(login(&key, secret)),
            Ok(None) => {
                let place = match &configuration.creds_store {
                    Some(store) => format!("in the credential store `{}` (`credsStore`)", shown(store)),
                    None => "somewhere else".to_owned(),
                };
                let told = format!(
                    "the secret for `{}` lies {place} and not in this file; add this host by itself",
                    shown(&key)
                );
                checks.check(false, "config", told);
            }
            Err(fault) => {
                checks.check(false, "config", format!("the entry for `{}` {fault}", shown(&key)));
            }
        }
    }
    checks.finish()?;
    if logins.is_empty() {
        let told = match configuration.creds_store {
            Some(store) => {
                format!("it holds no secret: they lie in the credential store `{}` (`credsStore`)", shown(&store))
            }
            None => "it has no entry under `auths`".to_owned(),
        };
        return Err(ApiError::invalid("config", told));
    }
    Ok(logins)
}

/// The secret of an entry; `None` where it has none.
fn secret(auth: Auth) -> Result<Option<RegistrySecret>, &'static str> {
    let filled = |text: Option<WireSecret>| text.filter(|text| !text.expose().is_empty());
    if let Some(token) = filled(auth.identitytoken) {
        return Ok(Some(RegistrySecret::IdentityToken { token }));
    }
    if let Some((username, password)) = auth.username.filter(|name| !name.is_empty()).zip(filled(auth.password)) {
        return Ok(Some(RegistrySecret::Basic { username, password }));
    }
    let Some(auth) = filled(auth.auth) else { return Ok(None) };
    let bytes = STANDARD.decode(auth.expose().trim()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| "holds an `auth` that is no base64")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "holds an `auth` that is no text")?;
    let (username, password) = text.split_once(':').ok_or("holds an `auth` that is no user name and password")?;
    // Docker pads with NUL in some versions.
    let password = password.trim_end_matches('\0').to_owned();
    Ok(Some(RegistrySecret::Basic { username: username.to_owned(), password: password.into() }))
}

/// A key is a host, an address such as `https://index.docker.io/v1/`, or a host with a path.
fn login(key: &str, secret: RegistrySecret) -> EnterRegistryLogin {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let path = path.trim_matches('/');
    let prefix = if matches!(path, "v1" | "v2") { "" } else { path };
    EnterRegistryLogin { host: host.to_owned(), prefix: prefix.to_owned(), auth_host: None, secret }
}

/// A name of the file in a message: it may be anything.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
