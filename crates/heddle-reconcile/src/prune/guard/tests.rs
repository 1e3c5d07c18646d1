use super::*;

fn guard(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> PruneGuard {
    let map = |all: &[(&str, &str)]| all.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    PruneGuard::of(&map(labels), &map(annotations))
}

#[track_caller]
fn check(name: &'static str, value: &str, expected: PruneGuard) {
    assert_eq!(guard(&[], &[(name, value), ("other", "x")]), expected, "{name}: {value}");
}

#[test]
fn the_words_of_other_tools_mean_what_they_mean_there() {
    for (name, value) in [
        (PRUNE_ANNOTATION, "keep"),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ("kustomize.toolkit.fluxcd.io/prune", "Disabled"),
        (ARGO_OPTIONS, "Prune=false"),
        (ARGO_OPTIONS, "Validate=false, Prune=false ,Replace=true"),
        (ARGO_OPTIONS, "Delete=false"),
        (ARGO_OPTIONS, "Prune=confirm,Delete=false"),
        ("helm.sh/resource-policy", "keep"),
        ("helm.sh/resource-policy", " Keep "),
        ("kapp.k14s.io/delete-strategy", "orphan"),
        ("client.lifecycle.config.k8s.io/deletion", "detach"),
    ] {
        check(name, value, PruneGuard::Keep(name));
    }
    check(ARGO_OPTIONS, "Prune=confirm", PruneGuard::Ask(ARGO_OPTIONS));
    check(ARGO_OPTIONS, "ServerSideApply=true,Delete=confirm", PruneGuard::Ask(ARGO_OPTIONS));
}

#[test]
fn other_values_are_no_guard() {
    for (name, value) in [
        (PRUNE_ANNOTATION, "true"),
        ("kustomize.toolkit.fluxcd.io/prune", "enabled"),
        (ARGO_OPTIONS, "Prune=true"),
        (ARGO_OPTIONS, "PruneLast=true"),
        (ARGO_OPTIONS, "NoPrune=false"),
        ("helm.sh/resource-policy", ""),
        ("kapp.k14s.io/delete-strategy", "default"),
    ] {
        check(name, value, PruneGuard::None);
    }
}

#[test]
fn flux_reads_its_word_in_labels_too_and_the_others_do_not() {
    let flux = "kustomize.toolkit.fluxcd.io/prune";
    assert_eq!(guard(&[(flux, "disabled")], &[]), PruneGuard::Keep(flux));
    assert_eq!(guard(&[("helm.sh/resource-policy", "keep")], &[]), PruneGuard::None);
}
