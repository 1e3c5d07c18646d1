use super::*;

#[test]
fn what_was_kept_for_one_is_not_there_for_another_and_not_once_it_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let files = KeptFiles::open(dir.path().join("files"));
    let digest = digest_of(b"a");
    files.keep("one", &digest, b"a").unwrap();
    assert_eq!(files.find("one", &digest).as_deref(), Some(&b"a"[..]));
    assert_eq!(files.find("other", &digest), None);

    fs::write(files.place("one", &digest), b"b").unwrap();
    assert_eq!(files.find("one", &digest), None);
}

#[test]
fn the_oldest_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let files = KeptFiles::open(dir.path().to_owned());
    for (age, content) in [(2, "old"), (1, "new")] {
        files.keep("", &digest_of(content.as_bytes()), content.as_bytes()).unwrap();
        let file = fs::File::open(files.place("", &digest_of(content.as_bytes()))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(100 - age)).unwrap();
    }
    files.trim(3).unwrap();
    assert_eq!(files.find("", &digest_of(b"old")), None);
    assert!(files.find("", &digest_of(b"new")).is_some());
}
