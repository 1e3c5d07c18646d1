//! One Sync: look at Git, render, compare, apply, prune, watch, tell.
//!
//! A revision goes one way, as a value: a [`source::Look`] renders it, a [`desired::Desired`] has its objects with their
//! places, a [`run::Outcome`] says what came of it, a [`report`] tells it. Each state has one owner, and the owners do not
//! know each other; [`SyncTask::step`] alone knows them all. Everything happens in one task, one step at a time, and each
//! step starts from what is; only looks have a task of their own, for they may take long. Health is only watched, so a
//! rollout that hangs never holds the next commit up.

mod applied;
mod cluster;
mod compare;
mod compute;
mod desired;
mod drift;
mod heads;
mod health;
pub mod inbox;
mod meanwhile;
mod patience;
mod report;
mod roots;
mod run;
mod schedule;
mod source;
mod spec;
mod steps;
mod sweep;
mod telling;

use std::{path::PathBuf, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, name::SyncName};
use heddle_kube::{
    Cluster, FirstSync, Happening, OwnClient,
    sync::{APPROVE_REMOTE_ANNOTATION, DriftMode, Sync, SyncStatus},
};
use heddle_reconcile::{APPROVE_PRUNE_ANNOTATION, ObjectKey, Spared};
use heddle_source::{Fetcher, RenderTools, Store};
use tokio::{sync::watch, time::Instant};

use self::{
    applied::{Applied, Prints},
    cluster::{ClusterFault, ClusterState},
    desired::Desired,
    drift::DriftLog,
    health::Scene,
    inbox::{Inbox, Wake},
    patience::Patience,
    report::conditions::Conditions,
    roots::Roots,
    run::{Compared, Done, Hindrance},
    schedule::{Schedule, Situation},
    source::SourceReader,
    spec::Spec,
    sweep::Sweep,
};
use crate::{
    metrics::SyncMetrics,
    neighbors::{Known, Neighbors},
    outbox::Outbox,
};

pub(crate) use self::{
    cluster::{BLIND_AFTER, LIST_LIMIT},
    compute::{MAX_AT_ONCE, QUICK_LIMIT},
    drift::{MAX_DRIFTS, MAX_KEPT},
    patience::MAX_TRIES,
    report::{IN_REPORT, IN_STATUS},
    run::{DEFINITION_LIMIT, GONE_LIMIT, SCHEMA_LIMIT},
    source::{ClusterFacts, Tokens},
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
    /// What fetches remote bases, and keeps them.
    pub fetcher: Fetcher,
    /// The official `sops`; it may not be there.
    pub sops: PathBuf,
    /// A folder in memory for what kustomize's generators read of encrypted files, where there is one.
    pub memory_dir: Option<PathBuf>,
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
    /// The API's tokens for git.
    pub tokens: Tokens,
    /// What templates of charts learn of the cluster.
    pub cluster_facts: ClusterFacts,
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
    source: SourceReader,
    /// Without it nothing is read and nothing written.
    cluster: Result<ClusterState, ClusterFault>,
    /// What the last run was about. It outlives an edit of the spec that leaves its files and its account alone.
    desired: Option<Desired>,
    /// What came of the last comparison.
    compared: Option<Compared>,
    /// Why the last run did not come to one.
    hindrance: Option<Hindrance>,
    applied: Option<Applied>,
    /// Of what was applied last as a whole by this process.
    prints: Option<Prints>,
    fetched_at: Option<DateTime<Utc>>,
    conditions: Conditions,
    /// What the run under way has done.
    done: Done,
    /// What was let go of, until a comparison says so that has come to its end.
    let_go: Vec<Spared>,
    /// What is to be told in Events.
    happenings: Vec<Happening>,
    written_status: SyncStatus,
    drift: DriftLog,
    roots: Roots,
    sweep: Sweep,
    patience: Patience,
    /// What the other Syncs were told.
    known: Known,
    /// Whether anything is known that the status may not say. Until the first look has ended it says what was last known.
    is_to_be_told: bool,
}

impl SyncTask {
    /// Begins with what the Sync's status says. The others know of it when this returns.
    pub fn new(ctx: Arc<Context>, sync: Arc<Sync>, inbox: Inbox) -> Self {
        let name = SyncName {
            namespace: ctx.own.namespace().to_owned(),
            name: sync.metadata.name.clone().unwrap_or_default(),
        };
        let status = sync.status.clone().unwrap_or_default();
        let spec = Spec::read(&sync.spec, &name.name, ctx.own.namespace());
        let mut task = Self {
            metrics: SyncMetrics::new(&name.name),
            name,
            inbox,
            schedule: Schedule::new(interval(&spec), ctx.sweep_interval, Instant::now()),
            applied: Applied::read(&status, &spec),
            prints: None,
            spec,
            source: SourceReader::default(),
            cluster: ClusterState::open(&ctx, &sync),
            desired: None,
            compared: None,
            hindrance: None,
            fetched_at: None,
            conditions: Conditions::from_status(&status.conditions),
            done: Done::default(),
            let_go: Vec::new(),
            happenings: Vec::new(),
            written_status: status,
            drift: DriftLog::default(),
            roots: Roots::default(),
            sweep: Sweep::default(),
            patience: Patience::default(),
            known: Known::default(),
            is_to_be_told: false,
            sync,
            ctx,
        };
        task.tell_state();
        task.ctx.neighbors.join(&task.name.name, task.sync.metadata.uid.as_deref().unwrap_or_default());
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
                    Wake::Spec(sync) => self.receive_spec(sync),
                    Wake::Look(head) => {
                        if self.source.hear(head) {
                            self.schedule.look(Instant::now());
                        }
                    }
                    Wake::Neighbors => self.notice_neighbors(),
                    Wake::Manifest => {}
                    Wake::Closed => return,
                },
                looked = self.source.ended() => self.finish_look(looked).await,
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
        if !self.source.is_looking() && self.schedule.claim_look(Instant::now()) {
            self.begin_look().await;
        }
        if self.drift.fights() {
            self.heal_news();
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
        if self.is_to_be_told {
            self.report().await;
        }
    }

    /// The revision of what is followed now that is fully applied.
    fn applied(&self) -> Option<&Revision> {
        self.applied.as_ref()?.of(&self.spec)
    }

    /// What of the Sync decides when it acts.
    fn situation(&self) -> Situation {
        let now = Utc::now();
        let change = self.cluster.as_ref().ok().and_then(|cluster| cluster.observed.next_change(now));
        let change = [change, self.drift.next_try(now)].into_iter().flatten().min();
        let changes_at = change.and_then(|at| (at - now).to_std().ok()).map(|wait| Instant::now() + wait);
        Situation {
            is_suspended: self.sync.spec.suspend,
            is_looking: self.source.is_looking(),
            is_unwell: self.is_unwell(),
            changes_at,
        }
    }

    /// What verdicts are made of; `None` while nothing was looked at.
    fn scene(&self) -> Option<Scene<'_>> {
        let cluster = self.cluster.as_ref().ok()?;
        let (desired, inventory) = (self.desired.as_ref()?, cluster.inventory()?);
        let waiting = self.compared.as_ref().map(|compared| &compared.waiting);
        Some(Scene { desired, observed: &cluster.observed, inventory, waiting, roots: &self.roots, now: Utc::now() })
    }

    /// Objects that no Sync has any more, as far as is known now.
    fn leftovers(&self) -> Vec<ObjectKey> {
        let (Some(desired), Ok(cluster)) = (&self.desired, &self.cluster) else { return Vec::new() };
        cluster.leftovers(desired, &self.ctx.neighbors.living())
    }

    fn has_news(&self) -> bool {
        self.scene().is_some_and(Scene::has_news) || self.is_any_gone()
    }

    /// Whether something is gone that others wait for with being deleted.
    fn is_any_gone(&self) -> bool {
        let (Ok(cluster), Some(compared)) = (&self.cluster, &self.compared) else { return false };
        compared.pruned.terminating().any(|key| cluster.observed.is_missed(key))
    }

    fn is_unwell(&self) -> bool {
        self.scene().is_some_and(Scene::is_unwell)
    }

    /// The Sync was changed.
    fn receive_spec(&mut self, sync: Arc<Sync>) {
        let now = Instant::now();
        let approval = |sync: &Sync, name: &str| sync.metadata.annotations.as_ref()?.get(name).cloned();
        if approval(&self.sync, APPROVE_PRUNE_ANNOTATION) != approval(&sync, APPROVE_PRUNE_ANNOTATION) {
            self.schedule.settle(now);
        }
        if approval(&self.sync, APPROVE_REMOTE_ANNOTATION) != approval(&sync, APPROVE_REMOTE_ANNOTATION) {
            self.schedule.look(now);
        }
        let before = std::mem::replace(&mut self.sync, sync);
        if before.spec == self.sync.spec {
            return;
        }
        let spec = Spec::read(&self.sync.spec, &self.name.name, &self.name.namespace);
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
        if !source::asks_the_same(&before.spec, &self.sync.spec) {
            self.source.give_up();
        }
        self.spec = spec;
        self.schedule.begin(interval(&self.spec), now);
        self.schedule.settle(now);
        self.is_to_be_told = true;
        // The next comparison tells what is wanted, and nothing else anew.
        self.publish();
    }

    /// Forgets what is known of other files than those that are wanted now.
    fn forget_files(&mut self) {
        self.source = SourceReader::default();
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
        if self.cluster.as_ref().is_ok_and(|cluster| cluster.misses_a_sync(&self.ctx.neighbors.living())) {
            self.schedule.settle(now);
        }
        self.catch_up();
    }

    /// Looks where another Sync of the branch has come to another head since the last look began: there is one for this one
    /// too. A look that is under way may come to it by itself.
    fn catch_up(&mut self) {
        let Some(began_at) = self.source.began_at().filter(|_| !self.source.is_looking()) else { return };
        if self.ctx.neighbors.have_moved_on(&self.name.name, self.source.head(), began_at) {
            self.schedule.look(Instant::now());
        }
    }

    /// Takes in what the watches saw.
    async fn observe(&mut self, event: heddle_kube::WatchEvent) {
        let Ok(cluster) = &mut self.cluster else { return };
        if cluster.observe(event).await {
            self.schedule.settle(Instant::now());
        }
        self.heal_news();
    }

    /// Has a drift healed that is neither told nor left alone.
    fn heal_news(&mut self) {
        let Ok(cluster) = &self.cluster else { return };
        let (Some(desired), Some(inventory)) = (&self.desired, cluster.inventory()) else { return };
        if self.sync.spec.drift != DriftMode::Off
            && self.drift.has_news(desired, &cluster.observed, inventory, Utc::now())
        {
            self.schedule.settle(Instant::now());
        }
    }
}

/// How often the branch of a spec is looked at.
fn interval(spec: &Result<Spec, String>) -> Duration {
    spec.as_ref().map_or(IDLE_INTERVAL, |spec| spec.interval)
}
