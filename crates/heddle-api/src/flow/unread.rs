//! Why images are not read now: a login that does not do, or an automator of the organization that is silent.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use heddle_core::{id::OrganizationId, image::ImageRepository, pipeline::Unread};
use heddle_db::{
    DbError, Tx, images,
    own_automators::{self, Unserved},
};
use heddle_wire::view::AUTOMATOR_SILENT;

/// Of the images that are not read among `images` (all of the organization's where none are named): why.
///
/// # Errors
/// When the store cannot be reached.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    images: Option<&[String]>,
    now: DateTime<Utc>,
) -> Result<HashMap<ImageRepository, Unread>, DbError> {
    let mut found = HashMap::new();
    if images.is_some_and(<[String]>::is_empty) {
        return Ok(found);
    }
    for one in images::list_unreadable(&mut **tx, organization, images).await? {
        found.insert(one.image, Unread { reason: one.reason, since: one.since });
    }
    for one in own_automators::list_unserved(&mut **tx, organization, images, now - AUTOMATOR_SILENT).await? {
        let (reason, since) = silent(&one, now);
        found.insert(one.image, Unread { reason, since });
    }
    Ok(found)
}

/// What is said of an image whose automator is silent, and since when it is.
pub fn silent(one: &Unserved, now: DateTime<Utc>) -> (String, DateTime<Utc>) {
    let Unserved { automator, seen_at, added_at, .. } = one;
    let host = one.image.registry();
    let reason = match seen_at {
        Some(seen) => format!(
            "the automator `{automator}`, which alone serves `{host}`, was last seen at {}, {} min ago",
            seen.format("%Y-%m-%d %H:%M UTC"),
            (now - *seen).num_minutes()
        ),
        None => format!(
            "the automator `{automator}`, which alone serves `{host}`, has not asked for work since it was added at {}",
            added_at.format("%Y-%m-%d %H:%M UTC")
        ),
    };
    (reason, seen_at.unwrap_or(*added_at))
}
