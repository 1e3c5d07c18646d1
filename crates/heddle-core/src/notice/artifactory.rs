//! JFrog Artifactory. Source: <https://jfrog.com/help/r/jfrog-platform-administration-documentation/docker-webhooks>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, owned, split_host, text};

/// The repository is the path of the manifest without tag and file, below the key of Artifactory's repository or of the
/// virtual one through which images are pulled.
pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    if body["domain"] != "docker" || body["event_type"] != "pushed" {
        return Err(NoPush("it is not about a pushed Docker image"));
    }
    let path = text(body, &["data", "path"]).unwrap_or_default();
    let image = path.rsplitn(3, '/').nth(2).ok_or(NoPush("`data.path` is too short to name an image"))?;
    let key = receiver.virtual_repository.as_deref().or_else(|| text(body, &["data", "repo_key"]));
    Ok(vec![Push {
        registries: receiver.registries(text(body, &["jpd_origin"]).map(|origin| split_host(origin).0)),
        repository: key.map_or_else(|| image.to_owned(), |key| format!("{key}/{image}")),
        tag: Some(owned(body, &["data", "tag"]).ok_or(NoPush("it has no `data.tag`"))?),
        digest: owned(body, &["data", "sha256"]).map(|hex| format!("sha256:{hex}")),
        at: None,
    }])
}
