//! Why tags were chosen or passed over, what is wrong in files, how the platform and the onboarding stand.

mod status;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    git::RepoName,
    id::{OrganizationId, RepositoryId},
    image::ImageRepository,
    name::EnvironmentName,
    policy::Verdict,
    registry::ReadFault,
};
use heddle_db::{
    Tx, cluster_repositories, clusters,
    findings::{self, Finding, Unplaced},
    images::{self, Image, UnreadablePlace},
    occurrences::{self, Occurrence, Rule},
    pushes, repositories, work, workloads,
};
use heddle_wire::view::{
    AskedRepository, FailingImage, FindingSubject, FindingView, Link, Onboarding, OnboardingStep, OnboardingStepName,
    Role, StatusView, Verdicts, WaitingPush,
};
use serde::Deserialize;
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Query},
    flow::{
        link, unread,
        verdicts::{self, Ground},
        waiting,
    },
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
};

/// The verdicts page shows the best tags; the command line has them all.
const SHOWN_TAGS: usize = 200;

/// Findings and failing images beyond this many help nobody.
const SHOWN: i64 = 500;

/// A push notice that nothing came of for this long is old news.
const WAITS_FOR: TimeDelta = TimeDelta::days(7);
const SHOWN_PUSHES: i64 = 50;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(load_verdicts))
        .add(Permission::Organization(Role::Viewer), routes!(list_findings))
        .add(Permission::Organization(Role::Viewer), routes!(load_status))
        .add(Permission::Organization(Role::Viewer), routes!(load_onboarding))
}

#[derive(Debug, Deserialize)]
struct VerdictsQuery {
    environment: EnvironmentName,
    image: ImageRepository,
}

/// Why each tag of an image was chosen or passed over in an environment.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/verdicts", tag = "workloads",
    params(
        ("organization" = OrganizationId, Path), ("environment" = EnvironmentName, Query),
        ("image" = String, Query, description = "The image's repository."),
    ),
    responses((status = 200, body = Verdicts))
)]
async fn load_verdicts(app: App, member: Member, Query(query): Query<VerdictsQuery>) -> ApiResult<Json<Verdicts>> {
    let mut tx = app.db.organization(member.organization).await?;
    let names = [query.image.to_string()];
    let standing = occurrences::list_of_images(&mut *tx, member.organization, &names).await?;
    let place = standing
        .into_iter()
        .filter(|(_, one)| one.environment.as_ref() == Some(&query.environment))
        .max_by_key(|(_, one)| one.rule.is_some());
    let (repository, place) = place.ok_or_else(|| {
        ApiError::not_found(format!("{} stands nowhere in the environment {}", query.image, query.environment))
    })?;
    let image = images::list_named(&mut *tx, member.organization, &names).await?.pop();
    let repository_name = repositories::find(&mut *tx, member.organization, repository).await?.map(|found| found.name);
    let tags = judge(&mut tx, member.organization, (repository, &place), image.as_ref()).await?;
    let unread = unread::find(&mut tx, member.organization, Some(&names), Utc::now()).await?.remove(&query.image);
    tx.commit().await?;
    let rule = match (&place.rule, repository_name) {
        (Some(rule), Some(name)) => format!("{} ({}:{} in {name})", in_words(rule), rule.file, rule.line),
        _ => "nothing updates it".to_owned(),
    };
    Ok(Json(Verdicts {
        image: query.image,
        environment: query.environment,
        current: place.tag,
        rule,
        scanned_at: image.as_ref().and_then(|image| image.scanned_at),
        scan_error: unread.map(|unread| unread.reason).or_else(|| image.and_then(|image| image.error)),
        tags,
    }))
}

async fn judge(
    tx: &mut Tx,
    organization: OrganizationId,
    at: (RepositoryId, &Occurrence),
    image: Option<&Image>,
) -> ApiResult<Vec<Verdict>> {
    let Some(image) = image else { return Ok(Vec::new()) };
    let Some(ground) = Ground::load(tx, organization, at, image).await? else { return Ok(Vec::new()) };
    verdicts::computed(move || {
        let mut verdicts = ground.select().verdicts;
        verdicts.truncate(SHOWN_TAGS);
        verdicts
    })
    .await
}

fn in_words(rule: &Rule) -> String {
    match &rule.policy {
        None => "the rule is broken, so nothing is written".to_owned(),
        Some(policy) => policy.to_string(),
    }
}

/// What is wrong in files that people wrote; what blocks a write comes first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/findings", tag = "repositories",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<FindingView>))
)]
async fn list_findings(app: App, member: Member) -> ApiResult<Json<Vec<FindingView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let mut found = findings::list(&mut *tx, member.organization, SHOWN).await?;
    let unplaced = findings::list_unplaced(&mut *tx, member.organization, SHOWN).await?;
    let unreadable = images::list_unreadable_places(&mut *tx, member.organization, SHOWN).await?;
    tx.commit().await?;
    let web = app.config.github.as_ref().map(|github| github.web_url.as_str().trim_end_matches('/').to_owned());
    let web = web.unwrap_or_default();
    found.extend(unreadable.into_iter().map(unreadable_finding));
    found.sort_by_key(|(_, finding)| !finding.blocks);
    let shown = found.into_iter().map(|(repository, finding)| FindingView {
        url: format!("{web}/{repository}/blob/{}/{}#L{}", finding.branch, finding.file, finding.line),
        subjects: subjects(&unplaced, &repository, &finding),
        repository,
        branch: finding.branch,
        file: finding.file,
        line: finding.line,
        column: finding.column,
        code: finding.code,
        message: finding.message,
        blocks: finding.blocks,
    });
    Ok(Json(shown.collect()))
}

/// The images that a finding is about, where it waits for a person to release a tag once.
fn subjects(unplaced: &[Unplaced], repository: &RepoName, finding: &Finding) -> Vec<FindingSubject> {
    let is_here = |one: &&Unplaced| {
        finding.code == "current"
            && (&one.repository, &one.branch, &one.file, one.line)
                == (repository, &finding.branch, &finding.file, finding.line)
    };
    let subject = |one: &Unplaced| FindingSubject { environment: one.environment.clone(), image: one.image.clone() };
    unplaced.iter().filter(is_here).map(subject).collect()
}

/// What a 401 or 403 of its registry means at the place of an image.
fn unreadable_finding(place: UnreadablePlace) -> (RepoName, Finding) {
    let finding = Finding {
        branch: place.branch,
        file: place.file,
        line: place.line,
        column: 1,
        code: format!("registry-{}", place.fault),
        message: format!("`{}` cannot be read, so nothing newer is written here: {}", place.image, place.reason),
        blocks: true,
    };
    (place.repository, finding)
}

/// How the parts of the platform are.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/status", tag = "organizations",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = StatusView))
)]
async fn load_status(app: App, member: Member) -> ApiResult<Json<StatusView>> {
    let now = Utc::now();
    let mut tx = app.db.organization(member.organization).await?;
    let clusters = clusters::list(&mut *tx, member.organization).await?;
    let mut failing = images::list_failing(&mut *tx, member.organization, SHOWN).await?;
    let registries = status::registries(&mut tx, member.organization, now).await?;
    failing.retain(|image| registries.unserved.iter().all(|one| one.image != image.image));
    let automator_seen_at = work::automator_seen_at(&mut *tx).await?;
    let pushes = pushes::list_waiting(&mut *tx, member.organization, now - WAITS_FOR, SHOWN_PUSHES).await?;
    let view = StatusView {
        automator_seen_at,
        waiting_pushes: pushes.into_iter().map(|push| waiting_push(push, automator_seen_at, now)).collect(),
        scanned_at: images::last_scan_at(&mut *tx, member.organization).await?,
        failing_images: registries
            .unserved
            .into_iter()
            .chain(failing.into_iter().map(|image| failing_image(image, &registries.faults, now)))
            .collect(),
        unreadable: registries.unreadable,
        slow_hosts: registries.slow_hosts,
        silent_automators: registries.silent_automators,
        clusters_connected: count_connected(&clusters, now),
        clusters: i64::try_from(clusters.len()).unwrap_or(i64::MAX),
        blocking_findings: findings::count_blocking(&mut *tx, member.organization).await?
            + images::count_unreadable_places(&mut *tx, member.organization).await?,
        asking: cluster_repositories::list_asked(&mut *tx, member.organization, SHOWN)
            .await?
            .into_iter()
            .map(|asked| AskedRepository {
                cluster: asked.cluster,
                cluster_name: asked.cluster_name,
                repository: asked.repository,
                repository_name: asked.repository_name,
                asked_at: asked.asked_at,
            })
            .collect(),
    };
    tx.commit().await?;
    Ok(Json(view))
}

fn waiting_push(push: pushes::Waiting, automator_seen_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> WaitingPush {
    let reason = waiting::reason(&push, automator_seen_at, now);
    WaitingPush { image: push.image, tag: push.tag, pushed_at: push.pushed_at, reason }
}

fn failing_image(image: Image, faults: &HashMap<ImageRepository, ReadFault>, now: DateTime<Utc>) -> FailingImage {
    FailingImage {
        fault: faults.get(&image.image).copied(),
        image: image.image,
        reason: image.error.unwrap_or_default(),
        since: image.error_since.unwrap_or(now),
    }
}

fn count_connected(clusters: &[clusters::Cluster], now: DateTime<Utc>) -> i64 {
    let connected = clusters.iter().filter(|cluster| link::of(&cluster.heard(), now) == Link::Connected).count();
    i64::try_from(connected).unwrap_or(i64::MAX)
}

/// How far the organization has come, step by step.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/onboarding", tag = "organizations",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Onboarding))
)]
async fn load_onboarding(app: App, member: Member) -> ApiResult<Json<Onboarding>> {
    let now = Utc::now();
    let mut tx = app.db.organization(member.organization).await?;
    let repositories = repositories::list(&mut *tx, member.organization).await?;
    let clusters = clusters::list(&mut *tx, member.organization).await?;
    let workloads = workloads::count(&mut *tx, member.organization, None, None).await?;
    let governed = occurrences::count_governed(&mut *tx, member.organization).await?;
    tx.commit().await?;
    let agents = clusters.iter().filter(|cluster| cluster.last_seen_at.is_some()).count();
    let connected = count_connected(&clusters, now);
    let step = |step, done, seen: String, next: &str| OnboardingStep {
        step,
        done,
        message: if done { seen } else { next.to_owned() },
    };
    let names = repositories.iter().map(|repository| repository.name.to_string()).collect::<Vec<_>>().join(", ");
    let cluster_names = clusters.iter().map(|cluster| cluster.name.clone()).collect::<Vec<_>>().join(", ");
    let steps = vec![
        step(OnboardingStepName::Organization, true, "the organization is there".to_owned(), ""),
        step(
            OnboardingStepName::GitHub,
            !repositories.is_empty(),
            format!("{names} connected"),
            "install the GitHub App on your config repository and connect it",
        ),
        step(
            OnboardingStepName::Cluster,
            !clusters.is_empty(),
            format!("{cluster_names} added"),
            "add a cluster and apply its one manifest",
        ),
        step(
            OnboardingStepName::Agent,
            agents > 0,
            if connected > 0 {
                format!("agent connected, {} seen", count_workloads(workloads))
            } else {
                format!("no agent is connected now; seen so far: {}", count_workloads(workloads))
            },
            "waits for the agent: apply the manifest with kubectl",
        ),
        step(
            OnboardingStepName::Policy,
            governed > 0,
            if governed == 1 { "a rule governs 1 image".to_owned() } else { format!("rules govern {governed} images") },
            "write a rule for an image into .heddle.yaml",
        ),
    ];
    let github_install_url = app.config.github.as_ref().map_or_else(String::new, |github| {
        format!("{}/apps/{}/installations/new", github.web_url.as_str().trim_end_matches('/'), github.slug)
    });
    Ok(Json(Onboarding { steps, github_install_url }))
}

fn count_workloads(number: i64) -> String {
    if number == 1 { "1 workload".to_owned() } else { format!("{number} workloads") }
}
