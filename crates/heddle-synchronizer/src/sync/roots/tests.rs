use heddle_reconcile::GroupKind;

use super::*;

#[test]
fn every_workload_has_its_turn_however_many_are_unwell() {
    let key = |number: usize| ObjectKey {
        kind: GroupKind::new("apps/v1", "Deployment"),
        namespace: Some("shop".into()),
        name: format!("api-{number:02}"),
    };
    let unwell: BTreeMap<ObjectKey, ()> = (0..25).map(|number| (key(number), ())).collect();
    let mut roots = Roots::default();
    let mut turns = vec![0; 25];
    for _ in 0..5 {
        let next = roots.next(&unwell);
        assert_eq!(next.len(), MAX_ROOTS);
        for (key, ()) in next {
            turns[key.name[4..].parse::<usize>().unwrap()] += 1;
        }
    }
    assert_eq!(turns, [2; 25]);
    let few: BTreeMap<ObjectKey, ()> = (3..6).map(|number| (key(number), ())).collect();
    assert_eq!(roots.next(&few).len(), 3);
    assert!(roots.next(&BTreeMap::<ObjectKey, ()>::new()).is_empty());
}
