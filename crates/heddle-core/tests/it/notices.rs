//! Push notices of registries, as Argo CD Image Updater, Keel and Kargo read them.

use heddle_core::notice::{Push, Receiver, read};
use serde_json::Value;

use crate::conformance::{Outcome, judge, run};

#[test]
fn notices_of_registries_agree_with_image_updater_keel_and_kargo() {
    let unnamed = "the peer makes up a host; here the registry is not known, and images with this path are read anew";
    let origin = "the registry is `jpd_origin` with the repository's key, as Kargo has it";
    let on_purpose =
        [("hook-aiu-harbor-valid-push_artifact-payload-with-only-name", unnamed), ("hook-keel-jfrog", origin)];
    run("automator/webhooks.json", &on_purpose, |case| match case["kind"].as_str() {
        Some("registry_webhook") => notice(case),
        _ => Outcome::NotOurs,
    });
}

fn notice(case: &Value) -> Outcome {
    let body = match case.get("body_json") {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        Some(body) => Some(body.clone()),
        None => case.get("body").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let receiver = Receiver {
        registry: text(&case["query"]["registry_url"]),
        virtual_repository: text(&case["receiver"]["virtual_repo_name"]),
    };
    let pushes = body.ok_or(()).and_then(|body| read(body.to_string().as_bytes(), &receiver).map_err(|_| ()));
    let expect = &case["expect"];
    if expect["rejected"] == true {
        return judge(&pushes.is_err(), &true);
    }
    let expected: Vec<Value> = expect["events"].as_array().unwrap().clone();
    let Ok(pushes) = pushes else { return Outcome::Wrong("it is refused".into()) };
    let told: Vec<_> = pushes.iter().zip(&expected).map(|(push, expected)| said(push, expected)).collect();
    let expected_told: Vec<_> = expected.iter().map(wanted).collect();
    judge(&(pushes.len(), told), &(expected.len(), expected_told))
}

type Told = (String, String, Option<String>, Option<String>);

/// A push in the words of the case, which does not always name the digest.
fn said(push: &Push, expected: &Value) -> Told {
    let digest = push.digest.clone().filter(|_| expected["digest"].is_string());
    (push.registries.first().cloned().unwrap_or_default(), push.repository.clone(), push.tag.clone(), digest)
}

fn wanted(event: &Value) -> Told {
    let text = |key: &str| event[key].as_str().map(str::to_owned);
    let repository = text("repository_lowercase").or(text("repository")).unwrap_or_default();
    (text("registry").unwrap_or_default(), repository.to_lowercase(), text("tag"), text("digest"))
}
