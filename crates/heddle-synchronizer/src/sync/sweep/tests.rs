use heddle_reconcile::GroupKind;

use super::*;

fn key(number: usize) -> ObjectKey {
    ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: None, name: number.to_string() }
}

#[test]
fn a_sweep_comes_to_its_end_whatever_became_of_its_objects() {
    let mut sweep = Sweep { left: (0..100).map(key).collect(), found: HashSet::new() };
    let mut sizes = Vec::new();
    while sweep.is_under_way() {
        sizes.push(sweep.next_batch().len());
    }
    assert_eq!(sizes, [32, 32, 32, 4]);
}

#[test]
fn what_is_not_wanted_any_more_is_not_swept() {
    let mut sweep = Sweep { left: (0..100).map(key).collect(), found: HashSet::from([key(1)]) };
    sweep.clear();
    assert!(!sweep.is_under_way() && sweep.found.is_empty());
}
