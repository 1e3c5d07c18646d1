use super::*;

#[test]
fn a_span_takes_its_largest_unit() {
    let check = |millis: i64, expected: &str| assert_eq!(span(TimeDelta::milliseconds(millis)), expected);
    check(-5, "0.0 s");
    check(440, "0.4 s");
    check(9_990, "9.9 s");
    check(10_000, "10 s");
    check(119_999, "119 s");
    check(120_000, "2 min");
    check(7_200_000, "2 h");
    check(172_800_000, "2 d");
}

#[test]
fn a_foreign_text_moves_no_cursor() {
    assert_eq!(plain("a\u{1b}[2J\nb\tc"), "a[2J b c");
}

#[test]
fn nouns_follow_their_number() {
    assert_eq!(
        (count(0, "image"), count(1, "image"), count(2, "image")),
        ("0 images".into(), "1 image".into(), "2 images".into())
    );
}
