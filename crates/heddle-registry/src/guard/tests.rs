use super::*;

fn check(allowed: &[&str], url: &str) -> bool {
    let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
    Guard::new(&allowed).unwrap().check(&url.parse().unwrap()).is_ok()
}

#[test]
fn plain_http_and_private_addresses_need_the_operator() {
    assert!(check(&[], "https://ghcr.io/v2/"));
    assert!(!check(&[], "http://ghcr.io/v2/"));
    for private in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "[::1]", "[fd00::1]", "[::ffff:10.0.0.1]"]
    {
        assert!(!check(&[], &format!("https://{private}/v2/")), "{private}");
    }
    assert!(check(&["127.0.0.1:5000"], "http://127.0.0.1:5000/v2/"));
    assert!(!check(&["127.0.0.1:5000"], "http://127.0.0.1:5001/v2/"));
    assert!(check(&["registry.lan"], "http://registry.lan:8080/v2/"));
}

#[tokio::test]
async fn a_name_on_a_private_address_is_refused_when_it_is_resolved() {
    let guard = Guard::new(&[]).unwrap();
    assert!(guard.resolve("localhost", 443).await.unwrap_err().to_string().contains("private address"));
    let guard = Guard::new(&["localhost:443".to_owned()]).unwrap();
    assert!(!guard.resolve("localhost", 443).await.unwrap().is_empty());
}

#[test]
fn an_entry_that_is_no_host_is_refused() {
    for wrong in ["", "http://x", "x/y", "a b"] {
        assert!(Guard::new(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
}
