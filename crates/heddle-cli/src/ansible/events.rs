//! What the callback writes: one JSON object a line.

use heddle_core::drift::Deviation;
use heddle_reconcile::diff::Difference;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::told::Told;

/// What a run in check mode found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The version of ansible-core.
    pub(crate) version: String,
    /// What a run would change.
    pub(crate) changes: Vec<Told>,
    /// Hosts that could not be reached, and the task at which that showed.
    pub(crate) unreachable: Vec<NotLooked>,
    /// Tasks that failed; those after them were not looked at.
    pub(crate) failed: Vec<NotLooked>,
    /// Tasks that say nothing in check mode.
    pub(crate) not_checked: Vec<NotLooked>,
    /// Plays for which there was no host.
    pub(crate) without_hosts: Vec<String>,
    /// Hosts that were looked at, whole or in part.
    pub(crate) hosts: usize,
    /// How many findings more there were.
    pub(crate) more: u64,
    /// Tasks that would really run, so that nothing was run.
    pub(crate) refused: Vec<Refused>,
    /// Why our callback could not go on, where it could not.
    pub(crate) broken: Option<String>,
    /// Whether the run came to its end.
    pub(crate) has_ended: bool,
}

/// Where nothing is known, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NotLooked {
    pub(crate) host: String,
    pub(crate) task: String,
    pub(crate) reason: String,
}

/// A task that would really run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Refused {
    pub(crate) name: String,
    /// Its file, and line where known.
    pub(crate) path: Option<String>,
}

impl Checked {
    /// Whether every host and task was looked at.
    pub(crate) fn is_whole(&self) -> bool {
        self.has_ended
            && self.unreachable.is_empty()
            && self.failed.is_empty()
            && self.not_checked.is_empty()
            && self.without_hosts.is_empty()
            && self.hosts > 0
            && self.more == 0
    }
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    Start {
        version: String,
    },
    Changed {
        host: String,
        task: String,
        hidden: Option<String>,
        item: Option<String>,
        differences: Vec<WrittenDifference>,
    },
    Unreachable(About),
    Failed(About),
    NotChecked(About),
    NoHosts {
        name: String,
    },
    Refused {
        tasks: Vec<Refused>,
    },
    Broken {
        reason: String,
    },
    End {
        hosts: Vec<String>,
        more: u64,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct About {
    host: String,
    task: String,
    reason: String,
}

/// As the callback writes it: with nothing where nothing is.
#[derive(Deserialize)]
struct WrittenDifference {
    path: String,
    live: Option<Value>,
    desired: Option<Value>,
}

impl From<About> for NotLooked {
    fn from(About { host, task, reason }: About) -> Self {
        Self { host, task, reason }
    }
}

/// Reads what the callback wrote; `None` where it wrote nothing, so was not there. A last line that is broken is what a killed
/// run left.
pub(crate) fn read_events(text: &str) -> Option<Checked> {
    let mut checked: Option<Checked> = None;
    for event in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match (event, &mut checked) {
            (Event::Start { version }, None) => checked = Some(Checked { version, ..Checked::default() }),
            // Several playbooks in a row would each begin.
            (_, None) | (Event::Start { .. } | Event::Other, _) => {}
            (event, Some(checked)) => checked.take(event),
        }
    }
    checked
}

impl Checked {
    fn take(&mut self, event: Event) {
        match event {
            Event::Changed { host, task, hidden, item, differences } => {
                let item = item.map(|item| format!(" ({item})")).unwrap_or_default();
                let differences = differences.into_iter().map(|one| Difference {
                    path: one.path,
                    live: one.live,
                    desired: one.desired,
                });
                self.changes.push(Told {
                    object: format!("{host}: {task}{item}"),
                    state: Deviation::Changed,
                    reason: hidden.map(|why| format!("hidden: {why}")),
                    differences: differences.collect(),
                });
            }
            Event::Unreachable(about) => self.unreachable.push(about.into()),
            Event::Failed(about) => self.failed.push(about.into()),
            Event::NotChecked(about) => self.not_checked.push(about.into()),
            Event::NoHosts { name } => self.without_hosts.push(name),
            Event::Refused { tasks } => self.refused = tasks,
            Event::Broken { reason } => self.broken = Some(reason),
            Event::End { hosts, more } => {
                self.hosts = hosts.len();
                self.more = more;
                self.has_ended = true;
            }
            Event::Start { .. } | Event::Other => {}
        }
    }
}

#[cfg(test)]
mod tests;
