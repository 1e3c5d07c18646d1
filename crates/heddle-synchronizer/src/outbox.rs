//! What is to be told to the API, kept until it is told.
//!
//! Deploy facts queue in order, on disk before anybody takes them for told. A report with facts goes under the outbox's
//! own epoch and number until it is settled, so that the API, which remembers the highest number of an epoch, takes each
//! exactly once, also over a restart. Of the state of a Sync only the newest counts, and it is not kept: after a start
//! every state is told anew. A report of states alone goes under an epoch of the process and touches no disk.
//!
//! A report that the API does not take is made smaller until the one fact or state is found that it is about; that one is
//! set aside, and the rest goes on.

mod kept;
mod portion;
mod writer;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::Utc;
use heddle_core::name::SyncName;
use heddle_wire::agent::{AgentInfo, DeployFact, MAX_FACTS, MAX_PRESENT, Rejected, Report, SyncReport};
use tokio::sync::Notify;
use uuid::Uuid;

pub use self::portion::Refusal;
use self::{
    kept::Batch,
    portion::{Portion, Step},
    writer::Writer,
};

/// Bytes of the facts, and bytes of the states, in one report, as JSON: together well below what a report may hold.
const HALF_REPORT_BYTES: usize = 1 << 20;

/// The outbox of a process. One process at a time may use its file.
pub struct Outbox {
    agent: AgentInfo,
    writer: Writer,
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    states: BTreeMap<SyncName, SyncReport>,
    dirty: BTreeSet<SyncName>,
    /// The Syncs that stand in the cluster; `None` until the watch has seen them all.
    present: Option<BTreeSet<SyncName>>,
    /// Whether the next report is to say which Syncs there are.
    tells_present: bool,
    /// Of reports without facts.
    epoch: Uuid,
    sequence: u64,
    sent: Option<Sent>,
    portion: Portion,
    /// The facts could not be given out because the disk could not be written.
    is_blocked: bool,
    /// What became of the last batch and does not stand on disk yet. No facts are given out before it does.
    owed: Option<Owed>,
}

/// What is still to be written.
enum Owed {
    /// The API has the batch.
    Settle,
    /// The batch goes in other portions.
    PutBack,
    /// The API will never take the report, for this reason.
    Reject(Box<Report>, String),
}

/// The report that was sent last and is not settled.
#[derive(Clone)]
struct Sent {
    report: Report,
    has_batch: bool,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The API has it.
    Taken,
    /// The API will not take it as it is.
    Refused(Refusal),
}

impl Outbox {
    /// Opens the outbox in `dir`, or makes one with an epoch of its own. A file that cannot be read is replaced.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(dir: &Path, agent: AgentInfo) -> io::Result<Self> {
        let inner = Inner {
            states: BTreeMap::new(),
            dirty: BTreeSet::new(),
            present: None,
            tells_present: true,
            epoch: Uuid::new_v4(),
            sequence: 0,
            sent: None,
            portion: Portion::default(),
            is_blocked: false,
            owed: None,
        };
        Ok(Self { agent, writer: Writer::open(dir)?, inner: Mutex::new(inner), changed: Notify::new() })
    }

    /// Puts facts at the end of the queue, on disk, but for those that say what was said last about their subject.
    ///
    /// # Errors
    /// When they cannot be written: then nothing of what they tell may be taken as told.
    pub async fn tell(&self, facts: Vec<DeployFact>) -> io::Result<()> {
        self.writer.tell(facts).await?;
        self.changed.notify_one();
        Ok(())
    }

    /// Takes the newest state of a Sync in. One that is not in the cluster any more has none.
    pub fn tell_state(&self, state: SyncReport) {
        let state = state.fit(HALF_REPORT_BYTES);
        let mut inner = self.lock();
        let is_gone = inner.present.as_ref().is_some_and(|present| !present.contains(&state.sync));
        if is_gone || inner.states.get(&state.sync) == Some(&state) {
            return;
        }
        inner.dirty.insert(state.sync.clone());
        inner.states.insert(state.sync.clone(), state);
        self.changed.notify_one();
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
        inner.dirty.remove(sync);
        inner.states.remove(sync);
        if inner.present.as_mut().is_some_and(|present| present.remove(sync)) {
            inner.tells_present = true;
            self.changed.notify_one();
        }
        self.writer.forget(sync.clone());
    }

    /// The watch has seen every Sync of the cluster, and these are they.
    pub fn know_all(&self, present: BTreeSet<SyncName>) {
        let mut inner = self.lock();
        inner.states.retain(|sync, _| present.contains(sync));
        inner.dirty.retain(|sync| present.contains(sync));
        inner.present = Some(present);
        self.changed.notify_one();
    }

    /// The API wants every state.
    pub fn tell_all(&self) {
        let mut inner = self.lock();
        inner.dirty = inner.states.keys().cloned().collect();
        inner.tells_present = true;
        self.changed.notify_one();
    }

    /// Waits until there may be something to tell.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether there is something to tell besides that the agent lives.
    pub fn has_news(&self) -> bool {
        let inner = self.lock();
        let facts_wait = self.writer.backlog().waiting > 0 && !inner.is_blocked;
        let tells_present = inner.tells_present && inner.present.is_some();
        inner.sent.is_some() || facts_wait || !inner.dirty.is_empty() || tells_present
    }

    /// The report to send now: the one that was not settled, else a new one. When the disk cannot be written, the facts
    /// wait and the states go alone.
    pub async fn next(&self) -> Report {
        let most = {
            let inner = self.lock();
            if let Some(sent) = &inner.sent {
                return sent.report.clone();
            }
            inner.portion.most().min(MAX_FACTS)
        };
        let given = match (self.pay().await, self.writer.backlog().waiting) {
            (Err(error), _) => Err(error),
            (Ok(()), 0) => Ok(None),
            (Ok(()), _) => self.writer.take(most, HALF_REPORT_BYTES).await,
        };
        let mut inner = self.lock();
        inner.is_blocked = given.is_err();
        let batch = given.unwrap_or_else(|error| {
            tracing::error!(%error, "the outbox cannot be written, so facts wait; see to the agent's state directory");
            None
        });
        inner.make(&self.agent, batch, self.writer.backlog().rejected)
    }

    /// Says what became of the report that was sent last.
    ///
    /// # Errors
    /// When it cannot be kept on disk. Until it can, facts wait and states go alone; after a start the batch is sent again,
    /// which changes nothing.
    pub async fn settled(&self, how: Settled) -> io::Result<()> {
        if self.note_settled(how) { self.pay().await } else { Ok(()) }
    }

    /// Whether something is to be written for it.
    fn note_settled(&self, how: Settled) -> bool {
        let mut inner = self.lock();
        let Some(Sent { report, has_batch }) = inner.sent.take() else { return false };
        let items = items_of(&report);
        let refusal = match how {
            Settled::Taken => {
                inner.portion.taken(items);
                return inner.owe(has_batch.then_some(Owed::Settle));
            }
            Settled::Refused(refusal) => refusal,
        };
        match inner.portion.refused(items, &refusal) {
            Step::Smaller => {
                inner.take_back(&report);
                inner.owe(has_batch.then_some(Owed::PutBack))
            }
            Step::Reject => {
                let reason = refusal.to_string();
                tracing::error!(
                    facts = report.facts.len(),
                    syncs = report.syncs.len(),
                    "the API does not take what is now in `rejected.json`: {reason}"
                );
                inner.owe((items > 0).then(|| Owed::Reject(Box::new(report), reason)))
            }
        }
    }

    /// Writes what is owed, if anything is.
    async fn pay(&self) -> io::Result<()> {
        let Some(owed) = self.lock().owed.take() else { return Ok(()) };
        let paid = match &owed {
            Owed::Settle => self.writer.settle().await,
            Owed::PutBack => self.writer.put_back().await,
            Owed::Reject(report, reason) => self.writer.reject(report.as_ref().clone(), reason.clone()).await,
        };
        if paid.is_err() {
            self.lock().owed = Some(owed);
        }
        paid
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a report says that could be said in another one.
fn items_of(report: &Report) -> usize {
    report.facts.len() + report.syncs.len() + usize::from(report.present.is_some())
}

impl Inner {
    /// Owes what became of a report; false where it owes nothing. What is owed for a batch stays: until it is paid no other
    /// batch is given out, so what comes later is a refused state, which the log has.
    fn owe(&mut self, owed: Option<Owed>) -> bool {
        let owes = owed.is_some() && self.owed.is_none();
        if owes {
            self.owed = owed;
        }
        owes
    }

    /// A new report, of the facts that were given out and as many states as fit.
    fn make(&mut self, agent: &AgentInfo, batch: Option<Batch>, rejected: Option<Rejected>) -> Report {
        let has_batch = batch.is_some();
        let (epoch, sequence, facts) = match batch {
            Some(batch) => (batch.epoch, batch.sequence, batch.facts),
            None => {
                self.sequence += 1;
                (self.epoch, self.sequence, Vec::new())
            }
        };
        let mut left = self.portion.most().saturating_sub(facts.len());
        let syncs = self.take_states(left);
        left -= syncs.len();
        let present = self.present.as_ref().filter(|all| self.tells_present && left > 0 && all.len() <= MAX_PRESENT);
        let present = present.map(|all| all.iter().cloned().collect());
        // Too many to be named are not named.
        self.tells_present &= left == 0 || self.present.is_none();
        let report =
            Report { epoch, sequence, sent_at: Utc::now(), agent: agent.clone(), syncs, present, facts, rejected };
        self.sent = Some(Sent { report: report.clone(), has_batch });
        report
    }

    /// The states that are to be told, at most `most`, as many as fit into a report.
    fn take_states(&mut self, most: usize) -> Vec<SyncReport> {
        let mut room = portion::Room::new(most, HALF_REPORT_BYTES);
        let mut taken = Vec::new();
        for sync in &self.dirty {
            let Some(state) = self.states.get(sync) else { continue };
            if !room.take(state) {
                break;
            }
            taken.push(state.clone());
        }
        for state in &taken {
            self.dirty.remove(&state.sync);
        }
        taken
    }

    /// What a report said is to be said again.
    fn take_back(&mut self, report: &Report) {
        self.tells_present |= report.present.is_some();
        let told = report.syncs.iter().map(|state| &state.sync);
        self.dirty.extend(told.filter(|sync| self.states.contains_key(sync)).cloned());
    }
}

#[cfg(test)]
mod tests;
