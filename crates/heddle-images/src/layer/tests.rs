use std::io::Read;

use flate2::read::GzDecoder;
use tar::Archive;

use super::*;

fn root() -> Root {
    let mut root = Root::default();
    root.program("usr/local/bin/heddle", "a program");
    root.folder("var/lib/heddle", 0o700, 65532);
    root
}

#[test]
fn a_layer_holds_the_files_with_their_modes_owners_and_one_time() {
    let layer = pack(&root(), 1_700_000_000).unwrap();
    let mut archive = Archive::new(GzDecoder::new(layer.packed.as_slice()));
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), 1_700_000_000);
        let path = entry.path().unwrap().display().to_string();
        found.push((path, header.mode().unwrap(), header.uid().unwrap(), text));
    }
    let folder = |path: &str, mode, owner| (path.to_owned(), mode, owner, String::new());
    let expected = [
        folder("usr/", 0o755, 0),
        folder("usr/local/", 0o755, 0),
        folder("usr/local/bin/", 0o755, 0),
        ("usr/local/bin/heddle".to_owned(), 0o755, 0, "a program".to_owned()),
        folder("var/", 0o755, 0),
        folder("var/lib/", 0o755, 0),
        folder("var/lib/heddle/", 0o700, 65532),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_same_files_have_the_same_bytes_and_others_have_not() {
    let layer = pack(&root(), 7).unwrap();
    assert_eq!(pack(&root(), 7).unwrap().packed, layer.packed);
    let mut other = root();
    other.file("etc/passwd", "");
    assert_ne!(pack(&other, 7).unwrap().diff_id, layer.diff_id);
}
