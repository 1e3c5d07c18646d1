//! CNCF Distribution, and GitLab's registry. Source: <https://distribution.github.io/distribution/about/notifications/>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, owned, split_host, text, time};

/// Pulls and pushes of layers come in the same list, and are no fault.
pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    let events = body["events"].as_array().ok_or(NoPush("`events` is no list"))?;
    let pushes = events.iter().filter(|event| event["action"] == "push").filter_map(|event| {
        // Behind a proxy the registry knows itself by another host than its users do.
        let hosts = [text(event, &["target", "url"]).map(|url| split_host(url).0), text(event, &["request", "host"])];
        let mut registries = receiver.registries(None);
        for host in hosts.into_iter().flatten() {
            if !registries.iter().any(|known| known == host) {
                registries.push(host.to_owned());
            }
        }
        Some(Push {
            registries,
            repository: owned(event, &["target", "repository"])?,
            tag: Some(owned(event, &["target", "tag"])?),
            digest: owned(event, &["target", "digest"]),
            at: time(event, &["timestamp"]),
        })
    });
    Ok(pushes.collect())
}
