use super::*;
use crate::{edit::edit, image::Target, yaml::Documents};

/// `container image` of each image in values.
fn check(text: &str, expected: &[&str]) -> Vec<ImageValue> {
    let documents = Documents::read(text);
    let found = images(&Cursor::root(&documents.roots[0]), "Values x");
    let told: Vec<String> = found
        .iter()
        .map(|image| {
            let (name, build) = image.parts.name_and_build();
            format!("{} {name}{build}", image.container.as_deref().unwrap_or("–"))
        })
        .collect();
    assert_eq!(told, expected, "{text}");
    found
}

#[test]
fn the_shapes_of_charts_are_found() {
    check("image: {registry: ghcr.io, repository: acme/api, tag: v1}\n", &["– ghcr.io/acme/api:v1"]);
    check("web:\n  image:\n    repository: acme/web\n    tag: '1.0'\n", &["web acme/web:1.0"]);
    check("image: acme/api\ntag: v1\n", &["– acme/api:v1"]);
    check("image: acme/api\nimageTag: v1\n", &["– acme/api:v1"]);
    check("image: acme/api:v1\n", &["– acme/api:v1"]);
    check("webImage: acme/web\nwebImageTag: v2\n", &["webImage acme/web:v2"]);
    check("sidecars:\n- {name: log, image: acme/log:v3}\n", &["log acme/log:v3"]);
    check("a: {image: x/a:1}\nb: {image: x/b:2}\n", &["a x/a:1", "b x/b:2"]);
}

#[test]
fn what_only_looks_like_an_image_is_none() {
    check("chart: {repository: 'https://charts.example.com', tag: v1}\n", &[]);
    check("heroImage: banner\nimage: true\nlogo: {image: logo.png}\n", &[]);
    check("image: '{{ .Values.other }}'\n", &[]);
}

#[test]
fn tag_and_digest_are_written_together() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let target = Target { name: None, tag: Some("1.10".parse().unwrap()), digest: Some(digest.parse().unwrap()) };
    let text = "image:\n  repository: acme/api # name\n  tag: v1\n  digest: \"\"\n";
    let found = check(text, &["– acme/api:v1"]);
    let edits = found[0].parts.edits(&target).unwrap();
    let expected = format!("image:\n  repository: acme/api # name\n  tag: \"1.10\"\n  digest: \"{digest}\"\n");
    assert_eq!(edit(text, &edits).unwrap(), expected);
}
