use super::*;

fn item(name: &str, places: usize) -> DriftItem {
    let place = |number: usize| ItemDifference {
        path: format!("spec.{number}").as_str().into(),
        live: Some("x".repeat(MAX_VALUE_BYTES).into()),
        desired: None,
    };
    DriftItem {
        object: name.into(),
        deviation: Deviation::Changed,
        cause: Cause::Git,
        reason: None,
        differences: (0..places).map(place).collect(),
        more: 0,
        by: None,
        at: None,
    }
}

fn look(items: Vec<DriftItem>) -> DriftLook {
    let at = DateTime::UNIX_EPOCH;
    DriftLook {
        id: Uuid::nil(),
        repository: None,
        environment: "prod".parse().unwrap(),
        tool: DriftTool::Terraform,
        source: "infra/prod".parse().unwrap(),
        commit: None,
        begun_at: at,
        ended_at: at,
        program: "tofu".into(),
        version: None,
        items,
        more: 0,
        not_looked_at: Vec::new(),
        more_not_looked_at: 0,
        failure: None,
        plan_hash: None,
    }
}

#[test]
fn what_does_not_fit_is_counted() {
    let large = look((0..1500).map(|number| item(&format!("thing.{number}"), 3)).collect()).fit(MAX_LOOK_BYTES);
    assert!(serde_json::to_vec(&large).unwrap().len() <= MAX_LOOK_BYTES);
    assert_eq!(large.count_items(), 1500);
    assert_eq!(large.check_size(), Ok(()));
    let places: u64 = large.items.iter().map(|item| item.more + item.differences.len() as u64).sum();
    assert_eq!(places, 3 * large.items.len() as u64);
    let wide = look(vec![item("one", 500)]).fit(MAX_LOOK_BYTES);
    assert_eq!((wide.items[0].differences.len(), wide.items[0].more), (MAX_DIFFERENCES, 400));
    // However little fits, nothing that differs is taken for the same.
    let nothing = look(vec![item("one", 2), item("two", 2)]).fit(10);
    assert_eq!((nothing.items.len(), nothing.more, nothing.found()), (0, 2, Found::Differs));
}

#[test]
fn a_look_that_is_too_large_is_told_apart() {
    let excess = look((0..=MAX_ITEMS).map(|_| item("one", 0)).collect()).check_size().unwrap_err();
    assert_eq!(
        excess.to_string(),
        "a look tells of at most 1000 things that differ, and this one of 1001: count the rest"
    );
}

#[test]
fn a_look_is_the_same_only_where_all_was_looked_at() {
    assert_eq!(look(Vec::new()).found(), Found::Same);
    let not_looked_at = NotLookedAt { object: "home".into(), reason: "it cannot be reached".into() };
    assert_eq!(DriftLook { not_looked_at: vec![not_looked_at], ..look(Vec::new()) }.found(), Found::Unknown);
    assert_eq!(DriftLook { more_not_looked_at: 1, ..look(Vec::new()) }.found(), Found::Unknown);
    assert_eq!(DriftLook { failure: Some("it was ended".into()), ..look(Vec::new()) }.found(), Found::Unknown);
    assert_eq!(DriftLook { more: 1, ..look(Vec::new()) }.found(), Found::Differs);
    assert_eq!(look(vec![item("one", 0)]).found(), Found::Differs);
}
