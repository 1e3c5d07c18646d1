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
    assert_eq!(std::fs::read(copy.at(&path("a/b/c.yaml"))).unwrap(), b"c");
    assert!(copy.write(&path("a/b/c.yaml"), b"again").is_err());
    assert!(copy.write(&path("a/b/c.yaml/d"), b"below a file").is_err());

    std::os::unix::fs::symlink(elsewhere.path(), copy.path().join("out")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("new"), copy.path().join("file")).unwrap();
    assert!(copy.write(&path("out/x"), b"x").is_err());
    assert!(copy.write(&path("file"), b"x").is_err());
    assert!(copy.write(&TreePath::root(), b"x").is_err());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
