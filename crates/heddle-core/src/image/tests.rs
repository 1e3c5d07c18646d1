use super::*;

#[track_caller]
fn check(text: &str, repository: &str, tag: Option<&str>, digest: Option<&str>) {
    let image: ImageRef = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(image.repository.as_str(), repository, "{text}");
    assert_eq!(image.tag.as_ref().map(Tag::as_str), tag, "{text}");
    assert_eq!(image.digest.as_ref().map(Digest::as_str), digest, "{text}");
}

#[test]
fn short_names_are_docker_hubs() {
    check("nginx", "docker.io/library/nginx", None, None);
    check("nginx:1.27", "docker.io/library/nginx", Some("1.27"), None);
    check("acme/api:v1", "docker.io/acme/api", Some("v1"), None);
    check("index.docker.io/nginx", "docker.io/library/nginx", None, None);
}

#[test]
fn a_port_is_no_tag() {
    check("localhost:5000/api", "localhost:5000/api", None, None);
    check("127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b", Some("1"), None);
    check("[::1]:5000/a", "[::1]:5000/a", None, None);
}

#[test]
fn a_digest_may_stand_beside_a_tag() {
    let digest = format!("sha256:{}", "a".repeat(64));
    check(&format!("ghcr.io/acme/api:1@{digest}"), "ghcr.io/acme/api", Some("1"), Some(&digest));
    check(&format!("ghcr.io/acme/api@{digest}"), "ghcr.io/acme/api", None, Some(&digest));
}

#[test]
fn what_breaks_the_grammar_is_refused_with_words() {
    for bad in [
        "",
        "Acme/API",
        "a//b",
        "a/-b",
        "a:",
        "a:.x",
        "a@sha256:12",
        "a b",
        "a___b",
        "${IMAGE}",
        "{{ .image }}",
        "a/",
        "http://x/y",
    ] {
        assert!(bad.parse::<ImageRef>().is_err(), "{bad}");
    }
    let error = "ghcr.io/Acme/api".parse::<ImageRef>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`ghcr.io/Acme/api` has upper-case letters: the repository of an image is written in lower case"
    );
}

#[test]
fn a_placeholder_is_one_wherever_it_stands() {
    for text in [
        "${IMAGE}",
        "ghcr.io/acme/api:${TAG}",
        "ghcr.io/acme/api:${TAG:=v1.0}",
        "ghcr.io/acme/api:v1@{{ .digest }}",
        "$(params.IMAGE)",
        "nvidia:$(version)-devel",
        "ko://github.com/acme/api/cmd",
    ] {
        assert_eq!(text.parse::<ImageRef>(), Err(ImageError::Placeholder(text.to_owned())));
    }
}

#[test]
fn a_repository_has_a_registry_a_path_and_a_short_name() {
    for (text, parts) in [
        ("nginx", ("docker.io", "library/nginx", "nginx")),
        ("127.0.0.1:5000/acme/shop/api", ("127.0.0.1:5000", "acme/shop/api", "api")),
    ] {
        let image: ImageRepository = text.parse().unwrap();
        assert_eq!((image.registry(), image.path(), image.short_name()), parts);
    }
}

#[test]
fn a_digest_is_short_as_container_tools_show_it() {
    for algorithm in [("sha256", 64), ("sha512", 128)] {
        let digest: Digest = format!("{}:4b825dc642cb{}", algorithm.0, "0".repeat(algorithm.1 - 12)).parse().unwrap();
        assert_eq!(digest.short(), format!("{}:4b825dc642cb", algorithm.0));
    }
}
