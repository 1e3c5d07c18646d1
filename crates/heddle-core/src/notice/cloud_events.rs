//! CloudEvents of any sender, and Amazon's registry, as CloudEvents or as its own events of EventBridge. Source:
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>.

use serde_json::Value;

use super::{NoPush, Push, Read, Receiver, any, owned, split_host, text, time};

pub(super) fn read(body: &Value, receiver: &Receiver) -> Read {
    let kind = text(body, &["type"]).ok_or(NoPush("the event has no `type`"))?.to_lowercase();
    let is_image = ["container", "image", "artifact"].iter().any(|word| kind.contains(word));
    if !is_image || !["push", "publish"].iter().any(|word| kind.contains(word)) {
        return Err(NoPush("the event's `type` does not speak of a pushed image"));
    }
    let data = &body["data"];
    let subject = text(body, &["subject"]).and_then(|subject| subject.rsplit_once(':'));
    let repository = any(data, &[&["repositoryName"], &["repository"]]).or(subject.map(|(repository, _)| repository));
    let tag = any(data, &[&["imageTag"], &["tag"]]).or(subject.map(|(_, tag)| tag));
    let source = text(body, &["source"]).unwrap_or_default();
    let amazon = source.strip_prefix("urn:aws:ecr:").and_then(|rest| {
        let mut parts = rest.split(':');
        let (region, account) = (parts.next()?, parts.next()?);
        Some(amazon_host(text(data, &["registryId"]).unwrap_or(account), region))
    });
    let told = any(data, &[&["registryUrl"], &["registry"]]).map(|url| split_host(url).0);
    let of_source = source.contains("://").then(|| split_host(source).0);
    Ok(vec![Push {
        registries: receiver.registries(amazon.as_deref().or(told).or(of_source)),
        repository: repository.ok_or(NoPush("the event names no repository"))?.to_owned(),
        tag: Some(tag.ok_or(NoPush("the event names no tag"))?.to_owned()),
        digest: any(data, &[&["imageDigest"], &["digest"]]).map(str::to_owned),
        at: time(body, &["time"]),
    }])
}

/// Amazon's own event, as a rule of EventBridge passes it on.
pub(super) fn read_event_bridge(body: &Value, receiver: &Receiver) -> Read {
    let of = |key: &str| text(body, &["detail", key]);
    if body["detail-type"] != "ECR Image Action" || of("action-type") != Some("PUSH") || of("result") != Some("SUCCESS")
    {
        return Err(NoPush("it is not about an image that was pushed to Amazon's registry"));
    }
    let host =
        text(body, &["account"]).zip(text(body, &["region"])).map(|(account, region)| amazon_host(account, region));
    Ok(vec![Push {
        registries: receiver.registries(host.as_deref()),
        repository: of("repository-name").unwrap_or_default().to_owned(),
        tag: Some(of("image-tag").ok_or(NoPush("the image was pushed without a tag"))?.to_owned()),
        digest: owned(body, &["detail", "image-digest"]),
        at: time(body, &["time"]),
    }])
}

fn amazon_host(account: &str, region: &str) -> String {
    format!("{account}.dkr.ecr.{region}.amazonaws.com")
}
