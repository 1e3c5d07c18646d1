//! Workloads: what runs, what Git says should run, what a newer tag waits for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use heddle_core::{
    change::ProposalRef,
    id::{ClusterId, OrganizationId, RepositoryId},
    image::{ImageRepository, Tag},
    pipeline::Unread,
    policy::{Companion, Situation, TagList},
};
use heddle_db::{
    Tx,
    changes::{self, Change},
    occurrences::{self, Occurrence},
    workloads::{self, After, Workload},
};
use heddle_wire::{
    agent::ContainerImage,
    automator::Barred,
    view::{Role, WorkloadImage, WorkloadPage, WorkloadView},
};
use serde::Deserialize;
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Query},
    flow::{
        barred,
        candidates::{self, Choice, Wanted},
        link, unread,
    },
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add(Permission::Organization(Role::Viewer), routes!(list_workloads))
}

#[derive(Debug, Deserialize)]
struct PageQuery {
    environment: Option<String>,
    cluster: Option<ClusterId>,
    after: Option<String>,
    limit: Option<i64>,
}

/// A page of workloads, by cluster, namespace and name.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/workloads", tag = "workloads",
    params(
        ("organization" = OrganizationId, Path),
        ("environment" = Option<String>, Query, description = "Of this environment only."),
        ("cluster" = Option<ClusterId>, Query, description = "Of this cluster only."),
        ("after" = Option<String>, Query, description = "The page before's `next`."),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 when left out."),
    ),
    responses((status = 200, body = WorkloadPage))
)]
async fn list_workloads(app: App, member: Member, Query(query): Query<PageQuery>) -> ApiResult<Json<WorkloadPage>> {
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let after = query.after.as_deref().map(parse_after).transpose()?;
    let (environment, cluster) = (query.environment.as_deref(), query.cluster.map(|cluster| cluster.0));
    let now = Utc::now();
    let mut tx = app.db.organization(member.organization).await?;
    let page = workloads::list_page(&mut *tx, member.organization, environment, cluster, after.as_ref(), limit).await?;
    let total = workloads::count(&mut *tx, member.organization, environment, cluster).await?;
    let full = i64::try_from(page.len()).is_ok_and(|count| count == limit);
    let next = page.last().filter(|_| full).map(write_after);
    let running = page.iter().map(containers).collect::<ApiResult<Vec<_>>>()?;
    let known = Known::load(&app, &mut tx, member.organization, &page, &running, now).await?;
    tx.commit().await?;
    let items =
        page.into_iter().zip(running).map(|(workload, images)| known.view(&app, workload, images, now)).collect();
    Ok(Json(WorkloadPage { items, next, total }))
}

fn containers(workload: &Workload) -> ApiResult<Vec<ContainerImage>> {
    serde_json::from_value(workload.images.clone()).map_err(ApiError::internal)
}

fn write_after(last: &Workload) -> String {
    let sync = last.sync.to_string();
    let parts = [&last.cluster_name, &last.namespace, &last.name, &last.kind, &sync].map(String::as_str);
    URL_SAFE_NO_PAD.encode(parts.join("\n"))
}

fn parse_after(text: &str) -> ApiResult<After> {
    let refused = || ApiError::bad_request("bad-query", "`after` is not what a page before gave as `next`");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let joined = String::from_utf8(bytes).map_err(|_| refused())?;
    // The check of what is in an address saw it encoded. A name may hold a tab.
    if joined.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(refused());
    }
    match joined.split('\n').collect::<Vec<_>>()[..] {
        [cluster_name, namespace, name, kind, sync] => Ok(After {
            cluster_name: cluster_name.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            sync: sync.to_owned(),
        }),
        _ => Err(refused()),
    }
}

/// What is known of the images on a page.
struct Known {
    /// Where they stand in the environments of the page.
    occurrences: Vec<(RepositoryId, Occurrence)>,
    /// The tags on which the choices there depend.
    tags: BTreeMap<ImageRepository, TagList>,
    open: Vec<Change>,
    barred: BTreeMap<RepositoryId, Vec<Barred>>,
    /// The images that are not read now.
    unread: HashMap<ImageRepository, Unread>,
}

impl Known {
    async fn load(
        app: &App,
        tx: &mut Tx,
        organization: OrganizationId,
        page: &[Workload],
        running: &[Vec<ContainerImage>],
        now: DateTime<Utc>,
    ) -> ApiResult<Self> {
        let names: BTreeSet<String> = running.iter().flatten().map(|one| one.image.repository.to_string()).collect();
        let names: Vec<String> = names.into_iter().collect();
        let shown: HashSet<_> =
            page.iter().map(|workload| (workload.repository, workload.environment.as_ref())).collect();
        let mut occurrences = occurrences::list_of_images(&mut **tx, organization, &names).await?;
        occurrences.retain(|(repository, one)| {
            one.environment.is_some() && shown.contains(&(Some(*repository), one.environment.as_ref()))
        });
        let mut choices: Vec<Choice> = occurrences.iter().filter_map(|(_, one)| choice(one)).collect();
        let mut known = HashSet::new();
        choices.retain(|choice| known.insert(choice.clone()));
        let mut found = candidates::find(app, tx, organization, &choices, Wanted::All, now).await?;
        let mut barred = BTreeMap::new();
        for (repository, _) in &occurrences {
            if !barred.contains_key(repository) {
                barred.insert(*repository, barred::list(tx, organization, *repository).await?);
            }
        }
        let taken_back: Vec<(ImageRepository, Tag)> =
            barred.values().flatten().map(|one: &Barred| (one.image.clone(), one.tag.clone())).collect();
        found.look_up(tx, &taken_back, true).await?;
        Ok(Self {
            occurrences,
            barred,
            tags: found.lists,
            open: changes::list_open_of_images(&mut **tx, organization, &names).await?,
            unread: unread::find(tx, organization, Some(&names), now).await?,
        })
    }

    fn view(&self, app: &App, workload: Workload, running: Vec<ContainerImage>, now: DateTime<Utc>) -> WorkloadView {
        let looked: Vec<(WorkloadImage, String)> =
            running.into_iter().map(|image| self.image(app, &workload, image, now)).collect();
        let state = looked
            .iter()
            .max_by_key(|(image, _)| (image.change.is_some(), image.governed))
            .map_or_else(|| "it runs no image".to_owned(), |(_, state)| state.clone());
        WorkloadView {
            cluster: workload.cluster,
            cluster_name: workload.cluster_name,
            sync: workload.sync,
            environment: workload.environment,
            kind: workload.kind,
            namespace: workload.namespace,
            name: workload.name,
            health: workload.health,
            reason: workload.reason,
            since: workload.since,
            images: looked.into_iter().map(|(image, _)| image).collect(),
            state,
            reported_at: workload.reported_at,
            unseen_since: workload.unseen_since,
            link: link::of(&workload.heard, now),
        }
    }

    fn image(
        &self,
        app: &App,
        workload: &Workload,
        running: ContainerImage,
        now: DateTime<Utc>,
    ) -> (WorkloadImage, String) {
        let repository = &running.image.repository;
        let here = |one: &&(RepositoryId, Occurrence)| {
            one.1.image == *repository
                && Some(one.0) == workload.repository
                && one.1.environment.is_some()
                && one.1.environment == workload.environment
        };
        let of_container =
            |one: &&&(RepositoryId, Occurrence)| one.1.container.as_deref() == Some(running.container.as_str());
        let standing: Vec<&(RepositoryId, Occurrence)> = self.occurrences.iter().filter(here).collect();
        let standing = standing.iter().find(of_container).or(standing.first());
        let place = standing.map(|one| &one.1);
        let barred = standing.and_then(|one| Some(barred::at(self.barred.get(&one.0)?, &one.1))).unwrap_or_default();
        let desired = place.and_then(|place| place.tag.clone());
        let rule = place.and_then(|place| place.rule.as_ref());
        let newest = place.and_then(choice).and_then(|choice| {
            let tags = self.tags.get(repository)?;
            let companions: Vec<_> = self.tags.iter().map(|(image, tags)| Companion { image, tags }).collect();
            let (barred, companions) = (barred.as_slice(), companions.as_slice());
            let current = Some(choice.standing());
            let situation = Situation { current, tags, barred, companions, now };
            app.policies.of(choice.policy())?.choose(&situation).cloned()
        });
        let change = self.open.iter().rfind(|change| {
            change.image == *repository
                && Some(change.repository) == workload.repository
                && Some(&change.environment) == workload.environment.as_ref()
        });
        let mut state = in_words(running.image.tag.as_ref(), desired.as_ref(), newest.as_ref(), rule.is_some(), change);
        if let Some(unread) = self.unread.get(repository).filter(|_| rule.is_some() && change.is_none()) {
            state = format!("{state} as far as is known: {}", unread.reason);
        }
        let image = WorkloadImage {
            running,
            desired,
            newest,
            governed: rule.is_some(),
            change: change.map(|change| change.id),
        };
        (image, state)
    }
}

/// What the rule at a place is to choose.
fn choice(place: &Occurrence) -> Option<Choice> {
    let policy = place.rule.as_ref()?.policy.as_ref()?;
    Some(Choice::new(place.image.clone(), policy, place.tag.clone(), place.digest.clone()))
}

fn in_words(
    running: Option<&Tag>,
    desired: Option<&Tag>,
    newest: Option<&Tag>,
    governed: bool,
    change: Option<&Change>,
) -> String {
    if let Some(change) = change {
        return match (&change.proposal_ref, change.merged_ordinal) {
            (_, Some(_)) => format!("{} is being rolled out", change.to),
            (Some(ProposalRef::PullRequest { number, .. }), None) => format!("{} waits in #{number}", change.to),
            (Some(ProposalRef::Commit { .. }), None) => format!("{} was committed", change.to),
            (None, None) => format!("{} is held back", change.to),
        };
    }
    match (governed, running, desired, newest) {
        (_, Some(running), Some(desired), _) if running != desired => format!("{desired} is not applied yet"),
        (false, ..) => "nothing updates it".to_owned(),
        (true, _, Some(desired), Some(newest)) if desired != newest => format!("{newest} is next"),
        (true, _, _, Some(_)) => "up to date".to_owned(),
        (true, _, _, None) => "no tag is chosen".to_owned(),
    }
}

#[cfg(test)]
mod tests;
