//! The server's process: started, watched, stopped, and found again after its starter was killed.

use std::{
    fs::{self, OpenOptions},
    os::unix::process::CommandExt,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::sync::watch;

use super::{Folders, LaunchError, account::Account, at, programs::Programs};

/// A fast shutdown writes a checkpoint; an immediate one leaves that to the next start.
const FAST_LIMIT: Duration = Duration::from_secs(20);
const IMMEDIATE_LIMIT: Duration = Duration::from_secs(5);

/// A running server process.
#[derive(Debug)]
pub(super) struct Server {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Server {
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    pub(super) async fn stop(&mut self) {
        for (signal, limit) in [(Signal::INT, FAST_LIMIT), (Signal::QUIT, IMMEDIATE_LIMIT), (Signal::KILL, FAST_LIMIT)]
        {
            if self.exit_status().is_some() {
                return;
            }
            let _ = kill_process(self.pid, signal);
            let gone = self.exit.wait_for(Option::is_some);
            if tokio::time::timeout(limit, gone).await.is_ok() {
                return;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Until the status is taken the process id cannot be given to another process.
        if self.exit_status().is_none() {
            let _ = kill_process(self.pid, Signal::INT);
        }
    }
}

/// Starts the server on a thread of its own: the parent-death signal comes when the *thread* that spawned the process
/// ends, and threads of a runtime come and go. This one waits for the process and so outlives it.
pub(super) fn spawn(
    programs: &Programs,
    account: &Account,
    folders: &Folders,
    durable: bool,
) -> Result<Server, LaunchError> {
    let log = OpenOptions::new().create(true).append(true).open(&folders.log).map_err(at("open", &folders.log))?;
    let mut command = account.command(&programs.postgres);
    command.arg("-D").arg(&folders.cluster).arg("-k").arg(&folders.socket);
    command.args(["-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "max_connections=200"]);
    if !durable {
        command.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
    }
    // Ctrl-C goes to the terminal's whole process group; the starter stops the server when it no longer needs it.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);

    let (started, wait_started) = mpsc::channel();
    let (ended, exit) = watch::channel(None);
    let run = move || {
        let child = command.spawn();
        let mut child = match child {
            Ok(child) => {
                let _ = started.send(Ok(child.id()));
                child
            }
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        if let Ok(status) = child.wait() {
            ended.send_replace(Some(status));
        }
    };
    thread::Builder::new()
        .name("postgres".to_owned())
        .spawn(run)
        .map_err(at("start a thread for", &folders.cluster))?;
    let id = wait_started.recv().unwrap_or_else(|_| Err(std::io::ErrorKind::BrokenPipe.into()));
    let id = id.map_err(at("run", &programs.postgres))?;
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| at("run", &programs.postgres)(std::io::ErrorKind::InvalidData.into()))?;
    Ok(Server { pid, exit })
}

/// Stops a server that still runs on `cluster`: its starter was killed, and it may be on its way out already.
/// The lock on the data folder, held by the caller, says that it belongs to nobody.
pub(super) fn stop_left_over(cluster: &Path) -> Result<(), LaunchError> {
    let pid_file = cluster.join("postmaster.pid");
    let Some(pid) = read_pid(&pid_file) else { return Ok(()) };
    for (signal, limit) in [(Signal::INT, FAST_LIMIT), (Signal::QUIT, IMMEDIATE_LIMIT), (Signal::KILL, FAST_LIMIT)] {
        if !serves(pid, cluster) {
            return Ok(());
        }
        tracing::info!(pid = pid.as_raw_nonzero().get(), "stopping a Postgres that an earlier start left behind");
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + limit;
        while serves(pid, cluster) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

fn read_pid(pid_file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(pid_file).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

/// Whether the process is a server of this cluster and not one that got the same process id later: a server works in
/// its cluster's folder. A zombie has no such folder any more and counts as gone.
fn serves(pid: Pid, cluster: &Path) -> bool {
    let folder = fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
    test_kill_process(pid).is_ok() && folder.is_ok_and(|folder| folder == cluster)
}
