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
}
