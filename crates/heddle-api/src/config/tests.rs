use clap::Parser;

use super::*;

fn settings(arguments: &[&str]) -> Settings {
    Settings::try_parse_from([&["heddle-api"], arguments].concat()).unwrap()
}

fn check_refused(arguments: &[&str], words: &[&str]) {
    let error = Config::try_from(settings(arguments)).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn the_defaults_are_a_trial_on_this_machine() {
    let config = Config::try_from(settings(&[])).unwrap();
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.agent_api_url, config.public_url);
    assert_eq!(config.signup, Signup::FirstUser);
    assert!(matches!(config.database, Database::Embedded(_)));
    assert!(config.github.is_none());
    assert_eq!(config.keep, Ages::default());
}

#[test]
fn a_wrong_setting_names_its_variable_its_fault_and_the_remedy() {
    check_refused(&["--public-url", "http://heddle.example.com"], &["HEDDLE_PUBLIC_URL", "plain HTTP", "https://"]);
    check_refused(&["--public-url", "heddle"], &["HEDDLE_PUBLIC_URL", "`heddle`", "https://heddle.example.com"]);
    check_refused(&["--listen", "8080"], &["HEDDLE_LISTEN", "`8080`", "127.0.0.1:8080"]);
    check_refused(&["--signup", "yes"], &["HEDDLE_SIGNUP", "`yes`", "first-user"]);
    check_refused(&["--lease", "30"], &["HEDDLE_LEASE", "`30`", "30s"]);
    check_refused(&["--keep-history-days", "0"], &["HEDDLE_KEEP_HISTORY_DAYS", "`0`", "400"]);
    check_refused(&["--web-dir", "/nowhere"], &["HEDDLE_WEB_DIR", "/nowhere", "npm run build"]);
    check_refused(&["--github-app-id", "7"], &["HEDDLE_GITHUB_APP_SLUG", "not set", "or none"]);
    check_refused(&["--automator-token-file", "/nowhere"], &["HEDDLE_AUTOMATOR_TOKEN_FILE", "/nowhere"]);
}

#[test]
fn another_registry_moves_both_images_and_keeps_tag_and_digest() {
    let pinned = "ghcr.io/heddle-dev/heddle-synchronizer:0.1.0@sha256:0123";
    let config = |registry| {
        let released = ["--released-agent-image", pinned, "--released-automator-image", "heddle-automator:1"];
        Config::try_from(settings(&[&released[..], &["--image-registry", registry]].concat())).unwrap()
    };
    let moved = config("registry.example.com:5000/mirror/");
    assert_eq!(moved.agent_image, "registry.example.com:5000/mirror/heddle-synchronizer:0.1.0@sha256:0123");
    assert_eq!(moved.automator_image, "registry.example.com:5000/mirror/heddle-automator:1");
    assert_eq!(config("").agent_image, pinned);
    // One that somebody writes out is theirs.
    let written = ["--agent-image", "example.com/agent:1", "--image-registry", "registry.example.com/mirror"];
    assert_eq!(Config::try_from(settings(&written)).unwrap().agent_image, "example.com/agent:1");
    check_refused(&["--image-registry", "https://registry.example.com"], &["HEDDLE_IMAGE_REGISTRY", "no host"]);
}

#[test]
fn a_wrong_database_address_is_not_repeated() {
    let error = Config::try_from(settings(&["--database-url", "mysql://me:secret@host/db"])).unwrap_err().to_string();
    assert!(error.contains("DATABASE_URL") && !error.contains("secret"), "{error}");
}
