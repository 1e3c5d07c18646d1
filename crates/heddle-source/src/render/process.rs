//! Runs a renderer: without network, bounded in time, memory and output, and few at once.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::until::Until;
use crate::limits::{MAX_CHILD_BYTES, MAX_CHILDREN, MAX_COMPLAINT_BYTES, MAX_OUTPUT_BYTES};

/// How often a running renderer is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Why a renderer gave no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessFault {
    /// It never ran.
    #[error("could not be run: {0}")]
    NotRun(io::Error),
    /// The kernel does not take its network away, so it was not run.
    #[error("was not run, because the kernel refuses to take its network away: {0}")]
    NotIsolated(seccompiler::Error),
    /// It was killed.
    #[error("took longer than {} s", .0.as_secs())]
    TooSlow(Duration),
    /// It was killed, or never ran, because the time of its path was over.
    #[error("was ended")]
    Ended,
    /// It was killed.
    #[error("took more than {} MiB of memory", MAX_CHILD_BYTES >> 20)]
    TooMuchMemory,
    /// It was ended.
    #[error("gave more than {} MiB", MAX_OUTPUT_BYTES >> 20)]
    TooMuchOutput,
    /// It ended with an error; its words may hold whatever it read.
    #[error("failed")]
    Failed(Complaint),
    /// It could not be waited for or read.
    #[error("could not be waited for: {0}")]
    Lost(io::Error),
}

/// What a renderer said when it failed. It shows itself to nobody by mistake.
pub(super) struct Complaint(pub(super) String);

impl std::fmt::Debug for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Complaint({} bytes)", self.0.len())
    }
}

/// Room for renderers to run at once; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots(Arc<(Mutex<usize>, Condvar)>);

/// Room for one.
struct Slot<'a>(&'a Slots);

impl Slots {
    /// Waits until there is room; gives none when the time is over before. Each that runs ends by its own limit.
    fn take(&self, until: &Until) -> Option<Slot<'_>> {
        let (used, freed) = &*self.0;
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used >= MAX_CHILDREN {
            if until.is_over() {
                return None;
            }
            (used, _) = freed.wait_timeout(used, LOOK).unwrap_or_else(PoisonError::into_inner);
        }
        *used += 1;
        Some(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let (used, freed) = &*self.0.0;
        *used.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        freed.notify_one();
    }
}

/// Runs a program to its end, with what it is to read, and gives what it wrote. Blocks its thread.
///
/// # Errors
/// See [`ProcessFault`].
pub(super) fn run(
    mut command: Command,
    input: Option<&[u8]>,
    limit: Duration,
    until: &Until,
    slots: &Slots,
) -> Result<Vec<u8>, ProcessFault> {
    let _slot = slots.take(until).ok_or(ProcessFault::Ended)?;
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn_without_network(command)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that does not read all of it says by itself why.
            scope.spawn(move || stdin.write_all(input));
        }
        let output = scope.spawn(move || read(stdout, MAX_OUTPUT_BYTES));
        let complaint = scope.spawn(move || read(stderr, MAX_COMPLAINT_BYTES));
        let ended = watch(&mut child, limit, until);
        let (output, complaint) = (output.join(), complaint.join());
        let status = ended?;
        let panicked = |_| ProcessFault::Lost(io::Error::other("its reader panicked"));
        let output = output.map_err(panicked)?.map_err(ProcessFault::Lost)?;
        let complaint = complaint.map_err(panicked)?.map_err(ProcessFault::Lost)?;
        match (output, status.success()) {
            (None, _) => Err(ProcessFault::TooMuchOutput),
            (Some(output), true) => Ok(output),
            (Some(_), false) => {
                let words = complaint.unwrap_or_default();
                Err(ProcessFault::Failed(Complaint(String::from_utf8_lossy(&words).into_owned())))
            }
        }
    })
}

/// Starts a program that cannot open a socket. A filter of system calls holds for its thread and what is started there, so
/// a thread of its own takes it and ends.
fn spawn_without_network(mut command: Command) -> Result<Child, ProcessFault> {
    let spawner = thread::spawn(move || {
        seccompiler::apply_filter(&no_sockets()?).map_err(ProcessFault::NotIsolated)?;
        command.spawn().map_err(ProcessFault::NotRun)
    });
    spawner.join().map_err(|_| ProcessFault::NotRun(io::Error::other("its starter panicked")))?
}

/// Every call by which a process gets a socket fails; all others go on. Sockets that are open already are closed by exec.
fn no_sockets() -> Result<BpfProgram, ProcessFault> {
    let calls = [libc::SYS_socket, libc::SYS_socketpair, libc::SYS_io_uring_setup];
    // The second numbers are those of the x32 interface, which counts as the same architecture.
    let rules: BTreeMap<i64, Vec<_>> =
        calls.iter().flat_map(|call| [*call, *call | 0x4000_0000]).map(|call| (call, Vec::new())).collect();
    let denied = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    let filter = std::env::consts::ARCH
        .try_into()
        .and_then(|arch| SeccompFilter::new(rules, SeccompAction::Allow, denied, arch))
        .and_then(TryInto::try_into);
    filter.map_err(|error| ProcessFault::NotIsolated(error.into()))
}

/// Waits for the end; a program that goes over a bound is killed.
fn watch(child: &mut Child, limit: Duration, until: &Until) -> Result<ExitStatus, ProcessFault> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(error) => return Err(ProcessFault::Lost(error)),
        }
        let fault = if until.is_over() {
            Some(ProcessFault::Ended)
        } else if Instant::now() > deadline {
            Some(ProcessFault::TooSlow(limit))
        } else if resident_bytes(child.id()).is_some_and(|resident| resident > MAX_CHILD_BYTES) {
            Some(ProcessFault::TooMuchMemory)
        } else {
            None
        };
        if let Some(fault) = fault {
            let _ = child.kill();
            let _ = child.wait();
            return Err(fault);
        }
        thread::sleep(LOOK);
    }
}

/// The memory that a process holds; `None` once it has ended.
fn resident_bytes(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Everything that a pipe gives; `None` where that is more than the limit. Then the pipe is closed, which ends its writer.
fn read(pipe: Option<impl Read>, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(limit + 1).read_to_end(&mut bytes)?;
    }
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= limit))
}

#[cfg(test)]
mod tests;
