//! Where a commit is, and what ran when.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    git::RepoName,
    id::{OrganizationId, RepositoryId},
    name::{EnvironmentName, SyncName},
    observe::{EnvironmentPath, environment_of, implicit_environment},
    pipeline::RolloutKey,
};
use heddle_db::{
    Tx,
    applied_revisions::{self, Ran},
    environments,
    notice::{Notice, Topic},
    repositories::{self, Repository},
    revision_looks::{self, Look},
    work,
};
use heddle_wire::view::{LookForRevision, Looking, MIN_REVISION_DIGITS, PastPage, PastSync, Role, WhereView};
use serde::Deserialize;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path, Query},
    flow::revision,
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
};

/// A commit that was not found is not looked for again before.
const LOOKS_APART: TimeDelta = TimeDelta::seconds(10);

/// In so many repositories a commit is looked for where none is named.
const MOST_REPOSITORIES: usize = 20;

/// Syncs on a page of what ran.
const PAGE: i64 = 200;

/// Pages of other environments that are passed over for one answer.
const MOST_PAGES: usize = 50;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(find_revision))
        .add(Permission::Organization(Role::Viewer), routes!(look_for_revision))
        .add(Permission::Organization(Role::Viewer), routes!(list_past))
}

#[derive(Debug, Deserialize)]
struct WhereQuery {
    repository: Option<RepoName>,
}

/// Where a commit is: on which branch, by which pull request, and in which Syncs.
///
/// Commits that came to a branch since it is read are known. Any other, one of an open pull request or one that was
/// squashed, is looked for when somebody asks for it: `POST …/looks`.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/revisions/{revision}", tag = "revisions",
    params(
        ("organization" = OrganizationId, Path),
        ("revision" = String, Path, description = "A commit's id, or at least the first seven digits of it."),
        ("repository" = Option<RepoName>, Query, description = "In this repository only."),
    ),
    responses((status = 200, body = WhereView))
)]
async fn find_revision(
    app: App,
    member: Member,
    Path((_organization, asked)): Path<(OrganizationId, String)>,
    Query(query): Query<WhereQuery>,
) -> ApiResult<Json<WhereView>> {
    let beginning = read_beginning(&asked)?;
    let host = app.config.github.as_ref().map_or("https://github.com", |github| github.web_url.as_str()).to_owned();
    let mut tx = app.db.organization(member.organization).await?;
    let repository = match &query.repository {
        None => None,
        Some(name) => Some(find_named(&mut tx, member.organization, name).await?.id),
    };
    let found = revision::find(&mut tx, member.organization, repository, &beginning, &host, Utc::now()).await?;
    tx.commit().await?;
    Ok(Json(found))
}

/// Has a commit looked for in the repositories. What is found is told by `GET` of the same address.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/revisions/{revision}/looks", tag = "revisions",
    request_body = LookForRevision,
    params(
        ("organization" = OrganizationId, Path),
        ("revision" = String, Path, description = "A commit's id, or at least the first seven digits of it."),
    ),
    responses((status = 200, body = Looking))
)]
async fn look_for_revision(
    app: App,
    member: Member,
    Path((_organization, asked)): Path<(OrganizationId, String)>,
    Json(look): Json<LookForRevision>,
) -> ApiResult<Json<Looking>> {
    let beginning = read_beginning(&asked)?;
    let organization = member.organization;
    let mut tx = app.db.organization(organization).await?;
    let connected = match &look.repository {
        Some(name) => vec![find_named(&mut tx, organization, name).await?],
        None => repositories::list(&mut *tx, organization).await?,
    };
    if connected.len() > MOST_REPOSITORIES {
        let message = format!(
            "the organization has {} repositories, and a commit is looked for in {MOST_REPOSITORIES} at most; name its \
             repository",
            connected.len()
        );
        return Err(ApiError::bad_request("name-repository", message));
    }
    let ids: Vec<Uuid> = connected.iter().map(|repository| repository.id.0).collect();
    let since = Utc::now() - LOOKS_APART;
    let due = revision_looks::ask(&mut *tx, organization, &ids, &beginning, since).await?;
    work::request_updates_and_reads(&mut tx, organization, &[], &due).await?;
    for repository in &due {
        tx.notify(&Notice::Changed { organization, topic: Topic::Repositories, id: Some(*repository) }).await?;
    }
    let looks = revision_looks::list(&mut *tx, organization, None, &beginning).await?;
    let counts = |look: &Look| look.is_waiting || look.asked_at >= since;
    if !ids.is_empty() && !looks.iter().any(|look| ids.contains(&look.repository.0) && counts(look)) {
        let message = format!(
            "{} commits were looked for within an hour, which is the most for a repository; ask again later",
            revision_looks::MOST_AN_HOUR
        );
        return Err(ApiError::conflict("too-many-looks", message));
    }
    tx.commit().await?;
    let waiting = looks.into_iter().filter(|look| look.is_waiting && ids.contains(&look.repository.0));
    Ok(Json(Looking { repositories: waiting.map(|look| look.repository_name).collect() }))
}

async fn find_named(tx: &mut Tx, organization: OrganizationId, name: &RepoName) -> ApiResult<Repository> {
    let connected = repositories::list(&mut **tx, organization).await?;
    let found = connected.into_iter().find(|repository| repository.name.is_same(name));
    found.ok_or_else(|| ApiError::not_found(format!("`{name}` is not connected to this organization")))
}

/// The beginning of an id, in lower case.
fn read_beginning(asked: &str) -> ApiResult<String> {
    let is_id = asked.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id || !(MIN_REVISION_DIGITS..=64).contains(&asked.len()) {
        let message = format!(
            "a commit is named by its id, or at least the first {MIN_REVISION_DIGITS} hexadecimal digits of it"
        );
        return Err(ApiError::bad_request("bad-revision", message));
    }
    Ok(asked.to_ascii_lowercase())
}

#[derive(Debug, Deserialize)]
struct PastQuery {
    at: DateTime<Utc>,
    environment: Option<EnvironmentName>,
    after: Option<String>,
}

/// What ran at an instant: the revision and the images that each Sync had applied.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/past", tag = "revisions",
    params(
        ("organization" = OrganizationId, Path),
        ("at" = DateTime<Utc>, Query, description = "The instant."),
        ("environment" = Option<EnvironmentName>, Query, description = "Of this environment only."),
        ("after" = Option<String>, Query, description = "The page before's `next`."),
    ),
    responses((status = 200, body = PastPage))
)]
async fn list_past(app: App, member: Member, Query(query): Query<PastQuery>) -> ApiResult<Json<PastPage>> {
    if query.at > Utc::now() {
        let message = "what will run is not known; name an instant that has passed";
        return Err(ApiError::bad_request("bad-query", message));
    }
    let mut after = query.after.as_deref().map(parse_after).transpose()?;
    let organization = member.organization;
    let mut tx = app.db.organization(organization).await?;
    let places = environments::list(&mut *tx, organization).await?;
    let names = Names {
        environments: places.into_iter().map(|(repository, one)| (repository, one.path)).collect(),
        repositories: repositories::list(&mut *tx, organization).await?,
    };
    let (mut items, mut next) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = applied_revisions::list_at(&mut *tx, organization, query.at, after.as_ref(), PAGE).await?;
        after = page.next;
        next = after.as_ref().map(write_after);
        let shown = page.ran.into_iter().map(|ran| names.view(ran, query.at));
        items.extend(shown.filter(|one| query.environment.as_ref().is_none_or(|wanted| *wanted == one.environment)));
        if after.is_none() || i64::try_from(items.len()).is_ok_and(|count| count >= PAGE) {
            break;
        }
    }
    let known_since = applied_revisions::find_first(&mut *tx, organization).await?;
    tx.commit().await?;
    Ok(Json(PastPage { at: query.at, known_since, items, next }))
}

/// What things are called now.
struct Names {
    environments: Vec<(RepositoryId, EnvironmentPath)>,
    repositories: Vec<Repository>,
}

impl Names {
    fn view(&self, ran: Ran, at: DateTime<Utc>) -> PastSync {
        let of_repository: Vec<EnvironmentPath> = self
            .environments
            .iter()
            .filter(|(repository, _)| Some(*repository) == ran.repository)
            .map(|(_, path)| path.clone())
            .collect();
        let implicit = implicit_environment(&ran.branch, &ran.path);
        let environment = environment_of(&of_repository, &ran.branch, &ran.path).unwrap_or(&implicit).name.clone();
        let repository = self.repositories.iter().find(|one| Some(one.id) == ran.repository);
        PastSync {
            cluster: ran.key.cluster,
            cluster_name: ran.cluster_name,
            sync: ran.key.sync,
            environment,
            repository: repository.map(|one| one.name.clone()),
            branch: ran.branch,
            path: ran.path,
            revision: ran.revision,
            subject: ran.subject,
            author: ran.author,
            applied_at: ran.applied_at,
            healthy_at: ran.healthy_at.filter(|healthy| *healthy <= at),
            health_known: ran.is_health_known || ran.healthy_at.is_some_and(|healthy| healthy <= at),
            until: ran.until,
            images: ran.images,
        }
    }
}

fn write_after(last: &RolloutKey) -> String {
    format!("{}/{}/{}", last.cluster, last.sync.namespace, last.sync.name)
}

fn parse_after(text: &str) -> ApiResult<RolloutKey> {
    let refused = || ApiError::bad_request("bad-query", "`after` is not what a page before gave as `next`");
    let [cluster, namespace, name] = text.splitn(3, '/').collect::<Vec<_>>()[..] else { return Err(refused()) };
    let cluster = cluster.parse().map_err(|_| refused())?;
    Ok(RolloutKey { cluster, sync: SyncName { namespace: namespace.to_owned(), name: name.to_owned() } })
}
