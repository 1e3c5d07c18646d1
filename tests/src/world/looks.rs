//! What can be seen: in Git, in the cluster, and in the API as the dashboard shows it.

use anyhow::{Context, Result, ensure};
use heddle_client::PageQuery;
use heddle_core::{
    pipeline::{End, KnotState, Station},
    policy::Verdict,
};
use heddle_testkit::wait;
use heddle_wire::view::{ChangeView, SyncView};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;

use super::{REPOSITORY, World};
use crate::config_repository::{ENVIRONMENTS, overlay_path};

/// A workload in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The image of its first container.
    pub image: String,
    /// Whether every replica runs it and is available.
    pub available: bool,
}

impl World {
    /// The tag of an environment's overlay at the head of the default branch.
    pub async fn image_in_git(&self, environment: &str) -> Result<String> {
        let file = overlay_path(environment);
        let text = self.github.read_file(REPOSITORY, "main", &file).await?.with_context(|| format!("no {file}"))?;
        let line = text.lines().find_map(|line| line.trim().strip_prefix("newTag:"));
        let value = line.and_then(|line| line.split('#').next()).with_context(|| format!("no newTag in {file}"))?;
        Ok(value.trim().trim_matches('"').to_owned())
    }

    /// The environment's Deployment, as the cluster has it.
    pub async fn image_in_cluster(&self, environment: &str) -> Result<Seen> {
        let (_, namespace) =
            ENVIRONMENTS.iter().find(|(name, _)| *name == environment).context("no such environment")?;
        let deployments: Api<Deployment> = Api::namespaced(self.cluster.client(), namespace);
        let deployment = deployments.get("api").await?;
        let status = deployment.status.unwrap_or_default();
        let spec = deployment.spec.context("the Deployment has no spec")?;
        let replicas = spec.replicas.unwrap_or(1);
        let settled = status.observed_generation == deployment.metadata.generation
            && status.updated_replicas == Some(replicas)
            && status.available_replicas == Some(replicas)
            && status.replicas == Some(replicas);
        let container = spec.template.spec.and_then(|pod| pod.containers.into_iter().next());
        let image = container.and_then(|container| container.image).context("the Deployment has no image")?;
        Ok(Seen { image, available: settled })
    }

    /// Waits until all replicas of an environment run the image at `tag`.
    pub async fn wait_until_image_runs(&self, environment: &str, tag: &str) -> Result<()> {
        let wanted = Seen { image: format!("{}:{tag}", self.image()), available: true };
        wait::until(format!("{environment} to run {tag}"), wait::LONG, async || {
            match self.image_in_cluster(environment).await {
                Ok(seen) if seen == wanted => Ok(()),
                Ok(seen) => Err(format!("{seen:?}; Syncs {}", self.describe_syncs().await)),
                Err(error) => Err(format!("{error:#}; Syncs {}", self.describe_syncs().await)),
            }
        })
        .await
        .with_context(|| self.complaints())
    }

    /// Waits until a change is healthy, and sees that it is so in Git and in the cluster too.
    pub async fn wait_until_healthy(&self, environment: &str, tag: &str) -> Result<()> {
        let change = self.wait_for_station(environment, tag, Station::Healthy).await?;
        ensure!(change.line.end == Some(End::Healthy), "{}", describe(&change));
        let in_git = self.image_in_git(environment).await?;
        ensure!(in_git == tag, "{environment} is at {in_git} in Git");
        self.wait_until_image_runs(environment, tag).await
    }

    /// The newest change that brings an environment to a tag.
    pub async fn find_change(&self, environment: &str, tag: &str) -> Result<Option<ChangeView>> {
        let page = self.user.changes(self.organization, &PageQuery::default()).await?;
        let fits = |change: &ChangeView| change.environment.as_str() == environment && change.to.as_str() == tag;
        Ok(page.items.into_iter().find(fits))
    }

    /// Waits until a change has reached a station.
    pub async fn wait_for_station(&self, environment: &str, tag: &str, station: Station) -> Result<ChangeView> {
        let what = format!("{environment} {tag} to be {station:?}");
        let reached = wait::until(what, wait::LONG, async || {
            let change = self.find_change(environment, tag).await.map_err(|error| format!("{error:#}"))?;
            match change {
                Some(change) if has_reached(&change, station) => Ok(change),
                Some(change) => Err(describe(&change)),
                None => Err(format!("no such change; there are {}", self.describe_changes().await)),
            }
        });
        reached.await.with_context(|| self.complaints())
    }

    /// The Syncs of the cluster as the API knows them.
    pub async fn syncs(&self) -> Result<Vec<SyncView>> {
        Ok(self.user.cluster(self.organization, self.cluster_id).await?.syncs)
    }

    /// The Sync of that name as the API knows it.
    pub async fn sync(&self, name: &str) -> Result<SyncView> {
        let syncs = self.syncs().await?;
        let found = syncs.iter().find(|sync| sync.sync.name == name);
        found
            .cloned()
            .with_context(|| format!("no Sync {name} among {:?}", syncs.iter().map(|s| &s.sync).collect::<Vec<_>>()))
    }

    /// The name of the Sync that follows a path.
    pub async fn sync_name(&self, path: &str) -> Result<String> {
        let found = self.syncs().await?.into_iter().find(|sync| sync.path == path);
        Ok(found.with_context(|| format!("no Sync follows {path}"))?.sync.name)
    }

    /// Waits until the policy of an environment has judged a tag.
    pub async fn wait_for_verdict(&self, environment: &str, tag: &str) -> Result<Verdict> {
        let (name, image) = (environment.to_owned().try_into()?, self.image().parse()?);
        wait::until(format!("a verdict on {tag} in {environment}"), wait::LONG, async || {
            let verdicts = self.user.verdicts(self.organization, &name, &image).await;
            let verdicts = verdicts.map_err(|error| format!("{error:#}"))?;
            let found = verdicts.tags.iter().find(|verdict| verdict.tag.as_str() == tag);
            found.cloned().ok_or_else(|| format!("{verdicts:?}"))
        })
        .await
    }

    /// The subjects of the default branch's commits, newest first.
    pub async fn subjects(&self) -> Result<Vec<String>> {
        let log = self.github.log(REPOSITORY, "main").await?;
        Ok(log.iter().map(|commit| commit.message.lines().next().unwrap_or_default().to_owned()).collect())
    }

    /// How many commits of the default branch are the bot's.
    pub async fn bot_commits(&self) -> Result<usize> {
        let log = self.github.log(REPOSITORY, "main").await?;
        Ok(log.iter().filter(|commit| commit.message.contains("Heddle-Intent:")).count())
    }

    /// All changes in a few words, for error messages.
    pub async fn describe_changes(&self) -> String {
        match self.user.changes(self.organization, &PageQuery::default()).await {
            Ok(page) => page.items.iter().map(describe).collect::<Vec<_>>().join("; "),
            Err(error) => format!("unknown ({error:#})"),
        }
    }

    async fn describe_syncs(&self) -> String {
        self.cluster
            .kubectl(&["get", "syncs", "-A", "-o", "wide"], "")
            .await
            .unwrap_or_else(|error| format!("{error:#}"))
    }
}

/// Whether the station is behind the change.
pub fn has_reached(change: &ChangeView, station: Station) -> bool {
    change.line.knots.iter().any(|knot| knot.station == station && knot.state == KnotState::Done)
}

/// A change in one line.
pub fn describe(change: &ChangeView) -> String {
    let knot = change.line.knots.iter().rev().find(|knot| knot.state != KnotState::NotYet);
    let at = knot.map_or_else(|| "nowhere".to_owned(), |knot| format!("{:?} {:?}", knot.station, knot.state));
    let reason = change.line.reason.as_deref().unwrap_or("no reason given");
    format!("{} → {} in {}: {at}, end {:?} ({reason})", change.image, change.to, change.environment, change.line.end)
}
