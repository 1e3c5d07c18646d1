//! A scan of an image: what it is to find out, and what it found.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use heddle_core::{
    id::{LeaseId, OrganizationId, RepositoryId},
    image::Tag,
    name::EnvironmentName,
    policy::{
        CompiledPolicy, SignatureCheck, Signed, SignerId, Standing, TagPolicy,
        limit::{MAX_POLICIES, MAX_SIGNERS},
    },
    registry::polling::INTERVALS,
};
use heddle_db::{
    DbError, Tx, changes, environments,
    images::{self, Failed, Image},
    notice::{Notice, Topic},
    occurrences,
    tags::{self, Description},
    work,
};
use heddle_wire::{
    automator::{ScanOutcome, ScanReport, ScanWork, ScannedTag, TagChoice},
    text::Message,
};
use uuid::Uuid;

use super::{
    candidates::{self, Choice},
    registry, request,
};
use crate::{app::App, problem::ApiResult};

/// How long a description is taken for true: a tag may get another image, and no list of tags says so.
const FRESH: Duration = Duration::hours(6);

/// How many old descriptions a scan asks for again.
const REFRESHED: i64 = 20;

/// What a scan of an image is to find out; `None` when it is watched no more.
///
/// # Errors
/// When the store cannot be reached.
pub async fn work(
    tx: &mut Tx,
    organization: OrganizationId,
    (image, lease): (Uuid, LeaseId),
    now: DateTime<Utc>,
) -> Result<Option<ScanWork>, DbError> {
    let Some(image) = images::find(&mut **tx, image).await? else { return Ok(None) };
    let choices = choices(tx, organization, &image).await?;
    // A tag that a person asked for is looked at too: its digest may belong beside it.
    let mut asked_for = request::list_undescribed(tx, organization, &[&image.image].into()).await?;
    let mut refresh = asked_for.remove(&image.id).unwrap_or_default();
    let describes = !choices.is_empty() || !refresh.is_empty();
    let mut known = None;
    if describes {
        known = Some(tags::list(&mut **tx, &image).await?);
        refresh.extend(tags::list_stale(&mut **tx, image.id, now - FRESH, REFRESHED).await?);
        // These move, and nothing in a list of tags says so.
        refresh.extend(choices.iter().filter_map(moving));
        refresh.extend(promoted(tx, organization, &image).await?);
    }
    // Where tags are to be described, the whole list is needed.
    let etag = image.etag.filter(|_| !describes);
    let asked = work::find_asked(&mut **tx, lease).await?;
    Ok(Some(ScanWork { image: image.image, login: None, etag, choices, known, refresh, asked, at_once: None }))
}

/// The choices that depend on what images say of themselves, each once.
async fn choices(tx: &mut Tx, organization: OrganizationId, image: &Image) -> Result<Vec<TagChoice>, DbError> {
    let mut choices: Vec<TagChoice> = Vec::new();
    let names = [image.image.to_string()];
    for (_, occurrence) in occurrences::list_of_images(&mut **tx, organization, &names).await? {
        if choices.len() >= MAX_POLICIES {
            break;
        }
        let Some(policy) = occurrence.rule.and_then(|rule| rule.policy) else { continue };
        let pin_digest = policy.writes_digest(occurrence.digest.as_ref());
        let policy = TagPolicy { pin_digest, ..policy };
        let choice = TagChoice { policy, current: occurrence.tag, digest: occurrence.digest };
        let needed =
            CompiledPolicy::new(&choice.policy).is_ok_and(|policy| policy.needs_descriptions(Some(standing(&choice))));
        if needed && !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    Ok(choices)
}

/// The tags that promotions name at places whose rule asks for a signature. What runs there may have no place in the rule's
/// order, and then nothing else says at which tags to look.
async fn promoted(tx: &mut Tx, organization: OrganizationId, image: &Image) -> Result<Vec<Tag>, DbError> {
    let names = [image.image.to_string()];
    let mut asking: BTreeMap<RepositoryId, Vec<EnvironmentName>> = BTreeMap::new();
    for (repository, one) in occurrences::list_of_images(&mut **tx, organization, &names).await? {
        let policy = one.rule.as_ref().and_then(|rule| rule.policy.as_ref());
        if policy.is_some_and(|policy| !policy.signed_by.is_empty()) {
            asking.entry(repository).or_default().extend(one.environment);
        }
    }
    let mut tags = Vec::new();
    for (repository, environments) in asking {
        let promotions = environments::list_promotions(&mut **tx, repository).await?;
        let followed: Vec<(EnvironmentName, i64)> = promotions
            .into_iter()
            .filter(|(name, _)| environments.contains(name))
            .map(|(_, promotion)| (promotion.from, 0))
            .collect();
        if !followed.is_empty() {
            let healthy = changes::list_healthy(&mut **tx, organization, repository, &followed).await?;
            tags.extend(healthy.into_iter().filter(|one| one.image == image.image).map(|one| one.tag));
        }
    }
    Ok(tags)
}

fn standing(choice: &TagChoice) -> Standing<'_> {
    Standing::new(choice.current.as_ref(), choice.digest.as_ref())
}

/// The tag that may point to another image at any time, where the choice depends on which.
fn moving(choice: &TagChoice) -> Option<Tag> {
    CompiledPolicy::new(&choice.policy).ok()?.moving(Some(standing(choice)))?.parse().ok()
}

/// Stores what a scan found. Gives the repositories whose update it made due.
///
/// # Errors
/// When the store cannot be reached.
pub async fn apply(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    held: &work::LiveLease,
    report: &ScanReport,
    now: DateTime<Utc>,
) -> ApiResult<Vec<Uuid>> {
    images::lock(&mut **tx, &[held.subject]).await?;
    let Some(image) = images::find(&mut **tx, held.subject).await? else { return Ok(Vec::new()) };
    let different = match &report.outcome {
        ScanOutcome::Complete { tags, etag, undescribed } => {
            let names: Vec<_> = tags.iter().map(|scanned| scanned.tag.clone()).collect();
            let listed = tags::replace(tx, organization, image.id, &names, now).await?;
            let described = tags::describe(&mut **tx, image.id, &descriptions(tags), now).await?;
            let error = undescribed.as_ref().map(|fault| String::from(Message::from(fault.reason.as_str())));
            let error = error.as_deref();
            let moved = listed || described.moved;
            images::record_complete(&mut **tx, image.id, etag.as_deref(), error, moved, now).await?;
            listed || described.different || !image.complete || image.error.as_deref() != error
        }
        ScanOutcome::Unchanged => {
            images::record_complete(&mut **tx, image.id, image.etag.as_deref(), None, false, now).await?;
            !image.complete
        }
        ScanOutcome::Failed { reason, .. } => {
            // An organization's own automator may say anything.
            let reason = String::from(Message::from(reason.as_str()));
            let failed = Failed { reason: &reason, fault: registry::fault_of(report) };
            images::record_failure(&mut **tx, image.id, failed, now).await?;
            announce(tx, organization, &image).await?;
            return Ok(Vec::new());
        }
    };
    if !different {
        return Ok(Vec::new());
    }
    // The list is at hand and changed: what choices depend on is found out here, and an update does not read the list.
    let asked = asked(tx, organization, &image).await?;
    candidates::make_stale(app, tx, organization, &asked, usize::MAX, now).await?;
    let repositories = occurrences::list_repositories_of(&mut **tx, organization, &image.image).await?;
    work::request_updates(tx, organization, &repositories).await?;
    announce(tx, organization, &image).await?;
    Ok(repositories)
}

/// When the image is to be asked for next, where nothing asks before.
///
/// # Errors
/// When the store cannot be reached.
pub async fn next_at(app: &App, tx: &mut Tx, image: Uuid, now: DateTime<Utc>) -> Result<DateTime<Utc>, DbError> {
    let usual = Duration::from_std(app.config.scan_interval).unwrap_or(*INTERVALS.end());
    let watched = images::find_watched(&mut **tx, image).await?;
    Ok(now + watched.map_or(usual, |(name, watched)| watched.next_in(&name, image, usual, now)))
}

/// The choices of the image in all of the organization's repositories.
async fn asked(tx: &mut Tx, organization: OrganizationId, image: &Image) -> Result<Vec<Choice>, DbError> {
    let occurrences = occurrences::list_of_images(&mut **tx, organization, &[image.image.to_string()]).await?;
    let mut asked: Vec<Choice> = Vec::new();
    for (_, one) in occurrences.into_iter().filter(|(_, one)| one.environment.is_some()) {
        let Some(policy) = one.rule.and_then(|rule| rule.policy) else { continue };
        let choice = Choice::new(one.image, &policy, one.tag, one.digest);
        if !asked.contains(&choice) {
            asked.push(choice);
        }
    }
    Ok(asked)
}

fn descriptions(tags: &[ScannedTag]) -> Vec<Description> {
    let described = tags.iter().filter_map(|scanned| Some((&scanned.tag, scanned.description.clone()?)));
    described
        .map(|(tag, description)| Description {
            tag: tag.clone(),
            digest: description.digest,
            created_at: description.created_at,
            platforms: description.platforms,
            signatures: checks(description.signatures),
        })
        .collect()
}

/// The most checks of one tag that are kept, what was verified first: each rule may name [`MAX_SIGNERS`], and few name others.
pub const MAX_CHECKS: usize = 32 * MAX_SIGNERS;

/// An organization's own automator may say anything.
fn checks(told: Vec<SignatureCheck>) -> Vec<SignatureCheck> {
    let is_known = |check: &SignatureCheck| check.signer.as_str().len() <= SignerId::MAX_BYTES;
    let (verified, others): (Vec<_>, Vec<_>) =
        told.into_iter().filter(is_known).partition(|check| check.outcome == Signed::Yes);
    let known = verified.into_iter().chain(others).take(MAX_CHECKS);
    known
        .map(|SignatureCheck { signer, outcome }| {
            let outcome = match outcome {
                Signed::Unknown { reason } => Signed::Unknown { reason: Message::from(reason.as_str()).into() },
                outcome => outcome,
            };
            SignatureCheck { signer, outcome }
        })
        .collect()
}

async fn announce(tx: &mut Tx, organization: OrganizationId, image: &Image) -> Result<(), DbError> {
    tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: Some(image.id) }).await
}

#[cfg(test)]
mod tests;
