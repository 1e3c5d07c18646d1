use super::*;

fn problem(status: u16, code: &str) -> ClientError {
    ClientError::Problem(Problem {
        status,
        code: code.to_owned(),
        message: "no".to_owned(),
        request_id: "r".to_owned(),
        fields: vec![],
    })
}

#[track_caller]
fn check(error: &ClientError, expected: Option<Refusal>) {
    assert_eq!(refusal(error, 0), expected, "{error}");
}

#[test]
fn only_an_invalid_body_or_one_too_large_is_the_fault_of_a_report() {
    let content = || Some(Refusal::Content("no".to_owned()));
    check(&problem(422, "invalid"), content());
    check(&problem(400, "bad-json"), content());
    let too_large = ClientError::TooLarge { message: "no".to_owned() };
    check(&too_large, Some(Refusal::TooLarge("no".to_owned())));
    // An API of another age, rights that were taken, an address that leads elsewhere.
    for (status, code) in [(400, "protocol-unknown"), (403, "forbidden"), (404, "not-found"), (422, "other")] {
        check(&problem(status, code), None);
    }
}
