//! Symbolic links in a folder of this machine: nothing is read through them, whatever names what lies behind.

use std::os::unix::fs::symlink;

use crate::outside::{rendered, repository};

const CANARY: &str = "canary-of-this-machine";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// A folder of this machine with files that no repository holds.
fn machine() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let object = format!("{CONFIG}data: {{k: {CANARY}}}\n");
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("key.pem"), CANARY).unwrap();
    std::fs::write(dir.path().join("sub/c.yaml"), object).unwrap();
    dir
}

#[test]
fn a_file_behind_a_link_is_not_there_for_a_step_that_makes_up_its_path() {
    let machine = machine();
    let patch = "resources: [g.yaml]\npatches:\n- target: {kind: ConfigMapGenerator}\n  patch: |\n    [{\"op\": \"replace\", \"path\": \"/files/0\", \"value\": \"x=link/key.pem\"}]\n";
    let generator = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nfiles: [x=a.yaml]\n";
    let repository = repository(&[
        ("apps/web/kustomization.yaml", "resources: [a.yaml]\ngenerators: [../../made]\n"),
        ("apps/web/a.yaml", CONFIG),
        // It is not built, and names what the step makes up.
        ("apps/web/unbuilt/kustomization.yaml", "configMapGenerator: [{name: g, files: [../link/key.pem]}]\n"),
        ("made/kustomization.yaml", patch),
        ("made/g.yaml", generator),
    ]);
    symlink(machine.path(), repository.path().join("apps/web/link")).unwrap();
    let rendered = rendered(repository.path(), "apps/web");
    assert!(!format!("{rendered:?}").contains(CANARY), "{rendered:?}");
    assert_eq!(rendered.objects.len(), 0, "{rendered:?}");
    let words: Vec<&str> = rendered.errors.iter().map(|error| error.message.as_str()).collect();
    assert!(words.len() == 1 && words[0].contains("link/key.pem"), "{words:?}");
}

#[test]
fn a_manifest_behind_a_link_is_no_file_of_the_path() {
    let machine = machine();
    let repository = repository(&[
        ("apps/a.yaml", CONFIG),
        ("apps/chart/Chart.yaml", "name: c\nversion: 1.0.0\n"),
        ("apps/chart/templates/kustomization.yaml", "resources: [../../link/sub/c.yaml, ../../link/sub]\n"),
    ]);
    symlink(machine.path(), repository.path().join("apps/link")).unwrap();
    let rendered = rendered(repository.path(), "apps");
    assert!(!format!("{rendered:?}").contains(CANARY), "{rendered:?}");
    let files: Vec<_> = rendered.objects.iter().map(|object| object.file.as_deref().unwrap()).collect();
    assert_eq!(files, ["apps/a.yaml"]);
}

/// Something that never ends would be read for ever.
#[test]
fn a_kustomization_that_is_a_link_is_not_read() {
    let repository = repository(&[("apps/a.yaml", CONFIG)]);
    symlink("/dev/zero", repository.path().join("apps/kustomization.yaml")).unwrap();
    let rendered = rendered(repository.path(), "apps");
    let words: Vec<&str> = rendered.errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(words, ["it is a symbolic link, and links are not followed"]);
}
