//! Harbor 1 and 2. Source: <https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, owned, split_host, text, time};

pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    if !matches!(body["type"].as_str(), Some("PUSH_ARTIFACT" | "pushImage")) {
        return Err(NoPush("its `type` is not `PUSH_ARTIFACT`"));
    }
    let of = |key: &str| text(body, &["event_data", "repository", key]);
    let repository = match (of("repo_full_name"), of("namespace"), of("name")) {
        (Some(full), ..) => full.to_owned(),
        (None, Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (None, _, name) => name.unwrap_or_default().to_owned(),
    };
    let resources = body["event_data"]["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pushes = resources.iter().map(|resource| {
        let (host, path) = text(resource, &["resource_url"]).map(split_host).unzip();
        // What was pushed is what can be pulled by this address; `tag` is a copy of its end.
        let tag = path.and_then(|path| path.rsplit('/').next()?.split_once(':')).map(|(_, tag)| tag.to_owned());
        Push {
            registries: receiver.registries(host),
            repository: repository.clone(),
            tag: tag.or_else(|| owned(resource, &["tag"])),
            digest: owned(resource, &["digest"]),
            at: time(body, &["occur_at"]),
        }
    });
    let tagged: Vec<Push> = pushes.filter(|push| push.tag.is_some()).collect();
    if tagged.is_empty() { Err(NoPush("none of its `resources` has a tag")) } else { Ok(tagged) }
}
