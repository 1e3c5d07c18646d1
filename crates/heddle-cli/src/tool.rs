//! Runs a tool of the user's: in its own process group, bounded in time, memory and output.
//!
//! It keeps the user's environment, because that holds the logins with which it looks; what would make it tell them, and our
//! own token, is taken away. Nothing that it started is left behind. It knows no tool by name.

mod group;

use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use group::Group;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
    time::{Instant, interval, sleep_until, timeout},
};

use crate::limits::{MAX_TOOL_COMPLAINT_BYTES, MAX_TOOL_MEMORY_BYTES, MAX_TOOL_OUTPUT_BYTES};

/// How often the memory of a running tool is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How long the pipes of a tool that ended are read on. What it left in the background may hold them open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Variables that make tools write down what they know, or that are ours alone.
const TAKEN_AWAY: [&str; 10] = [
    "HEDDLE_TOKEN",
    "HEDDLE_REPORT_TOKEN",
    "HEDDLE_PLAN_KEY",
    "TF_LOG",
    "TF_LOG_CORE",
    "TF_LOG_PROVIDER",
    "TF_LOG_PATH",
    "ANSIBLE_DEBUG",
    "ANSIBLE_VERBOSITY",
    "ANSIBLE_LOG_PATH",
];

/// Until when all that is run together must have ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    limit: Duration,
    deadline: Instant,
    grace: Duration,
}

impl Bounds {
    /// From now on. `grace` is how long a tool that is interrupted may take to end.
    pub(crate) fn new(limit: Duration, grace: Duration) -> Self {
        Self { limit, deadline: Instant::now() + limit, grace }
    }
}

/// What a tool that ended by itself left.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// Its beginning. It may hold whatever the tool knows, so it is told to nobody as it is.
    pub(crate) stderr: Vec<u8>,
}

/// Why a tool gave no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolFault {
    /// It never ran.
    #[error("`{program}` could not be run", program = .0.display())]
    NotRun(PathBuf, #[source] io::Error),
    /// It was ended.
    #[error("`{program}` took longer than {limit} and was ended", program = .0.display(), limit = in_words(*.1))]
    TooSlow(PathBuf, Duration),
    /// It was ended.
    #[error("`{program}` took more than {} MiB of memory and was ended", MAX_TOOL_MEMORY_BYTES >> 20, program = .0.display())]
    TooMuchMemory(PathBuf),
    /// It was ended.
    #[error("`{program}` wrote more than {} MiB and was ended", MAX_TOOL_OUTPUT_BYTES >> 20, program = .0.display())]
    TooMuchOutput(PathBuf),
    /// Somebody ended us.
    #[error("`{program}` was interrupted", program = .0.display())]
    Interrupted(PathBuf),
    /// It could not be waited for or read.
    #[error("`{program}` could not be waited for", program = .0.display())]
    Lost(PathBuf, #[source] io::Error),
}

fn in_words(limit: Duration) -> String {
    let secs = limit.as_secs();
    if secs >= 60 && secs.is_multiple_of(60) { format!("{} min", secs / 60) } else { format!("{secs} s") }
}

/// Why a tool that runs has to end.
enum Ended {
    ByItself(io::Result<ExitStatus>),
    TooSlow,
    TooMuchMemory,
    TooMuchOutput,
    Interrupted,
}

/// Runs a tool to its end.
///
/// # Errors
/// When it does not run or goes over a bound. How it ended is no error.
pub(crate) async fn run(mut command: Command, bounds: Bounds) -> Result<Ran, ToolFault> {
    let program = PathBuf::from(command.as_std().get_program());
    TAKEN_AWAY.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let lost = |error| ToolFault::Lost(program.clone(), error);
    let mut interrupted = Interrupts::listen().map_err(lost)?;
    let mut child = command.spawn().map_err(|error| ToolFault::NotRun(program.clone(), error))?;
    // Whatever happens from here on, nothing of the group is left.
    let mut group = Group::of(&child);
    let stdout = Pipe::read(child.stdout.take(), MAX_TOOL_OUTPUT_BYTES, Full::Tell);
    let stderr = Pipe::read(child.stderr.take(), MAX_TOOL_COMPLAINT_BYTES, Full::PassOver);
    let mut looks = interval(LOOK);
    let ended = loop {
        tokio::select! {
            status = child.wait() => break Ended::ByItself(status),
            () = sleep_until(bounds.deadline) => break Ended::TooSlow,
            () = interrupted.next() => break Ended::Interrupted,
            _ = looks.tick() => {
                if stdout.is_full() {
                    break Ended::TooMuchOutput;
                }
                if group.look() > MAX_TOOL_MEMORY_BYTES {
                    break Ended::TooMuchMemory;
                }
            }
        }
    };
    if let Ended::ByItself(status) = ended {
        drop(group);
        let status = status.map_err(lost)?;
        let (stdout, is_full) = stdout.finish().await.map_err(lost)?;
        let (stderr, _) = stderr.finish().await.map_err(lost)?;
        return if is_full { Err(ToolFault::TooMuchOutput(program)) } else { Ok(Ran { status, stdout, stderr }) };
    }
    group.interrupt();
    let _ = timeout(bounds.grace, child.wait()).await;
    group.kill();
    let _ = child.wait().await;
    Err(match ended {
        Ended::TooSlow => ToolFault::TooSlow(program, bounds.limit),
        Ended::TooMuchMemory => ToolFault::TooMuchMemory(program),
        Ended::TooMuchOutput => ToolFault::TooMuchOutput(program),
        Ended::Interrupted | Ended::ByItself(_) => ToolFault::Interrupted(program),
    })
}

/// What a shell, or whoever runs a job, sends to end us. The tool, in its own group, does not get it.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What is done with more than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    /// The reader stops and says so.
    Tell,
    /// It is read and forgotten.
    PassOver,
}

/// What a pipe gave so far.
#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    is_full: bool,
}

/// A pipe that is read while its tool runs.
struct Pipe {
    taken: Arc<Mutex<Taken>>,
    reader: JoinHandle<io::Result<()>>,
}

impl Pipe {
    fn read(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, limit: u64, full: Full) -> Self {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let into = taken.clone();
        let reader = tokio::spawn(async move {
            let Some(mut pipe) = pipe else { return Ok(()) };
            let mut piece = vec![0; 64 << 10];
            loop {
                let size = pipe.read(&mut piece).await?;
                let mut taken = into.lock().unwrap_or_else(PoisonError::into_inner);
                let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(taken.bytes.len());
                taken.bytes.extend_from_slice(&piece[..size.min(room)]);
                taken.is_full |= size > room;
                if size == 0 || (taken.is_full && full == Full::Tell) {
                    return Ok(());
                }
            }
        });
        Self { taken, reader }
    }

    fn is_full(&self) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).is_full
    }

    /// What it gave, and whether that was more than the limit.
    async fn finish(self) -> io::Result<(Vec<u8>, bool)> {
        let Self { taken, mut reader } = self;
        match timeout(LAST_WORDS, &mut reader).await {
            Ok(ended) => ended.map_err(io::Error::other)??,
            Err(_) => reader.abort(),
        }
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((std::mem::take(&mut taken.bytes), taken.is_full))
    }
}

/// A folder that only we may read, removed with all that it holds when this is dropped.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn private_folder() -> io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let only_we = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix("heddle-").permissions(only_we).tempdir()
}

/// A file that holds secrets, overwritten and removed when this is dropped.
pub(crate) struct SecretFile(PathBuf);

impl SecretFile {
    /// A file that may be there or not yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        // The folder goes next; what cannot be overwritten is removed all the same.
        let _ = overwrite(&self.0);
        let _ = std::fs::remove_file(&self.0);
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    let size = file.metadata()?.len();
    io::copy(&mut io::Read::take(io::repeat(0), size), &mut file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
