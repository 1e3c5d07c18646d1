use super::*;

fn settings(dir: &tempfile::TempDir) -> Settings {
    std::fs::write(dir.path().join("kustomize"), "").unwrap();
    Settings {
        api_url: Some("https://heddle.example.com".into()),
        state_dir: dir.path().join("state"),
        ca_file: None,
        allow_remotes: Vec::new(),
        kustomize: "kustomize".into(),
        helm: "helm".into(),
        sops: "sops".into(),
        memory_dir: None,
        namespace: "heddle-system".into(),
        kubeconfig: None,
        metrics_listen: "127.0.0.1:0".into(),
        sweep_interval: "1h".into(),
        key_life: "720h".into(),
        log: "info".into(),
        host_name: "pod".into(),
        path: Some(format!("/nowhere:{}", dir.path().display())),
    }
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Settings)) -> ConfigError {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&dir);
    change(&mut settings);
    Config::try_from(settings).unwrap_err()
}

#[test]
fn good_settings_are_read_and_the_program_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::try_from(settings(&dir)).unwrap();
    assert_eq!(config.kustomize, dir.path().join("kustomize"));
    assert_eq!(config.helm, std::path::Path::new("helm"), "only charts need it");
    assert_eq!(config.sops, std::path::Path::new("sops"), "only encrypted files need it");
    assert!(config.state_dir.is_dir());
}

#[test]
fn each_fault_names_its_variable_and_the_remedy() {
    assert_eq!(refused(|settings| settings.api_url = None).variable, "HEDDLE_API_URL");
    assert_eq!(refused(|settings| settings.api_url = Some("heddle".into())).variable, "HEDDLE_API_URL");
    assert_eq!(refused(|settings| settings.ca_file = Some("/nowhere".into())).variable, "HEDDLE_CA_FILE");
    assert_eq!(refused(|settings| settings.allow_remotes.push("http://x".into())).variable, "HEDDLE_ALLOW_REMOTES");
    assert_eq!(refused(|settings| settings.metrics_listen = "9090".into()).variable, "HEDDLE_METRICS_LISTEN");
    assert_eq!(refused(|settings| settings.state_dir = "/proc/x".into()).variable, "HEDDLE_STATE_DIR");
    assert_eq!(refused(|settings| settings.memory_dir = Some("/proc".into())).variable, "HEDDLE_MEMORY_DIR");
    assert_eq!(refused(|settings| settings.sweep_interval = "often".into()).variable, "HEDDLE_SWEEP_INTERVAL");
    assert_eq!(refused(|settings| settings.key_life = "30d".into()).variable, "HEDDLE_KEY_LIFE");
    let error = refused(|settings| settings.kustomize = "no-such-program".into());
    assert_eq!(
        error.to_string(),
        "HEDDLE_KUSTOMIZE: there is no program `no-such-program`; set it to the path of the official kustomize"
    );
}
