use super::*;

fn names(names: &[&str]) -> BTreeSet<EnvironmentName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn an_operator_needs_a_grant_for_each_environment_and_an_admin_none() {
    let (both, prod) = (names(&["prod", "staging"]), names(&["prod"]));
    for role in [Role::Admin, Role::Owner] {
        assert_eq!(refusal(role, &names(&[]), &both), None);
    }
    assert_eq!(refusal(Role::Operator, &both, &prod), None);
    let missing = refusal(Role::Operator, &prod, &both).unwrap();
    assert!(missing.contains("none for `staging`;"), "{missing}");
    assert!(refusal(Role::Operator, &names(&[]), &prod).is_some());
    let none = refusal(Role::Operator, &both, &names(&[])).unwrap();
    assert!(none.contains("takes the role admin"), "{none}");
    assert!(refusal(Role::Viewer, &both, &prod).unwrap().contains("yours is viewer"));
}
