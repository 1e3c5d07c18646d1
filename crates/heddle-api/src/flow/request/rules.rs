//! What holds in `.heddle.yaml` would become: of the file as it was read last.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, Utc};
use heddle_core::{
    change::Mode,
    git::BranchName,
    id::{OrganizationId, RepositoryId},
    image::ImageRepository,
    name::EnvironmentName,
    request::{Asked, FreezeEntry, HoldEntry, Requested, RuleEdit, Rules, ShownPlace},
};
use heddle_db::{
    Tx, environments, occurrences, reads,
    repositories::{self, Repository},
};
use heddle_manifest::{
    Config,
    config::{CONFIG_FILE, ChangeError, Surroundings, change, read, replaced},
};
use heddle_wire::view::{KeptBack, WishedFreeze, WishedHold, WishedResume, WishedThaw};
use similar::TextDiff;

use super::{Preview, head_of, unread_rules};
use crate::{
    app::App,
    problem::{ApiError, ApiResult},
};

/// `.heddle.yaml` of a repository as it was read last.
#[derive(Debug)]
pub(super) struct Known {
    /// `None` where there is no such file.
    text: Option<String>,
    config: Config,
}

/// What edits would make of it.
struct ChangedRules {
    /// The lines that change.
    diff: String,
    /// The environments in which something else holds then.
    environments: BTreeSet<EnvironmentName>,
}

/// The file of a repository; `None` where nobody knows it.
pub(super) async fn find(tx: &mut Tx, repository: RepositoryId) -> ApiResult<Option<Known>> {
    let Some(text) = reads::find_rules(&mut **tx, repository).await? else { return Ok(None) };
    apart(move || {
        let config = text.as_deref().map(|text| read(text).0).unwrap_or_default();
        Some(Known { text, config })
    })
    .await
}

/// Does what takes a while with a text that others wrote, on a thread where no answer waits for it.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}

impl Known {
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What edits would make of it.
    async fn change(&self, edits: &[RuleEdit], around: &Surroundings) -> ApiResult<Result<ChangedRules, ChangeError>> {
        let (text, edits, around) = (self.text.clone(), edits.to_vec(), around.clone());
        apart(move || {
            let changed = change(text.as_deref(), &edits, &around)?;
            let before = text.as_deref().unwrap_or_default();
            let (old, new) = (format!("a/{CONFIG_FILE}"), format!("b/{CONFIG_FILE}"));
            let lines = TextDiff::from_lines(before, &changed.text);
            let diff = lines.unified_diff().context_radius(2).header(&old, &new).to_string();
            Ok(ChangedRules { diff, environments: changed.environments })
        })
        .await
    }

    /// The edit by which a hold comes, in the place of those that the file has of the same images.
    pub fn hold(&self, entry: HoldEntry) -> RuleEdit {
        RuleEdit::Hold { replaces: Some(replaced(&self.config, &entry)), entry }
    }

    /// The lines that change by edits that are written together with places of a branch; `None` where the file says so already.
    pub async fn diff_beside(
        &self,
        repository: &Repository,
        branch: &BranchName,
        edits: &[RuleEdit],
        (around, places): (&Surroundings, &[ShownPlace]),
    ) -> ApiResult<Option<String>> {
        if *branch != repository.default_branch {
            let message = format!(
                "the environment is on `{branch}`, and only the `.heddle.yaml` of `{}` counts: ask for the hold first, by itself",
                repository.default_branch
            );
            return Err(ApiError::conflict("other-branch", message));
        }
        let changed = match self.change(edits, around).await? {
            // The tag is still to be written.
            Err(ChangeError::Same) => return Ok(None),
            changed => changed.map_err(refused)?,
        };
        let is_shown = |name: &&EnvironmentName| places.iter().any(|place| place.environments.contains(name));
        match changed.environments.iter().find(|name| !is_shown(name)) {
            Some(name) => {
                let message = format!(
                    "the hold would count in `{name}` too, which shares another place of the image: ask for the hold by itself"
                );
                Err(ApiError::conflict("holds-elsewhere", message))
            }
            None => Ok(Some(changed.diff)),
        }
    }
}

fn refused(error: ChangeError) -> ApiError {
    match error {
        ChangeError::Wrong(message) => ApiError::invalid("wish", message),
        ChangeError::Same => ApiError::conflict("nothing-to-write", error.to_string()),
        other => ApiError::conflict("not-editable", other.to_string()),
    }
}

/// Whether two edits are about the same entry, so that the second has to wait for the first.
pub fn is_of_the_same(one: &RuleEdit, other: &RuleEdit) -> bool {
    use RuleEdit::{Freeze, Hold, Resume, Thaw};
    match (one, other) {
        (Hold { entry, .. } | Resume { entry }, Hold { entry: other, .. } | Resume { entry: other }) => {
            entry.is_of(other)
        }
        (Freeze { entry } | Thaw { entry }, Freeze { entry: other } | Thaw { entry: other }) => entry == other,
        (Hold { .. } | Resume { .. }, Freeze { .. } | Thaw { .. })
        | (Freeze { .. } | Thaw { .. }, Hold { .. } | Resume { .. }) => false,
    }
}

/// Finds out what a hold would do.
///
/// # Errors
/// 404 where there is no such environment, 409 where it holds already or the file cannot be edited, 422 where repository,
/// images or end have to be named otherwise.
pub async fn preview_hold(
    app: &App,
    organization: OrganizationId,
    wanted: &WishedHold,
    requested: &Requested,
) -> ApiResult<Preview> {
    if wanted.until.is_some_and(|until| until <= Utc::now()) {
        return Err(ApiError::invalid("until", "the hold would have ended already; name a time to come, or none"));
    }
    let entry = HoldEntry {
        image: wanted.image.clone(),
        environment: wanted.environment.clone(),
        tag: wanted.tag.clone(),
        by: Some(requested.by.name.clone()),
        reason: requested.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        until: wanted.until,
    };
    let mut tx = app.db.organization(organization).await?;
    let repository = meant(&mut tx, organization, wanted.repository, &entry).await?;
    let mut notes = Vec::new();
    if !stands_somewhere(&mut tx, organization, repository.id, &entry).await? {
        notes.push(format!("{entry} stands nowhere today; mind the spelling"));
    }
    preview(tx, repository, |known| Ok(vec![known.hold(entry)]), notes).await
}

/// Finds out what the end of a hold would do.
///
/// # Errors
/// 404 where there is no such hold, 409 where the file cannot be edited, 422 where the repository has to be named.
pub async fn preview_resume(app: &App, organization: OrganizationId, wanted: &WishedResume) -> ApiResult<Preview> {
    let of = HoldEntry {
        image: wanted.image.clone(),
        environment: wanted.environment.clone(),
        tag: None,
        by: None,
        reason: None,
        until: None,
    };
    let mut tx = app.db.organization(organization).await?;
    let repository = meant(&mut tx, organization, wanted.repository, &of).await?;
    let edits = |known: &Known| {
        let mut edits: Vec<RuleEdit> = Vec::new();
        for entry in replaced(&known.config, &of) {
            let edit = RuleEdit::Resume { entry };
            // One edit ends all that say just the same.
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
        let missing =
            || ApiError::not_found(format!("`.heddle.yaml` holds nothing as {of}; `heddle holds` lists what it holds"));
        if edits.is_empty() { Err(missing()) } else { Ok(edits) }
    };
    preview(tx, repository, edits, Vec::new()).await
}

/// Finds out what a freeze would do.
///
/// # Errors
/// 404 where there is no such environment, 409 where it is frozen so already or the file cannot be edited, 422 where the
/// repository or the times have to be named otherwise.
pub async fn preview_freeze(
    app: &App,
    organization: OrganizationId,
    wanted: &WishedFreeze,
    requested: &Requested,
) -> ApiResult<Preview> {
    let [from, to] = [wanted.from, wanted.to].map(|at| at.trunc_subsecs(0));
    if to <= from || to <= Utc::now() {
        return Err(ApiError::invalid(
            "to",
            "the freeze would have ended already; name a time to come, after its begin",
        ));
    }
    let environments = wanted.environments.clone();
    let reason = requested.reason.as_ref().map(|reason| reason.as_str().to_owned());
    let entry = FreezeEntry { environments, from, to, reason };
    preview_of_freeze(app, organization, wanted.repository, RuleEdit::Freeze { entry }).await
}

/// Finds out what the end of a freeze would do.
///
/// # Errors
/// 409 where there is no such freeze any more or the file cannot be edited, 422 where the repository has to be named.
pub async fn preview_thaw(app: &App, organization: OrganizationId, wanted: &WishedThaw) -> ApiResult<Preview> {
    let entry = wanted.freeze.clone();
    preview_of_freeze(app, organization, wanted.repository, RuleEdit::Thaw { entry }).await
}

async fn preview_of_freeze(
    app: &App,
    organization: OrganizationId,
    named: Option<RepositoryId>,
    edit: RuleEdit,
) -> ApiResult<Preview> {
    let mut tx = app.db.organization(organization).await?;
    let environments = edit.environments().unwrap_or_default().to_vec();
    let repository = with_environments(&mut tx, organization, named, &environments).await?.one(&environments)?;
    preview(tx, repository, |_| Ok(vec![edit]), Vec::new()).await
}

async fn preview(
    mut tx: Tx,
    repository: Repository,
    edits: impl FnOnce(&Known) -> ApiResult<Vec<RuleEdit>>,
    notes: Vec<String>,
) -> ApiResult<Preview> {
    let branch = repository.default_branch.clone();
    let head = head_of(&mut tx, repository.id, &branch).await?;
    let known = find(&mut tx, repository.id).await?.ok_or_else(unread_rules)?;
    let around = surroundings(&mut tx, repository.id).await?;
    tx.commit().await?;
    let edits = edits(&known)?;
    let changed = known.change(&edits, &around).await?.map_err(refused)?;
    Ok(Preview {
        repository,
        branch,
        head,
        asked: Asked::Rules(Rules { edits, environments: changed.environments.into_iter().collect() }),
        // What counts for all is looked at by somebody first.
        mode: Mode::PullRequest,
        rules_diff: Some(changed.diff),
        left: Vec::new(),
        gates: Vec::new(),
        passed_over: None,
        afterwards: None,
        notes,
    })
}

/// What stands in a repository, as far as the reach of an entry depends on it.
pub(super) async fn surroundings(tx: &mut Tx, repository: RepositoryId) -> ApiResult<Surroundings> {
    let environments = environments::list_of_repository(&mut **tx, repository).await?;
    let shared = occurrences::list_shared(&mut **tx, repository).await?;
    let names = environments.iter().map(|environment| &environment.name);
    Ok(Surroundings::of(names, shared.iter().map(|(image, names)| (image, names))))
}

/// The repository that is named, or the one that has the environment and the image.
async fn meant(
    tx: &mut Tx,
    organization: OrganizationId,
    named: Option<RepositoryId>,
    entry: &HoldEntry,
) -> ApiResult<Repository> {
    let environments: Vec<EnvironmentName> = entry.environment.iter().cloned().collect();
    let mut fitting = with_environments(tx, organization, named, &environments).await?;
    if fitting.0.len() > 1 {
        let mut with_image = Vec::new();
        for repository in &fitting.0 {
            if stands_somewhere(tx, organization, repository.id, entry).await? {
                with_image.push(repository.clone());
            }
        }
        fitting = if with_image.is_empty() { fitting } else { Fitting(with_image) };
    }
    fitting.one(&environments)
}

/// The repositories that may be meant.
pub(super) struct Fitting(Vec<Repository>);

impl Fitting {
    pub fn one(mut self, environments: &[EnvironmentName]) -> ApiResult<Repository> {
        if self.0.len() > 1 {
            let names = self.0.iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(", ");
            return Err(ApiError::invalid("repository", format!("several repositories have it: {names}; name one")));
        }
        self.0.pop().ok_or_else(|| {
            let names = environments.iter().map(EnvironmentName::as_str).collect::<Vec<_>>().join(" and ");
            match names.is_empty() {
                true => ApiError::not_found("no config repository is connected"),
                false => ApiError::not_found(format!("no config repository has the environment {names}")),
            }
        })
    }
}

/// The repository that is named, or those that have these environments.
pub(super) async fn with_environments(
    tx: &mut Tx,
    organization: OrganizationId,
    named: Option<RepositoryId>,
    environments: &[EnvironmentName],
) -> ApiResult<Fitting> {
    let all = environments::list(&mut **tx, organization).await?;
    let has = |repository: RepositoryId, name: &EnvironmentName| {
        all.iter().any(|(id, environment)| *id == repository && environment.path.name == *name)
    };
    let known = repositories::list(&mut **tx, organization).await?;
    let named_or_all = known.into_iter().filter(|one| named.is_none_or(|named| named == one.id));
    Ok(Fitting(named_or_all.filter(|one| environments.iter().all(|name| has(one.id, name))).collect()))
}

/// Whether a hold is about anything that stands in a repository; true where its images are a glob, which may be about what
/// comes.
async fn stands_somewhere(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    entry: &HoldEntry,
) -> ApiResult<bool> {
    let Some(image) = entry.image.as_ref().filter(|image| !image.contains(['*', '?'])) else { return Ok(true) };
    let Ok(image) = image.parse::<ImageRepository>() else { return Ok(true) };
    let here = occurrences::list_of_images(&mut **tx, organization, &[image.to_string()]).await?;
    Ok(here
        .iter()
        .any(|(id, one)| *id == repository && (entry.environment.is_none() || one.environment == entry.environment)))
}

/// What the files of an organization keep back, as they were read last.
///
/// # Errors
/// When the store cannot be reached.
pub async fn list_kept_back(tx: &mut Tx, organization: OrganizationId, now: DateTime<Utc>) -> ApiResult<Vec<KeptBack>> {
    let mut all = Vec::new();
    for repository in repositories::list(&mut **tx, organization).await? {
        let known = find(tx, repository.id).await?;
        let (holds, freezes, unknown) = match &known {
            None => (Vec::new(), Vec::new(), Some("`.heddle.yaml` was not read yet, or cannot be".to_owned())),
            Some(known) => {
                let holds = known.config.holds.iter().filter(|hold| hold.until.is_none_or(|until| now < until));
                let freezes = known.config.freezes.iter().filter(|freeze| now < freeze.to);
                (
                    holds.map(heddle_manifest::config::Hold::entry).collect(),
                    freezes.map(heddle_manifest::config::Freeze::entry).collect(),
                    known.config.stops.first().map(|stop| stop.reason.clone()),
                )
            }
        };
        all.push(KeptBack { repository: repository.id, repository_name: repository.name, holds, freezes, unknown });
    }
    Ok(all)
}
