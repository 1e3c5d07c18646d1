use kube::core::Status;

use super::*;

#[track_caller]
fn check(code: u16, message: &str, class: FaultClass) {
    let status = Status { code, message: message.to_owned(), ..Status::default() };
    let error = KubeError::from(kube::Error::Api(Box::new(status)));
    assert_eq!(error.class(), class, "{code}: {error:?}");
}

#[test]
fn each_answer_says_what_may_be_hoped_of_the_next() {
    check(401, "Unauthorized", FaultClass::Transient);
    check(409, "the object has been modified", FaultClass::Transient);
    check(429, "too many requests", FaultClass::Transient);
    check(500, "etcdserver: request timed out", FaultClass::Transient);
    check(503, "the server is currently unable to handle the request", FaultClass::Transient);
    check(404, "namespaces \"a\" not found", FaultClass::NotYet);
    check(403, "cannot patch resource", FaultClass::Permanent);
    check(422, "Deployment is invalid", FaultClass::Permanent);
    check(500, "failed to create typed patch object", FaultClass::Permanent);
    check(500, "etcdserver: request is too large", FaultClass::Permanent);
    check(500, "Internal error occurred: failed calling webhook \"a.example.org\"", FaultClass::Transient);
    check(500, "conversion webhook for example.org/v1, Kind=A failed: refused", FaultClass::Transient);
}

#[test]
fn what_an_admission_webhook_denies_is_refused_whatever_code_it_chose() {
    for code in [400, 403, 404, 409, 410, 429, 500, 503] {
        check(code, "admission webhook \"a.example.org\" denied the request: it is in use", FaultClass::Permanent);
    }
}

#[test]
fn a_kind_that_is_not_served_is_told_from_an_object_that_is_not_there() {
    let error = |name: &str| {
        let details = serde_json::from_value(serde_json::json!({"name": name})).unwrap();
        let status = Status { code: 404, details: Some(details), ..Status::default() };
        KubeError::from(kube::Error::Api(Box::new(status)))
    };
    assert!(matches!(error("a"), KubeError::NotFound(_)));
    assert!(matches!(error(""), KubeError::NotServed(_)));
}

#[test]
fn a_webhook_that_does_not_answer_is_named_with_what_to_do() {
    let message = "Internal error occurred: failed calling webhook \"a.example.org\": service \"x\" not found";
    let status = Status { code: 500, message: message.to_owned(), ..Status::default() };
    let told = KubeError::from(kube::Error::Api(Box::new(status))).to_string();
    assert!(
        told.starts_with("failed calling webhook \"a.example.org\"") && told.contains("mend that webhook"),
        "{told}"
    );
}
