use serde_json::json;

use super::*;

fn entries(config: &serde_json::Value) -> Vec<(String, String, Result<String, String>)> {
    let all = read(&WireSecret::from(config.to_string())).unwrap();
    let told = |secret| match secret {
        RegistrySecret::Basic { username, password } => format!("{username}:{}", password.expose()),
        RegistrySecret::IdentityToken { token } => format!("token {}", token.expose()),
        other => format!("{:?}", other.kind()),
    };
    all.into_iter().map(|entry| (entry.host, entry.prefix, entry.secret.map(told))).collect()
}

#[test]
fn every_registry_is_told_with_its_secret_or_where_that_lies() {
    let config = json!({
        "auths": {
            "ghcr.io/acme": {"auth": STANDARD.encode("bot:pass:word")},
            "https://index.docker.io/v1/": {"username": "bot", "password": "secret"},
            "quay.io": {"identitytoken": "refresh", "auth": STANDARD.encode("x:y")},
            "ecr.example.com": {},
            "odd.example.com": {"auth": "%%"},
        },
        "credHelpers": {"gcr.io": "gcloud"},
        "credsStore": "desktop",
    });
    let entry = |host: &str, prefix: &str, secret: Result<&str, &str>| {
        (host.to_owned(), prefix.to_owned(), secret.map(str::to_owned).map_err(str::to_owned))
    };
    let expected = [
        entry("gcr.io", "", Err("has its secret with the credential helper `gcloud` (`credHelpers`)")),
        entry("ecr.example.com", "", Err("has its secret in the credential store `desktop` (`credsStore`)")),
        entry("ghcr.io", "acme", Ok("bot:pass:word")),
        entry("index.docker.io", "", Ok("bot:secret")),
        entry("odd.example.com", "", Err("holds an `auth` that is no base64")),
        entry("quay.io", "", Ok("token refresh")),
    ];
    assert_eq!(entries(&config), expected);
    assert_eq!(entries(&json!({"credsStore": "desktop"})).len(), 1);
    assert!(entries(&json!({})).is_empty());
    assert_eq!(read(&WireSecret::from("[]".to_owned())).unwrap_err(), NotDocker);
}
