use super::*;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

#[test]
fn files_are_written_once_and_never_through_a_link() {
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = PrivateCopy::new(None).unwrap();
    copy.write(&path("a/b/c.yaml"), b"c").unwrap();
    copy.write(&path("a/b/d.yaml"), b"d").unwrap();
    assert_eq!(fs::read(copy.at(&path("a/b/c.yaml"))).unwrap(), b"c");
    assert!(copy.write(&path("a/b/c.yaml"), b"again").is_err());
    assert!(copy.write(&path("a/b/c.yaml/d"), b"below a file").is_err());

    std::os::unix::fs::symlink(elsewhere.path(), copy.path().join("out")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("new"), copy.path().join("file")).unwrap();
    assert!(copy.write(&path("out/x"), b"x").is_err());
    assert!(copy.write(&path("file"), b"x").is_err());
    assert!(copy.write(&TreePath::root(), b"x").is_err());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn what_a_killed_process_left_is_removed_and_nothing_of_one_that_lives() {
    let folder = tempfile::tempdir().unwrap();
    let living = PrivateCopy::new(Some(folder.path())).unwrap();
    living.write(&path("a.yaml"), b"a").unwrap();
    let own = process::id();
    let gone = [format!("{PREFIX}{own}.1-a"), format!("{PREFIX}4294967295.1-a")];
    let others = [format!("{PREFIX}abc"), "other".to_owned(), format!("{PREFIX}x.y-z")];
    for name in gone.iter().chain(&others) {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("opened.env"), "a=b").unwrap();
    }
    sweep(folder.path()).unwrap();
    assert!(gone.iter().all(|name| !folder.path().join(name).exists()));
    assert!(others.iter().all(|name| folder.path().join(name).join("opened.env").exists()));
    assert!(living.at(&path("a.yaml")).exists());
}
