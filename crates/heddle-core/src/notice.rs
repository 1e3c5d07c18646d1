//! What registries and their relays say of a push.
//!
//! A notice is a reason to read the registry and no more: neither its tag nor its digest is ever deployed. Each sender has
//! a file; whose words a body speaks follows from its shape, so that one address takes them all.

mod artifactory;
mod azure;
mod body;
mod cloud_events;
mod distribution;
mod docker_hub;
mod gitea;
mod github;
mod harbor;
mod native;
mod quay;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A push, as a sender tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Push {
    /// The hosts under which the registry may be known, the most likely first; empty where the sender names none.
    pub registries: Vec<String>,
    /// The repository without its host, in lower case.
    pub repository: String,
    /// The tag, as it is written there; `None` where an image was pushed by its digest.
    pub tag: Option<String>,
    /// The digest, as it is written there.
    pub digest: Option<String>,
    /// When, where the sender says.
    pub at: Option<DateTime<Utc>>,
}

/// What the receiver of notices knows beside them.
#[derive(Debug, Clone, Default)]
pub struct Receiver {
    /// The host under which the registry is known here.
    pub registry: Option<String>,
    /// Artifactory: the virtual repository through which images are pulled.
    pub virtual_repository: Option<String>,
}

/// Pushes in one notice. A registry tells of one, or of what it gathered in some seconds.
pub const MOST_PUSHES: usize = 100;

/// Values in the body of one notice: texts, numbers, objects, lists. A push of the most talkative sender has 50.
pub const MOST_VALUES: usize = 10_000;

/// Why a body is not taken, in a sentence for who set the sender up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoNotice {
    /// It is no JSON.
    #[error("the body is no JSON: {0}")]
    NotJson(String),
    /// It tells of too much at once.
    #[error("{0}")]
    TooMany(String),
    /// It tells of no push.
    #[error(transparent)]
    NoPush(#[from] NoPush),
}

/// Why a body is no notice of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPush(&'static str);

type Read = Result<Vec<Push>, NoPush>;

/// A sender: the fields by which its bodies are known, and how they are read.
struct Sender {
    marks: &'static [&'static str],
    read: fn(&Value, &Receiver) -> Read,
}

/// The first whose marks are all there reads a body.
const SENDERS: [Sender; 10] = [
    Sender { marks: &["events"], read: distribution::read },
    Sender { marks: &["specversion"], read: cloud_events::read },
    Sender { marks: &["detail", "detail-type"], read: cloud_events::read_event_bridge },
    Sender { marks: &["domain", "event_type"], read: artifactory::read },
    Sender { marks: &["type", "event_data"], read: harbor::read },
    Sender { marks: &["registry_package"], read: github::read },
    Sender { marks: &["package"], read: read_package },
    Sender { marks: &["updated_tags"], read: quay::read },
    Sender { marks: &["action", "target"], read: azure::read },
    Sender { marks: &["push_data", "repository"], read: docker_hub::read },
];

/// Reads a notice.
///
/// # Errors
/// When the body is none that is known, tells of something else than a push, lacks what has to be looked up, or holds more
/// than [`MOST_VALUES`] values or [`MOST_PUSHES`] pushes.
pub fn read(body: &[u8], receiver: &Receiver) -> Result<Vec<Push>, NoNotice> {
    let pushes = read_value(&body::parse(body)?, receiver)?;
    if pushes.len() > MOST_PUSHES {
        let told = pushes.len();
        return Err(NoNotice::TooMany(format!(
            "the notice tells of {told} pushes, and {MOST_PUSHES} are taken; send them in several notices"
        )));
    }
    Ok(pushes)
}

/// GitHub's event `package` and Gitea's look alike: GitHub's has the version in an object of its own.
fn read_package(body: &Value, receiver: &Receiver) -> Read {
    let is_gitea = body["package"].get("version").is_some() && body["package"].get("package_version").is_none();
    if is_gitea { gitea::read(body, receiver) } else { github::read(body, receiver) }
}

fn read_value(body: &Value, receiver: &Receiver) -> Read {
    let has = |mark: &&str| body.get(*mark).is_some();
    let sender = SENDERS.iter().find(|sender| sender.marks.iter().all(has));
    let pushes = sender.map_or(native::read as fn(&Value, &Receiver) -> Read, |sender| sender.read)(body, receiver)?;
    if pushes.iter().any(|push| push.repository.is_empty()) {
        return Err(NoPush("it names no repository"));
    }
    let known = |push: Push| Push { repository: push.repository.to_lowercase(), ..push };
    Ok(pushes.into_iter().map(known).collect())
}

impl Receiver {
    /// The registry as it is known here, else as the sender names it.
    fn registries(&self, told: Option<&str>) -> Vec<String> {
        self.registry.as_deref().or(told).filter(|host| !host.is_empty()).map(str::to_owned).into_iter().collect()
    }
}

/// The text at a path of keys; `None` where it is empty.
fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(value, |value, key| value.get(key))?.as_str().filter(|text| !text.is_empty())
}

fn owned(value: &Value, path: &[&str]) -> Option<String> {
    text(value, path).map(str::to_owned)
}

/// The first of several paths that has a text.
fn any<'a>(value: &'a Value, paths: &[&[&str]]) -> Option<&'a str> {
    paths.iter().find_map(|path| text(value, path))
}

fn time(value: &Value, path: &[&str]) -> Option<DateTime<Utc>> {
    let value = path.iter().try_fold(value, |value, key| value.get(key))?;
    match value.as_i64() {
        Some(seconds) => DateTime::from_timestamp(seconds, 0),
        None => value.as_str()?.parse().ok(),
    }
}

/// `https://host:5000/a/b:1` as `host:5000` and `a/b:1`.
fn split_host(address: &str) -> (&str, &str) {
    let bare = address.split_once("://").map_or(address, |(_, bare)| bare);
    bare.split_once('/').unwrap_or((bare, ""))
}

#[cfg(test)]
mod tests;
