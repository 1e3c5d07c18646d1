//! What the outbox keeps on disk, and how it changes. Plain values: the writer holds the file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, Utc};
use heddle_core::name::SyncName;
use heddle_reconcile::hash_text;
use heddle_wire::agent::{Deploy, DeployFact, MAX_FACT_BYTES, MAX_IMAGES, Rejected};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most facts that wait for the API. Above it the oldest are given up.
pub const MAX_WAITING_FACTS: usize = 10_000;

/// Most bytes of facts that wait for the API, as JSON. Above it the oldest are given up.
pub const MAX_WAITING_BYTES: usize = 8 << 20;

/// What stands in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub epoch: Uuid,
    /// Of the last batch that was given out.
    pub sequence: u64,
    /// The batch that was given out and not settled.
    pub in_flight: Option<Batch>,
    facts: VecDeque<DeployFact>,
    /// Of `facts`, as JSON.
    bytes: usize,
    /// What was said last, by Sync and subject: a fact that says nothing new is not told again.
    told: BTreeMap<String, BTreeMap<String, String>>,
    pub rejected: Option<Rejected>,
}

/// Facts under a number, which the API takes once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub epoch: Uuid,
    pub sequence: u64,
    pub facts: Vec<DeployFact>,
}

impl Kept {
    pub fn new() -> Self {
        Self {
            epoch: Uuid::new_v4(),
            sequence: 0,
            in_flight: None,
            facts: VecDeque::new(),
            bytes: 0,
            told: BTreeMap::new(),
            rejected: None,
        }
    }

    /// How many facts the API has not taken.
    pub fn waiting(&self) -> usize {
        self.facts.len() + self.in_flight.as_ref().map_or(0, |batch| batch.facts.len())
    }

    /// Puts a fact at the end of the queue, unless it says what was said last about its subject.
    pub fn tell(&mut self, fact: DeployFact, now: DateTime<Utc>) {
        let fact = fact.fit();
        let (subject, says) = (subject_of(&fact), hash_of(&fact));
        let told = self.told.entry(fact.sync.to_string()).or_default();
        if told.get(&subject) == Some(&says) {
            return;
        }
        told.insert(subject, says);
        if let Deploy::Applied { images, .. } = &fact.what {
            // The revision is whole: of an image that it does not want nothing is said any more.
            let wanted: BTreeSet<String> = images.iter().map(|image| health_subject(&image.to_string())).collect();
            told.retain(|subject, _| subject == APPLY || wanted.contains(subject));
        }
        let (bytes, images) = (weigh(&fact), fact.count_images());
        if bytes > MAX_FACT_BYTES || images > MAX_IMAGES {
            let reason = format!(
                "a fact of {} about {} names {images} images in {bytes} bytes, more than a report may hold",
                fact.sync, fact.revision
            );
            return self.lose(0, 1, &reason, now);
        }
        self.bytes += bytes;
        self.facts.push_back(fact);
        self.give_up_oldest(now);
    }

    /// The batch to send now: the one that was not settled, else the oldest facts, as many as may be sent at once.
    pub fn take(&mut self, most: usize, most_bytes: usize) -> Option<Batch> {
        if self.in_flight.is_none() {
            let (mut count, mut bytes) = (0, 0);
            for weight in self.facts.iter().take(most).map(weigh) {
                if bytes + weight > most_bytes {
                    break;
                }
                (count, bytes) = (count + 1, bytes + weight);
            }
            if count > 0 {
                self.bytes = self.bytes.saturating_sub(bytes);
                self.sequence += 1;
                let facts = self.facts.drain(..count).collect();
                self.in_flight = Some(Batch { epoch: self.epoch, sequence: self.sequence, facts });
            }
        }
        self.in_flight.clone()
    }

    /// The API has the batch.
    pub fn settle(&mut self) {
        self.in_flight = None;
    }

    /// The batch was not taken and is to be sent in other portions, under other numbers.
    pub fn put_back(&mut self) {
        if let Some(batch) = self.in_flight.take() {
            for fact in batch.facts.into_iter().rev() {
                self.bytes += weigh(&fact);
                self.facts.push_front(fact);
            }
        }
    }

    /// The API will never take the batch, or a report without one.
    pub fn reject(&mut self, reason: &str, now: DateTime<Utc>) {
        let facts = self.in_flight.take().map_or(0, |batch| batch.facts.len());
        self.lose(1, facts, reason, now);
    }

    /// A Sync is gone: of it nothing was said. What waits still tells what it did.
    pub fn forget(&mut self, sync: &SyncName) {
        self.told.remove(&sync.to_string());
    }

    /// An API that is away for long costs the oldest facts, not the disk.
    fn give_up_oldest(&mut self, now: DateTime<Utc>) {
        let mut lost = 0;
        while self.facts.len() > MAX_WAITING_FACTS || self.bytes > MAX_WAITING_BYTES {
            let Some(oldest) = self.facts.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(weigh(&oldest));
            lost += 1;
        }
        if lost > 0 {
            self.lose(0, lost, "the API was away for so long that the oldest facts were given up", now);
        }
    }

    fn lose(&mut self, reports: u64, facts: usize, reason: &str, now: DateTime<Utc>) {
        let before = self.rejected.as_ref();
        self.rejected = Some(Rejected {
            reports: before.map_or(0, |before| before.reports) + reports,
            facts: before.map_or(0, |before| before.facts) + facts as u64,
            at: now,
            reason: reason.into(),
        });
    }
}

/// Bytes of a fact as JSON.
fn weigh(fact: &DeployFact) -> usize {
    serde_json::to_vec(fact).map_or(usize::MAX, |text| text.len())
}

const APPLY: &str = "apply";

fn health_subject(image: &str) -> String {
    format!("health {image}")
}

/// What a fact is about.
fn subject_of(fact: &DeployFact) -> String {
    match &fact.what {
        Deploy::Applied { .. } | Deploy::Failed { .. } => APPLY.to_owned(),
        Deploy::Health { image, .. } => health_subject(&image.to_string()),
    }
}

/// A hash of what a fact says, without its time. How many objects a revision changed is told once, with it: compared again,
/// it changes nothing. Words with digits in a reason do not count: they are times that run and
/// names of pods that come and go, and a back-off of 40 s after one of 20 s is no news.
fn hash_of(fact: &DeployFact) -> String {
    let says = match &fact.what {
        Deploy::Health { image, status, reason } => {
            let words = reason.iter().flat_map(|reason| reason.split_whitespace());
            let words: Vec<&str> = words.filter(|word| !word.bytes().any(|b| b.is_ascii_digit())).collect();
            serde_json::to_string(&(&fact.source, &fact.revision, image, status, words))
        }
        Deploy::Applied { images, .. } => {
            let what = Deploy::Applied { images: images.clone(), changed: None };
            serde_json::to_string(&(&fact.source, &fact.revision, what))
        }
        what @ Deploy::Failed { .. } => serde_json::to_string(&(&fact.source, &fact.revision, what)),
    };
    hash_text(says.unwrap_or_default())
}

#[cfg(test)]
mod tests;
