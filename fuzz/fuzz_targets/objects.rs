//! Objects of any form are ordered, compared and judged. Two documents are an object before and after.
#![no_main]

use chrono::DateTime;
use heddle_manifest::documents::read_documents;
use heddle_reconcile::{
    DriftRules, ObjectKey, OwnEntry,
    diff::{Mask, as_text, changes, diff},
    health::{Profile, judge_all},
    images_of, judge_drift, wave_of,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let objects: Vec<Value> = read_documents(text).into_iter().filter_map(|document| document.value.ok()).collect();
    for profile in [Profile::Strict, Profile::Kstatus, Profile::Flux, Profile::Argo] {
        assert_eq!(judge_all(profile, &objects, DateTime::UNIX_EPOCH).len(), objects.len());
    }
    let mask = Mask::new("salt");
    for object in &objects {
        let _ = (images_of(object), wave_of(&ObjectKey::of(object).kind));
        assert_eq!(diff(object, object, &mask), []);
    }
    let [before, after, ..] = objects.as_slice() else { return };
    let _ = as_text(&changes(after, before, &mask));
    let rules = DriftRules { ignore: vec!["spec.replicas".to_owned(), "metadata.annotations.*".to_owned()] };
    let (was, is) = (&before["metadata"]["managedFields"], &after["metadata"]["managedFields"]);
    let _ = judge_drift(&ObjectKey::of(after).kind, was, is, &rules);
    let _ = OwnEntry::find(is);
});
