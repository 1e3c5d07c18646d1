//! What a Sync does when it is due: look, compare, sweep. Each takes values from one owner and gives them to another.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use heddle_kube::{
    AccountClient,
    sync::{DriftMode, Sync},
};
use heddle_wire::agent::Deploy;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Context, SyncTask,
    applied::{Applied, Prints},
    cluster::{ClusterFault, ClusterState},
    compare::{Comparison, resolve},
    health::Scene,
    meanwhile::{CameUp, Meanwhile},
    report::{
        self,
        conditions::{self, ConditionKind},
    },
    run::{Compared, Hindrance, Outcome, RunState},
    schedule::SweepPart,
    source::{self, Asker, Looked},
    spec::Spec,
    telling::{Underway, publish_wants},
};
use crate::metrics::SyncMetrics;

/// How long a new revision may take before it is said that it is being applied.
const SLOW: Duration = Duration::from_secs(3);

impl SyncTask {
    /// Begins to look at the branch, and to render when there is something new. What a run needs of the cluster is asked for
    /// meanwhile; a fault in it shows there.
    pub(super) async fn begin_look(&mut self) {
        let spec = match &self.spec {
            Ok(spec) => spec,
            Err(fault) => {
                self.is_to_be_told = true;
                return self.conditions.say(conditions::bad_spec(fault), Utc::now());
            }
        };
        if self.cluster.is_err() {
            self.cluster = ClusterState::open(&self.ctx, &self.sync);
        }
        let applied = self.applied().cloned();
        let cluster = match &mut self.cluster {
            Ok(cluster) => cluster,
            Err(fault) => {
                let outcome = Outcome::Hindered(Hindrance::Cluster(fault.clone()));
                self.is_to_be_told = true;
                return self.conclude(outcome).await;
            }
        };
        let api = self.inbox.api.borrow().clone();
        let asker = asker(&self.ctx, cluster.client.clone(), &self.sync, spec, &self.metrics);
        self.source.begin(Asker { api, ..asker }, applied);
        cluster.expect_new_kinds();
        let _fault = cluster.prepare(&self.ctx.own, &self.sync).await;
    }

    /// Takes in what a look came to while nothing else was under way.
    pub(super) async fn finish_look(&mut self, looked: Looked) {
        // What could not be applied is tried again with each look.
        let is_settled = self.hindrance.is_none() && self.compared.as_ref().is_some_and(Compared::is_settled);
        let has_shared = self.cluster.as_ref().is_ok_and(|cluster| cluster.observed.has_shared());
        if !is_settled || has_shared || self.drift.fights() || !self.leftovers().is_empty() {
            self.schedule.settle(Instant::now());
        }
        if looked.is_overtaken {
            self.schedule.look(Instant::now());
        }
        self.note_looked(&looked);
        self.catch_up();
        if self.sync.spec.suspend {
            self.say_wants().await;
        }
    }

    /// Takes in what a look came to, which may have been made while something else was under way.
    fn note_looked(&mut self, looked: &Looked) {
        self.is_to_be_told = true;
        let Looked { result, is_resumed, .. } = looked;
        if matches!(result, Ok(_) | Err(source::LookFault::Inputs { .. } | source::LookFault::Cluster { .. })) {
            self.fetched_at = Some(Utc::now());
        }
        if *is_resumed || !matches!(result, Ok(source::Look::Unchanged(_)) | Err(_)) {
            self.schedule.settle(Instant::now());
        }
        self.schedule.looked(result.as_ref().is_err_and(source::LookFault::is_passing), Instant::now());
        self.say_looked(result, result.is_ok() || *is_resumed);
    }

    fn say_looked(&mut self, looked: &Result<source::Look, source::LookFault>, has_content: bool) {
        let now = Utc::now();
        if let Some(rendered) = self.source.rendered().filter(|_| has_content) {
            self.conditions.say(conditions::rendered(&rendered.content), now);
            self.conditions.say_if(ConditionKind::Generated, conditions::generated(&rendered.content), now);
            let remote = conditions::remote_bases(&rendered.resolved, &self.name);
            self.conditions.say_if(ConditionKind::RemoteBases, remote, now);
        }
        for said in conditions::fetched(looked.as_ref()) {
            if said.status != Some(true) {
                tracing::warn!(sync = %self.name, "{}: {}", self.name, said.message);
            }
            self.conditions.say(said, now);
        }
    }

    /// A suspended Sync applies nothing, and says all the same what it wants: what moved to it is kept for it.
    async fn say_wants(&mut self) {
        let Some(rendered) = self.source.rendered().cloned() else { return };
        let Ok(cluster) = &mut self.cluster else { return };
        if self.known.revision.as_ref() == Some(&rendered.revision) {
            return;
        }
        match resolve(&self.ctx, &self.sync, cluster, self.desired.as_ref(), rendered).await {
            Ok(desired) => {
                publish_wants(&mut self.known, &self.ctx.neighbors, &self.name, &desired, cluster.inventory());
            }
            Err(fault) => tracing::warn!(sync = %self.name, "what {} wants is not known: {}", self.name, fault.message),
        }
    }

    /// Makes the cluster as the repository wants it, and does meanwhile what else is due.
    pub(super) async fn compare(&mut self) {
        let Some(rendered) = self.source.rendered().cloned() else { return };
        let health = self.scene().map(Scene::health);
        let drifts = self.drift.reports().cloned().collect();
        let (Ok(spec), Ok(cluster)) = (&self.spec, &mut self.cluster) else { return };
        let content = Arc::clone(&rendered.content);
        let (client, objects) = (cluster.client.clone(), cluster.inventory().map(|inventory| inventory.len() as u64));
        let applied = self.applied.as_ref().filter(|applied| applied.of(&self.spec).is_some());
        let is_new = applied.is_none_or(|applied| applied.revision != rendered.revision);
        let underway = Underway {
            ctx: &self.ctx,
            name: &self.name,
            sync: &self.sync,
            spec: &self.spec,
            applied,
            attempted: rendered.revision.clone(),
            fetched_at: self.fetched_at,
            conditions: &mut self.conditions,
            errors: self.compared.as_ref().map_or(&[], |compared| &compared.errors),
            health,
            objects,
            drifts,
            written: &mut self.written_status,
        };
        let (ctx, sync, metrics) = (&self.ctx, &self.sync, &self.metrics);
        let stop = CancellationToken::new();
        let meanwhile = Meanwhile {
            inbox: &mut self.inbox,
            schedule: &mut self.schedule,
            source: &mut self.source,
            asker: asker(ctx, client, sync, spec, metrics),
            underway: is_new.then(|| (Instant::now() + SLOW, underway)),
        };
        let (drift, swept, known) = (&mut self.drift, &mut self.sweep.found, &mut self.known);
        let comparison = Comparison {
            ctx,
            sync,
            name: &self.name,
            metrics,
            roots: &self.roots,
            applied: self.applied.as_ref(),
            is_new,
            stop: &stop,
            desired: &mut self.desired,
            state: RunState { cluster, drift, swept, known, patience: &mut self.patience, done: &mut self.done },
        };
        let (outcome, came_up) = meanwhile.during(comparison.run(rendered), &stop).await;
        let outcome = outcome.unwrap_or_else(|fault| {
            let message = content.redactor.redact(&fault.message);
            tracing::warn!(sync = %self.name, "{message}");
            Outcome::Hindered(Hindrance::Cluster(ClusterFault { message, ..fault }))
        });
        self.conclude(outcome).await;
        self.take_up(came_up);
    }

    /// Takes in what came up while something else was under way.
    fn take_up(&mut self, came_up: CameUp) {
        for looked in &came_up.looks {
            self.note_looked(looked);
        }
        if let Some(sync) = came_up.sync {
            self.receive_spec(sync);
        }
        if came_up.neighbors {
            self.notice_neighbors();
        }
        self.catch_up();
    }

    /// Takes in what a run came to: says it, and tells the facts of it.
    async fn conclude(&mut self, mut outcome: Outcome) {
        let now = Utc::now();
        let has_deleted = self.done.deleted > 0;
        self.note_done();
        if let Outcome::Compared(compared) = &mut outcome {
            compared.pruned.go_on_waiting(self.compared.as_ref().map(|before| &before.pruned));
            // It is said until there is another revision, however often this one is compared.
            let before = self.compared.as_ref().filter(|before| before.revision == compared.revision);
            compared.kept = before.map(|before| before.kept.clone()).unwrap_or_default();
            compared.kept.append(&mut self.let_go);
        }
        for said in conditions::compared(&outcome, &self.name) {
            self.conditions.say(said, now);
        }
        let is_passing = match outcome {
            // Something newer is due.
            Outcome::Superseded => return self.schedule.settle(Instant::now()),
            Outcome::Hindered(hindrance) => {
                if matches!(hindrance, Hindrance::Dependency(_)) {
                    self.compared = None;
                }
                let is_passing = matches!(hindrance, Hindrance::Cluster(_));
                self.hindrance = Some(hindrance);
                is_passing
            }
            Outcome::Compared(compared) => {
                let heritage = &compared.heritage;
                self.conditions.say_if(ConditionKind::TakeOver, conditions::take_over(heritage), now);
                self.conditions.say_if(ConditionKind::OtherController, conditions::other_controller(heritage), now);
                self.happenings.extend(report::found(&compared, self.compared.as_ref()));
                let is_kept = self.tell_compared(&compared).await;
                // A webhook that is gone may have been what the others failed by.
                if has_deleted && !compared.errors.is_empty() {
                    self.schedule.settle(Instant::now());
                }
                let is_passing = compared.is_retried || !is_kept;
                (self.compared, self.hindrance) = (Some(*compared), None);
                is_passing
            }
        };
        self.schedule.ran(is_passing, Instant::now());
    }

    /// Notes what is to be told of what was done, however the run ended that did it: in Events at once, and of what was let
    /// go of in the condition of the next comparison that ends.
    fn note_done(&mut self) {
        let done = std::mem::take(&mut self.done);
        let Some(desired) = &self.desired else { return };
        let healed: Vec<_> = self.drift.reports().take(done.healed).collect();
        self.happenings.extend(report::done(&done, desired.revision(), &healed));
        for kept in done.kept {
            // Of a run that could not save what it came to the next one comes to the same.
            if !self.let_go.contains(&kept) {
                self.let_go.push(kept);
            }
        }
    }

    /// Tells the fact of a comparison. Says whether that was kept, where there is one.
    async fn tell_compared(&mut self, compared: &Compared) -> bool {
        let Some(mut deploy) = compared.deploy() else { return true };
        let mut prints = None;
        if let Deploy::Applied { changed, .. } = &mut deploy {
            let desired = self.desired.as_ref().filter(|desired| *desired.revision() == compared.revision);
            prints = desired.map(|desired| Prints::of(desired.objects().iter().map(|object| &object.desired)));
            *changed = prints.as_ref().zip(self.prints.as_ref()).map(|(now, before)| now.count_changed(before));
        }
        let is_applied = matches!(deploy, Deploy::Applied { .. });
        // The applied revision stands in the status only after its fact is in the outbox.
        let is_kept = self.tell_facts(compared.source.clone(), compared.revision.clone(), vec![deploy]).await;
        if is_kept && is_applied {
            let (source, revision) = (compared.source.clone(), compared.revision.clone());
            self.applied = Some(Applied { source, revision });
            self.prints = prints;
        }
        is_kept
    }

    /// Compares the next objects by dry runs.
    pub(super) async fn sweep(&mut self, part: SweepPart) {
        let (Some(desired), Ok(cluster), Ok(spec)) = (&self.desired, &self.cluster, &self.spec) else { return };
        let mode = self.sync.spec.drift;
        if part == SweepPart::First {
            let is_through = self.hindrance.is_none() && self.compared.as_ref().is_some_and(Compared::is_through);
            let Some(inventory) = cluster.inventory().filter(|_| is_through && mode != DriftMode::Off) else { return };
            self.sweep.begin(desired, &cluster.observed, inventory, mode);
            self.metrics.swept();
        }
        let (ctx, sync, metrics, client) = (&self.ctx, &self.sync, &self.metrics, cluster.client.clone());
        let (asker, stop) = (asker(ctx, client, sync, spec, metrics), CancellationToken::new());
        let (inbox, schedule, source) = (&mut self.inbox, &mut self.schedule, &mut self.source);
        let meanwhile = Meanwhile { inbox, schedule, source, asker, underway: None };
        let sweep = self.sweep.go_on(desired, cluster, mode, &mut self.drift, metrics, &stop);
        let (has_found, came_up) = meanwhile.during(sweep, &stop).await;
        if has_found {
            self.schedule.settle(Instant::now());
        }
        if self.sweep.is_under_way() {
            self.schedule.continue_sweep();
        }
        self.take_up(came_up);
    }

    /// Looks into the pods of workloads that are not healthy.
    pub(super) async fn find_roots(&mut self) {
        if let (Some(desired), Ok(cluster)) = (&self.desired, &self.cluster) {
            self.roots.find(&cluster.client, desired, &cluster.observed).await;
        }
    }
}

/// What looks need. The API is known when one begins.
fn asker(ctx: &Arc<Context>, client: AccountClient, sync: &Arc<Sync>, spec: &Spec, metrics: &SyncMetrics) -> Asker {
    let (ctx, sync, spec) = (Arc::clone(ctx), Arc::clone(sync), spec.clone());
    Asker { ctx, api: None, client, sync, spec, metrics: metrics.clone() }
}
