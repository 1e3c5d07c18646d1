use super::fits;

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, text) in [
        ("", ""),
        ("*", ""),
        ("**", "abc"),
        ("a*", "a"),
        ("*a", "ba"),
        ("a*c", "abbc"),
        ("a*b*c", "a-b-b-c"),
        ("*ab*ab*", "xababx"),
        ("é*é", "éé"),
        ("spec.*.image", "spec.containers[name=a].image"),
    ] {
        assert!(fits(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("", "a"), ("a", "ab"), ("a*a", "a"), ("a*b*c", "a-c-b"), ("*ab*ab*", "xabx"), ("a*", "ba")]
    {
        assert!(!fits(pattern, text), "{pattern} {text}");
    }
}

#[test]
fn a_hostile_pattern_takes_no_longer_than_its_length() {
    let (pattern, text) = (format!("{}b*a", "a*".repeat(5_000)), "a".repeat(50_000));
    assert!(!fits(&pattern, &text));
    assert!(fits(&pattern, &format!("{text}ba")));
}
