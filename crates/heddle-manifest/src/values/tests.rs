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

fn sets(text: &str, tag: &str, digest: Option<&str>, expected: Result<&str, &str>) {
    let documents = Documents::read(text);
    let found = images(&Cursor::root(&documents.roots[0]), "Values x");
    let target =
        Target { name: None, tag: Some(tag.parse().unwrap()), digest: digest.map(|digest| digest.parse().unwrap()) };
    let edits = found.iter().try_fold(Vec::new(), |mut all, image| {
        all.extend(image.obstacle.map_or_else(|| image.parts.edits(&target), Err)?);
        Ok::<_, &str>(all)
    });
    match (edits, expected) {
        (Ok(edits), Ok(expected)) => assert_eq!(edit(text, &edits).unwrap(), expected),
        (Err(reason), Err(expected)) => assert!(reason.contains(expected), "{reason}"),
        (got, _) => panic!("{got:?} for\n{text}"),
    }
}

#[test]
fn a_digest_counts_whatever_the_chart_calls_it() {
    let (old, new) = ("a".repeat(64), "b".repeat(64));
    let digest = format!("sha256:{new}");
    for key in ["sha", "sha256"] {
        let text = format!("image:\n  repository: acme/g\n  tag: v1\n  {key}: {old}\n");
        sets(&text, "v2", None, Err("a digest stands beside"));
        sets(&text, "v2", Some(&digest), Ok(&text.replace("v1", "v2").replace(&old, &new)));
    }
    for key in ["digest", "imageDigest", "genericDigest"] {
        let text = format!("image:\n  repository: acme/g\n  tag: v1\n  {key}: 'sha256:{old}'\n  useDigest: true\n");
        sets(&text, "v2", None, Err("a digest stands beside"));
        sets(&text, "v2", Some(&digest), Ok(&text.replace("v1", "v2").replace(&old, &new)));
    }
    let many = format!(
        "image:\n  repository: acme/g\n  tag: v1\n  genericDigest: 'sha256:{old}'\n  awsDigest: 'sha256:{new}'\n"
    );
    sets(&many, "v2", Some(&digest), Err("under a key whose image is not known"));
    let empty = "image: {repository: acme/g, tag: v1, sha: ''}\n";
    sets(empty, "v2", None, Ok("image: {repository: acme/g, tag: v2, sha: ''}\n"));
    sets(
        "image: {repository: acme/g, tag: v1, sha: 1a2b3c4}\n",
        "v2",
        None,
        Ok("image: {repository: acme/g, tag: v2, sha: 1a2b3c4}\n"),
    );
}

#[test]
fn a_chart_that_knows_no_digest_gets_it_behind_the_tag() {
    let digest = format!("sha256:{}", "b".repeat(64));
    let text = "image:\n  repository: acme/g\n  tag: v1\n";
    sets(text, "v2", Some(&digest), Ok(&format!("image:\n  repository: acme/g\n  tag: v2@{digest}\n")));
}

#[test]
fn a_tag_that_is_no_text_is_never_written_twice() {
    sets(
        "image:\n  repository: acme/m\n  tag: {amd64: v1, arm64: v1-arm}\n",
        "v2",
        None,
        Err("a list or a mapping stands"),
    );
    sets("image: {repository: acme/m, tag: null}\n", "v2", None, Ok("image: {repository: acme/m, tag: v2}\n"));
    sets("image: {repository: acme/m, tag: ~}\n", "v2", None, Ok("image: {repository: acme/m, tag: v2}\n"));
    let behind = "image:\n  repository: acme/m\n  args:\n  - a\n# c\nb: 1\n";
    sets(behind, "v2", None, Ok("image:\n  repository: acme/m\n  args:\n  - a\n  tag: v2\n# c\nb: 1\n"));
}

#[test]
fn a_digest_beside_the_mapping_of_an_image_is_left_stale_by_nobody() {
    let digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for key in ["imageDigest", "image_sha256", "imageSha"] {
        let text = format!("image: {{repository: acme/m, tag: v1}}\n{key}: {digest}\n");
        sets(&text, "v2", None, Err("a digest stands beside the tag under a key"));
    }
    let empty = "image: {repository: acme/m, tag: v1}\nimageDigest: ''\n";
    sets(empty, "v2", None, Ok(&empty.replace("v1", "v2")));
}

#[test]
fn a_digest_under_any_key_of_an_images_own_mapping_is_left_stale_by_nobody() {
    let digits = "a".repeat(64);
    for (key, value) in [
        ("hash", format!("sha256:{digits}")),
        ("digestChroot", format!("sha256:{digits}")),
        ("imageSHA", digits.clone()),
    ] {
        let text = format!("image:\n  repository: acme/g\n  tag: v1\n  {key}: {value}\n");
        sets(&text, "v2", None, Err("under a key whose image is not known"));
    }
    let beside = format!("image: acme/g\ntag: v1\nimageSha256sum: '{digits}'\n");
    sets(&beside, "v2", None, Err("under a key whose image is not known"));
    let digest = format!("sha256:{digits}");
    for text in [
        format!("web: {{repository: acme/g, tag: v1, hash: '{digest}'}}\n"),
        format!("webImage: acme/g\nwebTag: v1\nwebHash: '{digest}'\n"),
    ] {
        sets(&text, "v2", None, Err("under a key whose image is not known"));
    }
    let bare = format!("web: {{repository: acme/g, tag: v1, checksum: '{digits}'}}\n");
    sets(&bare, "v2", None, Ok(&bare.replace("v1", "v2")));
    let other = format!("image: acme/g\ntag: v1\nchecksum: '{digits}'\n");
    sets(&other, "v2", None, Ok(&other.replace("v1", "v2")));
}

#[test]
fn a_digest_in_the_place_of_the_tag_is_no_tag() {
    let text = format!("image:\n  repository: acme/g@sha256\n  tag: {}\n", "a".repeat(64));
    sets(&text, "v2", None, Err("the digits of a digest stand in the place of the tag"));
}

#[test]
fn whole_images_in_what_is_called_images_are_found() {
    check("images: {api: 'ghcr.io/acme/api:v1', size: '10:20', logo: 'a/logo.png'}\n", &["api ghcr.io/acme/api:v1"]);
    check("app:\n  images:\n  - ghcr.io/acme/api:v1\n  - acme/web\n  - redis:7\n", &["– ghcr.io/acme/api:v1"]);
    check("images: {webImage: 'acme/web:v1', docs: 'https://a.b/c:1'}\n", &["webImage acme/web:v1"]);
    check(
        "image: {repository: acme/a, tag: v1, csi: {resizer: 'ghcr.io/acme/resizer:v2', ratio: 'a/b:1'}}\n",
        &["resizer ghcr.io/acme/resizer:v2", "– acme/a:v1"],
    );
}

#[test]
fn a_registry_counts_wherever_it_stands() {
    check(
        "global: {imageRegistry: mirror.io}\nimage: {registry: docker.io, repository: acme/api, tag: v1}\n",
        &["– mirror.io/acme/api:v1"],
    );
    check(
        "global: {imageRegistry: mirror.io}\nimage: {repository: ghcr.io/acme/api, tag: v1}\n",
        &["– ghcr.io/acme/api:v1"],
    );
    check(
        "global: {imageRegistry: ''}\nimage: {registry: quay.io, repository: acme/api, tag: v1}\n",
        &["– quay.io/acme/api:v1"],
    );
    check("global: {registry: quay.io}\napp: {image: acme/api, tag: v1}\n", &["app quay.io/acme/api:v1"]);
    check("docker: {registry: quay.io}\nimage: {repository: acme/api, tag: v1}\n", &["– quay.io/acme/api:v1"]);
    check("pilot: {hub: gcr.io/istio, image: pilot, tag: 1.20.0}\n", &["pilot gcr.io/istio/pilot:1.20.0"]);
    check("image: {imageRegistry: quay.io, repository: acme/api, tag: v1}\n", &["– quay.io/acme/api:v1"]);
}

#[test]
fn a_login_is_no_registry_of_all_images() {
    let image = "image: {repository: acme/api, tag: v1}\n";
    check(&format!("docker: {{registry: 'https://index.docker.io/v1/'}}\n{image}"), &["– acme/api:v1"]);
    check(&format!("docker: {{registry: quay.io, username: ada, password: ''}}\n{image}"), &["– acme/api:v1"]);
    check(
        &format!("global: {{imageRegistry: 'https://quay.io', registry: ghcr.io}}\n{image}"),
        &["– ghcr.io/acme/api:v1"],
    );
    check(&format!("global: {{registry: 'ghcr.io/mirror'}}\n{image}"), &["– ghcr.io/mirror/acme/api:v1"]);
}

#[test]
fn nothing_in_the_place_of_a_registry_is_none() {
    for nothing in ["", "~", "null"] {
        check(
            &format!("global:\n  imageRegistry: {nothing}\nimage: {{repository: acme/api, tag: v1}}\n"),
            &["– acme/api:v1"],
        );
        check(&format!("image: {{registry: {nothing}, repository: acme/api, tag: v1}}\n"), &["– acme/api:v1"]);
    }
}

#[test]
fn a_host_is_a_registry_whatever_the_key_is_called() {
    check("image: {repository: quay.io, name: acme/api, tag: v1}\n", &["– quay.io/acme/api:v1"]);
    check("image: {registry: quay.io, repository: coredns1.12, tag: v1}\n", &["– quay.io/coredns1.12:v1"]);
    check("image: {registry: quay.io, repository: node.js, tag: v1}\n", &["– quay.io/node.js:v1"]);
    check("image: {repository: coredns1.12, tag: v1}\n", &["– coredns1.12:v1"]);
    check("image: {repository: docker-registry.example.org}\napi: {image: calico/node}\n", &[]);
    check("image: {repository: my.app, tag: '1'}\n", &["– my.app:1"]);
    check("image: {repository: my.app, name: acme/api, tag: '1'}\n", &["– my.app/acme/api:1"]);
}

#[test]
fn a_path_alone_is_an_image_where_it_can_be_nothing_else() {
    check("app: {image: repos/acme/api}\nvm: {image: ubuntu}\n", &[]);
    check("app: {image: ghcr.io/acme/api}\n", &["app ghcr.io/acme/api"]);
    check("initContainers:\n- {name: wait, image: busybox}\n", &["wait busybox"]);
    check("app: {registry: quay.io, image: acme/api}\n", &["app quay.io/acme/api"]);
    check("app: {registry: quay.io, image: logo.png}\nother: {hub: quay.io/acme, image: disk.qcow2}\n", &[]);
}

#[test]
fn what_a_variable_completes_is_an_image() {
    check("image: {repository: acme/api, tag: '${TAG:=v1}'}\n", &["– acme/api:${TAG:=v1}"]);
    check("image: 'ghcr.io/${ORG}/api:v1'\n", &["– ghcr.io/${ORG}/api:v1"]);
    check("image: 'ghcr.io/acme/api:$(params.tag)'\n", &["– ghcr.io/acme/api:$(params.tag)"]);
    check("image: '${IMAGE}'\nchart: {repository: 'https://${HOST}', tag: v1}\n", &[]);
}

#[test]
fn keels_settings_hold_no_image() {
    check(
        "keel: {images: [{repository: image.repository, tag: image.tag}]}\nimage: {repository: acme/v, tag: v1}\n",
        &["– acme/v:v1"],
    );
}

#[test]
fn a_text_that_is_yaml_is_read_as_such() {
    check(
        "podSpec.yaml: |\n  containers: [{name: runner, image: acme/runner:v1}]\nnote: |\n  the image: none\n",
        &["runner acme/runner:v1"],
    );
}
