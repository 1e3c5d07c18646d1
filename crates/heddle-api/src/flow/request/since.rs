//! What bringing an environment back to what stood there at an instant would do: one pull request for all that came since.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound, Utc};
use heddle_core::{
    change::Mode,
    id::{ChangeId, OrganizationId, RepositoryId},
    image::ImageRepository,
    name::EnvironmentName,
    place::PlaceKey,
    request::{Asked, Rollback, RollbackStep, ShownPlace},
};
use heddle_db::{
    Tx,
    changes::{self, Change},
    occurrences::Occurrence,
};
use heddle_wire::view::WishedRollbackSince;

use super::{
    Preview,
    back::{Back, Build, Target, carried},
    gates, head_of, is_same_place,
    rollback::{STAYS_BACK, before, wrote},
    rules::{self, Known},
    site::Site,
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
    let site = Site::find(&mut tx, organization, wanted.repository, &environment).await?;
    let came = came(&mut tx, organization, &site, since).await?;
    let images = came.iter().filter(|change| change.environment == environment).map(|change| change.image.to_string());
    let images: Vec<String> = images.collect::<BTreeSet<_>>().into_iter().collect();
    let standing = site.standing(&mut tx, organization, &images).await?;
    let (groups, mut left) = groups(&environment, &came, &standing);
    if let Some(unknown) = wanted.to.iter().find(|tag| !groups.iter().any(|group| group.last.image == tag.image)) {
        let message = format!("nothing came of {} to {environment} since then that can be taken back", unknown.image);
        return Err(ApiError::invalid("to", message));
    }
    let mut notes = Vec::new();
    let steps = steps(&mut tx, (organization, site.repository.id), groups, wanted, (&mut left, &mut notes)).await?;
    if steps.is_empty() {
        let nothing = || format!("nothing came to {environment} since {}", since.format("%Y-%m-%d %H:%M:%S UTC"));
        let message = if left.is_empty() { nothing() } else { left.join("; ") };
        return Err(ApiError::conflict("nothing-to-roll-back", message));
    }
    let head = head_of(&mut tx, site.repository.id, &site.branch).await?;
    let known = rules::find(&mut tx, site.repository.id).await?;
    tx.commit().await?;
    let asked = Asked::Rollback(Rollback { environment, since: Some(since), steps });
    let gates = gates(known.as_ref().map(Known::config), &asked, &mut notes);
    notes.push(format!("what came since then{STAYS_BACK}"));
    let mut told = BTreeSet::new();
    notes.retain(|note| told.insert(note.clone()));
    let Site { repository, branch, .. } = site;
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

/// What came to the branch since then, whatever environment it was for.
async fn came(tx: &mut Tx, organization: OrganizationId, site: &Site, since: DateTime<Utc>) -> ApiResult<Vec<Change>> {
    let place = (site.repository.id, &site.branch);
    let came = changes::list_merged_since(&mut **tx, organization, place, since, MOST_CHANGES + 1).await?;
    if i64::try_from(came.len()).is_ok_and(|count| count > MOST_CHANGES) {
        let message =
            format!("more than {MOST_CHANGES} changes came to `{}` since then; name a later time", site.branch);
        return Err(ApiError::conflict("too-many-changes", message));
    }
    Ok(came)
}

/// What is written where; why nothing is goes to `left`, what else is to be known to `notes`.
async fn steps(
    tx: &mut Tx,
    (organization, repository): (OrganizationId, RepositoryId),
    groups: Vec<Group<'_>>,
    wanted: &WishedRollbackSince,
    (left, notes): (&mut Vec<String>, &mut Vec<String>),
) -> ApiResult<Vec<RollbackStep>> {
    let barred = barred::list(tx, organization, repository).await?;
    let mut steps = Vec::new();
    for Group { last, before, places, earlier } in groups {
        let image = &last.image;
        let back = Back { repository, image, wrote: wrote(last), before, places: &places, barred: &barred };
        let tag = wanted.to.iter().find(|tag| tag.image == *image).map(|tag| &tag.tag);
        match (back.target(tx, organization, tag).await?, tag) {
            (Ok(Target { to, to_digest, notes: more }), _) => {
                notes.extend(more);
                let (image, earlier) = (image.clone(), earlier.into_iter().collect());
                steps.push(RollbackStep { change: last.id, image, to, to_digest, places, earlier });
            }
            (Err(why), Some(_)) => return Err(ApiError::invalid("to", format!("{image}: {why}"))),
            (Err(why), None) => left.push(format!("{image}: {why}")),
        }
    }
    Ok(steps)
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
