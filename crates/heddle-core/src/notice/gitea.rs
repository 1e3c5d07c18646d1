//! Gitea and Forgejo: the event `package`. Source: `PackagePayload` and `Package` in the API's published types
//! (<https://docs.gitea.com/usage/repository/webhooks>).

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, split_host, text, time};

pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    if body["action"] != "created" {
        return Err(NoPush("its `action` is not `created`"));
    }
    let package = &body["package"];
    if package["type"] != "container" {
        return Err(NoPush("the package is no container image"));
    }
    let owner = text(package, &["owner", "login"]).ok_or(NoPush("the package has no owner"))?;
    let name = text(package, &["name"]).ok_or(NoPush("the package has no name"))?;
    // A version without a tag is called by its digest.
    let tag = text(package, &["version"]).filter(|tag| !tag.contains(':')).ok_or(NoPush("the version has no tag"))?;
    let host = text(package, &["html_url"]).map(split_host).map(|(host, _)| host);
    Ok(vec![Push {
        registries: receiver.registries(host),
        repository: format!("{owner}/{name}"),
        tag: Some(tag.to_owned()),
        digest: None,
        at: time(package, &["created_at"]),
    }])
}
