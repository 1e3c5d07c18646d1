//! What a policy may cost.

use super::*;
use crate::policy::limit::{MAX_COMPILED_BYTES, MAX_EXPRESSION_BYTES, MAX_PATTERNS, MAX_POLICY_BYTES};

fn fault(policy: &TagPolicy) -> String {
    CompiledPolicy::new(policy).unwrap_err().remove(0).message
}

#[test]
fn an_expression_is_short_and_small() {
    let long = "a".repeat(MAX_EXPRESSION_BYTES + 1);
    let told = format!(
        "the expression is {} bytes long, and {MAX_EXPRESSION_BYTES} are the most: write a shorter one",
        long.len()
    );
    assert_eq!(fault(&TagPolicy { matches: Some(long.clone()), ..semver("*") }), told);
    assert!(
        fault(&TagPolicy { ignore: vec![format!("regexp:{long}")], ..semver("*") }).contains("write a shorter one")
    );
    assert!(fault(&semver(&format!(">={long}"))).contains("the range is"));
    let large = TagPolicy { matches: Some(r"\pL{64}".into()), ..semver("*") };
    assert!(fault(&large).contains(&format!("needs more than {MAX_COMPILED_BYTES} bytes")), "{}", fault(&large));
    assert!(CompiledPolicy::new(&TagPolicy { matches: Some(r"^\w{7,40}-\d{14}$".into()), ..semver("*") }).is_ok());
}

#[test]
fn the_expressions_of_a_policy_are_few_and_small_together() {
    let pattern = |index: usize| format!("regexp:^{index}[a-z]{{9}}$");
    let many = TagPolicy { ignore: (0..=MAX_PATTERNS).map(pattern).collect(), ..semver("*") };
    assert_eq!(
        fault(&many),
        format!("it holds {} patterns, and {MAX_PATTERNS} are the most: join some", MAX_PATTERNS + 1)
    );
    let heavy = |index: usize| format!("regexp:{index}[a-z]{{900}}");
    let heavy = TagPolicy { ignore: (0..MAX_PATTERNS).map(heavy).collect(), ..semver("*") };
    assert!(fault(&heavy).contains(&format!("{MAX_POLICY_BYTES} are the most")), "{}", fault(&heavy));
    let usual =
        TagPolicy { ignore: (0..MAX_PATTERNS).map(|index| format!("regexp:-debug{index}$")).collect(), ..semver("*") };
    assert!((1..=MAX_POLICY_BYTES).contains(&CompiledPolicy::new(&usual).unwrap().size_bytes()));
}

#[test]
fn classes_are_those_of_ascii_as_in_the_language_of_the_peers() {
    let policy = TagPolicy { matches: Some(r"^\d+$".into()), ..kind("alphabetical asc") };
    check(&policy, None, &["12"], Some("12"));
    let name = TagList::whole(vec![TagInfo::named(Tag::of_list("\u{0661}").unwrap(), day(0))]);
    assert_eq!(on_day(&policy, None, &name, 0).decision.chosen, None);
}
