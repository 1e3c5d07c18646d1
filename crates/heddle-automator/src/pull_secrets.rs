//! Logins that an automator has with itself: an organization runs it beside its registries, and no secret of theirs goes to
//! the API.
//!
//! They come from a Docker configuration, as a pull secret of Kubernetes holds one. It is read at each scan, since it is
//! changed under a running process.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use heddle_core::{
    image::ImageRepository,
    registry::{Reach, choose},
};
use heddle_registry::{Credential, Failure, Keys, Login, LoginFault};
use heddle_wire::{docker, registry::RegistrySecret, secret::WireSecret};

use crate::limits::MAX_PULL_SECRET_BYTES;

#[cfg(test)]
mod tests;

/// Where logins are read from. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct PullSecrets(Arc<Source>);

#[derive(Debug)]
struct Source {
    file: Option<PathBuf>,
    token_servers: BTreeMap<String, String>,
}

impl PullSecrets {
    pub fn new(file: Option<PathBuf>, token_servers: BTreeMap<String, String>) -> Self {
        Self(Arc::new(Source { file, token_servers }))
    }

    /// The login for an image; `None` where there is none. The longest path wins, as with logins that the API lends.
    pub fn find(&self, image: &ImageRepository) -> Result<Option<Login>, Failure> {
        let Some(file) = &self.0.file else { return Ok(None) };
        let Some(text) = read(file).map_err(|reason| unusable(image, &reason))? else { return Ok(None) };
        let entries = docker::read(&WireSecret::from(text)).map_err(|error| unusable(image, &error.to_string()))?;
        // One that no image can be named by is for no image.
        let reached: Vec<(Reach, Result<RegistrySecret, String>)> = entries
            .into_iter()
            .filter_map(|entry| Some((Reach::new(entry.host.parse().ok()?, &entry.prefix).ok()?, entry.secret)))
            .collect();
        let Some((reach, secret)) = choose(&reached, |(reach, _)| reach, image) else { return Ok(None) };
        let keys = match secret {
            Ok(RegistrySecret::Basic { username, password }) => {
                Credential::Password { username: username.clone(), password: password.0.clone() }
            }
            Ok(RegistrySecret::IdentityToken { token }) => Credential::IdentityToken(token.0.clone()),
            Ok(_) => return Err(unusable(image, "it holds a secret of another kind")),
            Err(lies) => return Err(unusable(image, &format!("the entry for `{reach}` {lies}"))),
        };
        let auth_host = self.0.token_servers.get(image.registry()).cloned();
        Ok(Some(Login { keys: Keys::Own(keys), auth_host }))
    }
}

/// The text of the file; `None` where it is not there. The error repeats nothing of it.
fn read(path: &Path) -> Result<Option<String>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    let mut text = String::new();
    let most = MAX_PULL_SECRET_BYTES as u64;
    match file.take(most + 1).read_to_string(&mut text) {
        Ok(bytes) if bytes > MAX_PULL_SECRET_BYTES => Err(format!("it has more than {most} bytes")),
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(format!("it cannot be read: {error}")),
    }
}

fn unusable(image: &ImageRepository, reason: &str) -> Failure {
    let registry = image.registry();
    let reason = format!("the automator's pull secret for `{registry}` cannot be used: {reason}");
    Failure { reason, retry_at: None, throttled: false, login: Some(LoginFault::Failed) }
}
