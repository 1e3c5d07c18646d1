use super::*;

type Short = Text<8>;

fn check(text: &str, kept: &str) {
    assert_eq!(Short::from(text), *kept);
    let read: Short = serde_json::from_value(text.into()).unwrap();
    assert_eq!(read, *kept, "as it is read");
    assert_eq!(Short::from(kept), *kept, "cleaning twice changes nothing");
}

#[test]
fn control_characters_are_replaced_and_lines_stay() {
    check("a\0b", "a\u{fffd}b");
    check("\u{1b}[0m", "\u{fffd}[0m");
    check("a\n\tb", "a\n\tb");
}

#[test]
fn what_is_too_long_is_cut_between_characters() {
    check("12345678", "12345678");
    check("123456789", "12345…");
    check("1234äää", "1234…");
    check("12345\0\0", "12345…");
}

#[test]
fn a_limit_below_the_mark_still_holds_something() {
    assert_eq!(Text::<2>::from("abc").as_str(), "…");
}
