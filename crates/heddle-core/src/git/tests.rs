use super::*;

#[track_caller]
fn check_url(text: &str, canonical: Option<&str>) {
    let url = text.parse::<RepoUrl>().ok();
    assert_eq!(url.as_ref().map(RepoUrl::as_str), canonical, "{text}");
}

#[test]
fn addresses_of_one_repository_are_equal() {
    for text in [
        "https://GitHub.com/Acme/Config",
        "https://github.com/acme/config.git",
        "https://x-access-token:secret@github.com:443/acme/config/",
        "ssh://git@github.com/acme/config",
        "git@github.com:acme/config.git",
        "github.com/acme/config",
    ] {
        check_url(text, Some("github.com/acme/config"));
    }
    check_url("https://127.0.0.1:8443/acme/config", Some("127.0.0.1:8443/acme/config"));
}

#[test]
fn what_is_no_address_is_refused() {
    for text in ["", "config", "ftp://host/a/b", "https://host", "https:///a/b", "https://host/a b"] {
        check_url(text, None);
    }
}

#[test]
fn a_refused_address_does_not_show_its_login() {
    for text in ["https://ada:hunter2@github.com", "ftp://ada:hunter2@host/a/b", "ada:hunter2@host"] {
        let error = text.parse::<RepoUrl>().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn words_have_a_length() {
    let long = |count: usize| "a".repeat(count);
    assert!(long(MAX_BRANCH_BYTES).parse::<BranchName>().is_ok());
    assert!(long(MAX_BRANCH_BYTES + 1).parse::<BranchName>().is_err());
    let host = "https://example.org/";
    assert!(format!("{host}{}", long(MAX_URL_BYTES - host.len())).parse::<RepoUrl>().is_ok());
    assert!(format!("{host}{}", long(MAX_URL_BYTES - host.len() + 1)).parse::<RepoUrl>().is_err());
}

#[test]
fn a_branch_follows_the_rules_of_git() {
    for good in ["main", "feature/x", "heddle/prod/0190", "v1.2", "ünï"] {
        assert!(good.parse::<BranchName>().is_ok(), "{good}");
    }
    for bad in ["", "-x", "@", "a..b", "a b", "a~b", "/a", "a/", "a.", ".a", "a/.b", "a.lock", "a@{b", "a//b", "a\\b"] {
        assert!(bad.parse::<BranchName>().is_err(), "{bad}");
    }
}

#[test]
fn a_repository_name_is_owner_and_name() {
    assert_eq!("acme/config".parse::<RepoName>().unwrap().owner(), "acme");
    for bad in ["acme", "acme/", "/config", "a/b/c", "a/..", "a b/c"] {
        assert!(bad.parse::<RepoName>().is_err(), "{bad}");
    }
}

#[test]
fn a_revision_is_hexadecimal() {
    assert!("4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse::<Revision>().is_ok());
    for bad in ["", "4b825dc", "4B825DC642CB6EB9A060E54BF8D69288FBEE4904", "zb825dc642cb6eb9a060e54bf8d69288fbee4904"] {
        assert!(bad.parse::<Revision>().is_err(), "{bad}");
    }
}

#[test]
fn a_revision_is_short_as_git_shows_it() {
    let revision: Revision = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap();
    assert_eq!(revision.short(), "4b825dc");
}
