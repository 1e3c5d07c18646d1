use super::*;

fn check(text: &str, wanted: Result<&str, IdentityError>) {
    let parsed = Identities::parse(text);
    assert_eq!(parsed.as_ref().map(Identities::expose), wanted.as_ref().copied(), "{text}");
}

#[test]
fn identities_are_read_as_age_keygen_writes_them_and_comments_are_left_out() {
    let file =
        "# created: 2026-11-30T20:00:00Z\n# public key: age1x\nAGE-SECRET-KEY-1ABC\r\n\n  AGE-SECRET-KEY-PQ-1DEF\n";
    check(file, Ok("AGE-SECRET-KEY-1ABC\nAGE-SECRET-KEY-PQ-1DEF"));
}

#[test]
fn what_is_no_identity_is_refused_by_its_line_and_never_quoted() {
    check("# a\n", Err(IdentityError::Empty));
    for other in
        ["AGE-PLUGIN-YUBIKEY-1ABC", "-----BEGIN AGE ENCRYPTED FILE-----", "AGE-SECRET-KEY-1ABC AGE-SECRET-KEY-1D"]
    {
        check(&format!("# a\n{other}\n"), Err(IdentityError::Other { line: 2 }));
    }
}

#[test]
fn an_identity_shows_itself_to_nobody() {
    let identities = Identities::parse("AGE-SECRET-KEY-1ABC").unwrap();
    assert!(!format!("{identities:?}").contains("ABC"));
}
