//! The loop of one Sync: look at Git, render, compare, apply, prune, watch, tell.
//!
//! Everything happens in one task, one step at a time, and each step starts from what is. Health is only watched, so a
//! rollout that hangs never holds the next commit up.

mod apply;
mod conditions;
mod drift;
mod health;
mod held;
mod hooks;
mod objects;
mod others;
mod prune;
mod pull;
mod reconcile;
mod refusal;
mod resolve;
mod spec;
mod status;
mod sweep;
mod variables;
mod view;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use heddle_client::AgentClient;
use heddle_core::{git::Revision, name::SyncName};
use heddle_kube::{
    Account, AccountClient, Cluster, FirstSync, Kinds, KubeError, OwnClient, Redactor, Seen, Watches,
    sync::{DriftMode, Sync, SyncStatus},
};
use heddle_reconcile::{APPROVE_PRUNE_ANNOTATION, Inventory, ObjectKey, OwnEntry, Stopped};
use heddle_service::backoff::Backoff;
use heddle_source::{RenderTools, Store};
use heddle_wire::agent::{DriftReport, SyncError};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use self::{
    conditions::Conditions, drift::Fights, held::Held, objects::Wanted, others::Others, pull::Token, spec::Spec,
    sweep::Sweep, view::View,
};
use crate::{metrics::SyncMetrics, outbox::Outbox, registry::Registry};

/// How often what is not healthy is looked at for its root.
const ROOT_EVERY: Duration = Duration::from_secs(5);

/// How long what the watches see is gathered.
const BURST: Duration = Duration::from_millis(50);

/// What all followers share.
pub struct Shared {
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
    /// The API, as soon as the agent has an identity.
    pub api: watch::Receiver<Option<AgentClient>>,
    /// What is to be told.
    pub outbox: Arc<Outbox>,
    /// How often every object is compared by a dry run.
    pub sweep_interval: Duration,
    /// What the Syncs know of each other.
    pub registry: Registry,
    /// How the install manifest compares with the Sync that was made of it.
    pub manifest: watch::Receiver<FirstSync>,
}

/// What a follower is told.
#[derive(Debug)]
pub enum Message {
    /// The Sync was changed.
    Changed(Box<Sync>),
    /// Its branch may have moved.
    Look,
}

/// Follows one Sync.
pub struct Follower {
    shared: Arc<Shared>,
    metrics: SyncMetrics,
    sync: Sync,
    name: SyncName,
    spec: Result<Spec, String>,
    api: watch::Receiver<Option<AgentClient>>,
    token: Option<Token>,
    /// What the last render put in for variables.
    given: Option<variables::Given>,
    others: Others,
    manifest: watch::Receiver<FirstSync>,

    client: AccountClient,
    /// Whether the account of `client` was seen to exist.
    account_exists: bool,
    watches: Watches,
    seen: mpsc::Receiver<Seen>,
    view: View,
    kinds: Option<Kinds>,
    /// What the cluster holds; `None` until it was read.
    inventory: Option<Inventory>,

    /// What the repository wants; `None` until it was rendered.
    wanted: Option<Wanted>,
    redactor: Redactor,
    applied_revision: Option<Revision>,
    fetched_at: Option<DateTime<Utc>>,
    conditions: Conditions,
    errors: Vec<SyncError>,
    stopped_prune: Option<Stopped>,
    drifts: VecDeque<DriftReport>,
    /// Drifts that were told and are not healed, by what was seen of the object.
    detected: HashMap<ObjectKey, Option<OwnEntry>>,
    fights: Fights,
    held: Held,
    sweep: Sweep,
    /// Roots of what is not healthy.
    roots: HashMap<ObjectKey, String>,
    written_status: Option<SyncStatus>,

    next_look: Instant,
    /// When what failed is tried again before the next look.
    retry_at: Option<Instant>,
    backoff: Backoff,
    next_root: Instant,
    /// Whether there may be something to apply, prune or heal.
    unsettled: bool,
    /// Whether the last try was cut short.
    incomplete: bool,
}

impl Follower {
    /// Begins with what the Sync's status says; reads and writes as its account.
    ///
    /// # Errors
    /// When the connection to the cluster is not set up right.
    pub fn new(shared: Arc<Shared>, sync: Sync) -> Result<Self, KubeError> {
        let namespace = shared.own.namespace().to_owned();
        let client = shared.cluster.as_account(&account(&sync, &namespace))?;
        let (watches, seen) = Watches::new(client.clone());
        let status = sync.status.clone().unwrap_or_default();
        let name = SyncName { namespace, name: sync.metadata.name.clone().unwrap_or_default() };
        let mut follower = Self {
            api: shared.api.clone(),
            metrics: SyncMetrics::new(&name.name),
            name,
            spec: Spec::read(&sync.spec),
            token: None,
            others: Others::new(&shared.registry),
            manifest: shared.manifest.clone(),
            client,
            account_exists: false,
            watches,
            seen,
            view: View::default(),
            kinds: None,
            inventory: None,
            wanted: None,
            given: None,
            redactor: Redactor::default(),
            applied_revision: status.applied_revision.clone().and_then(|revision| revision.try_into().ok()),
            fetched_at: None,
            conditions: Conditions::from_status(&status.conditions),
            errors: Vec::new(),
            stopped_prune: None,
            drifts: VecDeque::new(),
            detected: HashMap::new(),
            fights: Fights::default(),
            held: Held::default(),
            sweep: Sweep::new(shared.sweep_interval),
            roots: HashMap::new(),
            written_status: Some(status),
            next_look: Instant::now(),
            retry_at: None,
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(60)),
            next_root: Instant::now() + ROOT_EVERY,
            unsettled: false,
            incomplete: false,
            shared,
            sync,
        };
        follower.tell_state();
        follower.publish();
        Ok(follower)
    }

    /// Runs until it is aborted.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        self.await_api().await;
        loop {
            self.step().await;
            let wake = self.next_wake();
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => self.take_message(message),
                    None => return,
                },
                Some(seen) = self.seen.recv() => self.observe(seen).await,
                () = tokio::time::sleep_until(wake) => {}
                Ok(()) = self.api.changed() => self.next_look = Instant::now(),
                Ok(()) = self.others.changed.changed() => self.take_others(),
                Ok(()) = self.manifest.changed() => {}
            }
        }
    }

    /// The agent's identity takes a moment to make. Without it a private repository would be a fault at first.
    async fn await_api(&mut self) {
        if self.sync.spec.credentials.is_none() {
            let _none = tokio::time::timeout(Duration::from_secs(5), self.api.wait_for(Option::is_some)).await;
        }
    }

    fn next_wake(&self) -> Instant {
        let root = if self.is_unwell() { Some(self.next_root) } else { None };
        let sweep = (!self.sync.spec.suspend).then(|| self.sweep.wake_at());
        let now = Utc::now();
        let change = self.view.next_change(now).and_then(|at| (at - now).to_std().ok());
        let change = change.map(|wait| Instant::now() + wait);
        [Some(self.next_look), self.retry_at, root, sweep, change].into_iter().flatten().min().unwrap_or(self.next_look)
    }

    /// Does what is due.
    async fn step(&mut self) {
        let now = Instant::now();
        let retry = self.retry_at.is_some_and(|at| at <= now);
        if retry {
            self.retry_at = None;
        }
        if self.sync.spec.suspend {
            self.next_look = now + Duration::from_secs(3600);
        } else {
            if self.next_look <= now || retry {
                self.look().await;
            }
            if self.unsettled || self.has_news() {
                self.unsettled = false;
                self.reconcile().await;
            }
            self.sweep().await;
        }
        if self.next_root <= Instant::now() {
            self.find_roots().await;
            self.next_root = Instant::now() + ROOT_EVERY;
        }
        self.tell().await;
    }

    fn take_message(&mut self, message: Message) {
        match message {
            Message::Look => self.next_look = Instant::now(),
            Message::Changed(sync) => self.take_sync(*sync),
        }
    }

    fn take_sync(&mut self, sync: Sync) {
        let approval =
            |sync: &Sync| sync.metadata.annotations.as_ref().and_then(|all| all.get(APPROVE_PRUNE_ANNOTATION).cloned());
        let approved = approval(&self.sync) != approval(&sync);
        let changed = self.sync.spec != sync.spec;
        let another_account = self.sync.spec.service_account_name != sync.spec.service_account_name;
        self.sync = sync;
        if another_account {
            self.become_account();
        }
        if changed {
            self.spec = Spec::read(&self.sync.spec);
            self.token = None;
            self.wanted = None;
            self.next_look = Instant::now();
        }
        self.unsettled |= approved;
    }

    /// From now on everything is read and written as the account that the Sync names.
    fn become_account(&mut self) {
        match self.shared.cluster.as_account(&account(&self.sync, &self.name.namespace)) {
            Ok(client) => {
                (self.watches, self.seen) = Watches::new(client.clone());
                self.client = client;
                self.account_exists = false;
                self.view = View::default();
                self.kinds = None;
            }
            Err(error) => self.fail_transiently("Applied", "NoAccount", &error.to_string()),
        }
    }

    /// Takes in what the watches see for a moment, before anything is made of it: a rollout comes as a burst.
    async fn observe(&mut self, seen: Seen) {
        let until = Instant::now() + BURST;
        let mut next = Some(seen);
        while let Some(seen) = next {
            self.view.take(seen, self.inventory.as_ref(), Utc::now());
            next = tokio::time::timeout_at(until, self.seen.recv()).await.ok().flatten();
        }
        self.unsettled |= self.has_drift();
    }

    fn has_drift(&self) -> bool {
        let (Some(wanted), Some(inventory)) = (&self.wanted, &self.inventory) else { return false };
        self.sync.spec.drift != DriftMode::Off
            && wanted.objects.iter().any(|object| {
                self.view.drifted(&object.desired, inventory)
                    && !self.fights.hold(&object.desired.key, Utc::now())
                    && self.detected.get(&object.desired.key) != Some(&self.view.entry_of(&object.desired.key))
            })
    }

    /// Something that will pass by itself: said, and tried again soon.
    fn fail_transiently(&mut self, condition: &'static str, reason: &str, message: &str) {
        let message = self.redactor.redact(message);
        self.conditions.set(condition, Some(false), reason, &message, Utc::now());
        tracing::warn!(sync = %self.name, "{message}");
        self.retry_soon();
    }

    fn retry_soon(&mut self) {
        self.retry_at = Some(Instant::now() + self.backoff.next_wait());
    }
}

fn account(sync: &Sync, namespace: &str) -> Account {
    Account { namespace: namespace.to_owned(), name: sync.spec.service_account_name.clone() }
}
