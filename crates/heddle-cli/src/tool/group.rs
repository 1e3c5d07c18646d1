//! A process group: a tool, and everything that it started and did not set free.

use std::fs;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The group that a tool leads. Whatever is left of it is killed when this is dropped.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// Of a tool that was started as the leader of its own group.
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }

    /// Asks it to end, as Ctrl-C in a terminal does.
    pub(super) fn interrupt(&self) {
        self.send(Signal::INT);
    }

    fn send(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // Nobody may be left in it.
            let _ = kill_process_group(group, signal);
        }
    }

    /// The memory that all of it holds.
    pub(super) fn resident_bytes(&self) -> u64 {
        let Some(group) = self.0 else { return 0 };
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let stats = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
        let pages: u64 = stats.filter_map(|stat| resident_pages(&stat, group.as_raw_nonzero().get())).sum();
        pages * rustix::param::page_size() as u64
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::KILL);
    }
}

/// The pages of a process of this group, from its `/proc/PID/stat` (proc_pid_stat(5): the name, which may hold anything, stands
/// in parentheses; then state, parent, group as the third, and the resident pages as the twenty-second).
fn resident_pages(stat: &str, group: i32) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    (fields.get(2)?.parse::<i32>().ok()? == group).then_some(())?;
    fields.get(21)?.parse().ok()
}
