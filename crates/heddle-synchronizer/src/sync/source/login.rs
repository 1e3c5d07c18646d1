//! How the agent logs in to the git host.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use heddle_client::ClientError;
use heddle_core::git::RepoUrl;
use heddle_source::Credential;
use heddle_wire::agent::GitTokenRequest;

use super::Asker;

/// A token is asked for anew when it has less time left than this.
const TOKEN_SLACK: TimeDelta = TimeDelta::minutes(5);

/// What a person can do who wants to be independent of the API.
const WITHOUT_API: &str =
    "drift is repaired meanwhile, and with a Secret in `spec.credentials` git is read without the API";

/// The tokens that the API minted, by the repository that each reads. They are the cluster's, and all Syncs share them: so
/// those of one repository are one reader of it, and share its fetches.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<RepoUrl, Token>>);

#[derive(Clone)]
struct Token {
    credential: Credential,
    expires_at: DateTime<Utc>,
}

impl Tokens {
    /// Forgets one that was refused. What another Sync got meanwhile stays.
    fn forget(&self, repository: &RepoUrl, refused: &Credential) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|known, token| known != repository || !token.credential.is_the_same_as(refused));
    }

    fn find(&self, repository: &RepoUrl, now: DateTime<Utc>) -> Option<Token> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(repository).filter(|token| token.expires_at > now).cloned()
    }

    fn keep(&self, repository: &RepoUrl, token: Token, now: DateTime<Utc>) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.expires_at > now);
        tokens.insert(repository.clone(), token);
    }
}

/// How to log in, and why there is no better way: a word and a sentence.
pub(super) struct Login {
    pub credential: Option<Credential>,
    /// Whether the API minted it, so that it may have been revoked before its time.
    pub is_minted: bool,
    pub excuse: Option<(&'static str, String)>,
}

impl Login {
    fn minted(credential: Option<Credential>, excuse: Option<(&'static str, String)>) -> Self {
        Self { is_minted: credential.is_some(), credential, excuse }
    }
}

/// The Secret that the Sync names, else a token of the API, else nothing, which does for public repositories. A
/// token that the host has `refused` is not used again.
pub(super) async fn log_in(asker: &Asker, refused: Option<&Credential>) -> Login {
    if let Some(reference) = &asker.sync.spec.credentials {
        return match asker.client.read_login(asker.ctx.own.namespace(), &reference.secret_name).await {
            Ok((username, password)) => {
                Login { credential: Some(Credential { username, password }), is_minted: false, excuse: None }
            }
            Err(error) => {
                let excuse = format!("the Secret `{}` cannot be used: {error}", reference.secret_name);
                Login { credential: None, is_minted: false, excuse: Some(("BadSecret", excuse)) }
            }
        };
    }
    let (tokens, repository, now) = (&asker.ctx.tokens, &asker.spec.repository, Utc::now());
    if let Some(refused) = refused {
        tokens.forget(repository, refused);
    }
    let usable = tokens.find(repository, now);
    if let Some(token) = usable.as_ref().filter(|token| token.expires_at > now + TOKEN_SLACK) {
        return Login::minted(Some(token.credential.clone()), None);
    }
    match mint(asker).await {
        Ok(token) => {
            let credential = Some(token.credential.clone());
            tokens.keep(repository, token, now);
            Login::minted(credential, None)
        }
        Err(excuse) => Login::minted(usable.map(|token| token.credential), Some(excuse)),
    }
}

async fn mint(asker: &Asker) -> Result<Token, (&'static str, String)> {
    let api = asker.api.as_ref().ok_or_else(|| {
        ("NoIdentity", format!("the agent is not enrolled yet, so it has no token for git; {WITHOUT_API}"))
    })?;
    let request = GitTokenRequest { repository: asker.spec.repository.clone() };
    let response = api.git_token(&request).await.map_err(|error| match error {
        ClientError::NotConnected { message } => ("RepositoryNotConnected", message),
        other => ("NoToken", format!("the API gave no token for git: {other}; {WITHOUT_API}")),
    })?;
    let credential = Credential { username: response.username, password: response.token.0 };
    Ok(Token { credential, expires_at: response.expires_at })
}

#[cfg(test)]
mod tests;
