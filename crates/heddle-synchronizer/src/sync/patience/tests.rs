use heddle_reconcile::GroupKind;

use super::*;

#[test]
fn a_fault_is_believed_to_pass_a_few_times_and_anew_for_another_manifest() {
    let key = ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: None, name: "a".into() };
    let mut patience = Patience::default();
    let mut tries = |manifest: &str, count: u32| (0..count).map(|_| patience.note(&key, manifest)).collect::<Vec<_>>();
    let believed = tries("one", MAX_TRIES + 1);
    assert_eq!(believed.iter().filter(|still| **still).count() as u32, MAX_TRIES - 1);
    assert_eq!(believed.last(), Some(&false));
    assert_eq!(tries("two", 1), [true]);
    patience.end(&key);
    assert!(patience.note(&key, "one"));
}
