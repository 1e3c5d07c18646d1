//! Docker Hub, and Alibaba's registry, whose bodies look alike. Source: <https://docs.docker.com/docker-hub/repos/manage/webhooks/>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, owned, text, time};

pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    let tag = owned(body, &["push_data", "tag"]).ok_or(NoPush("it has no `push_data.tag`"))?;
    let of = |key: &str| text(body, &["repository", key]);
    let at = time(body, &["push_data", "pushed_at"]);
    if let Some(repository) = of("repo_full_name") {
        let host = of("region").map(|region| format!("registry.{region}.aliyuncs.com"));
        let registries = receiver.registries(host.as_deref());
        let digest = owned(body, &["push_data", "digest"]);
        return Ok(vec![Push { registries, repository: repository.to_owned(), tag: Some(tag), digest, at }]);
    }
    let repository = match (of("repo_name"), of("namespace"), of("name")) {
        (Some(full), ..) => full.to_owned(),
        (None, Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (None, _, name) => name.unwrap_or_default().to_owned(),
    };
    Ok(vec![Push { registries: receiver.registries(Some("docker.io")), repository, tag: Some(tag), digest: None, at }])
}
