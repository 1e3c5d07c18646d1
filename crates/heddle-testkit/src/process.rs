//! Real programs as child processes: their output goes to a file, and none outlives its starter.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::{
    fd::OwnedFd,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use tokio::sync::watch;

use crate::wait;

/// How long a program may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// What to start.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    death: &'static str,
}

impl Program {
    /// A program without arguments, whose environment holds `PATH` alone.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), args: Vec::new(), env: Vec::new(), folder: None, death: "KILL" }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment; a second time replaces the first.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.retain(|(known, _)| known != name.as_ref());
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The folder that it works in.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The signal that it gets when its starter dies, `KILL` unless set.
    pub fn when_starter_dies(mut self, signal: &'static str) -> Self {
        self.death = signal;
        self
    }

    /// Starts it; what it prints is appended to `log`.
    pub fn spawn(&self, log: &Path) -> Result<Process> {
        Process::spawn(self, log)
    }

    fn command(&self, log: &Path) -> Result<Command> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("could not open the log {}", log.display()))?;
        // `setpriv` asks the kernel for the signal and then becomes the program, under the same process id.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", self.death, "--"]).arg(&self.path).args(&self.args);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // Ctrl-C goes to the terminal's whole process group; who started this decides what it means.
        command.process_group(0);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        Ok(command)
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    id: u32,
    handle: OwnedFd,
    log: PathBuf,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    fn spawn(program: &Program, log: &Path) -> Result<Self> {
        if !program.path.is_file() {
            bail!("there is no program {}", program.path.display());
        }
        let mut command = program.command(log)?;
        let (started, wait_started) = mpsc::channel();
        let (ended, exit) = watch::channel(None);
        // The parent-death signal comes when the thread that spawned the child ends. A test's runtime ends with the
        // test; this thread ends with the child.
        let run = move || {
            let spawned = command.spawn().map_err(anyhow::Error::from).and_then(with_handle);
            let mut child = match spawned {
                Ok((child, handle)) => {
                    let _ = started.send(Ok((child.id(), handle)));
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
        let name = program.name();
        thread::Builder::new().name(name.clone()).spawn(run)?;
        let (id, handle) = wait_started.recv()?.with_context(|| format!("could not start {name}"))?;
        Ok(Self { name, id, handle, log: log.to_owned(), exit })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The name of the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Everything it printed.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// How it ended, if it did.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// An error with the end of its output when it has ended; for the conditions of [`wait::until`].
    pub fn check_running(&self) -> Result<()> {
        match self.exit_status() {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}; {}", self.name, self.tail()),
        }
    }

    /// Waits until `probe` is answered with success. Fails at once when the program ends.
    pub async fn wait_ready(&self, client: &reqwest::Client, probe: &url::Url) -> Result<()> {
        let mut ended = None;
        let what = format!("{} at {probe}", self.name);
        let ready = wait::until(what, wait::LONG, async || {
            if let Err(error) = self.check_running() {
                ended = Some(error);
                return Ok(());
            }
            let answer = client.get(probe.clone()).timeout(Duration::from_secs(5)).send().await?;
            answer.error_for_status().map(drop)?;
            Ok::<_, anyhow::Error>(())
        });
        ready.await.with_context(|| self.tail())?;
        ended.map_or(Ok(()), Err)
    }

    /// Waits until it ends.
    pub async fn wait_exit(&self, limit: Duration) -> Result<ExitStatus> {
        let mut exit = self.exit.clone();
        let status = tokio::time::timeout(limit, exit.wait_for(Option::is_some)).await;
        let status = status.map_err(|_| anyhow!("{} did not end within {limit:?}; {}", self.name, self.tail()))?;
        status?.ok_or_else(|| anyhow!("{} ended with no status", self.name))
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL);
        self.wait_exit(STOP_LIMIT).await.map(drop)
    }

    /// SIGTERM, and waits until it has ended by itself.
    pub async fn terminate(&self) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        self.wait_exit(STOP_LIMIT).await
    }

    /// SIGTERM, and SIGKILL when that does not help in time.
    pub async fn stop(&self) -> Result<()> {
        if self.terminate().await.is_err() { self.kill().await } else { Ok(()) }
    }

    /// The last lines of its output, for error messages.
    pub fn tail(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        let last = lines[lines.len().saturating_sub(15)..].join("\n  ");
        format!("the log {} ends with:\n  {last}", self.log.display())
    }

    /// A process that is gone already needs no signal.
    fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.handle, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// The handle is taken before anybody waits for the child, so it cannot mean another process.
fn with_handle(mut child: Child) -> Result<(Child, OwnedFd)> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("the process id is no process id")?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => Ok((child, handle)),
        Err(error) => {
            let _ = child.kill();
            Err(error.into())
        }
    }
}
