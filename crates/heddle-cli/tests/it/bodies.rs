//! Bodies as the API sends them.

use serde_json::{Value, json};
use uuid::Uuid;

pub fn me() -> Value {
    json!({
        "id": Uuid::from_u128(1), "email": "ada@example.org", "name": "Ada", "github_login": null,
        "organizations": [{"id": Uuid::from_u128(2), "name": "acme", "role": "owner"}],
    })
}

/// One change whose pull request has this state.
pub fn changes(merged: &str) -> Value {
    let knot = |station: &str, state: &str, at: Option<&str>| json!({"station": station, "state": state, "at": at, "inferred": false, "took_ms": null});
    let (end, ended_at) = if merged == "done" { ("healthy", "2026-10-21T07:28:04Z") } else { ("", "") };
    let later = if merged == "done" { "done" } else { "not-yet" };
    json!({
        "next": null,
        "counts": {"in_flight": 1, "stuck": 1, "healthy_today": 0},
        "items": [{
            "id": Uuid::from_u128(3), "repository": "acme/config", "branch": "main", "environment": "prod",
            "image": "ghcr.io/acme/api", "from": "1.4.1", "to": "1.4.2", "mode": "pull-request",
            "line": {
                "knots": [
                    knot("pushed", "done", Some("2026-10-21T07:28:00Z")),
                    knot("proposed", "done", Some("2026-10-21T07:28:01Z")),
                    knot("merged", merged, None), knot("applied", later, None), knot("healthy", later, None),
                ],
                "end": (!end.is_empty()).then_some(end), "ended_at": (!end.is_empty()).then_some(ended_at),
                "reason": "waits for #41 to be merged", "since": null, "rollouts": [],
            },
            "proposal": {"kind": "pull-request", "number": 41, "url": "https://github.com/acme/config/pull/41"},
            "created_at": "2026-10-21T07:28:00Z",
        }],
    })
}

pub fn workloads() -> Value {
    json!({"next": null, "total": 1, "items": [{
        "cluster": Uuid::from_u128(4), "cluster_name": "blue", "sync": {"namespace": "heddle-system", "name": "apps"},
        "environment": "prod", "kind": "Deployment", "namespace": "shop", "name": "api", "health": "healthy",
        "reason": null, "since": "2026-10-21T07:28:00Z", "state": "1.4.2 waits in #41",
        "reported_at": "2026-10-21T07:28:00Z", "unseen_since": null, "link": "connected",
        "images": [{
            "running": {"container": "api", "image": "ghcr.io/acme/api:1.4.1"}, "desired": "1.4.1", "newest": "1.4.2",
            "governed": true, "change": null,
        }],
    }]})
}

pub fn clusters() -> Value {
    json!([{
        "id": Uuid::from_u128(4), "name": "blue", "link": "connected", "last_seen_at": null, "last_report_at": null,
        "agent": null, "keys": [], "rejected": null, "faulty_syncs": [],
        "workloads": 1, "created_at": "2026-10-21T07:28:00Z",
        "syncs": [{
            "sync": {"namespace": "heddle-system", "name": "apps"}, "repository": "github.com/acme/config",
            "connected": true, "branch": "main", "path": "prod", "environment": "prod", "suspended": false,
            "applied_revision": "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "attempted_revision": null,
            "health": "healthy", "objects": 7, "conditions": [], "drifts": [], "stopped_prune": null,
            "reported_at": "2026-10-21T07:28:00Z", "unseen_since": null,
            "errors": [{"file": "prod/api.yaml", "line": 14, "object": null, "message": "unknown field `imge`"}],
        }],
    }, {
        "id": Uuid::from_u128(5), "name": "green", "link": "never-connected", "last_seen_at": null,
        "last_report_at": null, "agent": null, "keys": [], "rejected": null, "faulty_syncs": [], "workloads": 0,
        "created_at": "2026-10-21T07:28:00Z", "syncs": [],
    }])
}

pub fn status() -> Value {
    json!({
        "automator_seen_at": null, "scanned_at": null, "failing_images": [], "waiting_pushes": [], "clusters_connected": 1, "clusters": 2,
        "blocking_findings": 0, "asking": [], "unreadable": [], "slow_hosts": [], "silent_automators": [],
    })
}
