use super::*;

const COMMIT: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

fn repository(text: &str) -> (String, String, Target) {
    match Reference::parse(text) {
        Ok(Reference::Repository { url, directory, target }) => (url.to_string(), directory, target),
        other => panic!("{text}: {other:?}"),
    }
}

fn check(text: &str, url: &str, directory: &str, target: Target) {
    assert_eq!(repository(text), (url.to_owned(), directory.to_owned(), target), "{text}");
}

fn name(text: &str) -> Target {
    Target::Name(text.to_owned())
}

/// The forms of Kustomize's own tests of `NewRepoSpecFromURL`, as far as they go over HTTPS.
#[test]
fn a_repository_and_the_way_in_it_are_told_apart_as_kustomize_does() {
    let commit = Target::Commit(Revision::try_from(COMMIT.to_owned()).unwrap());
    check(&format!("github.com/acme/x//base?ref={COMMIT}"), "https://github.com/acme/x", "base", commit);
    check("github.com/acme/x/config/default?ref=v1.2", "https://github.com/acme/x", "config/default", name("v1.2"));
    check("https://github.com/acme/x", "https://github.com/acme/x", "", Target::Head);
    check("https://github.com/acme/x.git/base?ref=main", "https://github.com/acme/x.git", "base", name("main"));
    check(
        "git::https://git.example.com/a/b/x.git//base?ref=v1",
        "https://git.example.com/a/b/x.git",
        "base",
        name("v1"),
    );
    check("https://git.example.com/a/b/x.git", "https://git.example.com/a/b/x.git", "", Target::Head);
    check("https://git.example.com/a/b//c/d?ref=feature/x", "https://git.example.com/a/b", "c/d", name("feature/x"));
    check(
        "https://dev.azure.com/org/project/_git/repo/path/to?ref=v1",
        "https://dev.azure.com/org/project/_git/repo",
        "path/to",
        name("v1"),
    );
    check("https://github.com/acme/x//?ref=a&version=v2&timeout=90s", "https://github.com/acme/x", "", name("v2"));
}

#[test]
fn what_has_no_mark_of_a_repository_is_a_file() {
    for file in [
        "https://example.com/install.yaml",
        "https://example.com/manifests/install",
        "https://github.com/acme/x/releases/download/v1/install.yaml",
        "https://raw.githubusercontent.com/acme/x/v1/install.yml",
    ] {
        assert!(matches!(Reference::parse(file), Ok(Reference::File { sha256: None, .. })), "{file}");
    }
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let Ok(Reference::File { url, sha256 }) = Reference::parse(&format!("https://example.com/a.yaml#sha256={digest}"))
    else {
        panic!("it is a file")
    };
    assert_eq!((url.as_str(), sha256.as_deref()), ("https://example.com/a.yaml", Some(digest)));
}

#[test]
fn what_is_no_https_is_refused_with_what_to_write() {
    for wrong in [
        "git@github.com:acme/x.git",
        "ssh://git@github.com/acme/x",
        "file:///etc/passwd",
        "git::ssh://x/y",
        "ext::sh -c x",
        "http://git.example.com:443/acme/x//base",
        "gitlab.com/acme/x?ref=v1",
    ] {
        assert!(Reference::parse(wrong).unwrap_err().contains("only https"), "{wrong}");
    }
    assert!(Reference::parse("https://user:word@example.com/a.yaml").unwrap_err().contains("Secret"));
    assert!(Reference::parse("https://example.com/a.yaml#sha256=abc").unwrap_err().contains("64"));
}

#[test]
fn a_name_that_git_would_not_take_is_refused() {
    for wrong in ["--upload-pack=x", "a..b", "a b", "+refs/heads/x", "a:b", "x.lock", "refs/"] {
        let text = format!("https://github.com/acme/x?ref={}", wrong.replace('+', "%2b"));
        assert!(Reference::parse(&text).unwrap_err().contains("is no name"), "{wrong}");
    }
}
