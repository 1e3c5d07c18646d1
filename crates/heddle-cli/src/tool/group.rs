//! A process group: a tool, and everything that it started and did not set free.

use std::{collections::BTreeMap, fs};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Child;

/// The group that a tool leads, with what it started in groups of their own. What is left of the group is killed when this is
/// dropped.
pub(super) struct Group {
    leader: Option<Pid>,
    /// Whatever was seen of it, with when each started: who loses its parent is not found any more.
    seen: BTreeMap<i32, u64>,
}

impl Group {
    /// Of a tool that was started as the leader of its own group.
    pub(super) fn of(child: &Child) -> Self {
        Self { leader: child.id().and_then(|id| Pid::from_raw(id.cast_signed())), seen: BTreeMap::new() }
    }

    /// Looks who belongs to it now, and gives the memory that all of it holds.
    pub(super) fn look(&mut self) -> u64 {
        let Some(leader) = self.leader else { return 0 };
        let members = members(leader);
        self.seen.extend(members.iter().map(|(id, process)| (*id, process.started)));
        let pages: u64 = members.values().map(|process| process.resident_pages).sum();
        pages * rustix::param::page_size() as u64
    }

    /// Asks it to end, as Ctrl-C in a terminal does.
    pub(super) fn interrupt(&mut self) {
        self.look();
        self.send(Signal::INT);
    }

    /// Kills all that was ever seen of it.
    pub(super) fn kill(mut self) {
        self.look();
        for (id, started) in &self.seen {
            // Its number may be somebody else's by now.
            let is_it = process(&format!("/proc/{id}")).is_some_and(|process| process.started == *started);
            if let Some(id) = Pid::from_raw(*id).filter(|_| is_it) {
                let _ = kill_process(id, Signal::KILL);
            }
        }
    }

    fn send(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // Nobody may be left in it.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::KILL);
    }
}

/// What is known of a process.
struct Process {
    parent: i32,
    group: i32,
    /// In ticks since the machine started; with the number it is the process's alone.
    started: u64,
    resident_pages: u64,
}

/// The processes of the group, and those that they started.
fn members(group: Pid) -> BTreeMap<i32, Process> {
    let group = group.as_raw_nonzero().get();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut others: BTreeMap<i32, Process> = processes
        .filter_map(|process| {
            let id = process.file_name().to_str()?.parse().ok()?;
            Some((id, self::process(process.path().to_str()?)?))
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

/// What the `stat` of a folder in `/proc` says (proc_pid_stat(5): the name, which may hold anything, stands in parentheses; from
/// the state on, parent, group, start and resident pages are the second, third, twentieth and twenty-second field).
fn process(folder: &str) -> Option<Process> {
    let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
        resident_pages: fields.get(21)?.parse().ok()?,
    })
}
