use super::*;

fn set(versions: &[&str]) -> BTreeSet<String> {
    versions.iter().map(|version| (*version).to_owned()).collect()
}

#[test]
fn of_a_group_whose_server_is_down_what_it_served_before_stays_and_of_others_nothing() {
    let before =
        set(&["v1", "metrics.k8s.io/v1beta1", "metrics.k8s.io/v1beta1/PodMetrics", "acme.io/v1", "acme.io/v1/Web"]);
    let served = set(&["v1", "metrics.k8s.io/v1beta1"]);
    let unknown = ["metrics.k8s.io".to_owned()];
    assert_eq!(
        with_unknown(served.clone(), &unknown, Some(&before)),
        Some(set(&["v1", "metrics.k8s.io/v1beta1", "metrics.k8s.io/v1beta1/PodMetrics"]))
    );
    assert_eq!(with_unknown(served.clone(), &[], Some(&before)), Some(served.clone()));
    assert_eq!(with_unknown(served.clone(), &[], None), Some(served.clone()));
    assert_eq!(with_unknown(served, &unknown, None), None, "not known is not gone, after a restart too");
}
