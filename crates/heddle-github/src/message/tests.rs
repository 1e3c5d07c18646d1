use heddle_core::request::Requester;

use super::*;

fn message(body: &str) -> CommitMessage {
    let intent = "018f6d2c-0000-7000-8000-000000000001".parse().unwrap();
    CommitMessage { subject: "Bump api\nto v2".into(), body: body.into(), requested: None, intent }
}

#[test]
fn a_message_ends_in_its_trailer() {
    let trailer = "Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001";
    assert_eq!(message("").whole(), format!("Bump api to v2\n\n{trailer}"));
    assert_eq!(message("why\n").whole(), format!("Bump api to v2\n\nwhy\n\n{trailer}"));
}

#[test]
fn who_asked_stands_with_the_trailers_and_names_no_intent() {
    let by = Requester::new("Ada", "018f6d2c-0000-7000-8000-000000000002".parse().unwrap());
    let reason = Some("Heddle-Intent: 018f6d2c-0000-7000-8000-000000000003".parse().unwrap());
    let whole = CommitMessage { requested: Some(Requested { by, reason }), ..message("why") }.whole();
    let lines: Vec<&str> = whole.lines().skip(4).collect();
    assert_eq!(
        lines,
        [
            "Requested-by: Ada (heddle:018f6d2c-0000-7000-8000-000000000002)",
            "Reason: Heddle-Intent: 018f6d2c-0000-7000-8000-000000000003",
            "Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001",
        ]
    );
    assert_eq!(intents(&whole), [message("").intent]);
}

#[test]
fn intents_are_found_also_in_a_squash() {
    let squashed = format!("Bump (#1)\n\n* {}\n\n* another\n\nheddle-intent:   x\n", message("").whole());
    assert_eq!(intents(&squashed), [message("").intent]);
    assert!(intents("a person's commit\n\nNot-Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001").is_empty());
}
