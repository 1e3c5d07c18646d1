//! What the head of a branch and the pull requests say about changes. Their times are of commits and of GitHub, which
//! count whole seconds.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{EnvironmentPath, FollowingSync, Merge, Observation, Stage, Tracked, rollouts_of};
use crate::{
    git::{BranchName, Revision},
    id::{ChangeId, IntentId, ProposalId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    pipeline::{Clock, FactKind},
    place::{Place, PlaceKey},
};

/// An image that stands at a place of the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedImage {
    /// The branch.
    pub branch: BranchName,
    /// The place.
    pub place: Place,
    /// The effective image.
    pub image: ImageRepository,
    /// Its tag.
    pub tag: Option<Tag>,
    /// Its digest.
    pub digest: Option<Digest>,
    /// The environments whose closure holds the place.
    pub environments: Vec<EnvironmentName>,
    /// Those of them in which a rule governs it.
    pub governed: Vec<EnvironmentName>,
}

/// A numbered first-parent revision of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRevision {
    /// The commit.
    pub revision: Revision,
    /// Its number; a later head has a higher one.
    pub ordinal: i64,
    /// Its committer's time.
    pub committed_at: DateTime<Utc>,
    /// Its author.
    pub author: String,
    /// The intents that its trailers name.
    pub intents: Vec<IntentId>,
}

/// How a pull request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRequestEnd {
    /// It was merged.
    Merged {
        /// The merge commit.
        revision: Revision,
        /// The merge commit's number, where it is numbered.
        ordinal: Option<i64>,
        /// Who merged.
        by: Option<String>,
        /// When.
        at: DateTime<Utc>,
        /// Whether nobody but us wrote to its branch.
        ours: bool,
    },
    /// It was closed unmerged.
    Closed {
        /// Who closed it.
        by: Option<String>,
        /// Whether that was our bot.
        by_us: bool,
        /// When.
        at: DateTime<Utc>,
    },
}

/// All that a read saw.
#[derive(Debug, Clone, Default)]
pub struct ReadView {
    /// The new revisions of each branch that was read, oldest first; the last is the head. A branch that did not move
    /// has its head alone.
    pub branches: BTreeMap<BranchName, Vec<HeadRevision>>,
    /// Where images stand at the heads.
    pub standings: Vec<PlacedImage>,
    /// The environments.
    pub environments: Vec<EnvironmentPath>,
    /// The pull requests that ended.
    pub ended: BTreeMap<ProposalId, PullRequestEnd>,
    /// The Syncs that follow the repository.
    pub syncs: Vec<FollowingSync>,
}

/// The facts that follow for `changes`: those not ended, and for each place the newest that was merged.
///
/// Takes time in proportion to the changes, their places and what stands there: each is looked up, none is searched.
pub fn read(view: &ReadView, changes: &[Tracked]) -> Vec<Observation> {
    let heads = Heads::new(view);
    let carries: Vec<Carry> = changes.iter().map(|change| heads.carry(change)).collect();
    let newest = Newest::of(changes.iter().zip(&carries).filter(|(_, carry)| **carry == Carry::Carried));
    let mut observations = Vec::new();
    for (change, carry) in changes.iter().zip(&carries) {
        let Some(head) = view.branches.get(&change.branch).and_then(|revisions| revisions.last()) else { continue };
        let seen = Seen { view, heads: &heads, change, head, carry: *carry, newer: newest.after(change) };
        match change.stage {
            Stage::Unwritten | Stage::Proposed if !change.ended => seen.before_merge(&mut observations),
            Stage::Merged { ordinal } => seen.after_merge(ordinal, head.committed_at, &mut observations),
            _ => {}
        }
    }
    observations
}

/// What stands at the heads, by branch, image and place without its file.
struct Heads<'a>(HashMap<(&'a BranchName, &'a ImageRepository, PlaceKey), Vec<&'a PlacedImage>>);

/// The newest change that a head carries, by branch, environment, image and place.
struct Newest<'a>(HashMap<(&'a BranchName, &'a EnvironmentName, &'a ImageRepository, PlaceKey), &'a Tracked>);

impl<'a> Heads<'a> {
    fn new(view: &'a ReadView) -> Self {
        let mut at: HashMap<_, Vec<&PlacedImage>> = HashMap::new();
        for standing in &view.standings {
            at.entry((&standing.branch, &standing.image, standing.place.key())).or_default().push(standing);
        }
        Self(at)
    }

    /// What stands at `place` for the change's environment and image: in the same file, else wherever the object moved.
    fn at(&self, change: &Tracked, place: &Place) -> Vec<&'a PlacedImage> {
        let at_place = self.0.get(&(&change.branch, &change.image, place.key())).into_iter().flatten().copied();
        let (here, elsewhere): (Vec<&PlacedImage>, Vec<&PlacedImage>) = at_place
            .filter(|standing| standing.environments.contains(&change.environment))
            .partition(|standing| standing.place.file == place.file);
        if here.is_empty() { elsewhere } else { here }
    }

    fn carry(&self, change: &Tracked) -> Carry {
        let fits = |standing: &&PlacedImage| {
            standing.tag.as_ref() == Some(&change.to)
                && (change.to_digest.is_none() || standing.digest == change.to_digest)
        };
        let at_places: Vec<Vec<&PlacedImage>> = change.places.iter().map(|place| self.at(change, place)).collect();
        if at_places.iter().all(Vec::is_empty) {
            Carry::Gone
        } else if at_places.iter().all(|standings| !standings.is_empty() && standings.iter().all(fits)) {
            Carry::Carried
        } else {
            Carry::Other
        }
    }
}

impl<'a> Newest<'a> {
    fn of(carried: impl Iterator<Item = (&'a Tracked, &'a Carry)>) -> Self {
        let mut newest: HashMap<_, &Tracked> = HashMap::new();
        for (change, _) in carried {
            for place in &change.places {
                let key = (&change.branch, &change.environment, &change.image, place.key());
                let known = newest.entry(key).or_insert(change);
                if change.sequence > known.sequence {
                    *known = change;
                }
            }
        }
        Self(newest)
    }

    /// The newest change at one of the same places that the head carries and that came after `change`.
    fn after(&self, change: &Tracked) -> Option<&'a Tracked> {
        let key = |place: &Place| (&change.branch, &change.environment, &change.image, place.key());
        let newest = change.places.iter().filter_map(|place| self.0.get(&key(place)).copied());
        newest.filter(|other| other.sequence > change.sequence).max_by_key(|other| other.sequence)
    }
}

/// What stands at a change's places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carry {
    /// Its tag, at all of them.
    Carried,
    /// Something else, at some of them.
    Other,
    /// None of them is there any more.
    Gone,
}

/// One change before the eyes of a read.
struct Seen<'a> {
    view: &'a ReadView,
    heads: &'a Heads<'a>,
    change: &'a Tracked,
    head: &'a HeadRevision,
    carry: Carry,
    newer: Option<&'a Tracked>,
}

impl Seen<'_> {
    fn before_merge(&self, out: &mut Vec<Observation>) {
        let change = self.change;
        let end = change.proposal.and_then(|proposal| self.view.ended.get(&proposal));
        match end {
            // The pull request had been moved on to a newer tag.
            Some(PullRequestEnd::Merged { at, .. })
                if self.newer.is_some_and(|newer| newer.proposal == change.proposal) =>
            {
                self.replaced_or_retired("", *at, out);
            }
            Some(PullRequestEnd::Merged { revision, ordinal, by, at, ours })
                if *ours || ordinal.is_none() || self.carry == Carry::Carried =>
            {
                // A merge commit without a number is newer than the head that was fetched.
                let ordinal = ordinal.unwrap_or(self.head.ordinal + 1);
                self.merged(revision.clone(), ordinal, by.clone(), *at, out);
                self.after_merge(ordinal, self.head.committed_at.max(*at), out);
            }
            Some(PullRequestEnd::Merged { by, at, .. }) => self.say(FactKind::Declined { by: by.clone() }, *at, out),
            _ if self.carry == Carry::Carried => {
                let first = self.first_carrier();
                self.merged(first.revision.clone(), first.ordinal, None, first.committed_at, out);
            }
            Some(PullRequestEnd::Closed { by, by_us: false, at }) => {
                self.say(FactKind::Declined { by: by.clone() }, *at, out);
            }
            Some(PullRequestEnd::Closed { by_us: true, at, .. }) => self.replaced_or_retired(
                "its pull request was closed, because nothing wants this tag any more",
                *at,
                out,
            ),
            None if change.stage == Stage::Unwritten => self.unwritten(out),
            None => {}
        }
    }

    fn unwritten(&self, out: &mut Vec<Observation>) {
        let at = self.head.committed_at;
        if self.carry == Carry::Gone {
            self.replaced_or_retired("its place is gone", at, out);
        } else if self.change.proposal.is_none() && !self.governed() {
            // What a commit or pull request is about to bring may be asked for by a person, who needs no rule.
            self.replaced_or_retired("no rule updates this place any more", at, out);
        } else if self.newer.is_some() {
            self.replaced_or_retired("", at, out);
        }
    }

    fn after_merge(&self, ordinal: i64, at: DateTime<Utc>, out: &mut Vec<Observation>) {
        if self.carry == Carry::Carried || self.head.ordinal < ordinal {
            return;
        }
        let ended = self.change.ended;
        match self.newer {
            Some(newer) if newer.rolls_back.contains(&self.change.id) => {
                self.say(FactKind::Reverted { revision: self.head.revision.clone() }, at, out);
            }
            Some(newer) if !ended => self.say(FactKind::Superseded { by: newer.to.to_string() }, at, out),
            Some(_) => {}
            None if self.carry == Carry::Other => {
                self.say(FactKind::Reverted { revision: self.head.revision.clone() }, at, out);
            }
            None if !ended => self.say(FactKind::Retired { reason: "its place is gone".to_owned() }, at, out),
            None => {}
        }
    }

    fn replaced_or_retired(&self, reason: &str, at: DateTime<Utc>, out: &mut Vec<Observation>) {
        let fact = match self.newer {
            Some(newer) => FactKind::Superseded { by: newer.to.to_string() },
            None => FactKind::Retired { reason: reason.to_owned() },
        };
        self.say(fact, at, out);
    }

    fn merged(
        &self,
        revision: Revision,
        ordinal: i64,
        by: Option<String>,
        at: DateTime<Utc>,
        out: &mut Vec<Observation>,
    ) {
        let rollouts = rollouts_of(self.change, &self.view.environments, &self.view.syncs);
        out.extend(taken_back(self.change, &revision, at));
        out.push(Observation {
            change: self.change.id,
            fact: FactKind::Merged { revision: revision.clone(), by },
            at,
            clock: Clock::WholeSeconds,
            merge: Some(Merge { revision, ordinal, rollouts }),
        });
    }

    fn say(&self, fact: FactKind, at: DateTime<Utc>, out: &mut Vec<Observation>) {
        out.push(Observation { change: self.change.id, fact, at, clock: Clock::WholeSeconds, merge: None });
    }

    /// The new revision that names one of the change's intents, else the head.
    fn first_carrier(&self) -> &HeadRevision {
        self.view
            .branches
            .get(&self.change.branch)
            .into_iter()
            .flatten()
            .find(|revision| revision.intents.iter().any(|intent| self.change.intents.contains(intent)))
            .unwrap_or(self.head)
    }

    fn governed(&self) -> bool {
        self.change
            .places
            .iter()
            .flat_map(|place| self.heads.at(self.change, place))
            .any(|standing| standing.governed.contains(&self.change.environment))
    }
}

/// What the merge of a change says of those that it rolls back: they were taken back in it.
pub fn taken_back(change: &Tracked, revision: &Revision, at: DateTime<Utc>) -> impl Iterator<Item = Observation> {
    change.rolls_back.iter().map(move |taken| Observation {
        change: *taken,
        fact: FactKind::Reverted { revision: revision.clone() },
        at,
        clock: Clock::WholeSeconds,
        merge: None,
    })
}

/// Whether one of the places is among the others, whatever file it moved to.
pub(super) fn share_a_place(places: &[Place], others: &[Place]) -> bool {
    places.iter().any(|place| others.iter().any(|other| (&other.object, &other.field) == (&place.object, &place.field)))
}

/// The ids of changes that a set of observations speaks of.
pub fn changes_of(observations: &[Observation]) -> Vec<ChangeId> {
    let mut ids: Vec<ChangeId> = observations.iter().map(|observation| observation.change).collect();
    ids.sort();
    ids.dedup();
    ids
}
