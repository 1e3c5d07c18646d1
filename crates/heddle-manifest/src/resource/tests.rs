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
        ("{runner: {image: {repository: acme/run, tag: v1}}}", vec!["acme/run:v1"]),
        ("{sidecars: [{name: a, proxyImage: acme/proxy:v2}]}", vec!["acme/proxy:v2"]),
        ("{image: acme/mcp}", vec![]),
        ("{image: ami-12345}", vec![]),
        ("{image: ubuntu:22.04}", vec![]),
        ("{source: {repository: acme/charts, tag: v1}}", vec![]),
        ("{image: 'https://example.com/disk:1'}", vec![]),
    ] {
        assert_eq!(resource("acme.dev", spec), expected, "{spec}");
    }
    assert_eq!(resource("snapshot.storage.k8s.io", "{image: acme/x:1}"), Vec::<String>::new());
}
