use super::*;

fn render_sample() -> String {
    render_with("main", "clusters/prod")
}

fn render_with(branch: &str, path: &str) -> String {
    let install = Install {
        api_url: &"https://heddle.example.com/".parse().unwrap(),
        ca_pem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        image: "ghcr.io/heddle-dev/heddle-synchronizer:0.1.0",
        bootstrap_token: "hdlb_secret",
    };
    let sync = FirstSync {
        repository: "https://github.com/acme/config".parse().unwrap(),
        branch: branch.parse().unwrap(),
        path: path.to_owned(),
        namespaces: vec!["shop".to_owned(), "billing".to_owned()],
    };
    render(&install, &sync)
}

#[test]
fn every_place_is_filled_with_a_quoted_value() {
    let manifest = render_sample();
    assert!(!manifest.contains("{{") && !manifest.contains("for each namespace"), "{manifest}");
    for line in [
        "  token: \"hdlb_secret\"\n",
        "  ca.pem: \"-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n\"\n",
        "      name: \"clusters-prod\"\n",
        "      repository: \"https://github.com/acme/config\"\n",
        "      namespaces: [\"shop\",\"billing\"]\n",
        "              value: \"https://heddle.example.com\"\n",
    ] {
        assert!(manifest.contains(line), "{line} is not in\n{manifest}");
    }
}

#[test]
fn a_value_that_looks_like_a_place_breaks_out_of_none() {
    let manifest = render_with("x{{BOOTSTRAP_TOKEN}}{{PATH}}", "{{NAMESPACES}}{{NAMESPACE}}{{");
    for line in ["branch: \"x{{BOOTSTRAP_TOKEN}}{{PATH}}\"\n", "path: \"{{NAMESPACES}}{{NAMESPACE}}{{\"\n"] {
        assert!(manifest.contains(line), "{line} is not in\n{manifest}");
    }
}

#[test]
fn what_some_readers_take_for_a_line_or_for_no_text_is_escaped() {
    let manifest = render_with("main", "a\u{2028}b\u{fffe}é🧵\\\"");
    assert!(manifest.contains(r#"path: "a\u2028b\ufffe\u00e9\U0001f9f5\\\"""#), "{manifest}");
    assert!(manifest.is_ascii());
}

#[test]
fn each_target_namespace_is_bound_and_none_is_contained() {
    let manifest = render_sample();
    assert_eq!(manifest.matches("kind: ClusterRole\n").count(), 2);
    assert!(manifest.contains("  namespace: \"shop\"\n") && manifest.contains("  namespace: \"billing\"\n"));
    assert_eq!(manifest.matches("kind: Namespace\n").count(), 1, "its own alone");
}
