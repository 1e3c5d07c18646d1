//! What people ask to be written: what it would do, and where it is. The writing itself is the automator's.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, Revision},
    id::{OrganizationId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    policy::{Verdict, VerdictKind},
    request::{RequestState, ShownPlace},
};
use heddle_db::{
    Tx,
    images::{self, Image},
    occurrences::{self, Occurrence},
    repositories::{self, Repository},
    requests::{self, Request},
    revisions, tags,
};
use heddle_wire::automator::{OpenRequest, Release, RequestedWrite};

use super::{
    verdicts::{self, Ground},
    waiting,
};
use crate::problem::{ApiError, ApiResult};

/// What somebody wants released.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where several repositories have the environment, which one.
    pub repository: Option<RepositoryId>,
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag; the greatest that the rule allows where none is named.
    pub tag: Option<Tag>,
    /// By pull request, also where the rule commits.
    pub by_pull_request: bool,
}

/// What a release would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The repository.
    pub repository: Repository,
    /// The branch.
    pub branch: BranchName,
    /// The head that was read last.
    pub head: Revision,
    /// The tag.
    pub to: Tag,
    /// All places of the image in the environment.
    pub places: Vec<ShownPlace>,
    /// The environments that they count in.
    pub touched: BTreeSet<EnvironmentName>,
    /// Commit or pull request.
    pub mode: Mode,
    /// Why the rule passes the tag over.
    pub passed_over: Option<Verdict>,
    /// What the rule would bring afterwards.
    pub afterwards: Option<Tag>,
    /// What is not known of the tag.
    pub unknown: Option<String>,
}

/// Finds out what a release would do.
///
/// # Errors
/// 404 when the image stands nowhere in the environment, 409 when nothing would come of it, 422 when repository or tag have
/// to be named otherwise.
pub async fn preview(tx: &mut Tx, organization: OrganizationId, wanted: &Wanted) -> ApiResult<Preview> {
    let (repository, standing) = standing(tx, organization, wanted).await?;
    let governed = standing.iter().filter(|one| one.environment.as_ref() == Some(&wanted.environment));
    let place = governed.max_by_key(|one| one.rule.is_some()).cloned().ok_or_else(|| nowhere(wanted))?;
    let (branch, places) = (place.branch.clone(), places(&standing, wanted, &place.branch));
    let heads = revisions::list_heads(&mut **tx, repository.id).await?;
    let head = heads.into_iter().find(|head| head.branch == branch).map(|head| head.revision);
    let head =
        head.ok_or_else(|| ApiError::conflict("not-read", "the repository was not read yet; ask again in a moment"))?;
    let touched: BTreeSet<_> = places.iter().flat_map(|place| place.environments.iter().cloned()).collect();
    let is_shown = |one: &&Occurrence| {
        one.branch == branch && one.environment.is_some() && places.iter().any(|shown| shown.place == one.place)
    };
    let several = wanted.by_pull_request || touched.len() > 1;
    let mode = if several { Mode::PullRequest } else { most_careful(standing.iter().filter(is_shown)) };
    let (image, ground) = ground(tx, organization, (repository.id, &place)).await?;
    let judged = judge(wanted, ground).await?;
    if places.iter().all(|place| place.tag.as_ref() == Some(&judged.to)) {
        let message = format!("`{}` stands in {} already", judged.to, wanted.environment);
        return Err(ApiError::conflict("nothing-to-write", message));
    }
    let unknown = unknown(wanted, &judged, image.as_ref())?;
    let Judged { to, passed_over, afterwards, .. } = judged;
    Ok(Preview { repository, branch, head, to, places, touched, mode, passed_over, afterwards, unknown })
}

/// The mode of one commit or pull request over all these places. No rule says how to write at a place without one, so
/// somebody is to merge it there.
fn most_careful<'a>(places: impl Iterator<Item = &'a Occurrence>) -> Mode {
    let modes = places.map(|one| one.rule.as_ref().map_or(Mode::PullRequest, |rule| rule.mode));
    modes.max().unwrap_or(Mode::PullRequest).min(Mode::PullRequest)
}

impl Preview {
    /// What it does, in words.
    pub fn does(&self) -> String {
        let name = &self.repository.name;
        match self.mode {
            Mode::Commit => format!("commits to `{}` of {name}", self.branch),
            Mode::PullRequest | Mode::Observe => format!("opens a pull request on {name}"),
        }
    }

    /// Names what was shown. Another head alone is not another thing.
    ///
    /// # Errors
    /// When it cannot be written as text, which no value of it allows.
    pub fn fingerprint(&self, wanted: &Wanted) -> ApiResult<String> {
        let shown = (
            (self.repository.id, &self.branch, &wanted.environment, &wanted.image),
            (&self.to, self.mode, &self.places),
        );
        let text = serde_json::to_vec(&shown).map_err(ApiError::internal)?;
        Ok(hex::encode(digest::digest(&digest::SHA256, &text).as_ref()))
    }
}

/// Where the image stands in the repository that is meant, in all environments.
async fn standing(
    tx: &mut Tx,
    organization: OrganizationId,
    wanted: &Wanted,
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

fn nowhere(wanted: &Wanted) -> ApiError {
    ApiError::not_found(format!("{} stands nowhere in the environment {}", wanted.image, wanted.environment))
}

/// The places of the image in the environment, each with all environments that it counts in.
fn places(standing: &[Occurrence], wanted: &Wanted, branch: &BranchName) -> Vec<ShownPlace> {
    let mut places: BTreeMap<_, ShownPlace> = BTreeMap::new();
    for one in standing.iter().filter(|one| one.branch == *branch) {
        let Some(environment) = &one.environment else { continue };
        let shown = places.entry(one.place.clone()).or_insert_with(|| ShownPlace {
            place: one.place.clone(),
            tag: one.tag.clone(),
            digest: one.digest.clone(),
            environments: Vec::new(),
        });
        shown.environments.push(environment.clone());
    }
    let mut places: Vec<ShownPlace> = places.into_values().collect();
    places.retain(|place| place.environments.contains(&wanted.environment));
    for place in &mut places {
        place.environments.sort();
        place.environments.dedup();
    }
    places
}

async fn ground(
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

async fn judge(wanted: &Wanted, ground: Option<Ground>) -> ApiResult<Judged> {
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
fn unknown(wanted: &Wanted, judged: &Judged, image: Option<&Image>) -> ApiResult<Option<String>> {
    match (judged.listed, image.and_then(|image| image.scanned_at)) {
        (Some(true), _) => Ok(None),
        (Some(false), Some(at)) => {
            let (image, at) = (&wanted.image, at.format("%Y-%m-%d %H:%M UTC"));
            Err(ApiError::invalid("tag", format!("{image} had no tag `{}` when it was read last, {at}", judged.to)))
        }
        _ => Ok(Some(format!("nobody has read the tags of {} to their end, so it may have no such tag", wanted.image))),
    }
}

/// The request among these that is about a place of a preview, and open.
pub fn in_the_way<'a>(open: &'a [Request], preview: &Preview) -> Option<&'a Request> {
    let is_shared = |place: &ShownPlace| {
        let is_same = |own: &ShownPlace| own.place.file == place.place.file && own.place.key() == place.place.key();
        preview.places.iter().any(is_same)
    };
    open.iter().find(|other| other.branch == preview.branch && other.places.iter().any(is_shared))
}

/// The open requests of a repository as an update is given them.
///
/// # Errors
/// When the store cannot be reached.
pub async fn list_open(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
) -> ApiResult<Vec<OpenRequest>> {
    let open = requests::list_open(&mut **tx, repository).await?;
    let digests = digests(tx, organization, &open).await?;
    let release = |request: Request| OpenRequest {
        id: request.id,
        requested: request.requested,
        branch: request.branch,
        write: RequestedWrite::Release(Release {
            to_digest: digests.get(&(request.image.clone(), request.to.clone())).cloned(),
            environment: request.environment,
            image: request.image,
            to: request.to,
            places: request.places,
            mode: request.mode,
            despite: request.despite,
        }),
    };
    Ok(open.into_iter().map(release).collect())
}

/// What the tags point to that are asked for, as far as a scan has described them.
async fn digests(
    tx: &mut Tx,
    organization: OrganizationId,
    open: &[Request],
) -> ApiResult<BTreeMap<(ImageRepository, Tag), Digest>> {
    let names: BTreeSet<String> = open.iter().map(|request| request.image.to_string()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let watched = images::list_named(&mut **tx, organization, &names).await?;
    let of = |request: &Request| watched.iter().find(|image| image.image == request.image);
    let asked: Vec<_> = open.iter().filter_map(|request| Some((of(request)?.id, &request.to))).collect();
    let mut digests = BTreeMap::new();
    for (id, info, _) in tags::list_named(&mut **tx, &asked).await? {
        let image = watched.iter().find(|image| image.id == id);
        if let (Some(image), Some(digest)) = (image, info.digest) {
            digests.insert((image.image.clone(), info.tag), digest);
        }
    }
    Ok(digests)
}

/// What went wrong last in a request's repository.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures<'a> {
    /// Reading it. Until that is mended nothing is written.
    pub read: Option<&'a str>,
    /// The last update.
    pub update: Option<&'a str>,
}

/// What decides how the state of requests is told.
#[derive(Debug, Clone)]
pub struct Moment {
    /// When an automator last asked for work.
    pub automator_seen_at: Option<DateTime<Utc>>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What a request waits for, or why it ended, in words.
pub fn in_words(request: &Request, failures: Failures<'_>, moment: &Moment) -> String {
    let why = request.why.as_deref();
    let told = |otherwise: &str| why.unwrap_or(otherwise).to_owned();
    match request.state {
        RequestState::Waiting => {
            let away = waiting::away(moment.automator_seen_at, moment.now);
            away.unwrap_or_else(|| match (failures.read, why, failures.update) {
                (Some(failure), ..) => format!("its repository could not be read: {failure}"),
                (None, Some(why), _) => format!("not written: {why}; it is tried again"),
                (None, None, Some(failure)) => format!("the last update failed: {failure}"),
                (None, None, None) => "an automator looks at it next".to_owned(),
            })
        }
        RequestState::Writing => waiting::away(moment.automator_seen_at, moment.now)
            .unwrap_or_else(|| "an automator writes it now".to_owned()),
        RequestState::Proposed => request.waits_for.clone().unwrap_or_else(|| match &request.proposal_ref {
            Some(ProposalRef::PullRequest { number, .. }) => format!("waits for #{number} to be merged"),
            Some(ProposalRef::Commit { .. }) | None => "waits to be merged".to_owned(),
        }),
        RequestState::Merged => format!("`{}` carries it; its line tells how it goes on", request.branch),
        RequestState::Declined => told("its pull request was closed"),
        RequestState::Refused => told("it could not be written as it was shown"),
        RequestState::Withdrawn => told("whoever asked took it back"),
    }
}

#[cfg(test)]
mod tests;
