use super::*;

fn next_from(current: &str, link: &str) -> Result<Option<String>, String> {
    let mut headers = HeaderMap::new();
    headers.insert(LINK, link.parse().unwrap());
    let registry = "https://ghcr.io/v2/".parse().unwrap();
    let current = current.parse().unwrap();
    let next = next_page(&headers, (&current, &current), Link::AsWritten, &registry);
    next.map(|url| url.map(String::from)).map_err(|failure| failure.reason)
}

fn next(link: &str) -> Result<Option<String>, String> {
    next_from("https://ghcr.io/v2/acme/api/tags/list?n=1000", link)
}

#[test]
fn a_next_page_is_relative_or_absolute() {
    let expected = Ok(Some("https://ghcr.io/v2/acme/api/tags/list?last=x&n=0".to_owned()));
    assert_eq!(next("</v2/acme/api/tags/list?last=x&n=0>; rel=\"next\""), expected);
    assert_eq!(next("<https://ghcr.io/v2/acme/api/tags/list?last=x&n=0>; rel=next"), expected);
    assert_eq!(next("</a,b>; rel=first, </v2/acme/api/tags/list?last=x&n=0>; title=\"x\"; rel=next"), expected);
    assert_eq!(next("</first>; rel=\"first\""), Ok(None));
}

#[test]
fn a_comma_may_stand_in_the_address_of_a_next_page() {
    assert_eq!(next("<?last=a,b>; rel=next"), Ok(Some("https://ghcr.io/v2/acme/api/tags/list?last=a,b".to_owned())));
}

const ELSEWHERE: &str = "the registry's next page lies at another host, which is not followed";

#[test]
fn a_next_page_at_another_host_is_a_failure() {
    for foreign in ["https://evil.example/x", "http://ghcr.io/x", "https://ghcr.io:8443/x", "//evil.example/x"] {
        assert_eq!(next(&format!("<{foreign}>; rel=\"next\"")), Err(ELSEWHERE.to_owned()), "{foreign}");
    }
}

#[test]
fn a_next_page_at_the_host_that_a_redirect_led_to_is_a_failure() {
    assert_eq!(next_from("https://evil.example/tags", "<?page=2>; rel=next"), Err(ELSEWHERE.to_owned()));
}

#[test]
fn the_address_of_a_next_page_has_a_longest_length() {
    let of_length = |length: usize| format!("</{}>; rel=next", "a".repeat(length - "</>; rel=next".len()));
    assert!(matches!(next(&of_length(MAX_HEADER_BYTES)), Ok(Some(_))));
    assert!(next(&of_length(MAX_HEADER_BYTES + 1)).unwrap_err().ends_with("more than 8192 bytes"));
}
