use super::*;
use crate::yaml::Documents;

fn read(text: &str) -> Result<Selector, String> {
    let documents = Documents::read(text);
    Selector::read(&documents.roots[0]).map_err(|fault| fault.message)
}

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web, level: '3'}, annotations: {a/b: c}}\n";

#[track_caller]
fn check(selector: &str, expected: bool) {
    let documents = Documents::read(WEB);
    let renamed = Renamed {
        names: vec!["p-web".to_owned()],
        labels: BTreeMap::from([("tier".to_owned(), "x".to_owned())]),
        ..Renamed::default()
    };
    assert_eq!(read(selector).unwrap().matches(&documents.roots[0], &renamed), expected, "{selector}");
}

/// Each of these was asked of kustomize 5.8.1.
#[test]
fn a_selector_means_what_it_means_to_kustomize() {
    for selector in [
        "{}",
        "{name: web}",
        "{name: p-web}",
        "{kind: 'Deploy.*', group: 'ap.*', version: 'v.'}",
        "{labelSelector: 'tier in (x, y)'}",
        "{labelSelector: 'tier=x,app==web,!old'}",
        "{labelSelector: app}",
        "{labelSelector: 'app notin (db),level>2,level<4'}",
        "{annotationSelector: 'x!=y,a/b=c'}",
        "{namespace: default}",
        "{name: 'web|other'}",
    ] {
        check(selector, true);
    }
    for selector in [
        "{group: ap}",
        "{version: v}",
        "{labelSelector: 'tier=z'}",
        "{labelSelector: 'tier notin (x)'}",
        "{labelSelector: 'level>3'}",
        "{name: nope}",
        "{namespace: foo}",
        "{annotationSelector: '!a/b'}",
    ] {
        check(selector, false);
    }
}

#[test]
fn what_kustomize_refuses_is_no_selector() {
    for selector in [
        "Deployment",
        "[Deployment]",
        "{kind: '['}",
        "{kind: 'Depl(?=oy)'}",
        "{kind: 'x{99999999}'}",
        "{name: 7}",
        "{name: [web]}",
        "{kindd: Deployment}",
        "{labelSelector: 'a in b'}",
        "{labelSelector: 'a in (b'}",
        "{labelSelector: '=b'}",
        "{labelSelector: 'a=b c'}",
        "{annotationSelector: 'a>b'}",
    ] {
        assert!(read(selector).is_err(), "{selector}");
    }
}

#[test]
fn an_expression_that_grows_too_large_is_refused_by_its_limit() {
    let message = read("{name: '(?:[a-z]{0,900}){0,900}'}").unwrap_err();
    assert!(message.contains(&MAX_EXPRESSION_BYTES.to_string()), "{message}");
}
