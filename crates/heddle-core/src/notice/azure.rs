//! Azure Container Registry. Source: <https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, owned, text, time};

pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    if body["action"] != "push" {
        return Err(NoPush("its `action` is not `push`"));
    }
    let (tag, digest) = (owned(body, &["target", "tag"]), owned(body, &["target", "digest"]));
    if tag.is_none() && digest.is_none() {
        return Err(NoPush("it has neither `target.tag` nor `target.digest`"));
    }
    Ok(vec![Push {
        registries: receiver.registries(text(body, &["request", "host"])),
        repository: owned(body, &["target", "repository"]).unwrap_or_default(),
        tag,
        digest,
        at: time(body, &["timestamp"]),
    }])
}
