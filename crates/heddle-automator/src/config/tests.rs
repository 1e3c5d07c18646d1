use super::*;

fn settings(dir: &Path) -> Settings {
    let token_file = dir.join("token");
    std::fs::write(&token_file, "automator-token\n").unwrap();
    Settings {
        api_url: Some("http://127.0.0.1:8080".into()),
        token_file: Some(token_file),
        cache_dir: dir.join("cache"),
        ca_file: None,
        cloud_endpoints: Vec::new(),
        registry_mirrors: Vec::new(),
        docker_config: None,
        token_servers: Vec::new(),
        allow_registries: vec!["127.0.0.1:5000".into(), " registry.lan ".into()],
        concurrency: "4".into(),
        metrics_listen: "127.0.0.1:0".into(),
        log: "info".into(),
    }
}

fn check(change: impl FnOnce(&mut Settings), message: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    change(&mut settings);
    assert_eq!(Config::try_from(settings).unwrap_err().to_string(), message);
}

#[test]
fn good_settings_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::try_from(settings(dir.path())).unwrap();
    assert_eq!(config.allow_registries, ["127.0.0.1:5000", "registry.lan"]);
    assert_eq!(config.concurrency, 4);
}

#[test]
fn a_wrong_setting_names_the_variable_the_fault_and_the_remedy() {
    check(
        |settings| settings.api_url = None,
        "HEDDLE_API_URL: it is not set; set it to the address of the Heddle API, such as https://heddle.example.com",
    );
    check(
        |settings| settings.token_file = None,
        "HEDDLE_AUTOMATOR_TOKEN_FILE: it is not set; name a file with the token that the API knows for automators",
    );
    check(
        |settings| settings.concurrency = "0".into(),
        "HEDDLE_CONCURRENCY: `0` is no number from 1 to 256; write for example 8",
    );
    check(
        |settings| settings.token_servers = vec!["registry.lan".into()],
        "HEDDLE_TOKEN_SERVERS: `registry.lan` names no registry and its token server; write for example \
         registry.example.com=auth.example.com, separated by commas",
    );
    check(
        |settings| settings.allow_registries = vec!["http://x".into()],
        "HEDDLE_ALLOW_REGISTRIES: `http://x` is no host; write hosts alone, such as registry.lan or 127.0.0.1:5000, \
         separated by commas",
    );
}

#[test]
fn logins_of_its_own_are_for_an_automator_of_one_organization() {
    let with_docker = |settings: &mut Settings| settings.docker_config = Some("/etc/heddle/config.json".into());
    check(
        with_docker,
        "HEDDLE_DOCKER_CONFIG: it is set, and the token is that of automators which work for every organization; use a token \
         of one organization (Settings, Automators), or leave it unset and add logins there",
    );
    let dir = tempfile::tempdir().unwrap();
    let mut own = settings(dir.path());
    with_docker(&mut own);
    own.token_servers = vec!["registry.lan=auth.lan".into(), String::new()];
    std::fs::write(own.token_file.as_ref().unwrap(), format!("{OWN_TOKEN_PREFIX}x\n")).unwrap();
    let config = Config::try_from(own).unwrap();
    assert_eq!(config.token_servers.get("registry.lan").map(String::as_str), Some("auth.lan"));
}
