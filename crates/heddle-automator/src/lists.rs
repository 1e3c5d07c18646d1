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

/// A list that was read in part.
#[derive(Debug)]
pub(crate) struct Part {
    pub begun: Begun,
    /// Since when it is read.
    pub since: Instant,
    /// How often the scan had been asked for when it was begun: what was pushed after that may be missing in it.
    pub asked: i64,
}

/// The lists that are being read. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists(Arc<Mutex<HashMap<Site, Part>>>);

impl Lists {
    /// What was read of a list before; else nothing yet, begun now for a scan that was `asked` for so often. One that is read
    /// for too long begins anew.
    pub fn take(&self, site: &Site, now: Instant, asked: i64) -> Part {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lists.remove(site).filter(|part| now.duration_since(part.since) < LONGEST_LIST);
        known.unwrap_or(Part { begun: Begun::default(), since: now, asked })
    }

    /// Keeps what was read for the next scan; false when that took too long already, or when as many are
    /// kept that are read for longer. The one that is read for the longest stays, so that it comes to its end.
    pub fn keep(&self, site: Site, part: Part, now: Instant) -> bool {
        let is_young = |since: Instant| now.duration_since(since) < LONGEST_LIST;
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|_, part| is_young(part.since));
        if !is_young(part.since) {
            return false;
        }
        if lists.len() >= MOST_LISTS {
            let newest = lists.iter().max_by_key(|(_, known)| known.since);
            let Some(newest) = newest.filter(|(_, known)| known.since > part.since).map(|(site, _)| site.clone())
            else {
                return false;
            };
            lists.remove(&newest);
        }
        lists.insert(site, part);
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
