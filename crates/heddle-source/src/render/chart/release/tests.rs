use super::*;

#[test]
fn names_of_releases_are_those_that_helm_takes() {
    for good in ["web", "a", "web-2", "a.b-c", &"a".repeat(53)] {
        assert_eq!(check_name(good), Ok(()), "{good}");
    }
    for bad in ["", "Web", "web_2", "-a", "a-", "a..b", ".a", "é", &"a".repeat(54)] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_patch_of_kubernetes_is_no_other_cluster_and_anything_else_is() {
    let of = |version: &str, serves: &[&str]| Capabilities {
        kube_version: version.to_owned(),
        api_versions: serves.iter().map(|one| (*one).to_owned()).collect(),
    };
    assert_eq!(of("v1.34.4", &["v1"]), of("v1.34.5+k3s1", &["v1"]));
    assert_ne!(of("v1.34.4", &["v1"]), of("v1.35.4", &["v1"]));
    assert_ne!(of("v1.34.4", &["v1"]), of("v1.34.4", &["v1", "apps/v1"]));
}

#[test]
fn versions_are_given_in_order_and_in_arguments_of_bounded_length() {
    let api_versions = (0..250).map(|number| format!("g{number:03}/v1")).collect();
    let view = ClusterView::Known(Arc::new(Capabilities { kube_version: "v1.34.4".to_owned(), api_versions }));
    let arguments = view.arguments();
    assert_eq!(arguments[0], "--kube-version=v1.34.4");
    assert!(arguments[1].to_string_lossy().starts_with("--api-versions=g000/v1,g001/v1,"));
    assert!(arguments.len() == 3 && arguments[2].to_string_lossy().starts_with("--api-versions=g200/v1,"));
    assert_eq!(ClusterView::Helms.arguments(), Vec::<OsString>::new());
}
