use std::{os::unix::fs::PermissionsExt, time::Duration};

use super::*;

/// A shell that runs this script.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn bounds(limit: Duration) -> Bounds {
    Bounds::new(limit, Duration::from_secs(20))
}

const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_tool_that_ends_left_its_words_and_its_code() {
    let ran = run(shell("echo out; echo err >&2; exit 3"), bounds(LONG)).await.unwrap();
    assert_eq!(
        (ran.status.code(), ran.stdout.as_slice(), ran.stderr.as_slice()),
        (Some(3), &b"out\n"[..], &b"err\n"[..])
    );
}

#[tokio::test]
async fn a_tool_that_is_too_slow_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let (held, ended) = (folder.path().join("held"), folder.path().join("ended"));
    rustix::fs::mknodat(rustix::fs::CWD, &held, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let script = format!(
        "exec 3> {held}; trap 'echo yes > {ended}; exit 1' INT; setsid sleep 600 & sleep 600 & while :; do wait; done",
        held = held.display(),
        ended = ended.display()
    );
    // The pipe ends when nobody holds it any more: neither the shell nor what it started, in its group or in one of its own.
    let left = tokio::task::spawn_blocking(move || std::fs::read(held));
    let fault = run(shell(&script), bounds(Duration::from_secs(1))).await.err().unwrap();
    assert!(matches!(fault, ToolFault::TooSlow(..)), "{fault}");
    assert_eq!(fault.to_string(), "`sh` took longer than 1 s and was ended");
    assert_eq!(left.await.unwrap().unwrap(), b"");
    assert_eq!(std::fs::read_to_string(&ended).unwrap(), "yes\n", "it was asked first");
}

#[tokio::test]
async fn what_is_left_in_the_background_is_not_waited_for() {
    let ran = run(shell("sleep 600 & echo done"), bounds(LONG)).await.unwrap();
    assert_eq!(ran.stdout, b"done\n");
}

#[tokio::test]
async fn too_much_output_ends_a_tool() {
    let fault = run(shell("exec cat /dev/zero"), bounds(LONG)).await.err().unwrap();
    assert!(matches!(fault, ToolFault::TooMuchOutput(_)), "{fault}");
}

#[tokio::test]
async fn a_long_complaint_is_cut_and_ends_nothing() {
    let ran = run(shell("head -c 3000000 /dev/zero >&2"), bounds(LONG)).await.unwrap();
    assert!(ran.status.success());
    assert_eq!(ran.stderr.len() as u64, MAX_TOOL_COMPLAINT_BYTES);
}

#[tokio::test]
async fn what_makes_a_tool_tell_too_much_is_not_given_to_it() {
    let mut command = shell("env");
    TAKEN_AWAY.iter().for_each(|name| {
        command.env(name, "x");
    });
    command.env("AWS_PROFILE", "prod");
    let ran = run(command, bounds(LONG)).await.unwrap();
    let environment = String::from_utf8(ran.stdout).unwrap();
    assert!(environment.contains("AWS_PROFILE=prod"));
    for name in TAKEN_AWAY {
        assert!(!environment.lines().any(|line| line.starts_with(&format!("{name}="))), "{name}");
    }
}

#[test]
fn a_private_folder_is_private_and_its_file_is_gone_afterwards() {
    let folder = private_folder().unwrap();
    assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let path = folder.path().join("plan");
    std::fs::write(&path, "hunter2").unwrap();
    // Another name of the same bytes shows what became of them.
    let other = folder.path().join("other");
    std::fs::hard_link(&path, &other).unwrap();
    drop(SecretFile::new(path.clone()));
    assert!(!path.exists());
    assert_eq!(std::fs::read(&other).unwrap(), [0; 7]);
}
