//! Who holds the slots of this process, and who gives way.
//!
//! Registries are strangers, and one that answers slowly must not keep everybody's work waiting. While slots are free a slow
//! scan goes on; while all are taken, slow scans keep a share for each registry and organization, the oldest first, and
//! the others are cut short. An organization of which two images in a row failed slowly at a registry leaves that registry
//! alone for a while, longer each time, and then tries one scan alone; one image that is always slow says nothing of the
//! others. Other organizations scan there as before: whose images are slow pays for it.
//!
//! Time comes in as a value.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use heddle_core::id::OrganizationId;
use heddle_wire::automator::Work;
use tokio::time::Instant;

use crate::limits::{
    FIRST_REST, LONGEST_REST, ORGANIZATION_PART, QUICK_SCAN, REPOSITORY_WAIT, SLOW_FAILURE, SLOW_PART,
    SLOW_SCANS_OF_REGISTRY,
};

/// The slots of this process. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    slots: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    holders: BTreeMap<u64, Holder>,
    resting: HashMap<Site, Rest>,
}

/// A registry as one organization uses it.
type Site = (OrganizationId, String);

/// A piece of work that holds a slot. Later ones have higher numbers.
#[derive(Debug)]
struct Holder {
    organization: OrganizationId,
    /// What a scan reads; `None` for work on a repository.
    scan: Option<Scanned>,
    since: Instant,
}

/// The image of a scan.
#[derive(Debug, Clone)]
struct Scanned {
    registry: String,
    image: String,
}

/// A registry that was slow.
#[derive(Debug)]
struct Rest {
    until: Instant,
    /// How often it was sent to rest; 0 when only one image was slow so far.
    misses: u32,
    /// The image that was slow last.
    image: String,
}

/// A slot that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    share: Share,
    id: u64,
}

/// Work that is given back to be leased again later.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GivenBack {
    /// For how long.
    pub wait: Duration,
    /// Why, for people.
    pub reason: String,
}

impl Share {
    pub fn new(slots: usize) -> Self {
        Self { slots, state: Arc::default() }
    }

    /// Takes a slot for leased work, or says for how long it must wait.
    pub fn admit(&self, organization: OrganizationId, work: &Work, now: Instant) -> Result<Ticket, GivenBack> {
        let mut state = self.state();
        let scan = match work {
            Work::Scan(scan) => {
                Some(Scanned { registry: scan.image.registry().to_owned(), image: scan.image.to_string() })
            }
            Work::Test(test) => {
                Some(Scanned { registry: test.image.registry().to_owned(), image: test.image.to_string() })
            }
            Work::Read(_) | Work::Update(_) => None,
        };
        match &scan {
            Some(scan) => state.check_rest(&(organization, scan.registry.clone()), now)?,
            None if state.is_crowding(organization, self.slots) => {
                let reason = "other repositories of the organization are worked on first".to_owned();
                return Err(GivenBack { wait: REPOSITORY_WAIT, reason });
            }
            None => {}
        }
        let id = state.next;
        state.next += 1;
        state.holders.insert(id, Holder { organization, scan, since: now });
        Ok(Ticket { share: self.clone(), id })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Whether the scan has to give way now: it is slow, all slots are taken, and its share is held by others.
    pub fn gives_way(&self, now: Instant) -> bool {
        let state = self.share.state();
        state.holders.len() >= self.share.slots && state.surplus(self.share.slots, now).contains(&self.id)
    }

    /// Says how the scan ended. One that failed slowly, after one of another image, sends the registry to rest; any that did
    /// not fail slowly ends the rest.
    pub fn scan_ended(&self, failed: bool, now: Instant) {
        let mut state = self.share.state();
        let Some(holder) = state.holders.get(&self.id) else { return };
        let Some(Scanned { registry, image }) = holder.scan.clone() else { return };
        let failed_slowly = failed && now.saturating_duration_since(holder.since) > SLOW_FAILURE;
        let site = (holder.organization, registry);
        if failed_slowly {
            state.note_slow(site, image, now);
        } else {
            state.resting.remove(&site);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.share.state().holders.remove(&self.id);
    }
}

impl State {
    /// Fails while the registry rests; after that while another scan tries whether it is quick again.
    fn check_rest(&self, site: &Site, now: Instant) -> Result<(), GivenBack> {
        let Some(rest) = self.resting.get(site).filter(|rest| rest.misses > 0) else { return Ok(()) };
        let trying = self.holders.values().any(|holder| holder.is_at(site));
        let wait = if trying { FIRST_REST } else { rest.until.saturating_duration_since(now) };
        if wait.is_zero() {
            return Ok(());
        }
        let reason = format!("`{}` answers too slowly, so it is asked again in {} s", site.1, wait.as_secs().max(1));
        Err(GivenBack { wait, reason })
    }

    /// Keeps that a scan failed slowly, and sends the registry to rest when the last one was of another image.
    fn note_slow(&mut self, site: Site, image: String, now: Instant) {
        self.resting.retain(|_, rest| now.saturating_duration_since(rest.until) < LONGEST_REST);
        let rest = match self.resting.entry(site) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(first) => {
                first.insert(Rest { until: now, misses: 0, image });
                return;
            }
        };
        // Scans that ran beside each other are one miss.
        if rest.until > now || rest.image == image {
            return;
        }
        let length = FIRST_REST.saturating_mul(1 << rest.misses.min(16)).min(LONGEST_REST);
        *rest = Rest { until: now + length, misses: rest.misses.saturating_add(1), image };
    }

    /// Whether the work of one organization on its repositories would take the last slot beside half of the others, while
    /// another organization has work here. The API leases in a fair order, so one that is alone may have all slots.
    fn is_crowding(&self, organization: OrganizationId, slots: usize) -> bool {
        let (own, others): (Vec<_>, Vec<_>) =
            self.holders.values().partition(|holder| holder.organization == organization);
        let on_repositories = own.iter().filter(|holder| holder.scan.is_none()).count();
        !others.is_empty() && self.holders.len() + 1 >= slots && on_repositories >= (slots / 2).max(1)
    }

    /// The slow scans beyond the share of their registry, of their organization and of all slow scans.
    fn surplus(&self, slots: usize, now: Instant) -> BTreeSet<u64> {
        let mut at_site: HashMap<(OrganizationId, &str), usize> = HashMap::new();
        let mut of_organization: HashMap<OrganizationId, usize> = HashMap::new();
        let mut all = 0;
        let mut surplus = BTreeSet::new();
        for (id, holder) in &self.holders {
            let Some(scan) = holder.scan.as_ref().filter(|_| is_slow(holder, now)) else { continue };
            let at_site = at_site.entry((holder.organization, scan.registry.as_str())).or_default();
            let of_organization = of_organization.entry(holder.organization).or_default();
            if *at_site < SLOW_SCANS_OF_REGISTRY
                && *of_organization < (slots / ORGANIZATION_PART).max(1)
                && all < (slots / SLOW_PART).max(1)
            {
                *at_site += 1;
                *of_organization += 1;
                all += 1;
            } else {
                surplus.insert(*id);
            }
        }
        surplus
    }
}

impl Holder {
    fn is_at(&self, (organization, registry): &Site) -> bool {
        self.organization == *organization && self.scan.as_ref().is_some_and(|scan| scan.registry == *registry)
    }
}

fn is_slow(holder: &Holder, now: Instant) -> bool {
    now.saturating_duration_since(holder.since) > QUICK_SCAN
}

#[cfg(test)]
mod tests;
