//! Where scans ask: at which host, with which login, who serves it, and whether it may be asked now.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::ImageRepository,
    registry::{
        HostPattern,
        pace::{HostReport, Pace, REQUESTS_OF_A_SCAN},
    },
};
use heddle_db::{
    DbError, Tx,
    notice::{Notice, Topic},
    own_automators::{self, OwnAutomator},
    registry_hosts::{self, Host},
    work,
};
use uuid::Uuid;

/// So many scans are placed at once when an organization's own automator asks for work.
const PLACED_AT_ONCE: i64 = 500;

/// Who serves the registry of an image, and where its scan asks, where that was found out before.
pub struct Site {
    /// Where it asks.
    pub placed: Option<Host>,
    /// The organization's own automator that serves it.
    pub claimed_by: Option<Uuid>,
}

/// Whether a scan may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// With so many requests at once.
    Now(u32),
    /// Its host rests, or as many scans as may be run there.
    Later,
}

/// Where the scan of an image asks.
///
/// # Errors
/// When the store cannot be reached.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    image: Uuid,
    name: &ImageRepository,
) -> Result<Site, DbError> {
    let placed = registry_hosts::find_of(&mut **tx, organization, image).await?;
    let claimed_by = match &placed {
        Some(host) => host.claimed_by,
        None => claimer(&own_automators::list(&mut **tx, organization).await?, name.registry()),
    };
    Ok(Site { placed, claimed_by })
}

/// Says where a scan asks, where that is not known, and whether it may begin now. One whose place was known before has its
/// turn: whoever leased it has looked.
///
/// # Errors
/// When the store cannot be reached.
pub async fn take_turn(
    tx: &mut Tx,
    organization: OrganizationId,
    (image, name): (Uuid, &ImageRepository),
    site: &Site,
    login: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Turn, DbError> {
    if let Some(host) = &site.placed {
        return Ok(Turn::Now(requests(&host.pace)));
    }
    let place = (name.registry(), login, site.claimed_by);
    let host = registry_hosts::place(tx, organization, image, place).await?;
    let others = registry_hosts::count_others(&mut **tx, host.id, image).await?;
    let full = others >= i64::from(host.pace.at_once);
    let rests = full || host.pace.rests_until(now).is_some();
    Ok(if rests { Turn::Later } else { Turn::Now(requests(&host.pace)) })
}

/// Places the scans of an organization of which that is not found out, so that its own automators find theirs.
///
/// # Errors
/// When the store cannot be reached.
pub async fn place_all(tx: &mut Tx, organization: OrganizationId) -> Result<(), DbError> {
    let unplaced = registry_hosts::list_unplaced(&mut **tx, organization, PLACED_AT_ONCE).await?;
    if unplaced.is_empty() {
        return Ok(());
    }
    let all = own_automators::list(&mut **tx, organization).await?;
    for (image, name) in unplaced {
        // The others are placed when they are leased, with their login.
        if let Some(claimed_by) = claimer(&all, name.registry()) {
            registry_hosts::place(tx, organization, image, (name.registry(), None, Some(claimed_by))).await?;
        }
    }
    Ok(())
}

/// The automator that serves a host: the one that says the most of it; of equals the one that was added first.
pub fn claimer(all: &[OwnAutomator], host: &str) -> Option<Uuid> {
    let weight = |one: &OwnAutomator| {
        let covering = one.hosts.iter().filter(|pattern| pattern.covers(host));
        covering.map(HostPattern::weight).max()
    };
    let claims = all.iter().filter_map(|one| Some((weight(one)?, std::cmp::Reverse(one.added_at), one.id)));
    claims.max_by_key(|(weight, added, _)| (*weight, *added)).map(|(_, _, id)| id)
}

/// Keeps what a scan of an image found out about how much its host may be asked.
///
/// # Errors
/// When the store cannot be reached.
pub async fn note(
    tx: &mut Tx,
    organization: OrganizationId,
    image: Uuid,
    told: &HostReport,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let Some(host) = registry_hosts::find_of(&mut **tx, organization, image).await? else { return Ok(()) };
    if registry_hosts::note_pace(tx, &host, told, now).await? {
        tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: None }).await?;
    }
    Ok(())
}

/// Whether what was found out says anything: a scan that failed before the registry said something does not make it free.
pub fn says_something(told: &HostReport, failed: bool) -> bool {
    !failed || told.throttled || told.allowance.is_some()
}

/// Finds out anew where the scans of an organization ask at hosts of some patterns.
///
/// # Errors
/// When the store cannot be reached.
pub async fn place_anew(tx: &mut Tx, organization: OrganizationId, patterns: &[HostPattern]) -> Result<(), DbError> {
    let images = registry_hosts::list_watched(&mut **tx, organization).await?;
    let covered = |image: &ImageRepository| patterns.iter().any(|pattern| pattern.covers(image.registry()));
    let ids: Vec<Uuid> = images.into_iter().filter(|(_, image)| covered(image)).map(|(id, _)| id).collect();
    registry_hosts::forget_places(&mut **tx, organization, &ids).await?;
    work::request_scans(tx, organization, &ids).await
}

fn requests(pace: &Pace) -> u32 {
    if pace.at_once > 1 { REQUESTS_OF_A_SCAN } else { 1 }
}

#[cfg(test)]
mod tests;
