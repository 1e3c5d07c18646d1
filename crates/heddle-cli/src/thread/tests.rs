use chrono::TimeDelta;
use serde_json::json;

use super::*;

/// A change whose knots have these states, one second apart.
fn change(states: &[&str], more: serde_json::Value) -> ChangeView {
    let stations = ["pushed", "proposed", "merged", "applied", "healthy"];
    let knots: Vec<_> = stations
        .iter()
        .zip(states)
        .zip(0..)
        .map(|((station, state), index)| {
            let at = (*state == "done").then(|| DateTime::UNIX_EPOCH + TimeDelta::seconds(index));
            json!({"station": station, "state": state, "at": at, "inferred": false, "took_ms": null})
        })
        .collect();
    let mut line =
        json!({"knots": knots, "end": null, "ended_at": null, "reason": null, "since": null, "rollouts": []});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "id": "00000000-0000-0000-0000-000000000001", "repository": "acme/config", "branch": "main",
        "environment": "prod", "image": "ghcr.io/acme/api", "from": "1.4.1", "to": "1.4.2", "mode": "pull-request",
        "line": line, "proposal": {"kind": "pull-request", "number": 41, "url": "https://github.com/acme/config/pull/41"},
        "created_at": DateTime::UNIX_EPOCH,
    }))
    .unwrap()
}

fn check(states: &[&str], more: serde_json::Value, knots: &str, time: &str, state: &str) {
    let change = change(states, more);
    let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(5);
    let mut table = crate::table::Table::new(&["", "", ""]);
    table.row(vec![super::knots(&change.line), Cell::new(super::time(&change, now)), super::state(&change, now)]);
    assert_eq!(table.lines(None, false)[1], format!("{knots}  {time}  {state}"));
}

#[test]
fn the_line_is_drawn_and_said() {
    check(
        &["done", "done", "moving", "not-yet", "not-yet"],
        json!({}),
        "●──●──◐──○──○",
        "5 min",
        "#41 is on its way to merged",
    );
    check(
        &["done", "done", "waiting", "not-yet", "not-yet"],
        json!({"reason": "waits for #41 to be merged", "since": "1970-01-01T00:01:00Z"}),
        "●──●──◎──○──○",
        "5 min",
        "waits for #41 to be merged, since 4 min",
    );
    check(
        &["done", "done", "done", "failed", "not-yet"],
        json!({"reason": "api.yaml:14: unknown field"}),
        "●──●──●──■──○",
        "5 min",
        "api.yaml:14: unknown field",
    );
    check(
        &["done", "done", "done", "done", "done"],
        json!({"end": "healthy", "ended_at": "1970-01-01T00:00:04Z"}),
        "●──●──●──●──●",
        "4.0 s",
        "healthy",
    );
}
