//! What is to be told to the API, kept on disk until it is told.
//!
//! Deploy facts queue in order. Of the state of a Sync only the newest counts, and it is not kept: after a start every
//! state is told anew. A report that was sent and not acknowledged is kept as it is and sent again, so that the API,
//! which remembers the highest sequence of an epoch, takes each exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::Utc;
use heddle_core::name::SyncName;
use heddle_reconcile::hash_text;
use heddle_wire::agent::{AgentInfo, Deploy, DeployFact, Report, SyncReport};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::metrics;

/// Facts in one report. The rest goes with the next.
const MAX_FACTS: usize = 200;

/// The outbox of a process. One process at a time may use its file.
pub struct Outbox {
    file: PathBuf,
    agent: AgentInfo,
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    kept: Kept,
    states: BTreeMap<String, SyncReport>,
    dirty: BTreeSet<String>,
    /// The Syncs that stand in the cluster; `None` until the watch has seen them all.
    present: Option<BTreeSet<SyncName>>,
    /// Whether the next report is to name them all.
    tell_all: bool,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    epoch: Uuid,
    sequence: u64,
    in_flight: Option<Report>,
    facts: Vec<DeployFact>,
    /// Hash of the last fact about each subject: a fact that says nothing new is not told again.
    told: BTreeMap<String, String>,
}

impl Outbox {
    /// Opens the outbox in `dir`, or makes one with an epoch of its own. A file that cannot be read is replaced.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(dir: &Path, agent: AgentInfo) -> io::Result<Self> {
        let file = dir.join("outbox.json");
        let kept = match fs::read(&file).map(|bytes| serde_json::from_slice::<Kept>(&bytes)) {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the outbox cannot be read and begins anew");
                Kept::new()
            }
            Err(_) => Kept::new(),
        };
        let inner = Inner { kept, states: BTreeMap::new(), dirty: BTreeSet::new(), present: None, tell_all: true };
        inner.kept.write(&file)?;
        Ok(Self { file, agent, inner: Mutex::new(inner), changed: Notify::new() })
    }

    /// Puts a fact at the end of the queue, on disk, unless it says what was said last about its subject.
    ///
    /// # Errors
    /// When it cannot be written: then what it tells must not be taken as told.
    pub fn tell_fact(&self, fact: DeployFact) -> io::Result<()> {
        let mut inner = self.lock();
        let (subject, hash) = subject_of(&fact);
        if inner.kept.told.get(&subject) == Some(&hash) {
            return Ok(());
        }
        inner.kept.told.insert(subject, hash);
        inner.kept.facts.push(fact);
        inner.kept.write(&self.file)?;
        self.changed.notify_one();
        Ok(())
    }

    /// Takes the newest state of a Sync in.
    pub fn tell_state(&self, state: SyncReport) {
        let mut inner = self.lock();
        let name = state.sync.to_string();
        if inner.states.get(&name) != Some(&state) {
            inner.dirty.insert(name.clone());
            inner.states.insert(name, state);
            self.changed.notify_one();
        }
    }

    /// A Sync stands in the cluster.
    pub fn appear(&self, sync: SyncName) {
        if let Some(present) = &mut self.lock().present {
            present.insert(sync);
        }
    }

    /// A Sync is gone.
    pub fn forget(&self, sync: &SyncName) {
        let mut inner = self.lock();
        let name = sync.to_string();
        inner.dirty.remove(&name);
        inner.states.remove(&name);
        inner.kept.told.retain(|subject, _| !subject.starts_with(&format!("{name} ")));
        if inner.present.as_mut().is_some_and(|present| present.remove(sync)) {
            inner.tell_all = true;
            self.changed.notify_one();
        }
    }

    /// The watch has seen every Sync of the cluster, and these are they.
    pub fn know_all(&self, present: BTreeSet<SyncName>) {
        self.lock().present = Some(present);
        self.changed.notify_one();
    }

    /// The API wants every state.
    pub fn tell_all(&self) {
        self.lock().tell_all = true;
        self.changed.notify_one();
    }

    /// Waits until there may be something to tell.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether there is something to tell besides that the agent lives.
    pub fn has_news(&self) -> bool {
        let inner = self.lock();
        let tells_all = inner.tell_all && inner.present.is_some();
        inner.kept.in_flight.is_some() || !inner.kept.facts.is_empty() || !inner.dirty.is_empty() || tells_all
    }

    /// The report to send now: the one that was not acknowledged, else a new one.
    ///
    /// # Errors
    /// When it cannot be kept: then it must not be sent.
    pub fn next_report(&self) -> io::Result<Report> {
        let mut inner = self.lock();
        if let Some(report) = &inner.kept.in_flight {
            return Ok(report.clone());
        }
        let complete = inner.tell_all && inner.present.is_some();
        let told = std::mem::take(&mut inner.dirty);
        let syncs: Vec<SyncReport> = inner
            .states
            .iter()
            .filter(|(name, _)| complete || told.contains(*name))
            .map(|(_, state)| state.clone())
            .collect();
        let count = inner.kept.facts.len().min(MAX_FACTS);
        let facts = inner.kept.facts.drain(..count).collect();
        inner.kept.sequence += 1;
        inner.tell_all &= !complete;
        let report = Report {
            epoch: inner.kept.epoch,
            sequence: inner.kept.sequence,
            sent_at: Utc::now(),
            agent: self.agent.clone(),
            syncs,
            present: inner.present.as_ref().filter(|_| complete).map(|all| all.iter().cloned().collect()),
            facts,
            rejected: None,
        };
        inner.kept.in_flight = Some(report.clone());
        inner.kept.write(&self.file)?;
        Ok(report)
    }

    /// The API has everything up to this sequence.
    ///
    /// # Errors
    /// When it cannot be kept; the report is then sent again, which changes nothing.
    pub fn acknowledge(&self, sequence: u64) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.kept.in_flight.as_ref().is_some_and(|report| report.sequence <= sequence) {
            inner.kept.in_flight = None;
            inner.kept.write(&self.file)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn new() -> Self {
        Self { epoch: Uuid::new_v4(), sequence: 0, in_flight: None, facts: Vec::new(), told: BTreeMap::new() }
    }

    /// Whole or not at all.
    fn write(&self, file: &Path) -> io::Result<()> {
        let new = file.with_extension("new");
        let mut handle = fs::File::create(&new)?;
        io::Write::write_all(&mut handle, &serde_json::to_vec(self)?)?;
        handle.sync_all()?;
        metrics::waiting(self.facts.len() + self.in_flight.as_ref().map_or(0, |report| report.facts.len()));
        fs::rename(new, file)
    }
}

/// What a fact is about, and a hash of what it says, without its time.
fn subject_of(fact: &DeployFact) -> (String, String) {
    let subject = match &fact.what {
        Deploy::Applied { .. } | Deploy::Failed { .. } => format!("{} apply", fact.sync),
        Deploy::Health { image, .. } => format!("{} health {image}", fact.sync),
    };
    let says = serde_json::to_string(&(&fact.revision, &fact.what)).unwrap_or_default();
    (subject, hash_text(says))
}

#[cfg(test)]
mod tests;
