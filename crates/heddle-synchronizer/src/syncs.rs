//! One task for each Sync of the cluster.

use std::{collections::HashMap, sync::Arc};

use futures::StreamExt;
use heddle_core::{git::RepoUrl, name::SyncName};
use heddle_kube::{SyncEvent, sync::Sync};
use heddle_wire::agent::Hint;
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    follow::{Follower, Message, Shared},
    leader::Readiness,
    metrics::SyncMetrics,
};

/// Starts, tells and stops the followers.
pub struct Syncs {
    shared: Arc<Shared>,
    ready: Readiness,
    running: HashMap<String, Running>,
    tasks: JoinSet<()>,
}

struct Running {
    sync: Sync,
    inbox: mpsc::Sender<Message>,
    task: tokio::task::AbortHandle,
}

impl Syncs {
    /// `ready` is set when the Syncs are known.
    pub fn new(shared: Arc<Shared>, ready: Readiness) -> Self {
        Self { shared, ready, running: HashMap::new(), tasks: JoinSet::new() }
    }

    /// Runs until `shutdown`.
    pub async fn run(mut self, mut hints: mpsc::Receiver<Hint>, shutdown: CancellationToken) {
        let mut events = std::pin::pin!(self.shared.own.watch_syncs());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(event) = events.next() => self.take(event).await,
                Some(hint) = hints.recv() => self.pass_on(hint).await,
                Some(ended) = self.tasks.join_next_with_id() => self.revive(ended),
            }
        }
    }

    async fn take(&mut self, event: SyncEvent) {
        match event {
            SyncEvent::Present(sync) => self.present(*sync).await,
            SyncEvent::Gone { name } => self.gone(&name),
            SyncEvent::Complete { names } => {
                let gone: Vec<String> = self.running.keys().filter(|name| !names.contains(*name)).cloned().collect();
                for name in gone {
                    self.gone(&name);
                }
                self.shared.outbox.know_all(names.iter().map(|name| self.name_of(name)).collect());
                let _before = self.ready.send_replace(Ok(()));
            }
        }
    }

    async fn present(&mut self, sync: Sync) {
        let name = sync.metadata.name.clone().unwrap_or_default();
        let known = self.running.get(&name);
        if known.is_some_and(|known| known.sync.metadata.uid != sync.metadata.uid) {
            self.gone(&name);
        }
        self.shared.outbox.appear(self.name_of(&name));
        match self.running.get_mut(&name) {
            Some(running) => {
                running.sync = sync.clone();
                // A follower that ended is revived with what is kept here.
                let _ended = running.inbox.send(Message::Changed(Box::new(sync))).await;
            }
            None => self.start(name, sync),
        }
    }

    fn start(&mut self, name: String, sync: Sync) {
        let (inbox, receiver) = mpsc::channel(16);
        match Follower::new(Arc::clone(&self.shared), sync.clone()) {
            Ok(follower) => {
                info!(sync = %name, "follows {}", sync.spec.repository);
                let task = self.tasks.spawn(follower.run(receiver));
                self.running.insert(name, Running { sync, inbox, task });
            }
            Err(error) => error!(sync = %name, "the Sync {name} cannot be followed: {error}"),
        }
    }

    fn gone(&mut self, name: &str) {
        if let Some(running) = self.running.remove(name) {
            info!(sync = %name, "the Sync {name} is gone; its objects stay");
            running.task.abort();
            SyncMetrics::new(name).state(0, 0);
            self.shared.registry.remove(name);
        }
        self.shared.outbox.forget(&self.name_of(name));
    }

    fn name_of(&self, name: &str) -> SyncName {
        SyncName { namespace: self.shared.own.namespace().to_owned(), name: name.to_owned() }
    }

    async fn pass_on(&mut self, hint: Hint) {
        let Hint::BranchMoved { repository, branch } = hint else { return self.shared.outbox.tell_all() };
        for running in self.running.values() {
            let spec = &running.sync.spec;
            let same = RepoUrl::try_from(spec.repository.clone()).is_ok_and(|own| own == repository);
            if same && spec.branch == branch.as_str() {
                let _ended = running.inbox.send(Message::Look).await;
            }
        }
    }

    /// A follower ends when it is aborted, or when it panicked: then it begins anew.
    fn revive(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let Some(name) = self.running.iter().find(|(_, running)| running.task.id() == id).map(|(name, _)| name.clone())
        else {
            return;
        };
        error!(sync = %name, "the task of the Sync {name} ended and begins anew");
        if let Some(running) = self.running.remove(&name) {
            self.start(name, running.sync);
        }
    }
}
