use super::*;

#[test]
fn folders_come_before_what_is_in_them() {
    let mut root = Root::default();
    root.file("usr/share/doc/a", "a");
    root.folder("usr/share", 0o700, 7);
    root.program("/lib64/ld", "ld");
    let listed: Vec<(&str, u32, u32)> = root.entries().map(|(path, entry)| (path, entry.mode, entry.owner)).collect();
    let expected = [
        ("lib64", 0o755, 0),
        ("lib64/ld", 0o755, 0),
        ("usr", 0o755, 0),
        ("usr/share", 0o700, 7),
        ("usr/share/doc", 0o755, 0),
        ("usr/share/doc/a", 0o644, 0),
    ];
    assert_eq!(listed, expected);
    assert_eq!(root.size_bytes(), 3);
}

#[test]
fn a_folder_that_has_a_mode_keeps_it_when_something_is_put_in() {
    let mut root = Root::default();
    root.folder("tmp", 0o1777, 0);
    root.file("tmp/a", "a");
    assert_eq!(root.entries().next().unwrap().1.mode, 0o1777);
}
