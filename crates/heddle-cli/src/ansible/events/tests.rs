use serde_json::json;

use super::*;

const START: &str = r#"{"event": "start", "version": "2.21.5"}"#;
const END: &str = r#"{"event": "end", "hosts": ["home"], "more": 0}"#;

fn read(middle: &[&str]) -> Checked {
    let lines = [&[START], middle, &[END]].concat().join("\n");
    read_events(&lines).unwrap()
}

#[test]
fn what_a_run_would_change_is_told_by_host_and_task() {
    let checked = read(&[
        r#"{"event": "play", "name": "The house"}"#,
        r#"{"event": "changed", "host": "home", "task": "Paint", "path": "site.yml:7", "hidden": null, "item": "door",
            "differences": [{"path": "/etc/color", "live": "red", "desired": "blue"}, {"path": "mode", "live": null, "desired": "0644"}]}"#
            .replace('\n', "")
            .as_str(),
        r#"{"event": "changed", "host": "home", "task": "Lock", "path": null, "hidden": "no_log", "item": null, "differences": []}"#,
    ]);
    assert_eq!((checked.version.as_str(), checked.hosts), ("2.21.5", 1));
    assert_eq!(checked.changes[0].object, "home: Paint (door)");
    assert_eq!(checked.changes[0].differences[0].live, Some(json!("red")));
    assert_eq!(checked.changes[0].differences[1].live, None);
    assert_eq!(checked.changes[1].reason.as_deref(), Some("hidden: no_log"));
    assert!(checked.is_whole());
}

#[test]
fn what_was_not_looked_at_is_never_whole() {
    for event in ["unreachable", "failed", "not-checked"] {
        let line = json!({"event": event, "host": "away", "task": "Paint", "path": null, "reason": "why"}).to_string();
        let checked = read(&[&line]);
        assert!(!checked.is_whole(), "{event}");
        let all = [&checked.unreachable[..], &checked.failed, &checked.not_checked].concat();
        assert_eq!(all, [NotLooked { host: "away".into(), task: "Paint".into(), reason: "why".into() }], "{event}");
    }
    assert!(!read(&[r#"{"event": "no-hosts", "name": "The garden"}"#]).is_whole());
    assert!(!read_events(START).unwrap().is_whole(), "it did not come to its end");
    let end = |more: &str| format!("{START}\n{more}");
    assert!(!read_events(&end(r#"{"event": "end", "hosts": ["home"], "more": 3}"#)).unwrap().is_whole());
    assert!(!read_events(&end(r#"{"event": "end", "hosts": [], "more": 0}"#)).unwrap().is_whole());
    assert!(read(&[]).is_whole());
}

#[test]
fn a_callback_that_was_not_there_is_told_from_one_that_found_nothing() {
    assert!(read_events("").is_none());
    assert!(read_events(END).is_none());
}

#[test]
fn tasks_that_would_really_run_are_named() {
    let refused = r#"{"event": "refused", "tasks": [{"name": "Ring", "path": "site.yml:4"}], "when": "before"}"#;
    let checked = read_events(&format!("{START}\n{refused}\n{{\"event\": \"chan")).unwrap();
    assert_eq!(checked.refused, [Refused { name: "Ring".into(), path: Some("site.yml:4".into()) }]);
    assert!(!checked.has_ended);
}

#[test]
fn a_callback_that_could_not_go_on_says_so() {
    let checked =
        read_events(&format!("{START}\n{}", r#"{"event": "broken", "reason": "KeyError at line 7"}"#)).unwrap();
    assert_eq!((checked.broken.as_deref(), checked.is_whole()), (Some("KeyError at line 7"), false));
}
