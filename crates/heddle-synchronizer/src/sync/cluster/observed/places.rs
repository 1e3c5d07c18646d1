//! Where the watches see, and where they do not.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use heddle_kube::{KubeError, WatchPlace, WatchVerb};
use heddle_reconcile::ObjectKey;

use super::Observed;

/// How long the last that was seen of an object counts while its place cannot be watched for a reason that may pass.
pub(crate) const BLIND_AFTER: Duration = Duration::from_secs(20);

/// Why a place cannot be watched, and since when.
#[derive(Debug)]
pub(super) struct Unwatched {
    pub verb: WatchVerb,
    pub fault: KubeError,
    pub since: DateTime<Utc>,
}

impl Unwatched {
    /// When the last that was seen counts no more. A fault that may pass is given a while.
    pub fn blind_from(&self) -> DateTime<Utc> {
        if self.fault.is_transient() { self.since + BLIND_AFTER } else { self.since }
    }
}

impl Observed {
    /// From now on these places are watched and no others; of those in `anew` the first list is to come.
    pub fn watch(&mut self, places: &BTreeSet<WatchPlace>, anew: &[WatchPlace]) {
        let stays = |place: &WatchPlace| places.contains(place) && !anew.contains(place);
        self.live.covered.retain(stays);
        self.unwatchable.retain(|place, _| stays(place));
        self.listing.retain(|place, _| stays(place));
        self.watched.clone_from(places);
    }

    /// Why the last that was seen of an object counts no more; `None` while it does.
    pub fn blindness(&self, key: &ObjectKey, now: DateTime<Utc>) -> Option<String> {
        let place = (key.kind.clone(), key.namespace.clone());
        let unwatched = self.unwatchable.get(&place).filter(|unwatched| unwatched.blind_from() <= now)?;
        Some(format!("it cannot be watched ({}): {}", unwatched.verb, unwatched.fault))
    }

    /// The places of which nothing is seen, with what the API server was asked and answered.
    pub fn blind_spots(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&WatchPlace, WatchVerb, &KubeError)> {
        let blind = self.unwatchable.iter().filter(move |(_, unwatched)| unwatched.blind_from() <= now);
        blind.map(|(place, unwatched)| (place, unwatched.verb, &unwatched.fault))
    }

    /// Whether the first list of any place has not come, and is not known not to come.
    pub fn awaits_lists(&self) -> bool {
        let is_settled = |place| self.live.covered.contains(place) || self.unwatchable.contains_key(place);
        !self.watched.iter().all(is_settled)
    }
}
