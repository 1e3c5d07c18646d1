//! What people ask to be written: what it would do, and where it is. The writing itself is the automator's.

mod back;
pub mod promotion;
mod release;
mod rollback;
pub mod rules;
pub mod since;
mod site;

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, Mode, ProposalRef},
    git::{BranchName, Revision},
    id::{OrganizationId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::PlaceKey,
    policy::Verdict,
    request::{Asked, RequestState, Requested, RuleEdit, ShownPlace, Step},
};
use heddle_db::{
    DbError, Tx, images,
    occurrences::{self, Occurrence},
    repositories::Repository,
    requests::{self, Request},
    revisions, tags,
};
use heddle_manifest::Config;
use heddle_wire::{automator::OpenRequest, view::Wish};
use uuid::Uuid;

use super::waiting;
use crate::{
    app::App,
    problem::{ApiError, ApiResult},
    quotas,
};

/// What a wish would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The repository.
    pub repository: Repository,
    /// The branch.
    pub branch: BranchName,
    /// The head that was read last.
    pub head: Revision,
    /// What is asked for.
    pub asked: Asked,
    /// Commit or pull request.
    pub mode: Mode,
    /// The lines of `.heddle.yaml` that change.
    pub rules_diff: Option<String>,
    /// What is left as it is, and why.
    pub left: Vec<String>,
    /// What stands in its way.
    pub gates: Vec<Gate>,
    /// Why the rule passes the tag over.
    pub passed_over: Option<Verdict>,
    /// What the rule would bring afterwards.
    pub afterwards: Option<Tag>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// Finds out what a wish would do, and holds nothing of the store while it computes.
///
/// # Errors
/// 404 when what it is about is not there, 409 when nothing would come of it, 422 when it has to be named otherwise.
pub async fn preview(
    app: &App,
    organization: OrganizationId,
    wish: &Wish,
    requested: &Requested,
) -> ApiResult<Preview> {
    match wish {
        Wish::Release(wanted) => release::preview(app, organization, wanted, requested).await,
        Wish::Rollback(wanted) => rollback::preview(app, organization, wanted).await,
        Wish::RollbackSince(wanted) => since::preview(app, organization, wanted).await,
        Wish::Promote(wanted) => promotion::preview(app, organization, wanted).await,
        Wish::Hold(wanted) => rules::preview_hold(app, organization, wanted, requested).await,
        Wish::Resume(wanted) => rules::preview_resume(app, organization, wanted).await,
        Wish::Freeze(wanted) => rules::preview_freeze(app, organization, wanted, requested).await,
        Wish::Thaw(wanted) => rules::preview_thaw(app, organization, wanted).await,
    }
}

/// The mode of one commit or pull request over all these places, as the rules say that govern what stands there; a pull
/// request where one is `needed`. No rule says how to write at a place without one, so somebody is to merge it there.
fn mode_of<'a>(places: &[ShownPlace], standing: impl Iterator<Item = &'a Occurrence>, needed: bool) -> Mode {
    let is_shown = |one: &&Occurrence| one.environment.is_some() && places.iter().any(|shown| shown.place == one.place);
    let modes = standing.filter(is_shown).map(|one| one.rule.as_ref().map_or(Mode::PullRequest, |rule| rule.mode));
    match needed {
        true => Mode::PullRequest,
        false => modes.max().unwrap_or(Mode::PullRequest).min(Mode::PullRequest),
    }
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

    /// Names what was shown. Another head alone is not another thing, nor is another reason.
    ///
    /// # Errors
    /// When it cannot be written as text, which no value of it allows.
    pub fn fingerprint(&self) -> ApiResult<String> {
        let shown = (self.repository.id, &self.branch, self.mode, without_reasons(&self.asked));
        let text = serde_json::to_vec(&shown).map_err(ApiError::internal)?;
        Ok(hex::encode(digest::digest(&digest::SHA256, &text).as_ref()))
    }
}

/// What is asked for, without what a person goes on typing once it was shown.
fn without_reasons(asked: &Asked) -> Asked {
    let mut asked = asked.clone();
    let edits = match &mut asked {
        Asked::Release(release) => release.holds.as_mut_slice(),
        Asked::Rules(rules) => rules.edits.as_mut_slice(),
        Asked::Rollback(_) | Asked::Promotion(_) => &mut [],
    };
    for edit in edits {
        match edit {
            RuleEdit::Hold { entry, .. } => entry.reason = None,
            RuleEdit::Freeze { entry } => entry.reason = None,
            RuleEdit::Resume { .. } | RuleEdit::Thaw { .. } => {}
        }
    }
    asked
}

async fn head_of(tx: &mut Tx, repository: RepositoryId, branch: &BranchName) -> ApiResult<Revision> {
    let heads = revisions::list_heads(&mut **tx, repository).await?;
    let head = heads.into_iter().find(|head| head.branch == *branch).map(|head| head.revision);
    head.ok_or_else(|| ApiError::conflict("not-read", "the repository was not read yet; ask again in a moment"))
}

fn unread_rules() -> ApiError {
    let message =
        "`.heddle.yaml` was not read yet, or is a link or no UTF-8; where it is as it should be, ask again in a moment";
    ApiError::conflict("rules-unread", message)
}

/// What stands in the way of what is asked for, each once: in each environment of its places.
fn gates(config: Option<&Config>, asked: &Asked, notes: &mut Vec<String>) -> Vec<Gate> {
    let Some(config) = config else {
        notes.push("`.heddle.yaml` was not read yet, so a hold or a freeze may stand in the way".to_owned());
        return Vec::new();
    };
    let now = Utc::now();
    let mut gates: Vec<Gate> = Vec::new();
    let of_step = |step: Step<'_>| {
        let environments: BTreeSet<&EnvironmentName> =
            step.places.iter().flat_map(|place| &place.environments).collect();
        let gates = environments.into_iter().flat_map(|name| config.gates_for(step.image, name, step.to, now));
        gates.collect::<Vec<Gate>>()
    };
    for gate in asked.steps().flat_map(of_step).chain(config.schedule_gate(now)) {
        if !gates.contains(&gate) {
            gates.push(gate);
        }
    }
    gates
}

/// Whether two places are one, whatever lines came above it.
fn is_same_place(one: &ShownPlace, other: &ShownPlace) -> bool {
    one.place.file == other.place.file && one.place.key() == other.place.key()
}

/// The open request among these that is about the same as a preview.
pub fn in_the_way<'a>(open: &'a [Request], preview: &Preview) -> Option<&'a Request> {
    let is_shared = |other: &Request| {
        let mut places = other.asked.places();
        let mut edits = other.asked.edits().iter();
        places.any(|own| preview.asked.places().any(|place| is_same_place(own, place)))
            || edits.any(|own| preview.asked.edits().iter().any(|edit| rules::is_of_the_same(own, edit)))
    };
    open.iter().find(|other| other.branch == preview.branch && is_shared(other))
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
    let lacking = Lacking::load(tx, organization, open.iter().flat_map(|request| request.asked.steps())).await?;
    let given = |mut request: Request| {
        let known = |image: &ImageRepository, to: &Tag| digests.get(&(image.clone(), to.clone()));
        let released = request.asked.image().filter(|_| matches!(request.asked, Asked::Release(_)));
        let to_digest = released.and_then(|(image, to)| known(image, to)).cloned().flatten();
        let awaits = |step: Step<'_>| lacking.has(&step) && known(step.image, step.to).is_some_and(Option::is_none);
        let awaits_digest = request.asked.steps().any(awaits);
        request.asked.complete(|image, to| known(image, to).cloned().flatten());
        OpenRequest {
            id: request.id,
            requested: request.requested,
            branch: request.branch,
            to_digest,
            awaits_digest,
            asked: request.asked,
            mode: request.mode,
            despite: request.despite,
        }
    };
    Ok(open.into_iter().map(given).collect())
}

/// What the tags point to that are asked for and that a registry lists; `None` where a scan is still to look at one.
async fn digests(
    tx: &mut Tx,
    organization: OrganizationId,
    open: &[Request],
) -> ApiResult<BTreeMap<(ImageRepository, Tag), Option<Digest>>> {
    let wanted = open.iter().flat_map(|request| request.asked.steps()).filter(|step| step.to_digest.is_none());
    let wanted: BTreeSet<(&ImageRepository, &Tag)> = wanted.map(|step| (step.image, step.to)).collect();
    let names: BTreeSet<String> = wanted.iter().map(|(image, _)| image.to_string()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let watched = images::list_named(&mut **tx, organization, &names).await?;
    let of = |image: &ImageRepository| watched.iter().find(|known| known.image == *image);
    let asked: Vec<_> = wanted.into_iter().filter_map(|(image, tag)| Some((of(image)?.id, tag))).collect();
    let mut digests = BTreeMap::new();
    for (id, info, listed) in tags::list_named(&mut **tx, &asked).await? {
        let image = watched.iter().find(|image| image.id == id);
        if let Some(image) = image.filter(|_| listed || info.digest.is_some()) {
            digests.insert((image.image.clone(), info.tag), info.digest);
        }
    }
    Ok(digests)
}

/// Where a digest belongs beside a tag that nobody knew when it was asked for.
pub struct Lacking {
    /// The places at which a rule writes one, also where none stands.
    pinned: BTreeSet<(ImageRepository, String, PlaceKey)>,
}

impl Lacking {
    /// As rules say it of the images of these steps.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn load<'a>(
        tx: &mut Tx,
        organization: OrganizationId,
        steps: impl Iterator<Item = Step<'a>>,
    ) -> Result<Self, DbError> {
        let names: BTreeSet<String> =
            steps.filter(|step| step.to_digest.is_none()).map(|step| step.image.to_string()).collect();
        if names.is_empty() {
            return Ok(Self { pinned: BTreeSet::new() });
        }
        let names: Vec<String> = names.into_iter().collect();
        let standing = occurrences::list_of_images(&mut **tx, organization, &names).await?;
        let pins = |one: &Occurrence| {
            let policy = one.rule.as_ref().and_then(|rule| rule.policy.as_ref());
            policy.is_some_and(|policy| policy.writes_digest(None))
        };
        let pinned = standing.into_iter().map(|(_, one)| one).filter(pins);
        Ok(Self { pinned: pinned.map(|one| (one.image, one.place.file.clone(), one.place.key())).collect() })
    }

    /// Whether a step lacks one.
    pub fn has(&self, step: &Step<'_>) -> bool {
        let is_pinned = |shown: &ShownPlace| {
            self.pinned.contains(&(step.image.clone(), shown.place.file.clone(), shown.place.key()))
        };
        step.lacks_digest() || (step.to_digest.is_none() && step.places.iter().any(is_pinned))
    }
}

/// The tags of these images that are asked for with their digest and that no scan has looked at, by image.
///
/// # Errors
/// When the store cannot be reached.
pub async fn list_undescribed(
    tx: &mut Tx,
    organization: OrganizationId,
    images: &BTreeSet<&ImageRepository>,
) -> Result<BTreeMap<Uuid, Vec<Tag>>, DbError> {
    if images.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<String> = images.iter().map(ToString::to_string).collect();
    let watched = images::list_named(&mut **tx, organization, &names).await?;
    let most = i64::try_from(quotas::REQUESTS.most).unwrap_or(i64::MAX);
    let open = requests::list_page(&mut **tx, organization, true, None, most).await?;
    let wanted: Vec<Step<'_>> = open.iter().flat_map(|request| request.asked.steps()).collect();
    let wanted = wanted.into_iter().filter(|step| images.contains(step.image));
    let lacking = Lacking::load(tx, organization, wanted.clone()).await?;
    let of = |step: Step<'_>| watched.iter().find(|known| known.image == *step.image).map(|known| known.id);
    let asked: Vec<_> = wanted.filter(|step| lacking.has(step)).filter_map(|step| Some((of(step)?, step.to))).collect();
    let mut undescribed: BTreeMap<Uuid, Vec<Tag>> = BTreeMap::new();
    for (image, info, listed) in tags::list_named(&mut **tx, &asked).await? {
        if listed && info.digest.is_none() {
            undescribed.entry(image).or_default().push(info.tag);
        }
    }
    Ok(undescribed)
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
    /// When an automator that knows the request last asked for work.
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
            away.unwrap_or_else(|| match (failures.read, &request.waiting, why, failures.update) {
                (Some(failure), ..) => format!("its repository could not be read: {failure}"),
                (None, Some(waiting), ..) => format!("waits: {waiting}"),
                (None, None, Some(why), _) => format!("not written: {why}; it is tried again"),
                (None, None, None, Some(failure)) => format!("the last update failed: {failure}"),
                (None, None, None, None) => "an automator looks at it next".to_owned(),
            })
        }
        RequestState::Writing => waiting::away(moment.automator_seen_at, moment.now)
            .unwrap_or_else(|| "an automator writes it now".to_owned()),
        RequestState::Proposed => request.waits_for.clone().unwrap_or_else(|| match &request.proposal_ref {
            Some(ProposalRef::PullRequest { number, .. }) => format!("waits for #{number} to be merged"),
            Some(ProposalRef::Commit { .. }) | None => "waits to be merged".to_owned(),
        }),
        RequestState::Merged if request.asked.places().next().is_none() => format!("`{}` carries it", request.branch),
        RequestState::Merged => format!("`{}` carries it; its line tells how it goes on", request.branch),
        RequestState::Declined => told("its pull request was closed"),
        RequestState::Refused => told("it could not be written as it was shown"),
        RequestState::Withdrawn => told("whoever asked took it back"),
    }
}

#[cfg(test)]
mod tests;
