use secrecy::ExposeSecret;
use serde_json::json;

use super::*;

/// The user's name and password for an image, from a configuration with these entries.
fn find(auths: &serde_json::Value, image: &str) -> Result<Option<(String, String)>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    std::fs::write(&file, json!({"auths": auths}).to_string()).unwrap();
    let secrets = PullSecrets::new(Some(file), BTreeMap::new());
    let found = secrets.find(&image.parse().unwrap()).map_err(|failure| failure.reason)?;
    Ok(found.map(|login| match login.keys {
        Keys::Own(Credential::Password { username, password }) => (username, password.expose_secret().to_owned()),
        other => panic!("{other:?}"),
    }))
}

#[test]
fn the_longest_path_of_a_pull_secret_is_for_an_image() {
    let entry = |name: &str| json!({"username": name, "password": "secret"});
    let auths = json!({"registry.lan": entry("wide"), "registry.lan/acme": entry("narrow"), "https://index.docker.io/v1/": entry("hub")});
    let user = |image: &str| find(&auths, image).unwrap().map(|(user, _)| user);
    assert_eq!(user("registry.lan/acme/api").as_deref(), Some("narrow"));
    assert_eq!(user("registry.lan/acmes/api").as_deref(), Some("wide"));
    assert_eq!(user("docker.io/library/nginx").as_deref(), Some("hub"));
    assert_eq!(user("ghcr.io/acme/api"), None);
}

#[test]
fn a_secret_that_lies_elsewhere_or_is_none_is_told_without_what_it_holds() {
    let told = find(&json!({"registry.lan": {"auth": "c4n4ry%%"}}), "registry.lan/acme/api").unwrap_err();
    assert_eq!(
        told,
        "the automator's pull secret for `registry.lan` cannot be used: the entry for `registry.lan` holds an `auth` that \
         is no base64"
    );
    let away = PullSecrets::new(Some("/nowhere/config.json".into()), BTreeMap::new());
    assert!(away.find(&"registry.lan/acme/api".parse().unwrap()).unwrap().is_none());
}
