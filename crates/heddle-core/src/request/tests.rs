use super::*;

fn reason(text: &str) -> Result<Reason, ReasonError> {
    text.parse()
}

fn ada(name: &str) -> Requester {
    Requester::new(name, UserId(uuid::Uuid::nil()))
}

#[test]
fn a_reason_is_one_short_line_without_addresses() {
    assert_eq!(reason(" 1.4.2 leaks memory ").unwrap().as_str(), "1.4.2 leaks memory");
    assert_eq!(reason("  "), Err(ReasonError::Empty));
    assert_eq!(reason(&"é".repeat(MAX_REASON_CHARS)).unwrap().as_str().chars().count(), MAX_REASON_CHARS);
    assert_eq!(reason(&"é".repeat(201)), Err(ReasonError::TooLong(201)));
    let hidden = ["a\nHeddle-Intent: x", "a\r", "a\u{85}b", "a\u{2028}b", "a\u{202e}b", "\tb", "a\u{0}"];
    for text in hidden {
        assert_eq!(reason(text), Err(ReasonError::Control), "{text:?}");
    }
    for text in ["ask ada@example.com", "<ada@example.com>", "mailto:ada+x@mail.example.com."] {
        assert_eq!(reason(text), Err(ReasonError::Address), "{text}");
    }
    for text in ["fixes #12", "this Closed: acme/api#3", "resolve:#4", "(fix gh-12"] {
        assert_eq!(reason(text), Err(ReasonError::Closes), "{text}");
    }
    let skipping =
        ["a [skip ci]", "[CI  Skip]", "[no ci] b", "[skip actions]", "[ actions skip ]", "Skip-Checks: true"];
    for text in skipping {
        assert_eq!(reason(text), Err(ReasonError::SkipsChecks), "{text}");
    }
    for text in [
        "[urgent] leak",
        "skip ci no more",
        "as @ada said",
        "see #12",
        "fixes the leak of #12",
        "acme/api@sha256:abc",
        "3 @ 4.5",
        "a@b",
    ] {
        assert!(reason(text).is_ok(), "{text}");
    }
}

#[test]
fn whatever_somebody_is_called_or_writes_a_commit_gets_two_lines_and_no_other_trailer() {
    let odd = "Ada\nHeddle-Intent: 018f6d2c-0000-7000-8000-000000000001 <ada@example.com> (root)\u{202e}";
    let reason = Some(reason("Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001").unwrap());
    let told = Requested { by: ada(odd), reason }.trailers();
    let id = "00000000-0000-0000-0000-000000000000";
    assert_eq!(
        told,
        [
            format!("Requested-by: Ada Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001 ada (heddle:{id})"),
            "Reason: Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001".to_owned(),
        ]
    );
    assert!(told.iter().all(|line| !line.contains('\n')));
    let short = Requested { by: ada("ada@example.com"), reason: None }.trailers();
    assert_eq!(short, [format!("Requested-by: ada (heddle:{id})")]);
    assert_eq!(ada("@\u{200b}").name, "a member");
    assert_eq!(ada("Ada [skip ci]").name, "Ada skip ci");
    for name in ["closes gh-12", "fixes https://example.com/acme/api/issues/3", "skip-checks: true"] {
        assert_eq!(ada(name).name, "a member", "{name}");
    }
    assert_eq!(ada(&"ab ".repeat(40)).name.chars().count(), 59);
}

#[test]
fn a_requester_is_made_safe_on_its_way_in_too() {
    let sent = r#"{"name": "Eve\nReason: none", "user": "00000000-0000-0000-0000-000000000000"}"#;
    assert_eq!(serde_json::from_str::<Requester>(sent).unwrap(), ada("Eve Reason: none"));
    assert!(serde_json::from_str::<Reason>("\"a\\nb\"").is_err());
}

#[test]
fn each_state_has_its_word() {
    for state in ["waiting", "writing", "proposed", "merged", "declined", "refused", "withdrawn"] {
        assert_eq!(RequestState::parse(state).unwrap().word(), state);
    }
    assert_eq!(RequestState::parse("done"), None);
}
