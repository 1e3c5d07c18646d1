//! What rolling a change back would do: its own places alone, and of these those that still say what it wrote.

use std::collections::BTreeSet;

use heddle_core::{
    id::OrganizationId,
    image::{Digest, Tag},
    place::Place,
    request::{Asked, Rollback, RollbackStep, ShownPlace},
};
use heddle_db::{
    Tx,
    changes::{self, Change},
    images,
    occurrences::{self, Occurrence},
    repositories, tags,
};
use heddle_wire::view::WishedRollback;

use super::{
    Preview, gates, head_of, mode_of,
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
    let touched: BTreeSet<_> = places.iter().flat_map(|place| place.environments.iter().cloned()).collect();
    let (to, to_digest, mut notes) = target(&mut tx, organization, &change, &places, wanted.to.as_ref()).await?;
    let mode = mode_of(&places, standing.iter(), wanted.by_pull_request || touched.len() > 1);
    let head = head_of(&mut tx, repository.id, &change.branch).await?;
    let known = rules::find(&mut tx, repository.id).await?;
    tx.commit().await?;
    let gates = gates(known.as_ref().map(Known::config), &change.image, &to, &touched, &mut notes);
    notes.push(format!(
        "`{}` stays back there, and what is not above it: the rules bring only something newer",
        change.to
    ));
    let step = RollbackStep { change: change.id, image: change.image, to, to_digest, places };
    Ok(Preview {
        repository,
        branch: change.branch,
        head,
        asked: Asked::Rollback(Rollback { environment: change.environment, since: None, steps: vec![step] }),
        mode,
        rules_diff: None,
        left,
        gates,
        passed_over: None,
        afterwards: None,
        notes,
    })
}

/// The places of a change that still say what it wrote, and why the others are left.
fn places(change: &Change, standing: &[Occurrence]) -> (Vec<ShownPlace>, Vec<String>) {
    let (mut places, mut left) = (Vec::new(), Vec::new());
    for place in &change.places {
        let here = at(standing, place);
        let Some(first) = here.first() else {
            left.push(format!("`{}` holds no {} at `{}` any more", place.file, change.image, place.field));
            continue;
        };
        let is_carried =
            first.tag.as_ref() == Some(&change.to) && (change.to_digest.is_none() || first.digest == change.to_digest);
        if !is_carried {
            let (file, line) = (&first.place.file, first.place.line);
            let now = first.tag.as_ref().map_or("no tag", Tag::as_str);
            left.push(format!("`{file}:{line}` says `{now}` by now, and the change wrote `{}`", change.to));
            continue;
        }
        let mut environments: Vec<_> = here.iter().filter_map(|one| one.environment.clone()).collect();
        environments.sort();
        environments.dedup();
        places.push(ShownPlace {
            place: first.place.clone(),
            tag: first.tag.clone(),
            digest: first.digest.clone(),
            environments,
        });
    }
    (places, left)
}

/// What stands at a place, once for each of its environments: in the same file, else wherever the object moved.
fn at<'a>(standing: &'a [Occurrence], place: &Place) -> Vec<&'a Occurrence> {
    let same = standing.iter().filter(|one| one.place.key() == place.key());
    let (here, elsewhere): (Vec<&Occurrence>, Vec<&Occurrence>) = same.partition(|one| one.place.file == place.file);
    let mut found = if here.is_empty() { elsewhere } else { here };
    if let Some(file) = found.first().map(|one| one.place.file.clone()) {
        found.retain(|one| one.place.file == file);
    }
    found
}

/// What is written, with its digest where one belongs there, and what is not known of it.
async fn target(
    tx: &mut Tx,
    organization: OrganizationId,
    change: &Change,
    places: &[ShownPlace],
    named: Option<&Tag>,
) -> ApiResult<(Tag, Option<Digest>, Vec<String>)> {
    let name_it = |why: &str| ApiError::invalid("to", format!("{why}; name the tag to go back to"));
    let to = named.or(change.from.as_ref()).ok_or_else(|| name_it("no tag stood there before"))?;
    let is_same = *to == change.to;
    if is_same && (named.is_some() || change.from_digest.is_none()) {
        return Err(ApiError::invalid("to", format!("`{to}` is what the change wrote; name the tag to go back to")));
    }
    if named.is_none() && !is_same {
        let place = (&change.environment, &change.image);
        if !changes::was_healthy(&mut **tx, organization, change.repository, place, to).await? {
            return Err(name_it(&format!(
                "`{to}` stood there before, and was not seen healthy in {}",
                change.environment
            )));
        }
        let barred = barred::list(tx, organization, change.repository).await?;
        let is_barred = |one: &&heddle_wire::automator::Barred| {
            one.environment == change.environment && one.image == change.image && one.tag == *to && one.digest.is_none()
        };
        if let Some(barred) = barred.iter().find(is_barred) {
            return Err(name_it(&format!("`{to}` stood there before, and was taken back itself ({})", barred.reason)));
        }
    }
    let mut notes = Vec::new();
    let watched = images::list_named(&mut **tx, organization, &[change.image.to_string()]).await?.pop();
    let asked: Vec<_> = watched.iter().map(|image| (image.id, to)).collect();
    let info = tags::list_named(&mut **tx, &asked).await?.pop();
    match (&watched, &info) {
        (Some(image), Some((_, _, false))) if image.scanned_at.is_some() => {
            return Err(ApiError::invalid("to", format!("{} has no tag `{to}` any more", change.image)));
        }
        (_, Some((_, _, true))) => {}
        _ => notes.push(format!("nobody has read the tags of {} to their end, so it may have no `{to}`", change.image)),
    }
    let digest = match (&change.from, &change.from_digest) {
        (Some(from), Some(digest)) if from == to => Some(digest.clone()),
        _ => info.and_then(|(_, info, _)| info.digest),
    };
    let pins = places.iter().any(|place| place.digest.is_some());
    Ok((to.clone(), digest.filter(|_| pins), notes))
}
