use super::*;

fn route(allowed: &[&str], url: &str) -> Result<Route, Refused> {
    let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
    Guard::new(&allowed).unwrap().route(&url.parse().unwrap())
}

#[test]
fn plain_http_and_private_addresses_need_the_operator() {
    assert_eq!(route(&[], "https://ghcr.io/v2/"), Ok(Route::Public));
    assert!(route(&[], "http://ghcr.io/v2/").is_err());
    for private in [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.64.0.1",
        "192.88.99.1",
        "2130706433",
        "[::1]",
        "[fd00::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2001:20::1]",
        "[2002:a00:1::]",
        "[3fff::1]",
    ] {
        assert!(route(&[], &format!("https://{private}/v2/")).is_err(), "{private}");
    }
    assert_eq!(route(&["registry.lan"], "http://registry.lan:8080/v2/"), Ok(Route::Listed));
}

#[test]
fn an_entry_with_a_port_opens_that_port_and_no_other() {
    assert_eq!(route(&["127.0.0.1:5000"], "http://127.0.0.1:5000/v2/"), Ok(Route::Listed));
    assert!(route(&["127.0.0.1:5000"], "http://127.0.0.1:5001/v2/").is_err());
    assert_eq!(route(&["registry.lan:443"], "https://registry.lan/v2/"), Ok(Route::Listed));
    // Over HTTPS the name may be asked, and its private addresses are not open to it.
    assert_eq!(route(&["registry.lan:5000"], "https://registry.lan:8443/v2/"), Ok(Route::Public));
}

#[test]
fn another_scheme_is_refused_even_where_the_host_is_allowed() {
    assert!(route(&["registry.lan"], "ftp://registry.lan/v2/").is_err());
}

#[tokio::test]
async fn a_name_on_a_private_address_is_refused_when_it_is_resolved() {
    let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;
    assert!(resolved.err().unwrap().is::<Refused>());
}

#[test]
fn an_entry_that_is_no_host_is_refused() {
    for wrong in ["", "http://x", "x/y", "a b"] {
        assert!(Guard::new(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
}
