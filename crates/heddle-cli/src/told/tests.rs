use serde_json::json;

use super::*;

fn text(live: Option<serde_json::Value>, desired: Option<serde_json::Value>) -> String {
    text_of(&Difference { path: "a.b".to_owned(), live, desired })
}

#[test]
fn values_stand_on_one_line() {
    assert_eq!(text(Some(json!("x")), Some(json!("y"))), "  a.b\n    - \"x\"\n    + \"y\"\n");
    assert_eq!(text(None, Some(json!([1]))), "  a.b\n    + [1]\n");
}

#[test]
fn of_long_texts_only_what_differs_is_shown() {
    let lines =
        |changed: &str| (0..9).map(|n| if n == 4 { format!("{changed}\n") } else { format!("{n}\n") }).collect();
    let (live, desired): (String, String) = (lines("old"), lines("\tnew\u{1b}[31m"));
    let shown = text(Some(json!(live)), Some(json!(desired)));
    assert_eq!(shown, "  a.b\n      2\n      3\n    - old\n    +  new[31m\n      5\n      6\n");
}
