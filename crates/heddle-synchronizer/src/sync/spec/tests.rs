use heddle_kube::sync::{Helm, RemoteLogin};

use super::*;

fn spec() -> SyncSpec {
    let repository = "https://example.org/acme/config";
    let spec = serde_json::json!({"repository": repository, "path": "/apps/", "namespaces": ["shop"]});
    serde_json::from_value(spec).unwrap()
}

#[track_caller]
fn check(change: impl FnOnce(&mut SyncSpec), fault: Option<&str>) {
    let mut spec = spec();
    change(&mut spec);
    let read = Spec::read(&spec, "shop", "heddle-system");
    match fault {
        None => drop(read.unwrap()),
        Some(fault) => assert!(read.as_ref().is_err_and(|error| error.contains(fault)), "{read:?}"),
    }
}

#[test]
fn what_the_api_server_lets_through_is_read_or_refused_with_its_field() {
    check(|_| {}, None);
    assert_eq!(Spec::read(&spec(), "shop", "heddle-system").unwrap().path, "apps");
    check(|spec| spec.repository = "https://example.org".into(), Some("https://example.org"));
    check(|spec| spec.branch = "a..b".into(), Some("`spec.branch`"));
    check(|spec| spec.interval = "1d".into(), Some("`spec.interval` is `1d`"));
    let into = |namespace: &str| Some(Helm { namespace: Some(namespace.into()), ..Helm::default() });
    check(|spec| spec.helm = into("shop"), None);
    check(|spec| spec.helm = into("other"), Some("`spec.helm.namespace` is `other`, which `spec.namespaces` has not"));
    check(|spec| spec.helm = into("heddle-system"), Some("belongs to Heddle's agent"));
}

#[test]
fn a_prefix_of_remote_bases_that_is_none_is_refused_with_its_field() {
    let remote = |hosts: &str, login: Option<&str>| RemoteBases {
        hosts: vec![hosts.into()],
        logins: login
            .map(|prefix| RemoteLogin { prefix: prefix.into(), secret_name: "base".into() })
            .into_iter()
            .collect(),
        ..RemoteBases::default()
    };
    check(|spec| spec.remote = Some(remote("github.com/acme/", Some("github.com"))), None);
    check(
        |spec| spec.remote = Some(remote("https://github.com", None)),
        Some("`spec.remote.hosts`: `https://github.com`"),
    );
    check(|spec| spec.remote = Some(remote("github.com", Some("a b"))), Some("`spec.remote.logins`: `a b`"));
}

#[test]
fn the_branch_is_known_of_a_spec_that_is_at_fault_elsewhere() {
    let is_known = |change: &dyn Fn(&mut SyncSpec)| {
        let mut spec = spec();
        change(&mut spec);
        Spec::branch_of(&spec).is_some()
    };
    assert!(is_known(&|spec| spec.interval = "1d".into()));
    assert!(!is_known(&|spec| spec.branch = "a..b".into()));
    assert!(!is_known(&|spec| spec.repository = "https://example.org".into()));
}

#[test]
fn nobody_deploys_to_the_agents_namespace_or_to_those_of_kubernetes() {
    for namespace in ["heddle-system", "kube-system", "kube-public", "kube-node-lease"] {
        check(|spec| spec.namespaces.push(namespace.into()), Some(&format!("`spec.namespaces` has `{namespace}`")));
    }
    for namespace in ["default", "kube-state-metrics", "heddle"] {
        check(|spec| spec.namespaces.push(namespace.into()), None);
    }
    let target = |namespace: &'static str| {
        move |spec: &mut SyncSpec| (spec.target_namespace, spec.namespaces) = (Some(namespace.into()), Vec::new())
    };
    check(target("kube-system"), Some("`spec.targetNamespace` is `kube-system`, which belongs to"));
    check(target("shop"), None);
    check(|spec| spec.target_namespace = Some("other".into()), Some("which `spec.namespaces` has not"));
}

#[test]
fn the_same_files_are_wanted_whatever_else_a_spec_says() {
    let read = |change: &dyn Fn(&mut SyncSpec)| {
        let mut spec = spec();
        change(&mut spec);
        Spec::read(&spec, "shop", "heddle-system").unwrap()
    };
    let before = read(&|_| {});
    assert!(before.has_same_files(&read(&|spec| spec.interval = "2m".into())));
    assert!(before.has_same_files(&read(&|spec| spec.kinds.push("Deployment".into()))));
    // Templates of charts ask for the namespace of their release.
    assert!(!before.has_same_files(&read(&|spec| spec.namespaces.push("other".into()))));
    assert!(!before.has_same_files(&read(&|spec| spec.helm = Some(Helm::default()))));
    assert!(!before.has_same_files(&read(&|spec| spec.path = "other".into())));
    assert!(!before.has_same_files(&read(&|spec| spec.branch = "other".into())));
    assert!(!before.has_same_files(&read(&|spec| spec.components.push("../ha".into()))));
    assert!(!before.has_same_files(&read(&|spec| spec.name_prefix = Some("a-".into()))));
    let remote = RemoteBases { hosts: vec!["github.com/acme/".into()], ..RemoteBases::default() };
    assert!(!before.has_same_files(&read(&|spec| spec.remote = Some(remote.clone()))));
    let labels = [("team".to_owned(), "shop".to_owned())].into();
    let metadata = CommonMetadata { labels, ..CommonMetadata::default() };
    assert!(!before.has_same_files(&read(&|spec| spec.common_metadata = Some(metadata.clone()))));
}
