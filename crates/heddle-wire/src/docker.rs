//! A Docker configuration: which registries it holds a secret for, and for which it only says where the secret lies.
//!
//! Source: the `docker login` reference, "Credential stores", and the Kubernetes documentation of
//! `kubernetes.io/dockerconfigjson`, whose keys may name a path too.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use crate::{registry::RegistrySecret, secret::WireSecret};

#[cfg(test)]
mod tests;

/// What a Docker configuration says of one registry.
#[derive(Debug)]
pub struct DockerEntry {
    /// The host, as it is written there.
    pub host: String,
    /// Only for images whose path is this or lies below it.
    pub prefix: String,
    /// Its secret, or why there is none, in words after "the entry for `HOST`". Nothing of a secret is repeated.
    pub secret: Result<RegistrySecret, String>,
}

/// The text is no Docker configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no Docker configuration; it is the text of ~/.docker/config.json")]
pub struct NotDocker;

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

/// Every registry that a configuration names. Where all secrets lie in a store, and it names none, the one entry has no host.
///
/// # Errors
/// When it is none.
pub fn read(config: &WireSecret) -> Result<Vec<DockerEntry>, NotDocker> {
    let configuration: Configuration = serde_json::from_str(config.expose()).map_err(|_| NotDocker)?;
    let mut entries = Vec::new();
    for (key, helper) in &configuration.cred_helpers {
        let lies = format!("has its secret with the credential helper `{}` (`credHelpers`)", shown(helper));
        entries.push(entry(key, Err(lies)));
    }
    let store = configuration.creds_store.as_deref();
    let elsewhere = || {
        let store = store.map(|store| format!("in the credential store `{}` (`credsStore`)", shown(store)));
        format!("has its secret {}", store.as_deref().unwrap_or("somewhere else"))
    };
    for (key, auth) in configuration.auths {
        if configuration.cred_helpers.contains_key(&key) {
            continue;
        }
        let secret = secret(auth).map_err(str::to_owned).and_then(|secret| secret.ok_or_else(elsewhere));
        entries.push(entry(&key, secret));
    }
    if entries.is_empty() && store.is_some() {
        entries.push(entry("", Err(elsewhere())));
    }
    Ok(entries)
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
fn entry(key: &str, secret: Result<RegistrySecret, String>) -> DockerEntry {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let path = path.trim_matches('/');
    let prefix = if matches!(path, "v1" | "v2") { "" } else { path };
    DockerEntry { host: shown(host), prefix: shown(prefix), secret }
}

/// A name of the file in a message: it may be anything.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(255).collect()
}
