use super::*;

fn url(host: &str) -> Url {
    Url::parse(&format!("https://{host}/install.yaml")).unwrap()
}

#[test]
fn what_was_kept_for_one_is_not_there_for_another_and_not_once_it_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let files = KeptFiles::open(dir.path().join("files"), 100, 100);
    let digest = digest_of(b"a");
    files.keep(&url("a.corp"), "one", &digest, b"a", |_| false).unwrap();
    assert_eq!(files.find(&url("a.corp"), "one", &digest).as_deref(), Some(&b"a"[..]));
    assert_eq!(files.find(&url("a.corp"), "other", &digest), None);
    assert_eq!(files.find(&url("example.org"), "one", &digest), None);

    fs::write(files.place(&url("a.corp"), "one", &digest), b"b").unwrap();
    assert_eq!(files.find(&url("a.corp"), "one", &digest), None);
}

#[test]
fn the_oldest_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let files = KeptFiles::open(dir.path().to_owned(), 100, 100);
    for (age, content) in [(2, "old"), (1, "new")] {
        files.keep(&url("a.corp"), "", &digest_of(content.as_bytes()), content.as_bytes(), |_| false).unwrap();
        let file = File::open(files.place(&url("a.corp"), "", &digest_of(content.as_bytes()))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(100 - age)).unwrap();
    }
    let old = files.place(&url("a.corp"), "", &digest_of(b"old"));
    KeptFiles { most: 3, ..files.clone() }.trim(|place| *place == old).unwrap();
    assert_eq!(files.find(&url("a.corp"), "", &digest_of(b"new")), None, "what is in use stays");
    assert!(old.exists());
    let again = b"new";
    files.keep(&url("a.corp"), "", &digest_of(again), again, |_| false).unwrap();
    File::open(&old).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    KeptFiles { most: 3, ..files.clone() }.trim(|_| false).unwrap();
    assert_eq!(files.find(&url("a.corp"), "", &digest_of(b"old")), None);
    assert!(files.find(&url("a.corp"), "", &digest_of(b"new")).is_some());
}
