use super::*;

fn read(values: &[&str]) -> Option<Challenge> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
    }
    challenge(&headers)
}

fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
    Some(Challenge::Bearer { realm: realm.parse().unwrap(), service: service.map(str::to_owned) })
}

#[test]
fn a_token_comes_before_the_credential_itself() {
    let token = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="x""#;
    assert_eq!(read(&[token]), bearer("https://auth.docker.io/token", Some("registry.docker.io")));
    let escaped = r#"bearer REALM="https://l.example/t\"a", error="a, b""#;
    assert_eq!(read(&["Basic realm=\"r\"", escaped]), bearer("https://l.example/t\"a", None));
    assert_eq!(read(&["Basic realm=\"r\", Bearer realm=\"https://l.example/\""]), bearer("https://l.example/", None));
    assert_eq!(read(&["Basic realm=\"r\""]), Some(Challenge::Basic));
}

#[test]
fn what_is_no_challenge_that_we_know_is_none() {
    for wrong in ["", "Negotiate", "Bearer", "Bearer realm=\"/token\"", "Bearer realm=\"https://a", "=,=,\"\""] {
        assert_eq!(read(&[wrong]), None, "{wrong}");
    }
}

#[test]
fn a_challenge_has_a_longest_length() {
    let of_length = |length: usize| {
        let frame = "Bearer realm=\"https://l.example/\"".len();
        format!("Bearer realm=\"https://l.example/{}\"", "a".repeat(length - frame))
    };
    assert!(read(&[&of_length(MAX_HEADER_BYTES)]).is_some());
    assert_eq!(read(&[&of_length(MAX_HEADER_BYTES + 1)]), None);
}
