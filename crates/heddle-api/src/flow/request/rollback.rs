//! What rolling a change back would do: its own places alone, and of these those that still say what it wrote.

use heddle_core::{
    id::OrganizationId,
    image::{Digest, Tag},
    request::{Asked, Rollback, RollbackStep, ShownPlace},
};
use heddle_db::{
    changes::{self, Change},
    occurrences::{self, Occurrence},
    repositories,
};
use heddle_wire::view::WishedRollback;

use super::{
    Preview,
    back::{Back, Build, Target, carried, environments_of},
    gates, head_of, is_same_place, mode_of,
    rules::{self, Known},
};
use crate::{
    app::App,
    flow::barred,
    problem::{ApiError, ApiResult},
};

/// Finds out what rolling a change back would do.
///
/// # Errors
/// 404 when there is no such change, 409 when it was not merged or nothing says any more what it wrote, 422 when the tag has
/// to be named.
pub async fn preview(app: &App, organization: OrganizationId, wanted: &WishedRollback) -> ApiResult<Preview> {
    let mut tx = app.db.organization(organization).await?;
    let missing = || ApiError::not_found("there is no such change");
    let change = changes::find(&mut *tx, wanted.change).await?.ok_or_else(missing)?;
    if change.merged_ordinal.is_none() {
        let message = "it was not merged; to stop it, close its pull request or hold its image";
        return Err(ApiError::conflict("not-merged", message));
    }
    let repository = repositories::find(&mut *tx, organization, change.repository).await?.ok_or_else(missing)?;
    let standing = occurrences::list_of_images(&mut *tx, organization, &[change.image.to_string()]).await?;
    let standing: Vec<Occurrence> = standing
        .into_iter()
        .filter(|(id, one)| *id == change.repository && one.branch == change.branch)
        .map(|(_, one)| one)
        .collect();
    let (places, left) = places(&change, &standing);
    if places.is_empty() {
        return Err(ApiError::conflict("nothing-to-roll-back", left.join("; ")));
    }
    let touched = environments_of(&places);
    let back = Back {
        repository: change.repository,
        image: &change.image,
        wrote: wrote(&change),
        before: before(&change),
        places: &places,
        barred: &barred::list(&mut tx, organization, change.repository).await?,
    };
    let target = back.target(&mut tx, organization, wanted.to.as_ref()).await?;
    let Target { to, to_digest, mut notes } = target.map_err(|why| ApiError::invalid("to", why))?;
    let mode = mode_of(&places, standing.iter(), wanted.by_pull_request || touched.len() > 1);
    let head = head_of(&mut tx, repository.id, &change.branch).await?;
    let known = rules::find(&mut tx, repository.id).await?;
    tx.commit().await?;
    let step = RollbackStep { change: change.id, image: change.image, to, to_digest, places, earlier: Vec::new() };
    let asked = Asked::Rollback(Rollback { environment: change.environment, since: None, steps: vec![step] });
    let gates = gates(known.as_ref().map(Known::config), &asked, &mut notes);
    notes.push(format!("`{}`{STAYS_BACK}", change.to));
    Ok(Preview {
        repository,
        branch: change.branch,
        head,
        asked,
        mode,
        rules_diff: None,
        left,
        gates,
        passed_over: None,
        afterwards: None,
        notes,
    })
}

/// What follows what is rolled back.
pub(super) const STAYS_BACK: &str = " stays back there, and what is not above it: the rules bring only something newer";

/// What a change wrote.
pub(super) fn wrote(change: &Change) -> Build<'_> {
    Build { tag: &change.to, digest: change.to_digest.as_ref() }
}

/// What stood before a change.
pub(super) fn before(change: &Change) -> Option<Build<'_>> {
    let tag: Option<&Tag> = change.from.as_ref();
    let digest: Option<&Digest> = change.from_digest.as_ref();
    tag.map(|tag| Build { tag, digest })
}

/// The places of a change that still say what it wrote, and why the others are left.
fn places(change: &Change, standing: &[Occurrence]) -> (Vec<ShownPlace>, Vec<String>) {
    let (mut places, mut left): (Vec<ShownPlace>, _) = (Vec::new(), Vec::new());
    for place in &change.places {
        match carried(standing, (&change.environment, &change.image), place, wrote(change)) {
            Ok(shown) if places.iter().any(|known| is_same_place(known, &shown)) => {
                left.push(format!(
                    "`{}` holds it no more, and another place of the change is where it moved",
                    place.file
                ));
            }
            Ok(shown) => places.push(shown),
            Err(why) => left.push(why),
        }
    }
    (places, left)
}
