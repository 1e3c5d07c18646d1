use std::{process::Command, time::Duration};

use heddle_testkit::{process::Program, scratch, wait};

#[tokio::test]
async fn a_program_that_ends_too_early_is_told_with_its_output() {
    let folder = scratch::dir("process").unwrap();
    let program = Program::new("/bin/sh").args(["-c", "echo the reason; exit 3"]);
    let process = program.spawn(&folder.path().join("log")).unwrap();
    process.wait_exit(wait::LONG).await.unwrap();
    let error = process.check_running().unwrap_err().to_string();
    assert!(error.contains("exit status: 3") && error.contains("the reason"), "{error}");
}

#[tokio::test]
async fn a_program_sees_only_the_environment_that_it_was_given() {
    let folder = scratch::dir("process").unwrap();
    let process = Program::new("/usr/bin/env").env("A", "1").env("A", "2").spawn(&folder.path().join("log")).unwrap();
    process.wait_exit(wait::LONG).await.unwrap();
    assert_eq!(process.output(), "A=2\nPATH=/usr/local/bin:/usr/bin:/bin\n");
}

#[tokio::test]
async fn dropping_a_process_kills_it_and_terminating_lets_it_end() {
    let folder = scratch::dir("process").unwrap();
    let log = folder.path().join("log");
    let sleeper = Program::new("/bin/sleep").arg("600").spawn(&log).unwrap();
    assert!(sleeper.terminate().await.unwrap().to_string().contains("15"));
    let dropped = Program::new("/bin/sleep").arg("600").spawn(&log).unwrap();
    let id = dropped.id();
    drop(dropped);
    wait_gone(id).await;
}

/// The shell stands for a test process: when it is killed, what it started goes too.
#[tokio::test]
async fn what_a_killed_starter_left_is_killed_by_the_kernel() {
    let mut starter = Command::new("/bin/sh")
        .args(["-c", "setpriv --pdeathsig KILL -- sleep 600 & echo $!; wait"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(starter.stdout.as_mut().unwrap()), &mut line).unwrap();
    let id: u32 = line.trim().parse().unwrap();
    wait::until("setpriv to become sleep", wait::LONG, async || {
        let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap();
        if name.trim() == "sleep" { Ok(()) } else { Err(name) }
    })
    .await
    .unwrap();
    starter.kill().unwrap();
    starter.wait().unwrap();
    wait_gone(id).await;
}

async fn wait_gone(id: u32) {
    wait::until("the process to be gone", Duration::from_secs(20), async || {
        match std::fs::read_to_string(format!("/proc/{id}/stat")) {
            Ok(stat) if !stat.contains(") Z ") => Err(stat),
            _ => Ok(()),
        }
    })
    .await
    .unwrap();
}
