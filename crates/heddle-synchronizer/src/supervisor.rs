//! One task for each Sync of the cluster. It never waits for any of them.

mod restarts;

use std::{collections::HashMap, sync::Arc};

use futures::StreamExt;
use heddle_core::{git::RepoUrl, name::SyncName};
use heddle_kube::{SyncEvent, sync::Sync};
use heddle_wire::agent::Hint;
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use url::Url;

pub(crate) use self::restarts::LONGEST_WAIT;
use self::restarts::Restarts;
use crate::{
    leader::Readiness,
    metrics::SyncMetrics,
    sync::{
        Context, SyncTask,
        inbox::{Inbox, Sender},
    },
};

/// Starts, tells and stops the tasks of the Syncs.
pub struct Supervisor {
    ctx: Arc<Context>,
    ready: Readiness,
    syncs: HashMap<String, Supervised>,
    tasks: JoinSet<()>,
    restarts: Restarts,
}

/// A Sync, and its task where it has one at the moment.
struct Supervised {
    sync: Arc<Sync>,
    inbox: Sender,
    task: tokio::task::AbortHandle,
}

impl Supervisor {
    /// `ready` is set when the Syncs are known.
    pub fn new(ctx: Arc<Context>, ready: Readiness) -> Self {
        Self { ctx, ready, syncs: HashMap::new(), tasks: JoinSet::new(), restarts: Restarts::default() }
    }

    /// Runs until `shutdown`.
    pub async fn run(mut self, mut hints: mpsc::Receiver<Hint>, shutdown: CancellationToken) {
        let mut events = std::pin::pin!(self.ctx.own.watch_syncs());
        loop {
            let restart_at = self.restarts.next_at();
            let restart = async {
                match restart_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(event) = events.next() => self.observe(event),
                Some(hint) = hints.recv() => self.pass_on(&hint),
                Some(ended) = self.tasks.join_next_with_id() => self.note_end(&ended),
                () = restart => self.restart(),
            }
        }
    }

    fn observe(&mut self, event: SyncEvent) {
        match event {
            SyncEvent::Present(sync) => self.present(Arc::new(*sync)),
            SyncEvent::Gone { name } => {
                self.gone(&name);
                self.remove_clones();
            }
            SyncEvent::Complete { names } => {
                let gone: Vec<String> = self.syncs.keys().filter(|name| !names.contains(*name)).cloned().collect();
                for name in gone {
                    self.gone(&name);
                }
                self.ctx.neighbors.know_all();
                self.ctx.outbox.know_all(names.iter().map(|name| self.name_of(name)).collect());
                let _before = self.ready.send_replace(Ok(()));
                self.remove_clones();
            }
        }
    }

    fn present(&mut self, sync: Arc<Sync>) {
        let name = sync.metadata.name.clone().unwrap_or_default();
        let known = self.syncs.get(&name);
        if known.is_some_and(|known| known.sync.metadata.uid != sync.metadata.uid) {
            self.gone(&name);
        }
        self.ctx.outbox.appear(self.name_of(&name));
        match self.syncs.get_mut(&name) {
            Some(known) => {
                // A task that ended begins anew with what is kept here.
                known.inbox.change(Arc::clone(&sync));
                known.sync = sync;
            }
            None => self.start(name, sync),
        }
    }

    fn start(&mut self, name: String, sync: Arc<Sync>) {
        info!(sync = %name, "follows {}", sync.spec.repository);
        let ctx = &self.ctx;
        let (sender, inbox) =
            Inbox::new(Arc::clone(&sync), ctx.neighbors.subscribe(), ctx.api.clone(), ctx.manifest.clone());
        let task = SyncTask::new(Arc::clone(ctx), Arc::clone(&sync), inbox);
        let task = self.tasks.spawn(task.run());
        self.syncs.insert(name, Supervised { sync, inbox: sender, task });
    }

    fn gone(&mut self, name: &str) {
        if let Some(known) = self.syncs.remove(name) {
            info!(sync = %name, "the Sync {name} is gone; its objects stay");
            known.task.abort();
            self.restarts.forget(name);
            SyncMetrics::new(name).state(Some(0), 0);
            self.ctx.neighbors.remove(name);
        }
        self.ctx.outbox.forget(&self.name_of(name));
    }

    /// Removes the clones of repositories that no Sync names any more.
    fn remove_clones(&self) {
        let repositories = self.syncs.values().map(|known| &known.sync.spec.repository);
        let named: Vec<Url> = repositories.filter_map(|repository| repository.parse().ok()).collect();
        let store = self.ctx.store.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = store.keep_only(&named) {
                warn!(%error, "clones that no Sync names could not be removed: {error}");
            }
        });
    }

    fn name_of(&self, name: &str) -> SyncName {
        SyncName { namespace: self.ctx.own.namespace().to_owned(), name: name.to_owned() }
    }

    fn pass_on(&self, hint: &Hint) {
        let Hint::BranchMoved { repository, branch, revision } = hint else { return self.ctx.outbox.tell_all() };
        for known in self.syncs.values() {
            let spec = &known.sync.spec;
            let same = RepoUrl::try_from(spec.repository.clone()).is_ok_and(|own| own == *repository);
            if same && spec.branch == branch.as_str() {
                known.inbox.look(revision.clone());
            }
        }
    }

    /// A task ends when it is aborted, or when it panicked: then it begins anew after a while.
    fn note_end(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let name = self.syncs.iter().find(|(_, known)| known.task.id() == id).map(|(name, _)| name.clone());
        let Some(name) = name else { return };
        let wait = self.restarts.note_end(&name, Instant::now());
        error!(sync = %name, "the task of the Sync {name} ended and begins anew in {} s", wait.as_secs_f32());
    }

    fn restart(&mut self) {
        for name in self.restarts.claim(Instant::now()) {
            if let Some(known) = self.syncs.remove(&name) {
                self.start(name, known.sync);
            }
        }
    }
}
