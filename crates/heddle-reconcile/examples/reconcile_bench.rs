//! How long a plan, verdicts on health and verdicts on drift take. `make bench` runs it.
#![allow(clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use chrono::{DateTime, Utc};
use heddle_reconcile::{
    DesiredObject, DriftRules, GroupKind, Inventory, InventoryEntry, Live, LiveObject, ObjectKey, Order, OwnEntry,
    Scope, health::judge, judge_drift, plan,
};
use serde_json::{Value, json};

const OBJECTS: usize = 20_000;
const RUNS: usize = 11;

fn main() {
    println!("{OBJECTS} objects, median of {RUNS} runs");
    measure_plan();
    measure_health();
    measure_drift();
    println!("peak memory: {}", peak_memory().unwrap_or_else(|| "not known here".to_owned()));
}

fn key(index: usize) -> ObjectKey {
    const KINDS: [(&str, &str); 4] =
        [("v1", "ConfigMap"), ("v1", "Service"), ("apps/v1", "Deployment"), ("example.org/v1", "Widget")];
    let (api_version, kind) = KINDS[index % KINDS.len()];
    let namespace = Some(format!("space-{}", index % 50));
    ObjectKey { kind: GroupKind::new(api_version, kind), namespace, name: format!("object-{index}") }
}

/// One object of all has another manifest than was applied.
fn measure_plan() {
    let entry = OwnEntry { fields: "f".into(), time: "2026-01-01T00:00:00Z".into() };
    let mut desired = Vec::with_capacity(OBJECTS);
    let mut live = Live::default();
    let known = (0..OBJECTS).map(|index| {
        let (key, manifest, uid) = (key(index), format!("{index:032x}"), format!("uid-{index}"));
        live.covered.insert((key.kind.clone(), None));
        live.objects.insert(
            key.clone(),
            LiveObject {
                uid: uid.clone(),
                resource_version: "1".into(),
                owner: Some("me".into()),
                entry: Some(entry.clone()),
                ..LiveObject::default()
            },
        );
        let wanted = if index == OBJECTS / 2 { "changed".to_owned() } else { manifest.clone() };
        desired.push(DesiredObject {
            key: key.clone(),
            api_version: "v1".into(),
            manifest: wanted,
            defines: None,
            may_vanish: false,
            order: Order::default(),
        });
        InventoryEntry {
            uid: Some(uid),
            manifest: Some(manifest),
            entry: Some(entry.clone()),
            ..InventoryEntry::announced(key, "v1")
        }
    });
    let inventory: Inventory = known.collect();
    let scope = Scope { owner: "me".into(), ..Scope::default() };
    let millis = median(|| {
        let plan = plan(black_box(&desired), &inventory, &live, &scope);
        assert_eq!((plan.steps.len(), plan.unchanged), (1, OBJECTS - 1));
    });
    println!("plan, one changed: {millis:.1} ms");
}

/// Half Deployments, half custom resources with a rule.
fn measure_health() {
    let now = now();
    let ready = json!({"type": "Ready", "status": "True", "reason": "Ready", "message": "is up to date"});
    let done = [
        json!({"type": "Available", "status": "True"}),
        json!({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}),
    ];
    let objects: Vec<Value> = (0..OBJECTS)
        .map(|index| match index % 2 {
            0 => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1},
                "spec": {"replicas": 2, "progressDeadlineSeconds": 600},
                "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
                    "readyReplicas": 2, "conditions": done}}),
            _ => json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
                "metadata": {"name": "web", "generation": 1}, "status": {"conditions": [ready]}}),
        })
        .collect();
    let millis = median(|| {
        let healthy = objects.iter().filter(|object| judge(object, now).message.is_empty()).count();
        assert_eq!(healthy, OBJECTS);
    });
    println!("health: {millis:.1} ms");
}

fn measure_drift() {
    let fields = |replicas: bool| {
        let mut fields = json!({"f:spec": {"f:template": {"f:spec": {"f:containers":
            {"k:{\"name\":\"api\"}": {".": {}, "f:name": {}, "f:image": {}, "f:env": {}}}}}}});
        if replicas {
            fields["f:spec"]["f:replicas"] = json!({});
        }
        let time = "2026-01-01T00:00:00Z";
        json!([{"manager": "heddle", "operation": "Apply", "time": time, "fieldsV1": fields}])
    };
    let (applied, drifted) = (fields(true), fields(false));
    let (kind, rules) = (GroupKind::new("apps/v1", "Deployment"), DriftRules::default());
    let millis = median(|| {
        for index in 0..OBJECTS {
            let seen = if index % 100 == 0 { &drifted } else { &applied };
            black_box(judge_drift(&kind, black_box(&applied), seen, &rules));
        }
    });
    println!("drift: {:.0} verdicts a second", OBJECTS as f64 / millis * 1_000.0);
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000)
}

fn median(mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// The most that the process ever held (proc(5), `VmHWM`).
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|text| text.trim().to_owned())
}
