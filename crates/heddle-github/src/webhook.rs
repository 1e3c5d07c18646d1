//! Webhooks in: who sent one, and what it hints at. A payload is a hint, never a fact.

use aws_lc_rs::hmac;
use heddle_core::git::{BranchName, RepoName, Revision};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::{Choice, ConstantTimeEq};

/// Whether `header`, the value of `X-Hub-Signature-256`, signs `body` with one of these secrets (two while one is
/// exchanged for another). The time it takes does not tell how much was right.
///
/// <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>
pub fn verify_signature(secrets: &[SecretString], body: &[u8], header: &str) -> bool {
    let Some(claimed) = header.strip_prefix("sha256=").and_then(|text| hex::decode(text).ok()) else { return false };
    let mut right = Choice::from(0);
    for secret in secrets {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        right |= hmac::sign(&key, body).as_ref().ct_eq(&claimed);
    }
    right.into()
}

/// What a webhook hints at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A branch was pushed to, made or deleted.
    BranchMoved {
        /// Where.
        at: Where,
        /// The branch.
        branch: BranchName,
        /// Its head; `None` when it was deleted.
        head: Option<Revision>,
    },
    /// Something about a pull request changed.
    PullRequestChanged {
        /// Where.
        at: Where,
        /// Its number.
        number: u64,
        /// Its branch.
        head: BranchName,
    },
    /// An installation went, or was changed.
    InstallationChanged {
        /// The installation.
        installation: u64,
        /// What happened.
        action: InstallationAction,
    },
    /// Something that no one acts on.
    Nothing,
}

/// The repository and the installation that a webhook is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Where {
    /// The installation.
    pub installation: Option<u64>,
    /// The repository's number.
    pub repository_id: u64,
    /// Its name at that time.
    pub repository: RepoName,
}

/// What happened to an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallationAction {
    /// It was removed: everything for it stops.
    Deleted,
    /// It was suspended: everything for it stops until it is not.
    Suspended,
    /// It goes on.
    Unsuspended,
    /// These repositories belong to it now.
    Added(Vec<RepoName>),
    /// These repositories belong to it no more.
    Removed(Vec<RepoName>),
}

/// The payload has another form than GitHub documents for its event.
#[derive(Debug, thiserror::Error)]
#[error("the payload of `{event}` cannot be read")]
pub struct HintError {
    event: String,
    source: serde_json::Error,
}

#[derive(Deserialize)]
struct Frame {
    installation: Option<Numbered>,
    repository: RepositoryBody,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

#[derive(Deserialize)]
struct RepositoryBody {
    id: u64,
    full_name: RepoName,
}

#[derive(Deserialize)]
struct PushBody {
    #[serde(rename = "ref")]
    reference: String,
    after: String,
    #[serde(default)]
    deleted: bool,
}

#[derive(Deserialize)]
struct PullRequestBody {
    number: u64,
    pull_request: PullRequestPart,
}

#[derive(Deserialize)]
struct PullRequestPart {
    head: HeadPart,
}

#[derive(Deserialize)]
struct HeadPart {
    #[serde(rename = "ref")]
    branch: BranchName,
}

#[derive(Deserialize)]
struct InstallationBody {
    action: String,
    installation: Numbered,
    #[serde(default)]
    repositories_added: Vec<Named>,
    #[serde(default)]
    repositories_removed: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    full_name: RepoName,
}

/// Reads what a webhook of `event` (`X-GitHub-Event`) hints at.
///
/// # Errors
/// When the body is not what GitHub sends for this event. Answer it like any other: it says nothing.
pub fn parse_hint(event: &str, body: &[u8]) -> Result<Hint, HintError> {
    let read = || match event {
        "push" => push(body),
        "pull_request" => pull_request(body),
        "installation" | "installation_repositories" => installation(event, body),
        _ => Ok(Hint::Nothing),
    };
    read().map_err(|source| HintError { event: event.chars().take(64).collect(), source })
}

fn at(body: &[u8]) -> Result<Where, serde_json::Error> {
    let frame: Frame = serde_json::from_slice(body)?;
    Ok(Where {
        installation: frame.installation.map(|installation| installation.id),
        repository_id: frame.repository.id,
        repository: frame.repository.full_name,
    })
}

fn push(body: &[u8]) -> Result<Hint, serde_json::Error> {
    let push: PushBody = serde_json::from_slice(body)?;
    let Some(branch) = push.reference.strip_prefix("refs/heads/") else { return Ok(Hint::Nothing) };
    let Ok(branch) = branch.parse() else { return Ok(Hint::Nothing) };
    let head = if push.deleted { None } else { push.after.parse().ok() };
    Ok(Hint::BranchMoved { at: at(body)?, branch, head })
}

fn pull_request(body: &[u8]) -> Result<Hint, serde_json::Error> {
    let pull: PullRequestBody = serde_json::from_slice(body)?;
    Ok(Hint::PullRequestChanged { at: at(body)?, number: pull.number, head: pull.pull_request.head.branch })
}

fn installation(event: &str, body: &[u8]) -> Result<Hint, serde_json::Error> {
    let body: InstallationBody = serde_json::from_slice(body)?;
    let names = |named: Vec<Named>| named.into_iter().map(|named| named.full_name).collect();
    let action = match (event, body.action.as_str()) {
        ("installation", "deleted") => InstallationAction::Deleted,
        ("installation", "suspend") => InstallationAction::Suspended,
        ("installation", "unsuspend") => InstallationAction::Unsuspended,
        ("installation_repositories", "added") => InstallationAction::Added(names(body.repositories_added)),
        ("installation_repositories", "removed") => InstallationAction::Removed(names(body.repositories_removed)),
        // A repository of a new installation is connected by a person; permissions are asked for when they are used.
        _ => return Ok(Hint::Nothing),
    };
    Ok(Hint::InstallationChanged { installation: body.installation.id, action })
}

#[cfg(test)]
mod tests;
