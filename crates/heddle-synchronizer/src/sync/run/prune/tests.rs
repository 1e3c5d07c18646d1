use super::*;

#[test]
fn a_group_that_does_not_answer_is_no_api_server_that_is_away() {
    let mut kinds = Kinds::default();
    kinds.unknown_groups.push("down.example.org".to_owned());
    let of = |api_version: &str| of_unserved(&kinds, &GroupKind::new(api_version, "Jar"));
    // It may pass, and each try counts.
    assert!(matches!(of("down.example.org/v1"), Err(error) if error.is_transient() && error.is_of_request()));
    assert!(matches!(of("gone.example.org/v1"), Ok(Ended::Deleted(Deleted::Gone))));
}
