use heddle_core::health::HealthStatus;
use heddle_kube::sync::SyncSpec;
use serde_json::json;

use super::*;

/// What there is to tell besides the spec.
#[derive(Default)]
struct Known {
    errors: Vec<SyncError>,
    health: Option<Health>,
    objects: Option<u64>,
}

/// What is told of a Sync with this spec, in the report and in its status.
#[track_caller]
fn tell(spec: serde_json::Value, known: &Known) -> (SyncReport, SyncStatus) {
    let spec: SyncSpec = serde_json::from_value(spec).unwrap();
    let mut sync = Sync::new("shop", spec);
    sync.metadata.generation = Some(7);
    let spec = Spec::read(&sync.spec, "apps", "heddle-system");
    let name = SyncName { namespace: "heddle-system".into(), name: "shop".into() };
    let told = Told {
        name: &name,
        sync: &sync,
        spec: &spec,
        applied: None,
        attempted: None,
        fetched_at: None,
        conditions: &Conditions::default(),
        errors: &known.errors,
        health: known.health.as_ref(),
        objects: known.objects,
        drifts: Vec::new(),
        stopped_prune: None,
        remotes: None,
    };
    let before = SyncStatus { objects: 12, ..SyncStatus::default() };
    (report(&told), status(&told, &before))
}

fn good() -> serde_json::Value {
    json!({"repository": "https://example.org/acme/config", "path": "apps"})
}

fn nothing_there() -> Option<Health> {
    Some(Health { status: HealthStatus::Healthy, message: String::new(), workloads: Vec::new() })
}

#[test]
fn nothing_is_said_of_what_was_not_looked_at() {
    let (report, status) = tell(good(), &Known::default());
    assert_eq!(report.observed, None);
    assert_eq!((status.health, status.objects), (None, 12), "what was known stays");
    // The objects are wanted, and the inventory was not read; and the other way round.
    let (report, _) = tell(good(), &Known { health: nothing_there(), ..Known::default() });
    assert_eq!(report.observed, None);
    let (report, _) = tell(good(), &Known { objects: Some(3), ..Known::default() });
    assert_eq!(report.observed, None);
    let (report, status) = tell(good(), &Known { health: nothing_there(), objects: Some(0), ..Known::default() });
    let observed = report.observed.unwrap();
    assert_eq!((observed.health, observed.objects), (HealthStatus::Healthy, 0));
    assert_eq!((status.health.as_deref(), status.objects, status.observed_generation), (Some("healthy"), 0, Some(7)));
}

#[test]
fn a_sync_whose_spec_cannot_be_read_is_told_with_its_fault() {
    let spec = json!({"repository": "https://example.org/acme/config", "branch": "a..b"});
    match tell(spec, &Known::default()).0.follows {
        Follows::Faulty { message } => assert!(message.contains("`spec.branch`"), "{message}"),
        Follows::Readable(source) => panic!("{source:?}"),
    }
    match tell(good(), &Known::default()).0.follows {
        Follows::Readable(source) => assert_eq!(source.path, "apps"),
        Follows::Faulty { message } => panic!("{message}"),
    }
}

#[test]
fn what_is_told_has_an_end_and_no_control_characters() {
    let error = |number: usize| {
        let message = format!("{number}\0").into();
        SyncError { file: None, line: None, object: Some("De\0p x".into()), message }
    };
    let errors: Vec<SyncError> = (0..2 * IN_STATUS).map(error).collect();
    let (report, status) = tell(good(), &Known { errors, ..Known::default() });
    assert_eq!((report.errors.len(), status.errors.len()), (2 * IN_STATUS, IN_STATUS));
    let text = serde_json::to_string(&report).unwrap() + &serde_json::to_string(&status).unwrap();
    assert!(!text.contains("\\u0000"), "{text}");
}
