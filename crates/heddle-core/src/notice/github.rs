//! GitHub's container registry: the events `registry_package` and `package`. Source:
//! <https://docs.github.com/webhooks/webhook-events-and-payloads#registry_package>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, any, owned, split_host, text};

pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    if !matches!(body["action"].as_str(), Some("published" | "create")) {
        return Err(NoPush("its `action` is not `published`"));
    }
    let package = body.get("registry_package").unwrap_or(&body["package"]);
    let kind = any(package, &[&["package_type"], &["ecosystem"]]).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("container") && !kind.eq_ignore_ascii_case("docker") {
        return Err(NoPush("the package is no container image"));
    }
    let (host, path) = text(package, &["registry", "url"]).map(split_host).unzip();
    let repository = match path.filter(|path| path.contains('/')) {
        Some(path) => path.to_owned(),
        None => {
            let owner =
                any(package, &[&["owner", "login"], &["namespace"]]).ok_or(NoPush("the package has no owner"))?;
            let name = text(package, &["name"]).ok_or(NoPush("the package has no name"))?;
            format!("{owner}/{name}")
        }
    };
    let version = &package["package_version"];
    let tag = any(version, &[&["container_metadata", "tag", "name"], &["version"], &["name"]]);
    // A version without a tag is called by its digest.
    let tag = tag.filter(|tag| !tag.contains(':')).ok_or(NoPush("the version has no tag"))?;
    Ok(vec![Push {
        registries: receiver.registries(Some(host.unwrap_or("ghcr.io"))),
        repository,
        tag: Some(tag.to_owned()),
        digest: owned(version, &["container_metadata", "tag", "digest"]),
        at: None,
    }])
}
