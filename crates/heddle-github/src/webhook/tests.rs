use proptest::prelude::*;
use serde_json::json;

use super::*;

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

/// The example of <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>.
#[test]
fn the_documented_signature_is_right_and_every_other_is_wrong() {
    let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let (right, wrong) = (secret("It's a Secret to Everybody"), secret("other"));
    let body = b"Hello, World!";
    assert!(verify_signature(std::slice::from_ref(&right), body, header));
    assert!(verify_signature(&[wrong.clone(), right.clone()], body, header), "while secrets are exchanged both count");
    assert!(!verify_signature(std::slice::from_ref(&wrong), body, header));
    assert!(!verify_signature(&[], body, header));
    assert!(!verify_signature(std::slice::from_ref(&right), b"Hello, World", header));
    for broken in ["", "sha256=", "sha1=757107ea", &header[7..], &header[..70], "sha256=zz"] {
        assert!(!verify_signature(std::slice::from_ref(&right), body, broken), "{broken}");
    }
}

fn hint(event: &str, body: &serde_json::Value) -> Hint {
    parse_hint(event, body.to_string().as_bytes()).unwrap()
}

#[test]
fn a_push_hints_at_its_branch() {
    let body = |reference: &str, deleted: bool| {
        json!({
            "ref": reference, "after": "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "deleted": deleted,
            "installation": {"id": 7}, "repository": {"id": 9, "full_name": "acme/config"},
        })
    };
    let at = Where { installation: Some(7), repository_id: 9, repository: "acme/config".parse().unwrap() };
    let branch: BranchName = "heddle/prod/1".parse().unwrap();
    let head = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().ok();
    let moved = hint("push", &body("refs/heads/heddle/prod/1", false));
    assert_eq!(moved, Hint::BranchMoved { at: at.clone(), branch: branch.clone(), head });
    assert_eq!(hint("push", &body("refs/heads/heddle/prod/1", true)), Hint::BranchMoved { at, branch, head: None });
    assert_eq!(hint("push", &body("refs/tags/v1", false)), Hint::Nothing);
}

#[test]
fn a_pull_request_and_an_installation_hint_at_themselves() {
    let body = json!({
        "number": 4, "pull_request": {"head": {"ref": "heddle/prod/1"}},
        "repository": {"id": 9, "full_name": "acme/config"},
    });
    let at = Where { installation: None, repository_id: 9, repository: "acme/config".parse().unwrap() };
    let head = "heddle/prod/1".parse().unwrap();
    assert_eq!(hint("pull_request", &body), Hint::PullRequestChanged { at, number: 4, head });
    let body = json!({"action": "suspend", "installation": {"id": 7}});
    let action = InstallationAction::Suspended;
    assert_eq!(hint("installation", &body), Hint::InstallationChanged { installation: 7, action });
    let body =
        json!({"action": "removed", "installation": {"id": 7}, "repositories_removed": [{"full_name": "acme/config"}]});
    let action = InstallationAction::Removed(vec!["acme/config".parse().unwrap()]);
    assert_eq!(hint("installation_repositories", &body), Hint::InstallationChanged { installation: 7, action });
    let body = json!({"action": "created", "installation": {"id": 7}});
    assert_eq!(hint("installation", &body), Hint::Nothing);
    assert_eq!(hint("star", &body), Hint::Nothing);
}

#[test]
fn a_payload_of_another_form_is_an_error() {
    for body in ["", "[]", "{}", "{\"ref\": 1}", "{\"ref\":\"refs/heads/x\",\"after\":\"\"}"] {
        assert!(parse_hint("push", body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(event in "push|pull_request|installation|\\PC*", body in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_hint(&event, &body).ok();
        verify_signature(&["s".to_owned().into()], &body, &event);
        verify_signature(&["s".to_owned().into()], &body, &format!("sha256={event}"));
    }

    #[test]
    fn no_values_make_it_panic(reference in "\\PC*", after in "\\PC*", name in "\\PC*", id in any::<u64>()) {
        let body = json!({
            "ref": reference, "after": after, "action": name, "number": id, "installation": {"id": id},
            "repository": {"id": id, "full_name": name}, "pull_request": {"head": {"ref": reference}},
        });
        for event in ["push", "pull_request", "installation"] {
            parse_hint(event, body.to_string().as_bytes()).ok();
        }
    }
}
