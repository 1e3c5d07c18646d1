//! What releasing a tag would do.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;
use heddle_core::{
    git::BranchName,
    id::{OrganizationId, RepositoryId},
    image::Tag,
    name::EnvironmentName,
    policy::{Verdict, VerdictKind},
    request::{Asked, HoldEntry, Release, Requested, RuleEdit, ShownPlace},
};
use heddle_db::{
    Tx,
    images::{self, Image},
    occurrences::{self, Occurrence},
    repositories::{self, Repository},
};
use heddle_wire::view::WishedRelease;

use super::{
    Preview, gates, head_of, mode_of,
    rules::{self, Known},
    unread_rules,
};
use crate::{
    app::App,
    flow::verdicts::{self, Ground},
    problem::{ApiError, ApiResult},
};

/// Finds out what a release would do.
///
/// # Errors
/// 404 when the image stands nowhere in the environment, 409 when nothing would come of it, 422 when repository or tag have
/// to be named otherwise.
pub async fn preview(
    app: &App,
    organization: OrganizationId,
    wanted: &WishedRelease,
    requested: &Requested,
) -> ApiResult<Preview> {
    if wanted.hold_until.is_some_and(|until| until <= Utc::now()) {
        return Err(ApiError::invalid("hold_until", "the hold would have ended already; name a time to come, or none"));
    }
    let mut tx = app.db.organization(organization).await?;
    let (repository, standing) = standing(&mut tx, organization, wanted).await?;
    let governed = standing.iter().filter(|one| one.environment.as_ref() == Some(&wanted.environment));
    let place = governed.max_by_key(|one| one.rule.is_some()).cloned().ok_or_else(|| nowhere(wanted))?;
    let (branch, places) = (place.branch.clone(), places(&standing, &wanted.environment, &place.branch));
    let head = head_of(&mut tx, repository.id, &branch).await?;
    let (image, ground) = ground(&mut tx, organization, (repository.id, &place)).await?;
    let known = rules::find(&mut tx, repository.id).await?;
    let around = rules::surroundings(&mut tx, repository.id).await?;
    // A policy over a long list takes a while, in which nothing of the store is to be held.
    tx.commit().await?;

    let judged = judge(wanted, ground).await?;
    if places.iter().all(|place| place.tag.as_ref() == Some(&judged.to)) {
        let keep = if wanted.hold { "; to keep it there, ask for the hold alone: `heddle hold`" } else { "" };
        let message = format!("`{}` stands in {} already{keep}", judged.to, wanted.environment);
        return Err(ApiError::conflict("nothing-to-write", message));
    }
    let mut notes: Vec<String> = unknown(wanted, &judged, image.as_ref())?.into_iter().collect();
    let Judged { to, passed_over, afterwards, .. } = judged;
    let touched: BTreeSet<_> = places.iter().flat_map(|place| place.environments.iter().cloned()).collect();
    let (holds, rules_diff) = match (&known, wanted.hold) {
        (_, false) => (Vec::new(), None),
        (None, true) => return Err(unread_rules()),
        (Some(known), true) => {
            let entries = touched.iter().map(|environment| hold(wanted, &to, environment.clone(), requested));
            let holds: Vec<RuleEdit> = entries.map(|entry| known.hold(entry)).collect();
            let diff = known.diff_beside(&repository, &branch, &holds, (&around, &places)).await?;
            (holds, diff)
        }
    };
    let needs_merge = wanted.by_pull_request || touched.len() > 1 || !holds.is_empty();
    let mode = mode_of(&places, standing.iter().filter(|one| one.branch == branch), needs_merge);
    // What stands before it is written, also where a hold of its own comes in the place of somebody else's.
    let (environment, image) = (wanted.environment.clone(), wanted.image.clone());
    let asked = Asked::Release(Release { environment, image, to, places, holds });
    let gates = gates(known.as_ref().map(Known::config), &asked, &mut notes);
    Ok(Preview {
        repository,
        branch,
        head,
        asked,
        mode,
        rules_diff,
        left: Vec::new(),
        gates,
        passed_over,
        // The hold keeps the tag.
        afterwards: afterwards.filter(|_| !wanted.hold),
        notes,
    })
}

fn hold(wanted: &WishedRelease, to: &Tag, environment: EnvironmentName, requested: &Requested) -> HoldEntry {
    HoldEntry {
        image: Some(wanted.image.to_string()),
        environment: Some(environment),
        tag: Some(to.clone()),
        by: Some(requested.by.name.clone()),
        reason: requested.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        until: wanted.hold_until,
    }
}

/// Where the image stands in the repository that is meant, in all environments.
async fn standing(
    tx: &mut Tx,
    organization: OrganizationId,
    wanted: &WishedRelease,
) -> ApiResult<(Repository, Vec<Occurrence>)> {
    let names = [wanted.image.to_string()];
    let all = occurrences::list_of_images(&mut **tx, organization, &names).await?;
    let is_meant = |(repository, one): &&(RepositoryId, Occurrence)| {
        one.environment.as_ref() == Some(&wanted.environment)
            && wanted.repository.is_none_or(|meant| meant == *repository)
    };
    let meant: BTreeSet<RepositoryId> = all.iter().filter(is_meant).map(|(repository, _)| *repository).collect();
    let id = match meant.iter().collect::<Vec<_>>()[..] {
        [one] => *one,
        [] => return Err(nowhere(wanted)),
        _ => {
            let known = repositories::list(&mut **tx, organization).await?;
            let named = known.iter().filter(|one| meant.contains(&one.id)).map(|one| one.name.to_string());
            let names = named.collect::<Vec<_>>().join(", ");
            let message = format!("several repositories have it in {}: {names}; name one", wanted.environment);
            return Err(ApiError::invalid("repository", message));
        }
    };
    let repository = repositories::find(&mut **tx, organization, id).await?.ok_or_else(|| nowhere(wanted))?;
    let here = all.into_iter().filter(|(repository, _)| *repository == id).map(|(_, one)| one).collect();
    Ok((repository, here))
}

fn nowhere(wanted: &WishedRelease) -> ApiError {
    ApiError::not_found(format!("{} stands nowhere in the environment {}", wanted.image, wanted.environment))
}

/// The places of the image in the environment, each with all environments that it counts in.
pub(super) fn places(standing: &[Occurrence], environment: &EnvironmentName, branch: &BranchName) -> Vec<ShownPlace> {
    let mut places: BTreeMap<_, ShownPlace> = BTreeMap::new();
    for one in standing.iter().filter(|one| one.branch == *branch) {
        let Some(counting) = &one.environment else { continue };
        let shown = places.entry(one.place.clone()).or_insert_with(|| ShownPlace {
            place: one.place.clone(),
            tag: one.tag.clone(),
            digest: one.digest.clone(),
            environments: Vec::new(),
        });
        shown.environments.push(counting.clone());
    }
    let mut places: Vec<ShownPlace> = places.into_values().collect();
    places.retain(|place| place.environments.contains(environment));
    for place in &mut places {
        place.environments.sort();
        place.environments.dedup();
    }
    places
}

pub(super) async fn ground(
    tx: &mut Tx,
    organization: OrganizationId,
    (repository, place): (RepositoryId, &Occurrence),
) -> ApiResult<(Option<Image>, Option<Ground>)> {
    let watched = images::list_named(&mut **tx, organization, &[place.image.to_string()]).await?.pop();
    let watched = watched.filter(|image| image.scanned_at.is_some());
    let ground = match &watched {
        Some(image) => Ground::load(tx, organization, (repository, place), image).await?,
        None => None,
    };
    Ok((watched, ground))
}

/// What the rule says of a release.
struct Judged {
    to: Tag,
    /// Whether the registry lists it; `None` where that is not known.
    listed: Option<bool>,
    passed_over: Option<Verdict>,
    afterwards: Option<Tag>,
}

async fn judge(wanted: &WishedRelease, ground: Option<Ground>) -> ApiResult<Judged> {
    let tag = wanted.tag.clone();
    let Some(ground) = ground else {
        let reason = "no rule governs it there that a scan has looked at, so there is no greatest tag; name the tag";
        let to = tag.ok_or_else(|| ApiError::invalid("tag", reason))?;
        return Ok(Judged { to, listed: None, passed_over: None, afterwards: None });
    };
    verdicts::computed(move || {
        let to = match tag {
            Some(tag) => tag,
            None => {
                let decision = ground.select_from_any().decision;
                let none = || format!("the rule allows no tag: {}", decision.reason);
                decision.chosen.clone().ok_or_else(|| ApiError::conflict("no-tag", none()))?
            }
        };
        let verdict = ground.select().verdicts.into_iter().find(|verdict| verdict.tag == to);
        let afterwards = ground.select_after(&to).decision.chosen.filter(|chosen| *chosen != to);
        let listed = ground.tags.complete.then(|| ground.tags.tags.iter().any(|info| info.tag == to));
        let passed_over = verdict.filter(|verdict| verdict.verdict == VerdictKind::PassedOver);
        Ok(Judged { to, listed, passed_over, afterwards })
    })
    .await?
}

/// What is not known of a tag. One that the registry does not have is refused.
fn unknown(wanted: &WishedRelease, judged: &Judged, image: Option<&Image>) -> ApiResult<Option<String>> {
    match (judged.listed, image.and_then(|image| image.scanned_at)) {
        (Some(true), _) => Ok(None),
        (Some(false), Some(at)) => {
            let (image, at) = (&wanted.image, at.format("%Y-%m-%d %H:%M UTC"));
            Err(ApiError::invalid("tag", format!("{image} had no tag `{}` when it was read last, {at}", judged.to)))
        }
        _ => Ok(Some(format!("nobody has read the tags of {} to their end, so it may have no such tag", wanted.image))),
    }
}
