use base64::{Engine, engine::general_purpose::STANDARD};
use heddle_wire::{registry::RegistrySecret, view::EnterRegistryLogin};
use serde_json::{Value, json};

use super::{docker, enter::Entered, image_of};
use crate::problem::ApiError;

fn enter(body: Value) -> Result<Entered, ApiError> {
    Entered::check(serde_json::from_value::<EnterRegistryLogin>(body).unwrap())
}

fn basic(password: &str) -> Value {
    json!({"kind": "basic", "username": "bot", "password": password})
}

fn read(config: &Value) -> Result<Vec<EnterRegistryLogin>, ApiError> {
    docker::read(&config.to_string().into())
}

fn fields(error: &ApiError) -> Vec<(&str, &str)> {
    error.fields.iter().map(|field| (field.field.as_str(), field.message.as_str())).collect()
}

#[test]
fn the_end_of_a_secret_is_shown_only_where_much_is_left_unshown() {
    let shown = |password: &str| enter(json!({"host": "ghcr.io", "secret": basic(password)})).unwrap().last_four;
    assert_eq!(shown("ghp_0123456789"), "6789");
    assert_eq!(shown("elevenchars"), "");
}

#[test]
fn a_cloud_login_is_for_the_clouds_own_hosts() {
    let ecr = json!({"kind": "ecr", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "k"});
    let good = enter(json!({"host": "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "secret": ecr})).unwrap();
    assert_eq!(good.user_name, "AKIAIOSFODNN7EXAMPLE");
    let error = enter(json!({"host": "evil.example", "secret": ecr})).unwrap_err();
    assert_eq!(fields(&error)[0].0, "host");
    let with_server = json!({
        "host": "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "secret": ecr, "auth_host": "evil.example",
    });
    assert_eq!(fields(&enter(with_server).unwrap_err())[0].0, "auth_host");
}

#[test]
fn every_field_at_fault_is_named_and_no_secret_repeated() {
    let ecr = json!({
        "kind": "ecr", "access_key_id": "A", "secret_access_key": "", "role_arn": "heddle", "external_id": "ä",
    });
    let error = enter(json!({"host": "public.ecr.aws", "secret": ecr})).unwrap_err();
    let named: Vec<&str> = fields(&error).iter().map(|(field, _)| *field).collect();
    let expected = ["secret.access_key_id", "secret.secret_access_key", "secret.role_arn", "secret.external_id"];
    assert_eq!(named, expected);
    let gar = json!({"kind": "gar", "key": "{\"type\": \"authorized_user\", \"s3cret\": 1}"});
    let error = enter(json!({"host": "eu.gcr.io", "secret": gar})).unwrap_err();
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}

#[test]
fn a_docker_configuration_gives_one_login_for_each_host() {
    let logins = read(&json!({"auths": {
        "https://index.docker.io/v1/": {"auth": STANDARD.encode("ada:p:w")},
        "ghcr.io/acme": {"username": "bot", "password": "s3cret"},
        "acme.azurecr.io": {"auth": STANDARD.encode("00000000-0000-0000-0000-000000000000:"), "identitytoken": "t"},
    }}))
    .unwrap();
    let all: Vec<Entered> = logins.into_iter().map(|login| Entered::check(login).unwrap()).collect();
    let shown: Vec<(String, &str)> =
        all.iter().map(|login| (login.reach.to_string(), login.secret.kind().word())).collect();
    let expected = [("acme.azurecr.io", "identity-token"), ("ghcr.io/acme", "basic"), ("docker.io", "basic")];
    assert_eq!(shown, expected.map(|(reach, kind)| (reach.to_owned(), kind)));
    let RegistrySecret::Basic { username, password } = &all[2].secret else { panic!("{all:?}") };
    assert_eq!((username.as_str(), password.expose()), ("ada", "p:w"));
}

#[test]
fn entries_whose_secret_lies_elsewhere_are_refused_by_name_and_all_at_once() {
    let error = read(&json!({
        "auths": {"ghcr.io": {}, "quay.io": {"auth": "s3cret!"}, "gcr.io": {}},
        "credsStore": "desktop",
        "credHelpers": {"gcr.io": "gcloud"},
    }))
    .unwrap_err();
    let told: Vec<&str> = fields(&error).iter().map(|(_, message)| *message).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("`gcr.io` has its secret with the credential helper `gcloud`"), "{told:?}");
    assert!(told[1].contains("`ghcr.io` has its secret in the credential store `desktop`"), "{told:?}");
    assert!(told[2].contains("`quay.io` holds an `auth` that is no base64") && !told[2].contains("s3cret"), "{told:?}");
    let error = read(&json!({"credsStore": "desktop"})).unwrap_err();
    assert!(error.message.contains("`desktop`"), "{error:?}");
    assert!(read(&json!([])).is_err() && read(&json!({})).is_err());
}

#[test]
fn a_test_is_of_an_image_that_the_login_is_for() {
    let reach = enter(json!({"host": "ghcr.io", "prefix": "acme", "secret": basic("x")})).unwrap().reach;
    for text in ["acme/api", " ghcr.io/acme/api "] {
        assert_eq!(image_of(&reach, text).unwrap().as_str(), "ghcr.io/acme/api");
    }
    assert_eq!(fields(&image_of(&reach, "other/api").unwrap_err())[0].0, "image");
    assert!(image_of(&reach, "acme/api:1.0").is_err());
}
