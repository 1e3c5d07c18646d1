//! Kinds whose rule counts or parses: what the rules' language does not say.

use serde_json::Value;

use super::super::{Verdict, number};
use crate::GroupKind;

pub(super) fn judge(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    rule(kind).map(|judge| judge(object))
}

fn rule(kind: &GroupKind) -> Option<fn(&Value) -> Verdict> {
    Some(match (kind.group.as_str(), kind.kind.as_str()) {
        ("opentelemetry.io", "OpenTelemetryCollector") => collector,
        ("sparkoperator.k8s.io", "SparkApplication") => spark,
        _ => return None,
    })
}

/// A collector says `2/3` of its replicas; a sidecar has none, and a daemon set may have no node to run on.
fn collector(object: &Value) -> Verdict {
    let mode = object["spec"]["mode"].as_str();
    let replicas = object["status"]["scale"]["statusReplicas"].as_str();
    if object["status"].is_object() && replicas.is_none() && mode == Some("sidecar") {
        return Verdict::healthy("Sidecar");
    }
    let counts = replicas.and_then(|replicas| replicas.split_once('/'));
    let counts = counts.and_then(|(ready, all)| Some((ready.parse::<u64>().ok()?, all.parse::<u64>().ok()?)));
    match counts {
        Some((0, 0)) if mode == Some("daemonset") => Verdict::healthy("NoNodes"),
        Some((0, all)) => Verdict::degraded("NoneReady", format!("0 of {all} replicas are ready")),
        Some((ready, all)) if ready == all => Verdict::healthy("Ready"),
        Some((ready, all)) => Verdict::progressing("LessReady", format!("{ready} of {all} replicas are ready")),
        None => Verdict::progressing("NoReplicas", "it has not said how many replicas are ready"),
    }
}

fn spark(object: &Value) -> Verdict {
    let state = object["status"]["applicationState"]["state"].as_str().unwrap_or_default();
    let message = object["status"]["applicationState"]["errorMessage"].as_str().unwrap_or("it has failed");
    match state {
        "RUNNING" if executors_fit(object) => Verdict::healthy("Running"),
        "COMPLETED" => Verdict::healthy("Completed"),
        "FAILED" | "SUBMISSION_FAILED" | "FAILING" => Verdict::degraded(state, message),
        "INVALIDATING" => {
            Verdict::new(heddle_core::health::HealthStatus::Missing, state, "it is made anew by its operator")
        }
        "" => Verdict::progressing("NotObserved", "its operator has not seen it yet"),
        "RUNNING" => Verdict::progressing(state, "its executors are not all running"),
        _ => Verdict::progressing(state, ""),
    }
}

/// Whether as many executors run as the spec asks for: a number, a range, or with neither at least one.
fn executors_fit(object: &Value) -> bool {
    let (spec, states) = (&object["spec"], object["status"]["executorState"].as_object());
    let Some(states) = states else { return false };
    let running = i64::try_from(states.values().filter(|state| *state == "RUNNING").count()).unwrap_or(i64::MAX);
    let wanted = spec["executor"]["instances"].as_i64();
    if wanted == Some(running) {
        return true;
    }
    match executor_range(spec) {
        Some((least, most)) => (least..=most).contains(&running),
        None => spec["dynamicAllocation"].is_null() && wanted.is_none() && running >= 1,
    }
}

fn executor_range(spec: &Value) -> Option<(i64, i64)> {
    let dynamic = &spec["dynamicAllocation"];
    if dynamic["enabled"] == true {
        return Some((number(&dynamic["minExecutors"]), dynamic["maxExecutors"].as_i64().unwrap_or(i64::MAX)));
    }
    ["spark.streaming.dynamicAllocation", "spark.dynamicAllocation"].iter().find_map(|prefix| {
        let text = |key: &str| spec["sparkConf"][format!("{prefix}.{key}")].as_str();
        let count = |key: &str| text(key).and_then(|text| text.parse().ok());
        (text("enabled") == Some("true"))
            .then(|| (count("minExecutors").unwrap_or(0), count("maxExecutors").unwrap_or(i64::MAX)))
    })
}
