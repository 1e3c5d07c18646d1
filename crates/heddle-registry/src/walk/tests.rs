use super::*;

fn next(link: &str) -> Result<Option<String>, String> {
    let mut headers = HeaderMap::new();
    headers.insert(LINK, link.parse().unwrap());
    let current = "https://ghcr.io/v2/acme/api/tags/list?n=1000".parse().unwrap();
    next_page(&headers, &current).map(|url| url.map(String::from)).map_err(|failure| failure.reason)
}

#[test]
fn a_next_page_is_relative_or_absolute() {
    let expected = Ok(Some("https://ghcr.io/v2/acme/api/tags/list?last=x&n=0".to_owned()));
    assert_eq!(next("</v2/acme/api/tags/list?last=x&n=0>; rel=\"next\""), expected);
    assert_eq!(next("<https://ghcr.io/v2/acme/api/tags/list?last=x&n=0>; rel=next"), expected);
    assert_eq!(next("</first>; rel=\"first\""), Ok(None));
}

#[test]
fn a_next_page_at_another_host_is_a_failure() {
    let reason = "the registry's next page lies at another host, which is not followed";
    for foreign in ["https://evil.example/x", "http://ghcr.io/x", "https://ghcr.io:8443/x", "//evil.example/x"] {
        assert_eq!(next(&format!("<{foreign}>; rel=\"next\"")), Err(reason.to_owned()), "{foreign}");
    }
}
