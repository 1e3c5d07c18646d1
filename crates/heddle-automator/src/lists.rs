//! Lists of tags that are being read: where a registry is slow, a scan goes on where the one before it stopped.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use heddle_core::{id::OrganizationId, image::ImageRepository};
use heddle_registry::Begun;
use heddle_wire::automator::ScanWork;
use tokio::time::Instant;
use uuid::Uuid;

use crate::limits::{LONGEST_LIST, MOST_LISTS};

/// An image as one organization reads it with one login: what that may see is kept for no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Site {
    organization: OrganizationId,
    image: ImageRepository,
    /// The version of the login, which is another each time that one is entered.
    login: Option<Uuid>,
}

impl Site {
    /// Where a scan reads.
    pub fn new(organization: OrganizationId, work: &ScanWork) -> Self {
        Self { organization, image: work.image.clone(), login: work.login.as_ref().map(|login| login.version) }
    }
}

/// The lists that are being read. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists(Arc<Mutex<HashMap<Site, (Begun, Instant)>>>);

impl Lists {
    /// What was read of a list before, and since when it is read. One that is read for too long begins anew.
    pub fn take(&self, site: &Site, now: Instant) -> (Begun, Instant) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lists.remove(site);
        known.filter(|(_, since)| now.duration_since(*since) < LONGEST_LIST).unwrap_or_else(|| (Begun::default(), now))
    }

    /// Keeps what was read for the next scan; false when that took too long already, or when as many are
    /// kept that are read for longer. The one that is read for the longest stays, so that it comes to its end.
    pub fn keep(&self, site: Site, (begun, since): (Begun, Instant), now: Instant) -> bool {
        let is_young = |since: Instant| now.duration_since(since) < LONGEST_LIST;
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|_, (_, since)| is_young(*since));
        if !is_young(since) {
            return false;
        }
        if lists.len() >= MOST_LISTS {
            let newest = lists.iter().max_by_key(|(_, (_, since))| *since);
            let Some(newest) = newest.filter(|(_, (_, begun))| *begun > since).map(|(site, _)| site.clone()) else {
                return false;
            };
            lists.remove(&newest);
        }
        lists.insert(site, (begun, since));
        true
    }
}

/// What is said of a list that needs more scans.
pub(crate) fn in_words(image: &ImageRepository, tags: usize, took: Duration) -> String {
    format!(
        "`{}` answers slowly: {tags} tags were read in {} s, and the next scan goes on behind them",
        image.registry(),
        took.as_secs()
    )
}

#[cfg(test)]
mod tests;
