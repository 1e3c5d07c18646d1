//! How the agent logs in to the git host.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_client::ClientError;
use heddle_source::Credential;
use heddle_wire::agent::GitTokenRequest;

use super::Asker;

/// A token is asked for anew when it has less time left than this.
const TOKEN_SLACK: TimeDelta = TimeDelta::minutes(5);

/// What a person can do who wants to be independent of the API.
const WITHOUT_API: &str =
    "drift is repaired meanwhile, and with a Secret in `spec.credentials` git is read without the API";

/// A token that the API minted.
#[derive(Clone)]
pub(super) struct Token {
    credential: Credential,
    expires_at: DateTime<Utc>,
}

/// How to log in, and why there is no better way: a word and a sentence.
pub(super) struct Login {
    pub credential: Option<Credential>,
    pub excuse: Option<(&'static str, String)>,
}

/// The Secret that the Sync names, else a token of the API, else nothing, which does for public repositories. With `fresh`
/// the token that is kept is not good enough.
pub(super) async fn log_in(kept: &mut Option<Token>, asker: &Asker, fresh: bool) -> Login {
    if let Some(reference) = &asker.sync.spec.credentials {
        return match asker.client.read_login(asker.ctx.own.namespace(), &reference.secret_name).await {
            Ok((username, password)) => Login { credential: Some(Credential { username, password }), excuse: None },
            Err(error) => {
                let excuse = format!("the Secret `{}` cannot be used: {error}", reference.secret_name);
                Login { credential: None, excuse: Some(("BadSecret", excuse)) }
            }
        };
    }
    let now = Utc::now();
    let usable = kept.as_ref().filter(|token| !fresh && token.expires_at > now);
    if let Some(token) = usable.filter(|token| token.expires_at > now + TOKEN_SLACK) {
        return Login { credential: Some(token.credential.clone()), excuse: None };
    }
    match mint(asker).await {
        Ok(token) => {
            let credential = Some(token.credential.clone());
            *kept = Some(token);
            Login { credential, excuse: None }
        }
        Err(excuse) => Login { credential: usable.map(|token| token.credential.clone()), excuse: Some(excuse) },
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
