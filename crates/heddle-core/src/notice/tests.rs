use serde_json::json;

use super::*;

fn read(body: &Value, receiver: &Receiver) -> Result<Vec<Push>, NoNotice> {
    super::read(body.to_string().as_bytes(), receiver)
}

fn one(body: &Value) -> Push {
    let mut pushes = read(body, &Receiver::default()).unwrap();
    assert_eq!(pushes.len(), 1, "{pushes:?}");
    pushes.remove(0)
}

#[test]
fn a_pipeline_may_send_name_and_tag() {
    let push = one(&json!({"name": "ghcr.io/Acme/api", "tag": "1.4.2", "at": "2026-11-24T08:00:00Z"}));
    assert_eq!((push.registries[0].as_str(), push.repository.as_str()), ("ghcr.io", "acme/api"));
    assert_eq!(push.at, "2026-11-24T08:00:00Z".parse().ok());
    assert_eq!(one(&json!({"name": "localhost/api", "tag": "1"})).registries, ["localhost"]);
    let short = one(&json!({"name": "acme/api", "tag": "1"}));
    assert_eq!((short.registries.len(), short.repository.as_str()), (0, "acme/api"));
}

#[test]
fn a_distribution_tells_of_several_pushes_and_of_pulls_by_all_its_hosts() {
    let event = |action: &str, tag: &str| {
        json!({"action": action, "timestamp": "2026-11-24T08:00:00Z", "request": {"host": "registry.acme.example"},
            "target": {"repository": "acme/api", "tag": tag, "url": "http://10.0.0.7:5000/v2/acme/api/manifests/x"}})
    };
    let body = json!({"events": [event("push", "1"), event("pull", "2"), event("push", "3"), event("push", "")]});
    let pushes = read(&body, &Receiver::default()).unwrap();
    assert_eq!(pushes.iter().map(|push| push.tag.as_deref().unwrap()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(pushes[0].registries, ["10.0.0.7:5000", "registry.acme.example"]);
    assert_eq!(read(&json!({"events": []}), &Receiver::default()), Ok(vec![]));
}

#[test]
fn amazons_own_event_is_read_as_eventbridge_sends_it() {
    let event = |result: &str, tag: Option<&str>| {
        json!({"detail-type": "ECR Image Action", "account": "123456789012", "region": "eu-west-1",
            "time": "2026-11-24T08:00:00Z", "detail": {"action-type": "PUSH", "result": result,
            "repository-name": "team/api", "image-digest": "sha256:7f5b", "image-tag": tag}})
    };
    let push = one(&event("SUCCESS", Some("1.4.2")));
    assert_eq!(push.registries, ["123456789012.dkr.ecr.eu-west-1.amazonaws.com"]);
    assert_eq!((push.repository.as_str(), push.tag.as_deref()), ("team/api", Some("1.4.2")));
    assert!(read(&event("FAILURE", Some("1")), &Receiver::default()).is_err());
    assert!(read(&event("SUCCESS", None), &Receiver::default()).is_err());
}

#[test]
fn a_version_of_a_package_without_a_tag_is_no_push() {
    let body = json!({"action": "published", "package": {"name": "api", "package_type": "container",
        "owner": {"login": "acme"}, "package_version": {"name": "sha256:7f5b", "container_metadata": {"tag": {"name": ""}}}}});
    assert_eq!(read(&body, &Receiver::default()).unwrap_err().to_string(), "the version has no tag");
}

#[test]
fn gitea_tells_of_a_package_as_it_is_called_there() {
    let body = |kind: &str, version: &str| {
        json!({"action": "created", "package": {"id": 7, "owner": {"login": "Acme"}, "type": kind, "name": "api",
            "version": version, "html_url": "https://git.example.com/Acme/-/packages/container/api/1.4.2",
            "created_at": "2026-11-24T08:00:00Z"}, "sender": {"login": "ada"}})
    };
    let push = one(&body("container", "1.4.2"));
    assert_eq!((push.registries[0].as_str(), push.repository.as_str()), ("git.example.com", "acme/api"));
    assert_eq!((push.tag.as_deref(), push.at), (Some("1.4.2"), "2026-11-24T08:00:00Z".parse().ok()));
    for other in [body("npm", "1.4.2"), body("container", "sha256:7f5b")] {
        assert!(read(&other, &Receiver::default()).is_err(), "{other}");
    }
}

#[test]
fn what_the_receiver_knows_is_stronger_than_what_the_sender_says() {
    let receiver = Receiver { registry: Some("images.acme.example".into()), ..Receiver::default() };
    let body =
        json!({"action": "push", "target": {"repository": "a", "tag": "1"}, "request": {"host": "x.azurecr.io"}});
    assert_eq!(read(&body, &receiver).unwrap()[0].registries, ["images.acme.example"]);
}

#[test]
fn anything_else_is_refused_with_the_remedy() {
    for body in [json!({}), json!([]), json!("x"), json!({"tag": "1"}), json!({"name": "a"}), json!({"hook": {}})] {
        let refused = read(&body, &Receiver::default()).unwrap_err().to_string();
        assert!(refused.contains("send `name` and `tag`"), "{body}: {refused}");
    }
}

#[test]
fn a_notice_tells_of_so_many_pushes_and_no_more() {
    let pushes = |count: usize| {
        let tags: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        read(&json!({"repository": "acme/api", "updated_tags": tags}), &Receiver::default())
    };
    assert_eq!(pushes(MOST_PUSHES).unwrap().len(), MOST_PUSHES);
    let refused = pushes(MOST_PUSHES + 1).unwrap_err();
    assert!(matches!(refused, NoNotice::TooMany(_)) && refused.to_string().contains("101 pushes"), "{refused}");
}

#[test]
fn a_body_is_read_no_further_than_a_notice_goes() {
    let objects = |count: usize| read(&Value::Array(vec![json!({}); count]), &Receiver::default()).unwrap_err();
    assert!(matches!(objects(MOST_VALUES - 2), NoNotice::NoPush(_)));
    assert!(matches!(objects(MOST_VALUES), NoNotice::TooMany(_)));
    for broken in ["", "{", "{} x", "[1,]"] {
        let refused = super::read(broken.as_bytes(), &Receiver::default()).unwrap_err();
        assert!(matches!(refused, NoNotice::NotJson(_)), "{broken}: {refused}");
    }
}
