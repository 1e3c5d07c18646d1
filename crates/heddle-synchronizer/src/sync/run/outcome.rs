//! What a run came to.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, image::ImageRef};
use heddle_reconcile::{ObjectKey, Spared, Stopped, Terminating};
use heddle_wire::agent::{Deploy, Source, SyncError};

use super::{super::cluster::ClusterFault, Heritage, Waiting};

/// What a run came to.
#[derive(Debug)]
#[must_use]
pub(in crate::sync) enum Outcome {
    /// It did not come to a comparison, or not to the end of it.
    Hindered(Hindrance),
    /// It ended early, because there is something newer to be done.
    Superseded,
    /// Everything was compared, and what could be applied was.
    Compared(Box<Compared>),
}

/// What kept a run from its end.
#[derive(Debug)]
pub(in crate::sync) enum Hindrance {
    /// Another Sync has to be ready first: which, and why. Nothing was done but that what moved to others was given up.
    Dependency(String),
    /// The cluster could not be asked, or the inventory not be written. It may pass by itself.
    Cluster(ClusterFault),
}

/// What came of a comparison.
#[derive(Debug)]
pub(in crate::sync) struct Compared {
    /// What was compared.
    pub revision: Revision,
    /// Where that is from.
    pub source: Source,
    /// How many objects are applied.
    pub good: usize,
    /// What left the path and says itself that it stays, in this run or in those before it of which that was not said.
    pub kept: Vec<Spared>,
    /// What others have of the objects.
    pub heritage: Heritage,
    /// Their images.
    pub images: Vec<ImageRef>,
    pub errors: Vec<SyncError>,
    /// Whether an error is believed to pass by itself, so that nothing is told of the revision yet.
    pub is_passing: bool,
    /// Whether an error may pass by itself, believed or not, so that another try is made soon.
    pub is_retried: bool,
    /// What could not be applied.
    pub failed: HashSet<ObjectKey>,
    /// Whether anything is not applied yet but hooks that come after all the rest.
    pub waits: bool,
    pub waiting: Waiting,
    pub others: Others,
    pub pruned: Pruned,
}

/// What of the revision other Syncs have.
#[derive(Debug, Default)]
pub(in crate::sync) struct Others {
    /// What is going to be given up, with the Sync that has it.
    pub giving: Vec<(ObjectKey, String)>,
    /// How many objects are not.
    pub keeping: usize,
}

impl Others {
    /// Whether they have anything.
    fn are_any(&self) -> bool {
        self.keeping > 0 || self.are_awaited()
    }

    /// Whether anything is going to be given up, so that the rest of the revision is no failure yet.
    pub fn are_awaited(&self) -> bool {
        !self.giving.is_empty()
    }
}

/// What became of the objects that left the path.
#[derive(Debug)]
pub(in crate::sync) enum Pruned {
    /// There are none.
    Nothing,
    /// So many stay, because `spec.prune` is false.
    Off(usize),
    /// So many stay until the errors are mended.
    Held(usize),
    /// So many stay until all others are applied.
    WaitsForOthers(usize),
    /// So many stay until these Syncs have said what they want; since when that is waited for.
    WaitsForNeighbors(usize, Vec<(String, DateTime<Utc>)>),
    /// A person has to approve it.
    Stopped(Stopped),
    /// Some could not be deleted.
    Failed {
        /// How many.
        count: usize,
        /// Whether each of them is believed to pass by itself.
        is_passing: bool,
    },
    /// These are being deleted and are not gone, and so many stay until they are.
    Terminating(Vec<Terminating>, usize),
    /// The rest is deleted, and these stay: each is needed by something else, or is to be taken by a Sync that is suspended.
    Kept {
        /// What is needed by something else.
        needed: Vec<Spared>,
        /// What another Sync wants and does not take yet, with its name.
        moved: Vec<(ObjectKey, String)>,
    },
    /// They are deleted.
    Done,
}

impl Pruned {
    /// Whether the other Syncs are waited for.
    fn awaits_neighbors(&self) -> bool {
        match self {
            Self::WaitsForNeighbors(..) => true,
            Self::Kept { moved, .. } => !moved.is_empty(),
            _ => false,
        }
    }

    /// Goes on waiting since when `before` has waited.
    pub fn go_on_waiting(&mut self, before: Option<&Self>) {
        let (Self::WaitsForNeighbors(_, silent), Some(Self::WaitsForNeighbors(_, known))) = (self, before) else {
            return;
        };
        for (name, since) in silent {
            if let Some((_, first)) = known.iter().find(|(other, _)| other == name) {
                *since = *first;
            }
        }
    }

    /// Whether another try may come to something else, although nothing is known to have changed.
    fn may_change(&self) -> bool {
        !matches!(self, Self::Nothing | Self::Off(_) | Self::WaitsForOthers(_) | Self::Done)
    }

    /// The objects that are waited for until they are gone.
    pub fn terminating(&self) -> impl Iterator<Item = &ObjectKey> {
        let objects = if let Self::Terminating(objects, _) = self { objects.as_slice() } else { &[] };
        objects.iter().map(|object| &object.key)
    }

    /// The prune that a person has to approve.
    pub fn stopped(&self) -> Option<&Stopped> {
        if let Self::Stopped(stopped) = self { Some(stopped) } else { None }
    }
}

impl Compared {
    /// Whether a change of another Sync may let this one go on.
    pub fn awaits_neighbors(&self) -> bool {
        self.others.are_any() || self.pruned.awaits_neighbors()
    }

    /// Whether everything that the revision wants is in the cluster, and nothing else that was this Sync's.
    pub fn is_settled(&self) -> bool {
        self.errors.is_empty() && self.waiting.len() == 0 && !self.pruned.may_change()
    }

    /// Whether every object was written once, so that what differs from it is drift.
    pub fn is_through(&self) -> bool {
        !self.is_passing && self.waiting.len() == 0 && !self.others.are_awaited()
    }

    /// Whether it was told that the revision has failed. What is healthy of it is told all the same.
    pub fn is_told_as_failed(&self) -> bool {
        !self.errors.is_empty() && !self.is_passing && !self.others.are_awaited()
    }

    /// What is to be told of it: that the revision is applied, or has failed; `None` while it is under way.
    pub fn deploy(&self) -> Option<Deploy> {
        if self.is_passing || self.others.are_awaited() {
            return None;
        }
        match (self.errors.is_empty(), self.waits) {
            (true, true) => None,
            (true, false) => Some(Deploy::Applied { images: self.images.clone(), changed: None }),
            (false, _) => Some(Deploy::Failed { images: self.images.clone(), errors: self.errors.clone() }),
        }
    }
}
