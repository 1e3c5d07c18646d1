//! `heddle diff ansible` on what our callback wrote in runs of ansible-core (`ansible/record.sh` records it anew). Ansible
//! itself is asked by `make test-drift`.

use std::fs;

use serde_json::json;

use crate::{
    local::with,
    program::{Ended, Person},
};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/ansible");

/// A person whose `ansible-playbook` plays a recorded run.
struct Played(Person);

impl Played {
    fn new() -> Self {
        Self(with(&[("site.yml", "")]))
    }

    async fn diff(&self, case: &str, more: &[&str]) -> Ended {
        let home = self.0.home.path().to_str().unwrap();
        let program = format!("{RECORDED}/play.sh");
        let arguments = [&["diff", "ansible", "site.yml", "-i", "hosts", "--program", &program], more].concat();
        let mut command = self.0.command(&arguments);
        command.current_dir(home).env("PATH", "/usr/bin:/bin").env("TMPDIR", home);
        command.env("PLAY", format!("{RECORDED}/{case}.jsonl")).env("ASKED", format!("{home}/asked"));
        command.env("ANSIBLE_LOG_PATH", "log").env("HEDDLE_TOKEN", "hdlt_x");
        let ended = Ended::from(command.output().await.unwrap());
        assert!(!format!("{ended:?}").contains("hunter"), "a secret is told: {ended:?}");
        ended
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.0.home.path().join("asked")).unwrap()
    }
}

#[tokio::test]
async fn a_playbook_that_would_change_nothing_is_the_same() {
    let played = Played::new();
    let ended = played.diff("same", &["--limit", "home", "-e", "@x.yml", "--allow-running", "Ring"]).await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    let asked = played.asked();
    let flags = "--check --diff --inventory hosts --limit home --extra-vars @x.yml site.yml";
    assert!(asked.starts_with(&format!("{flags} callback=heddle_drift log= token=\n700\n[\"Ring\"]")), "{asked}");
    let left: Vec<_> = fs::read_dir(played.0.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("heddle-")), "{left:?}");
}

#[tokio::test]
async fn what_a_playbook_would_change_is_told() {
    let ended = Played::new().diff("drifted", &[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""), "{ended:?}");
    let expected = "home: Write the note would change\n  /play/house/motd\n    - somebody was here\n    + welcome\n    + to the red house\n";
    assert_eq!(ended.stdout, expected);
    let ended = Played::new().diff("new", &["-o", "json"]).await;
    let json = ended.json();
    assert_eq!((ended.code, &json["complete"], &json["hosts"]), (1, &json!(true), &json!(1)));
    assert_eq!(json["changes"][0]["state"], "changed");
    assert_eq!(json["changes"][1]["reason"], "hidden: no_log");
    assert_eq!(json["changes"][1]["differences"], json!([]));
}

#[tokio::test]
async fn what_was_not_looked_at_is_never_the_same() {
    let ended = Played::new().diff("unreachable", &["-o", "json"]).await;
    assert_eq!((ended.code, &ended.json()["complete"]), (2, &json!(false)), "{ended:?}");
    assert_eq!(ended.json()["unreachable"][0]["host"], "away");
    let ended = Played::new().diff("unchecked", &[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("home: Ring cannot be checked: Command would have run"), "{ended:?}");
}

#[tokio::test]
async fn tasks_that_would_really_run_are_refused_by_name() {
    let ended = Played::new().diff("refused", &[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(
        ended.stderr.contains("`Ring` (/play/runs.yml:5)") && ended.stderr.contains("--allow-running"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_run_without_our_callback_found_nothing_out() {
    let ended = Played::new().diff("there-is-none", &[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("ended before it looked at anything: the playbook could not be read"), "{ended:?}");
}
