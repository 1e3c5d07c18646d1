use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

/// A package of these entries, each with its kind, as no tool would write some of them.
fn package(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn file(name: &str) -> (&str, tar::EntryType, &[u8]) {
    (name, tar::EntryType::Regular, b"a: b\n")
}

fn unpack(package: &[u8]) -> Result<(ChartTree, tempfile::TempDir), String> {
    let dir = tempfile::tempdir().unwrap();
    ChartTree::unpack(package, &Rooms::open(dir.path().join("rooms"))).map(|tree| (tree, dir))
}

fn told(entries: &[(&str, tar::EntryType, &[u8])]) -> String {
    unpack(&package(entries)).err().unwrap_or_default()
}

#[test]
fn the_files_of_a_package_lie_below_its_first_directory_whatever_that_is_called() {
    let (tree, _dir) = unpack(&package(&[
        ("web", tar::EntryType::Directory, b""),
        file("web/Chart.yaml"),
        ("web/templates/a.yaml", tar::EntryType::Regular, b"second: file\n"),
        ("web/templates/empty.yaml", tar::EntryType::Regular, b""),
        file("other/charts/db/Chart.yaml"),
    ]))
    .unwrap();
    let path = |text: &str| TreePath::parse(text).unwrap();
    assert_eq!(tree.find(&path("templates/a.yaml")), Some(Kind::File(FileMode::Regular)));
    assert_eq!(tree.find(&path("charts/db")), Some(Kind::Directory));
    assert_eq!(tree.find(&TreePath::root()), Some(Kind::Directory));
    assert_eq!(tree.find(&path("web")), None);
    assert_eq!(tree.read(&path("Chart.yaml")).unwrap(), b"a: b\n");
    assert_eq!(tree.read(&path("charts/db/Chart.yaml")).unwrap(), b"a: b\n");
    assert!(matches!(tree.read(&path("charts/db")), Err(ReadError::Missing { .. })));
    let listed = tree.list(&path("charts"), &mut Walk::default()).unwrap();
    assert_eq!(listed.files, [(path("charts/db/Chart.yaml"), FileMode::Regular)]);
    assert_eq!(tree.read(&path("templates/a.yaml")).unwrap(), b"second: file\n");
    assert_eq!(tree.read(&path("templates/empty.yaml")).unwrap(), b"");
    assert_eq!(tree.bytes(), 23);
}

#[test]
fn nothing_leads_out_of_a_package_and_nothing_in_it_is_a_link() {
    let chart = file("web/Chart.yaml");
    for name in ["web/../../etc/passwd", "/web/x", "../x", "web/.git/config", "web\\x", "x"] {
        assert!(told(&[chart, file(name)]).starts_with("is refused: "), "{name}: {}", told(&[chart, file(name)]));
    }
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo, tar::EntryType::Char] {
        assert!(told(&[chart, ("web/x", kind, b"")]).contains("links are not followed"), "{kind:?}");
    }
    assert!(told(&[chart, chart]).contains("twice"));
    assert!(told(&[chart, file("web/x"), file("web/x/y")]).contains("twice"));
    assert!(told(&[chart, file("web/x/y"), file("web/x")]).contains("twice"));
    assert!(told(&[file("web/templates/a.yaml")]).contains("no `Chart.yaml`"));
    assert!(unpack(b"no package").unwrap_err().contains("is no package of a chart"));
}

#[test]
fn a_package_that_unpacks_to_too_much_is_refused() {
    let most = usize::try_from(MAX_FILE_BYTES).unwrap();
    let zeros = vec![0; most + 1];
    assert!(told(&[("web/Chart.yaml", tar::EntryType::Regular, &zeros)]).contains("more than 8 MiB"));
    let entries: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| format!("web/{name}")).to_vec();
    let entries: Vec<_> = entries.iter().map(|name| (name.as_str(), tar::EntryType::Regular, &zeros[..most])).collect();
    assert!(told(&entries).contains("unpacks to more than 32 MiB"), "{}", told(&entries));

    // Whatever it is that it unpacks to: here nothing but headers.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let header = package(&[("web", tar::EntryType::Directory, b"")]);
    let mut plain = Vec::new();
    MultiGzDecoder::new(&header[..]).read_to_end(&mut plain).unwrap();
    for _ in 0..=(MAX_CHART_UNPACKED_BYTES / 512) {
        bomb.write_all(&plain[..512]).unwrap();
    }
    assert!(unpack(&bomb.finish().unwrap()).unwrap_err().contains("unpacks to more than 32 MiB"));
    let names: Vec<String> = (0..=MAX_CHART_FILES).map(|number| format!("web/{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| file(name)).collect();
    assert!(told(&many).contains("more than 10000 files and directories"));
    let names = (0..MAX_CHART_FILES / 2).map(|number| format!("web/{number}/x"));
    let names: Vec<String> = names.chain(["web/y".to_owned()]).collect();
    let many: Vec<_> = names.iter().map(|name| file(name)).collect();
    assert!(told(&many).contains("more than 10000 files and directories"));
    let long = |number: usize| format!("web/{number:0>90}");
    let names: Vec<String> = (0..MAX_CHART_FILES).map(long).collect();
    let many: Vec<_> = names.iter().map(|name| file(name)).collect();
    assert!(told(&many).contains("names of more than 512 KiB"), "{}", told(&many));
}
