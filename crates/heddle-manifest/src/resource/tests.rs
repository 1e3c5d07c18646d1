use crate::{
    read::object_images,
    yaml::{Documents, cursor::Cursor},
};

fn images(text: &str) -> Vec<String> {
    let documents = Documents::read(text);
    let found = object_images(&Cursor::root(&documents.roots[0]), &[]);
    let names = found.iter().map(|image| image.parts.name_and_build());
    names.map(|(name, build)| name + &build).collect()
}

#[test]
fn a_custom_resource_without_a_rule_gives_what_is_an_image_for_certain() {
    let resource = |group: &str, spec: &str| {
        images(&format!("apiVersion: {group}/v1\nkind: Unheard\nmetadata: {{name: x}}\nspec: {spec}\n"))
    };
    for (spec, expected) in [
        ("{image: ghcr.io/acme/mcp:8.3.0}", vec!["ghcr.io/acme/mcp:8.3.0"]),
        ("{runner: {image: {repository: quay.io/acme/run, tag: v1}}}", vec!["quay.io/acme/run:v1"]),
        ("{sidecars: [{name: a, proxyImage: 'localhost:5000/proxy:v2'}]}", vec!["localhost:5000/proxy:v2"]),
        ("{image: acme/mcp}", vec![]),
        ("{image: acme/mcp:1.0}", vec![]),
        ("{fromImage: 'projects/debian-cloud/global/images/family:debian-11'}", vec![]),
        ("{backgroundImage: 'assets/hero:large'}", vec![]),
        ("{logo: {image: {repository: cdn/assets, tag: v2}}}", vec![]),
        ("{labels: {image: 'ghcr.io/acme/api:1.0'}}", vec![]),
        ("{selector: {matchLabels: {image: 'ghcr.io/acme/api:1.0'}}}", vec![]),
        ("{rules: [{validate: {pattern: {spec: {image: 'ghcr.io/acme/api:1.0'}}}}]}", vec![]),
        ("{image: ami-12345}", vec![]),
        ("{image: ubuntu:22.04}", vec![]),
        ("{source: {repository: acme/charts, tag: v1}}", vec![]),
        ("{image: 'https://example.com/disk:1'}", vec![]),
    ] {
        assert_eq!(resource("acme.dev", spec), expected, "{spec}");
    }
    for group in ["snapshot.storage.k8s.io", "kyverno.io", "constraints.gatekeeper.sh", "networking.istio.io"] {
        assert_eq!(resource(group, "{image: ghcr.io/acme/x:1}"), Vec::<String>::new(), "{group}");
    }
    let named = |kind: &str, group: &str| {
        images(&format!("apiVersion: {group}/v1\nkind: {kind}\nspec: {{image: ghcr.io/acme/x:1}}\n")).len()
    };
    assert_eq!(named("PrometheusRule", "monitoring.coreos.com"), 0);
    assert_eq!(named("Unheard", "monitoring.coreos.com"), 1);
    assert_eq!(named("Unheard", "notkyverno.io"), 1);
}
