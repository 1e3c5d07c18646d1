//! What bringing an environment back to what stood there at an instant would do: one pull request for all that came since.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{SubsecRound, Utc};
use heddle_core::{
    change::Mode,
    id::{ChangeId, OrganizationId},
    image::ImageRepository,
    name::EnvironmentName,
    place::PlaceKey,
    request::{Asked, Rollback, RollbackStep, ShownPlace},
};
use heddle_db::{
    changes::{self, Change},
    environments,
    occurrences::{self, Occurrence},
};
use heddle_wire::view::WishedRollbackSince;

use super::{
    Preview,
    back::{Back, Build, Target, carried},
    gates, head_of, is_same_place,
    rollback::{STAYS_BACK, before, wrote},
    rules::{self, Known},
};
use crate::{
    app::App,
    flow::barred,
    problem::{ApiError, ApiResult},
};

/// So many changes of a branch since an instant are looked at; where more came, nothing is rolled back.
pub const MOST_CHANGES: i64 = 500;

/// Finds out what going back to an instant would do.
///
/// # Errors
/// 404 when there is no such environment, 409 when nothing came since then that can be taken back, or more than
/// [`MOST_CHANGES`], 422 when the instant, the repository or a tag has to be named otherwise.
pub async fn preview(app: &App, organization: OrganizationId, wanted: &WishedRollbackSince) -> ApiResult<Preview> {
    // Git counts whole seconds.
    let since = wanted.since.trunc_subsecs(0);
    if since > Utc::now() {
        return Err(ApiError::invalid("since", "nothing came since then; name a time that is past"));
    }
    if wanted.to.len() as u64 > MOST_CHANGES.unsigned_abs() {
        return Err(ApiError::invalid("to", format!("at most {MOST_CHANGES} tags are named at once")));
    }
    let mut tx = app.db.organization(organization).await?;
    let environment = wanted.environment.clone();
    let named = [environment.clone()];
    let fitting = rules::with_environments(&mut tx, organization, wanted.repository, &named).await?;
    let repository = fitting.one(&named)?;
    let here = environments::list_of_repository(&mut *tx, repository.id).await?;
    let path = here.into_iter().find(|one| one.name == environment);
    let branch = path.map_or_else(|| repository.default_branch.clone(), |path| path.branch);
    let place = (repository.id, &branch);
    let came = changes::list_merged_since(&mut *tx, organization, place, since, MOST_CHANGES + 1).await?;
    if i64::try_from(came.len()).is_ok_and(|count| count > MOST_CHANGES) {
        let message = format!("more than {MOST_CHANGES} changes came to `{branch}` since then; name a later time");
        return Err(ApiError::conflict("too-many-changes", message));
    }
    let images = came.iter().filter(|change| change.environment == environment).map(|change| change.image.to_string());
    let images: Vec<String> = images.collect::<BTreeSet<_>>().into_iter().collect();
    let standing = occurrences::list_of_images(&mut *tx, organization, &images).await?;
    let standing = standing.into_iter().filter(|(id, one)| *id == repository.id && one.branch == branch);
    let standing: Vec<Occurrence> = standing.map(|(_, one)| one).collect();
    let (groups, mut left) = groups(&environment, &came, &standing);
    if let Some(unknown) = wanted.to.iter().find(|tag| !groups.iter().any(|group| group.last.image == tag.image)) {
        let message = format!("nothing came of {} to {environment} since then that can be taken back", unknown.image);
        return Err(ApiError::invalid("to", message));
    }

    let barred = barred::list(&mut tx, organization, repository.id).await?;
    let (mut steps, mut notes) = (Vec::new(), Vec::new());
    for Group { last, before, places, earlier } in groups {
        let image = &last.image;
        let (wrote, places_shown) = (wrote(last), places.as_slice());
        let back = Back { repository: repository.id, image, wrote, before, places: places_shown, barred: &barred };
        let tag = wanted.to.iter().find(|tag| tag.image == *image).map(|tag| &tag.tag);
        match (back.target(&mut tx, organization, tag).await?, tag) {
            (Ok(Target { to, to_digest, notes: more }), _) => {
                notes.extend(more);
                let (image, earlier) = (image.clone(), earlier.into_iter().collect());
                steps.push(RollbackStep { change: last.id, image, to, to_digest, places, earlier });
            }
            (Err(why), Some(_)) => return Err(ApiError::invalid("to", format!("{image}: {why}"))),
            (Err(why), None) => left.push(format!("{image}: {why}")),
        }
    }
    if steps.is_empty() {
        let nothing = || format!("nothing came to {environment} since {}", since.format("%Y-%m-%d %H:%M:%S UTC"));
        let message = if left.is_empty() { nothing() } else { left.join("; ") };
        return Err(ApiError::conflict("nothing-to-roll-back", message));
    }
    let head = head_of(&mut tx, repository.id, &branch).await?;
    let known = rules::find(&mut tx, repository.id).await?;
    tx.commit().await?;
    let asked = Asked::Rollback(Rollback { environment, since: Some(since), steps });
    let gates = gates(known.as_ref().map(Known::config), &asked, &mut notes);
    notes.push(format!("what came since then{STAYS_BACK}"));
    let mut told = BTreeSet::new();
    notes.retain(|note| told.insert(note.clone()));
    Ok(Preview {
        repository,
        branch,
        head,
        asked,
        mode: Mode::PullRequest,
        rules_diff: None,
        left,
        gates,
        passed_over: None,
        afterwards: None,
        notes,
    })
}

/// Places at which one change wrote last since the instant, and at which the same stood before the first.
#[derive(Debug)]
struct Group<'a> {
    last: &'a Change,
    before: Option<Build<'a>>,
    places: Vec<ShownPlace>,
    /// What else came there since.
    earlier: BTreeSet<ChangeId>,
}

/// What goes back where, and why the other places are left. A place that stands as it did then is neither.
fn groups<'a>(
    environment: &EnvironmentName,
    came: &'a [Change],
    standing: &[Occurrence],
) -> (Vec<Group<'a>>, Vec<String>) {
    let mut chains: BTreeMap<(&ImageRepository, &str, PlaceKey), Vec<&Change>> = BTreeMap::new();
    for change in came {
        for place in &change.places {
            chains.entry((&change.image, &place.file, place.key())).or_default().push(change);
        }
    }
    let (mut found, mut left): (Vec<Found<'a>>, _) = (Vec::new(), Vec::new());
    for ((image, file, key), chain) in chains {
        let mut own = chain.iter().copied().filter(|change| change.environment == *environment);
        let Some(first) = own.next() else { continue };
        let last = own.next_back().unwrap_or(first);
        let Some(place) = last.places.iter().find(|place| place.file == file && place.key() == key) else { continue };
        let before = before(first);
        // As it did then, whoever brought it back.
        if before.is_some_and(|before| carried(standing, (environment, image), place, before).is_ok()) {
            continue;
        }
        let shown = match carried(standing, (environment, image), place, wrote(last)) {
            Ok(shown) => shown,
            Err(why) => {
                left.push(why);
                continue;
            }
        };
        let counts = |change: &&&Change| {
            change.id != last.id && before != Some(wrote(change)) && shown.environments.contains(&change.environment)
        };
        let earlier = chain.iter().filter(counts).map(|change| change.id).collect();
        found.push(Found { last, before, shown, earlier });
    }
    let mut groups: BTreeMap<(ChangeId, Option<Build<'a>>), Group<'a>> = BTreeMap::new();
    for (at, Found { last, before, shown, earlier }) in found.iter().enumerate() {
        let is_other = |(index, other): (usize, &Found<'_>)| {
            index != at && other.last.image == last.image && is_same_place(&other.shown, shown)
        };
        if found.iter().enumerate().any(is_other) {
            let place = &shown.place;
            left.push(format!(
                "`{}:{}` has the history of two places; take its changes back one by one",
                place.file, place.line
            ));
            continue;
        }
        let group = groups.entry((last.id, *before));
        let group =
            group.or_insert_with(|| Group { last, before: *before, places: Vec::new(), earlier: BTreeSet::new() });
        group.places.push(shown.clone());
        group.earlier.extend(earlier.iter().copied());
    }
    (groups.into_values().collect(), left)
}

/// A place that goes back.
struct Found<'a> {
    last: &'a Change,
    before: Option<Build<'a>>,
    shown: ShownPlace,
    /// What else came there since.
    earlier: BTreeSet<ChangeId>,
}

#[cfg(test)]
mod tests;
