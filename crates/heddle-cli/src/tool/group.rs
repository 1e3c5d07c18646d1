//! A process group: a tool, and everything that it started and did not set free.

use std::{collections::BTreeMap, fs};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Child;

/// The group that a tool leads, with what it started in groups of their own. Whatever is left is killed when this is dropped.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// Of a tool that was started as the leader of its own group.
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }

    /// Asks it to end, as Ctrl-C in a terminal does.
    pub(super) fn interrupt(&self) {
        if let Some(group) = self.0 {
            // Nobody may be left in it.
            let _ = kill_process_group(group, Signal::INT);
        }
    }

    /// Kills all of it, from the tool down, while it is known who started whom.
    pub(super) fn kill(&self) {
        let Some(group) = self.0 else { return };
        let members = members(group);
        let _ = kill_process_group(group, Signal::KILL);
        for member in members.keys().filter_map(|id| Pid::from_raw(*id)) {
            let _ = kill_process(member, Signal::KILL);
        }
    }

    /// The memory that all of it holds.
    pub(super) fn resident_bytes(&self) -> u64 {
        let Some(group) = self.0 else { return 0 };
        let pages: u64 = members(group).values().map(|process| process.resident_pages).sum();
        pages * rustix::param::page_size() as u64
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What is known of a process.
struct Process {
    parent: i32,
    group: i32,
    resident_pages: u64,
}

/// The processes of the group, and those that they started.
fn members(group: Pid) -> BTreeMap<i32, Process> {
    let group = group.as_raw_nonzero().get();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut others: BTreeMap<i32, Process> = processes
        .filter_map(|process| {
            let id = process.file_name().to_str()?.parse().ok()?;
            Some((id, read(&fs::read_to_string(process.path().join("stat")).ok()?)?))
        })
        .collect();
    let mut members = BTreeMap::new();
    loop {
        let more: Vec<i32> = others
            .iter()
            .filter(|(_, process)| process.group == group || members.contains_key(&process.parent))
            .map(|(id, _)| *id)
            .collect();
        if more.is_empty() {
            return members;
        }
        members.extend(more.into_iter().filter_map(|id| others.remove_entry(&id)));
    }
}

/// What `/proc/PID/stat` says (proc_pid_stat(5): the name, which may hold anything, stands in parentheses; then state, parent,
/// group as the third, and the resident pages as the twenty-second).
fn read(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        resident_pages: fields.get(21)?.parse().ok()?,
    })
}
