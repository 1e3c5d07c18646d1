//! What a push notice means: which images it is about, and what becomes due.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
    notice::Push,
};
use heddle_db::{
    DbError, Tx, images,
    notice::{Notice, Topic},
    pushes, work,
};
use uuid::Uuid;

/// A tag that a notice says was pushed to an image.
struct Pushed<'a> {
    image: Uuid,
    tag: Tag,
    push: &'a Push,
}

/// Notes what was pushed; scans of the images become due. A notice only hints: what is true is read from the registry.
///
/// # Errors
/// When the store cannot be reached.
pub async fn note(tx: &mut Tx, organization: OrganizationId, told: &[Push], now: DateTime<Utc>) -> Result<(), DbError> {
    let mut due = BTreeSet::new();
    let mut pushes = Vec::new();
    for push in told {
        let names = push.registries.iter().filter_map(|host| format!("{host}/{}", push.repository).parse().ok());
        let names: Vec<String> = names.map(|name: ImageRepository| name.to_string()).collect();
        let named = images::list_named(&mut **tx, organization, &names).await?;
        if named.is_empty() {
            // Behind a proxy a registry knows itself by another host; the path alone makes a scan due, and no more.
            let there = images::list_at_path(&mut **tx, organization, &push.repository).await?;
            due.extend(there.into_iter().map(|image| image.id));
        }
        let tag = push.tag.as_ref().and_then(|tag| tag.parse::<Tag>().ok());
        due.extend(named.iter().map(|image| image.id));
        pushes.extend(
            tag.into_iter()
                .flat_map(|tag| named.iter().map(move |image| Pushed { image: image.id, tag: tag.clone(), push })),
        );
    }
    // One that a read forgot meanwhile is watched no more.
    let due = images::lock(&mut **tx, &due.into_iter().collect::<Vec<_>>()).await?;
    for Pushed { image, tag, push } in pushes.iter().filter(|pushed| due.contains(&pushed.image)) {
        let digest = push.digest.as_ref().and_then(|digest| digest.parse::<Digest>().ok());
        // A registry cannot push tomorrow.
        let at = push.at.map_or(now, |at| at.min(now));
        pushes::note(tx, organization, *image, tag, digest.as_ref(), at).await?;
    }
    work::request_scans(tx, organization, &due).await?;
    for id in due {
        tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: Some(id) }).await?;
    }
    Ok(())
}
