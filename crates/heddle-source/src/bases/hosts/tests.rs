use super::*;

fn allow(prefix: &str, url: &str) -> bool {
    Hosts::parse(&[prefix.to_owned()]).unwrap().allow(&url.parse().unwrap())
}

#[test]
fn a_prefix_ends_where_a_name_ends() {
    for prefix in ["github.com/acme", "github.com/acme/"] {
        assert!(allow(prefix, "https://github.com/acme/base"), "{prefix}");
        assert!(!allow(prefix, "https://github.com/acme-evil/base"), "{prefix}");
        assert!(!allow(prefix, "https://github.com/other/acme"), "{prefix}");
    }
    assert!(allow("github.com", "https://github.com/any/thing"));
}

#[test]
fn another_host_or_port_is_another_one() {
    assert!(!allow("github.com", "https://github.com.evil.example/acme"));
    assert!(!allow("github.com", "https://api.github.com/acme"));
    assert!(!allow("github.com", "https://github.com:8443/acme"));
    assert!(allow("git.example.com:8443", "https://git.example.com:8443/acme"));
    assert!(!allow("git.example.com", "http://git.example.com:443/acme"), "a login would go in the clear");
    assert!(allow("localhost:8080", "http://localhost:8080/acme"));
}

#[test]
fn a_path_cannot_lead_out_of_its_prefix() {
    for way_out in ["../evil", "%2e%2e/evil", "..%2fevil", "%2E%2E%2Fevil", "..%5cevil"] {
        assert!(!allow("github.com/acme", &format!("https://github.com/acme/{way_out}")), "{way_out}");
    }
}

#[test]
fn what_is_no_host_is_refused_with_what_to_write() {
    for wrong in ["https://github.com/acme", "", "user@github.com", "github.com/acme?x", "*.example.com", "a b"] {
        let error = Hosts::parse(&[wrong.to_owned()]).unwrap_err();
        assert!(error.contains("write it like"), "{wrong}: {error}");
    }
}

#[test]
fn of_several_logins_the_longest_prefix_counts() {
    let login = |prefix: &str| {
        let credential = Credential { username: prefix.to_owned(), password: String::new().into() };
        Login::new(prefix, credential).unwrap()
    };
    let logins = [login("github.com"), login("github.com/acme/private"), login("github.com/acme")];
    let find = |url: &str| Login::find(&logins, &url.parse().unwrap()).map(|found| found.username.as_str());
    assert_eq!(find("https://github.com/acme/private"), Some("github.com/acme/private"));
    assert_eq!(find("https://github.com/acme/base"), Some("github.com/acme"));
    assert_eq!(find("https://github.com/other/base"), Some("github.com"));
    assert_eq!(find("https://gitlab.com/acme/private"), None);
}
