//! One Sync: look at Git, render, compare, apply, prune, watch, tell.
//!
//! A revision goes one way, as a value: a [`source::Look`] renders it, a [`desired::Desired`] has its objects with their
//! places, a [`run::Outcome`] says what came of it, a [`report`] tells it. Each state has one owner, and the owners do not
//! know each other; [`SyncTask::step`] alone knows them all. Everything happens in one task, one step at a time, and each
//! step starts from what is. Health is only watched, so a rollout that hangs never holds the next commit up.

mod cluster;
mod compute;
mod desired;
mod drift;
mod health;
pub mod inbox;
mod report;
mod roots;
mod run;
mod schedule;
mod source;
mod spec;
mod sweep;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, name::SyncName};
use heddle_kube::{
    Cluster, FirstSync, KubeError, OwnClient,
    sync::{DriftMode, Sync, SyncStatus},
};
use heddle_reconcile::{APPROVE_PRUNE_ANNOTATION, ObjectKey};
use heddle_source::{RenderTools, Store};
use heddle_wire::agent::{self as wire, Deploy, DeployFact, SyncError};
use tokio::{sync::watch, time::Instant};

use self::{
    cluster::{ClusterFault, ClusterState},
    compute::compute,
    desired::{Desired, Placement},
    drift::DriftLog,
    health::{Health, Scene},
    inbox::{Inbox, Wake},
    report::{
        Told,
        conditions::{self, ConditionKind, Conditions},
    },
    roots::Roots,
    run::{Compared, Hindrance, Outcome, RunContext, RunState},
    schedule::{Schedule, Situation, SweepPart},
    source::{Asker, Rendered, Source},
    spec::Spec,
    sweep::Sweep,
};
use crate::{
    metrics::SyncMetrics,
    neighbors::{Known, Neighbors},
    outbox::Outbox,
};

/// How often a Sync wakes whose spec cannot be read.
const IDLE_INTERVAL: Duration = Duration::from_secs(3600);

/// How long the agent's identity is waited for. Without it a private repository would be a fault at first.
const IDENTITY_LIMIT: Duration = Duration::from_secs(5);

/// What all Syncs share and none changes.
pub struct Context {
    /// The cluster.
    pub cluster: Cluster,
    /// The agent's own rights.
    pub own: OwnClient,
    /// The clones.
    pub store: Store,
    /// The renderers.
    pub tools: RenderTools,
    /// Further certificate authorities, for git.
    pub ca_pem: Option<Vec<u8>>,
    /// What is to be told.
    pub outbox: Arc<Outbox>,
    /// How often every object is compared by a dry run.
    pub sweep_interval: Duration,
    /// What the Syncs know of each other.
    pub neighbors: Neighbors,
    /// The API, as soon as the agent has an identity.
    pub api: watch::Receiver<Option<heddle_client::AgentClient>>,
    /// How the install manifest compares with the Sync that was made of it.
    pub manifest: watch::Receiver<FirstSync>,
}

/// One Sync, and all that is known of it.
pub struct SyncTask {
    ctx: Arc<Context>,
    name: SyncName,
    metrics: SyncMetrics,
    inbox: Inbox,
    schedule: Schedule,
    sync: Arc<Sync>,
    spec: Result<Spec, String>,
    source: Source,
    /// Without it nothing is read and nothing written.
    cluster: Result<ClusterState, ClusterFault>,
    /// What the last run was about. It outlives an edit of the spec that leaves its files and its account alone.
    desired: Option<Desired>,
    /// What came of the last comparison.
    compared: Option<Compared>,
    /// Why the last run did not come to one.
    hindrance: Option<Hindrance>,
    applied: Option<Revision>,
    fetched_at: Option<DateTime<Utc>>,
    conditions: Conditions,
    written_status: SyncStatus,
    drift: DriftLog,
    roots: Roots,
    sweep: Sweep,
    /// What the other Syncs were told.
    known: Known,
    /// A revision of another Sync of the same branch that made this one look.
    noticed: Option<Revision>,
}

impl SyncTask {
    /// Begins with what the Sync's status says. The others know of it when this returns.
    pub fn new(ctx: Arc<Context>, sync: Arc<Sync>, inbox: Inbox) -> Self {
        let name = SyncName {
            namespace: ctx.own.namespace().to_owned(),
            name: sync.metadata.name.clone().unwrap_or_default(),
        };
        let status = sync.status.clone().unwrap_or_default();
        let spec = Spec::read(&sync.spec, ctx.own.namespace());
        let mut task = Self {
            metrics: SyncMetrics::new(&name.name),
            name,
            inbox,
            schedule: Schedule::new(interval(&spec), ctx.sweep_interval, Instant::now()),
            spec,
            source: Source::default(),
            cluster: ClusterState::open(&ctx, &sync),
            desired: None,
            compared: None,
            hindrance: None,
            applied: status.applied_revision.clone().and_then(|revision| revision.try_into().ok()),
            fetched_at: None,
            conditions: Conditions::from_status(&status.conditions),
            written_status: status,
            drift: DriftLog::default(),
            roots: Roots::default(),
            sweep: Sweep::default(),
            known: Known::default(),
            noticed: None,
            sync,
            ctx,
        };
        task.tell_state();
        task.publish();
        task
    }

    /// Runs until nobody can wake it any more, or it is aborted.
    pub async fn run(mut self) {
        self.await_api().await;
        loop {
            self.step().await;
            let wake_at = self.schedule.next_wake(self.situation(), Instant::now());
            let event = async {
                match &mut self.cluster {
                    Ok(cluster) => cluster.next_event().await,
                    Err(_) => None,
                }
            };
            tokio::select! {
                wake = self.inbox.next() => match wake {
                    Wake::Spec(sync) => self.take_spec(sync),
                    Wake::Look => self.schedule.look(Instant::now()),
                    Wake::Neighbors => self.notice_neighbors(),
                    Wake::Manifest => {}
                    Wake::Closed => return,
                },
                Some(event) = event => self.observe(event).await,
                () = tokio::time::sleep_until(wake_at) => {}
            }
        }
    }

    async fn await_api(&mut self) {
        if self.sync.spec.credentials.is_none() {
            let _none = tokio::time::timeout(IDENTITY_LIMIT, self.inbox.api.wait_for(Option::is_some)).await;
        }
    }

    /// Does what is due.
    async fn step(&mut self) {
        let acts = !self.sync.spec.suspend;
        if self.schedule.claim_look(Instant::now()) {
            self.look().await;
        }
        if acts && (self.schedule.claim_run(Instant::now()) || self.has_news()) {
            self.compare().await;
        }
        if acts && let Some(part) = self.schedule.claim_sweep(Instant::now()) {
            self.sweep(part).await;
        }
        if self.is_unwell() && self.schedule.claim_roots(Instant::now()) {
            self.find_roots().await;
        }
        self.report().await;
    }

    /// What of the Sync decides when it acts.
    fn situation(&self) -> Situation {
        let now = Utc::now();
        let change = self.cluster.as_ref().ok().and_then(|cluster| cluster.observed.next_change(now));
        let changes_at = change.and_then(|at| (at - now).to_std().ok()).map(|wait| Instant::now() + wait);
        Situation { is_suspended: self.sync.spec.suspend, is_unwell: self.is_unwell(), changes_at }
    }

    /// What verdicts are made of; `None` while nothing was looked at.
    fn scene(&self) -> Option<Scene<'_>> {
        let cluster = self.cluster.as_ref().ok()?;
        let (desired, inventory) = (self.desired.as_ref()?, cluster.inventory()?);
        let waiting = self.compared.as_ref().map(|compared| &compared.waiting);
        Some(Scene { desired, observed: &cluster.observed, inventory, waiting, roots: &self.roots, now: Utc::now() })
    }

    fn has_news(&self) -> bool {
        self.scene().is_some_and(Scene::has_news)
    }

    fn is_unwell(&self) -> bool {
        self.scene().is_some_and(Scene::is_unwell)
    }

    /// The Sync was changed.
    fn take_spec(&mut self, sync: Arc<Sync>) {
        let now = Instant::now();
        let approval = |sync: &Sync| sync.metadata.annotations.as_ref()?.get(APPROVE_PRUNE_ANNOTATION).cloned();
        if approval(&self.sync) != approval(&sync) {
            self.schedule.settle(now);
        }
        let before = std::mem::replace(&mut self.sync, sync);
        if before.spec == self.sync.spec {
            return;
        }
        let spec = Spec::read(&self.sync.spec, &self.name.namespace);
        let same_account = before.spec.service_account_name == self.sync.spec.service_account_name;
        let same_files = match (&self.spec, &spec) {
            (Ok(before), Ok(spec)) => before.has_same_files(spec),
            // What cannot be read has no files, and those that there were are still there.
            (_, Err(_)) => true,
            (Err(_), Ok(spec)) => {
                self.source.rendered().is_none_or(|rendered| rendered.content.origin.has_same_files(spec))
            }
        };
        if !same_account {
            self.cluster = ClusterState::open(&self.ctx, &self.sync);
        }
        if !same_account || !same_files {
            self.forget_files();
        }
        self.spec = spec;
        self.schedule.begin(interval(&self.spec), now);
        self.schedule.settle(now);
    }

    /// Forgets what is known of other files than those that are wanted now.
    fn forget_files(&mut self) {
        self.source = Source::default();
        (self.desired, self.compared, self.hindrance) = (None, None, None);
        self.sweep.clear();
        self.roots = Roots::default();
        self.known.revision = None;
    }

    /// Something is new about another Sync.
    fn notice_neighbors(&mut self) {
        let now = Instant::now();
        let waits = matches!(self.hindrance, Some(Hindrance::Dependency(_)));
        if waits || self.compared.as_ref().is_some_and(Compared::awaits_neighbors) {
            self.schedule.settle(now);
        }
        // Where another one of the branch has found a new revision, there is one for this one too.
        let neighbors = &self.ctx.neighbors;
        let others = neighbors.others_at_another_revision(&self.name.name);
        let head = others.iter().find_map(|other| neighbors.revision_of(other));
        if head.is_some() && self.noticed != head {
            self.noticed = head;
            self.schedule.look(now);
        }
    }

    /// Takes in what the watches saw.
    async fn observe(&mut self, event: heddle_kube::Seen) {
        let Ok(cluster) = &mut self.cluster else { return };
        cluster.observe(event).await;
        let (Some(desired), Some(inventory)) = (&self.desired, cluster.inventory()) else { return };
        if self.sync.spec.drift != DriftMode::Off
            && self.drift.has_news(desired, &cluster.observed, inventory, Utc::now())
        {
            self.schedule.settle(Instant::now());
        }
    }

    /// Looks at the branch, and renders when there is something new.
    async fn look(&mut self) {
        let spec = match &self.spec {
            Ok(spec) => spec,
            Err(fault) => return self.conditions.say(conditions::bad_spec(fault), Utc::now()),
        };
        if self.cluster.is_err() {
            self.cluster = ClusterState::open(&self.ctx, &self.sync);
        }
        // What could not be applied is tried again with each look.
        let is_settled = self.hindrance.is_none() && self.compared.as_ref().is_some_and(Compared::is_settled);
        if !is_settled || self.drift.fights() {
            self.schedule.settle(Instant::now());
        }
        let cluster = match &mut self.cluster {
            Ok(cluster) => cluster,
            Err(fault) => {
                let outcome = Outcome::Hindered(Hindrance::Cluster(fault.clone()));
                return self.conclude(outcome);
            }
        };
        let inventory_is_empty = cluster.inventory().is_none_or(heddle_reconcile::Inventory::is_empty);
        let api = self.inbox.api.borrow().clone();
        let client = cluster.client.clone();
        let asker = Asker {
            ctx: &self.ctx,
            api: api.as_ref(),
            client: &client,
            sync: &self.sync,
            spec,
            metrics: &self.metrics,
            is_first: inventory_is_empty && self.applied.is_none(),
        };
        // What a run needs of the cluster is asked for meanwhile; a fault in it shows there.
        let (looked, _prepared) = tokio::join!(self.source.look(asker), cluster.prepare(&self.ctx.own, &self.sync));
        let mut has_content = looked.is_ok();
        match &looked {
            Ok(_) | Err(source::LookFault::Variables { .. }) => self.fetched_at = Some(Utc::now()),
            Err(_) => {
                if let Some(applied) = self.applied.as_ref().filter(|_| self.source.rendered().is_none()) {
                    has_content = self.source.resume(asker, applied).await;
                    if has_content {
                        self.schedule.settle(Instant::now());
                    }
                }
            }
        }
        if !matches!(looked, Ok(source::Look::Unchanged(_)) | Err(_)) {
            self.schedule.settle(Instant::now());
        }
        self.schedule.looked(looked.as_ref().is_err_and(source::LookFault::is_passing), Instant::now());
        self.say_looked(&looked, has_content);
        if self.sync.spec.suspend {
            self.say_wants().await;
        }
    }

    fn say_looked(&mut self, looked: &Result<source::Look, source::LookFault>, has_content: bool) {
        let now = Utc::now();
        if let Err(fault) = looked {
            tracing::warn!(sync = %self.name, ?fault, "the branch of {} could not be looked at", self.name);
        }
        if let Some(rendered) = self.source.rendered().filter(|_| has_content) {
            self.conditions.say(conditions::rendered(&rendered.content), now);
        }
        for said in conditions::fetched(looked.as_ref()) {
            self.conditions.say(said, now);
        }
    }

    /// What is rendered, with its places in the cluster.
    async fn resolve(&mut self, rendered: Rendered) -> Result<Desired, ClusterFault> {
        let cluster = self.cluster.as_mut().map_err(|fault| fault.clone())?;
        cluster.prepare(&self.ctx.own, &self.sync).await?;
        let kinds = cluster.kinds_for(&rendered.content).await?;
        let placement = Placement::of(&self.sync);
        if let Some(renewed) = self.desired.as_ref().and_then(|known| known.renewed(&rendered, &kinds, &placement)) {
            return Ok(renewed);
        }
        Ok(compute(move || Desired::resolve(rendered, &kinds, placement)).await)
    }

    /// A suspended Sync applies nothing, and says all the same what it wants: what moved to it is kept for it.
    async fn say_wants(&mut self) {
        let Some(rendered) = self.source.rendered().cloned() else { return };
        if self.known.revision.as_ref() == Some(&rendered.revision) {
            return;
        }
        match self.resolve(rendered).await {
            Ok(desired) => self.publish_wants(&desired),
            Err(fault) => tracing::warn!(sync = %self.name, "what {} wants is not known: {}", self.name, fault.message),
        }
    }

    /// Makes the cluster as the repository wants it.
    async fn compare(&mut self) {
        let (Ok(_), Some(rendered)) = (&self.spec, self.source.rendered().cloned()) else { return };
        let content = Arc::clone(&rendered.content);
        let outcome = self.try_compare(rendered).await.unwrap_or_else(|fault| {
            let message = content.redactor.redact(&fault.message);
            tracing::warn!(sync = %self.name, "{message}");
            Outcome::Hindered(Hindrance::Cluster(ClusterFault { message, ..fault }))
        });
        self.conclude(outcome);
    }

    async fn try_compare(&mut self, rendered: Rendered) -> Result<Outcome, ClusterFault> {
        let desired = self.resolve(rendered).await?;
        let cluster = self.cluster.as_mut().map_err(|fault| fault.clone())?;
        cluster.refresh(&desired, &self.ctx.neighbors.living()).await?;
        self.publish_wants(&desired);
        let desired = self.desired.insert(desired);
        // What is applied already is kept as it is, whatever the others do.
        if self.applied.as_ref() != Some(desired.revision())
            && let Some(awaited) = self.ctx.neighbors.awaited(&self.name.name, desired.revision())
        {
            return Ok(Outcome::Hindered(Hindrance::Dependency(awaited)));
        }
        let context = RunContext {
            ctx: &self.ctx,
            sync: &self.sync,
            name: &self.name,
            metrics: &self.metrics,
            desired,
            roots: &self.roots,
        };
        let cluster = self.cluster.as_mut().map_err(|fault| fault.clone())?;
        let (drift, swept, known) = (&mut self.drift, &mut self.sweep.found, &mut self.known);
        Ok(run::run(context, RunState { cluster, drift, swept, known }).await?)
    }

    /// Takes in what a run came to: says it, and tells the facts of it.
    fn conclude(&mut self, outcome: Outcome) {
        let now = Utc::now();
        for said in conditions::compared(&outcome, &self.name) {
            self.conditions.say(said, now);
        }
        let is_passing = match outcome {
            Outcome::Hindered(hindrance) => {
                if matches!(hindrance, Hindrance::Dependency(_)) {
                    self.compared = None;
                }
                let is_passing = matches!(hindrance, Hindrance::Cluster(_));
                self.hindrance = Some(hindrance);
                is_passing
            }
            Outcome::Compared(compared) => {
                self.conditions.say_if(ConditionKind::Leftovers, conditions::leftovers(&compared.leftovers), now);
                let is_kept = self.tell_compared(&compared);
                let is_passing = compared.is_passing || !is_kept;
                (self.compared, self.hindrance) = (Some(*compared), None);
                is_passing
            }
        };
        self.schedule.ran(is_passing, Instant::now());
    }

    /// Tells the fact of a comparison. Says whether that was kept, where there is one.
    fn tell_compared(&mut self, compared: &Compared) -> bool {
        let Some(deploy) = compared.deploy() else { return true };
        let is_applied = matches!(deploy, Deploy::Applied { .. });
        // The applied revision stands in the status only after its fact is in the outbox.
        let is_kept = self.tell_fact(compared.source.clone(), compared.revision.clone(), deploy);
        if is_kept && is_applied {
            self.applied = Some(compared.revision.clone());
        }
        is_kept
    }

    /// Puts a fact into the outbox. What could not be kept there is not done, and is tried again.
    fn tell_fact(&self, source: wire::Source, revision: Revision, what: Deploy) -> bool {
        let fact = DeployFact { sync: self.name.clone(), source, at: Utc::now(), revision, what };
        let told = self.ctx.outbox.tell_fact(fact);
        if let Err(error) = &told {
            tracing::error!(sync = %self.name, %error, "the outbox cannot be written");
        }
        told.is_ok()
    }

    /// Compares the next objects by dry runs.
    async fn sweep(&mut self, part: SweepPart) {
        let (Some(desired), Ok(cluster)) = (&self.desired, &self.cluster) else { return };
        let mode = self.sync.spec.drift;
        if part == SweepPart::First {
            let is_through = self.hindrance.is_none() && self.compared.as_ref().is_some_and(Compared::is_through);
            let Some(inventory) = cluster.inventory().filter(|_| is_through && mode != DriftMode::Off) else { return };
            self.sweep.begin(desired, &cluster.observed, inventory);
            self.metrics.swept();
        }
        if self.sweep.go_on(desired, cluster, mode, &mut self.drift, &self.metrics).await {
            self.schedule.settle(Instant::now());
        }
        if self.sweep.is_under_way() {
            self.schedule.continue_sweep();
        }
    }

    /// Looks into the pods of workloads that are not healthy.
    async fn find_roots(&mut self) {
        if let (Some(desired), Ok(cluster)) = (&self.desired, &self.cluster) {
            self.roots.find(&cluster.client, desired, &cluster.observed).await;
        }
    }

    /// Tells what changed, to the API, to the other Syncs and in the cluster.
    async fn report(&mut self) {
        let health = self.tell_state();
        self.publish();
        self.tell_health();
        let status = report::status(&self.told(health.as_ref()), &self.written_status);
        if self.written_status != status {
            match self.ctx.own.write_status(&self.name.name, &status).await {
                Ok(()) => self.written_status = status,
                Err(KubeError::NotFound(_)) => {}
                Err(error) => tracing::warn!(sync = %self.name, "the status cannot be written: {error}"),
            }
        }
    }

    /// Puts the state into the outbox.
    fn tell_state(&mut self) -> Option<Health> {
        let health = self.scene().map(Scene::health);
        self.summarize(health.as_ref());
        for condition in self.conditions.list() {
            self.metrics.condition(&condition.kind, condition.status == "True");
        }
        let told = self.told(health.as_ref());
        self.metrics.state(told.objects, told.errors.len());
        self.ctx.outbox.tell_state(report::report(&told));
        health
    }

    /// What follows from all that was said.
    fn summarize(&mut self, health: Option<&Health>) {
        let now = Utc::now();
        if let Some(health) = health {
            self.conditions.say(conditions::healthy(health), now);
        }
        let manifest = conditions::manifest(&self.inbox.manifest.borrow(), &self.name.name);
        self.conditions.say_if(ConditionKind::InstallManifest, manifest, now);
        let is_suspended = self.sync.spec.suspend;
        let ready = conditions::ready(&self.conditions, is_suspended, self.applied.as_ref());
        let (reconciling, stalled) = conditions::progress(&ready, is_suspended);
        self.conditions.say(ready, now);
        self.conditions.say_if(ConditionKind::Reconciling, reconciling, now);
        self.conditions.say_if(ConditionKind::Stalled, stalled, now);
    }

    fn told<'a>(&'a self, health: Option<&'a Health>) -> Told<'a> {
        let compared = self.compared.as_ref();
        let inventory = self.cluster.as_ref().ok().and_then(ClusterState::inventory);
        let rendered = self.source.rendered();
        Told {
            name: &self.name,
            sync: &self.sync,
            spec: &self.spec,
            applied: self.applied.as_ref(),
            attempted: rendered.map(|rendered| &rendered.revision),
            fetched_at: self.fetched_at,
            conditions: &self.conditions,
            errors: compared.map_or(&[] as &[SyncError], |compared| &compared.errors),
            health,
            objects: inventory.map(|inventory| inventory.len() as u64),
            drifts: self.drift.reports().cloned().collect(),
            stopped_prune: compared.and_then(|compared| compared.pruned.stopped()),
        }
    }

    /// Tells the verdict on each image of the applied revision, where it changed.
    fn tell_health(&mut self) {
        let Some(scene) = self.scene() else { return };
        let (revision, source) = (scene.desired.revision(), scene.desired.rendered.content.origin.source());
        if self.applied.as_ref() != Some(revision) {
            return;
        }
        if !scene.facts().all(|fact| self.tell_fact(source.clone(), revision.clone(), fact)) {
            self.schedule.ran(true, Instant::now());
        }
    }

    /// Lets the others know what a revision wants, and what the cluster holds of this Sync.
    fn publish_wants(&mut self, desired: &Desired) {
        if *self.known.wants != **desired.keys() {
            self.known.wants = Arc::clone(desired.keys());
        }
        // Of a revision that could not be read as a whole it is not known what it wants.
        let is_whole = desired.faults().next().is_none();
        self.known.revision = is_whole.then(|| desired.revision().clone());
        let inventory = self.cluster.as_ref().ok().and_then(ClusterState::inventory);
        if let (None, Some(inventory)) = (&self.known.holds, inventory) {
            let holds: BTreeSet<ObjectKey> = inventory.iter().map(|entry| entry.key.clone()).collect();
            self.known.holds = Some(holds.into());
        }
        self.publish();
    }

    /// Lets the others know how this Sync is doing.
    fn publish(&mut self) {
        let source = self.spec.as_ref().ok().map(|spec| (spec.repository.clone(), spec.branch.clone()));
        self.known = Known {
            uid: self.sync.metadata.uid.clone().unwrap_or_default(),
            source: source.or(self.known.source.take()),
            suspended: self.sync.spec.suspend,
            depends_on: self.sync.spec.depends_on.iter().map(|reference| reference.name.clone()).collect(),
            applied: self.applied.clone(),
            is_ready: self.conditions.is_true(ConditionKind::Ready),
            message: self.conditions.message_of(ConditionKind::Ready).unwrap_or_default().to_owned(),
            ..std::mem::take(&mut self.known)
        };
        self.ctx.neighbors.publish(&self.name.name, self.known.clone());
    }
}

/// How often the branch of a spec is looked at.
fn interval(spec: &Result<Spec, String>) -> Duration {
    spec.as_ref().map_or(IDLE_INTERVAL, |spec| spec.interval)
}
