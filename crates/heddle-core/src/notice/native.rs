//! Our own shape, which a pipeline can send by `curl`: `{"name": "ghcr.io/acme/api", "tag": "1.4.2"}`. It is Keel's too.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, owned, text, time};

pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    let (Some(name), Some(tag)) = (text(body, &["name"]), owned(body, &["tag"])) else {
        return Err(NoPush("this is no notice that Heddle knows: send `name` and `tag`, or what your registry sends"));
    };
    // As image references are told apart: a first part with a dot or a port is a host.
    let host = name.split_once('/').filter(|(host, _)| host.contains(['.', ':']) || *host == "localhost");
    let (host, repository) = host.map_or((None, name), |(host, rest)| (Some(host), rest));
    Ok(vec![Push {
        registries: receiver.registries(host),
        repository: repository.to_owned(),
        tag: Some(tag),
        digest: owned(body, &["digest"]),
        at: time(body, &["at"]),
    }])
}
