//! Quay. Source: <https://docs.quay.io/guides/notifications.html>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, owned, split_host, text};

/// One push of several tags.
pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    let tags: Vec<&str> = body["updated_tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if tags.is_empty() {
        return Err(NoPush("`updated_tags` is empty"));
    }
    let host = text(body, &["docker_url"]).map_or("quay.io", |url| split_host(url).0);
    let push = |tag: &&str| Push {
        registries: receiver.registries(Some(host)),
        repository: owned(body, &["repository"]).unwrap_or_default(),
        tag: Some((*tag).to_owned()),
        ..Push::default()
    };
    Ok(tags.iter().map(push).collect())
}
