//! `heddle install-into`: the program as an init container hands it on.

use crate::local::{path, with};

#[tokio::test]
async fn the_program_copies_itself_and_the_copy_runs() {
    let person = with(&[("tools/heddle", "an older one")]);
    let ended = person.run(&["install-into", &path(&person, "tools")]).await;
    assert!(ended.code == 0 && ended.stdout.is_empty(), "{ended:?}");
    let copied = std::process::Command::new(path(&person, "tools/heddle")).arg("--version").output().unwrap();
    assert!(copied.status.success(), "{copied:?}");
    let left: Vec<_> = std::fs::read_dir(path(&person, "tools")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let ended = person.run(&["install-into", &path(&person, "nowhere")]).await;
    assert!(ended.code == 2 && ended.stderr.contains("the folder has to be there"), "{ended:?}");
}
