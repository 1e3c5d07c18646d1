use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn login(token: &str) -> Login {
    Login { token: token.to_owned().into(), ca_file: None }
}

#[test]
fn a_login_is_found_again_at_its_address_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("new");
    let mut logins = Logins::load(&dir).unwrap();
    logins.keep(&url("https://a.example/"), login("one"));
    logins.keep(&url("https://b.example/heddle/"), login("two"));
    logins.save(&dir).unwrap();

    let logins = Logins::load(&dir).unwrap();
    assert_eq!(logins.current, Some(url("https://b.example/heddle")));
    assert_eq!(logins.find(&url("https://a.example")).unwrap().token.expose(), "one");
    assert_eq!(logins.find(&url("https://b.example/heddle")).unwrap().token.expose(), "two");
    assert!(logins.find(&url("https://b.example")).is_none());
    assert!(logins.find(&url("http://a.example")).is_none());
}

#[test]
fn only_the_owner_may_read_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut logins = Logins::default();
    logins.keep(&url("https://a.example"), login("one"));
    logins.save(dir.path()).unwrap();
    let path = dir.path().join("logins.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Logins::load(dir.path()).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn a_forgotten_login_is_gone() {
    let mut logins = Logins::default();
    logins.keep(&url("https://a.example"), login("one"));
    assert!(logins.forget(&url("https://a.example/")));
    assert!(!logins.forget(&url("https://a.example/")));
    assert!(logins.current.is_none());
    assert!(!format!("{:?}", login("hunter2")).contains("hunter2"));
}
