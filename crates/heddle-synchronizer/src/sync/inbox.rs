//! What wakes a Sync besides the time and its own watches. Nothing here blocks its sender: of the spec only the newest
//! counts, and several reasons to look are one.

use std::sync::{Arc, Mutex, PoisonError};

use heddle_client::AgentClient;
use heddle_core::git::Revision;
use heddle_kube::{FirstSync, sync::Sync};
use tokio::sync::{Notify, watch};

/// The far end of an inbox, held by the supervisor.
#[derive(Debug)]
pub struct Sender {
    spec: watch::Sender<Arc<Sync>>,
    look: Arc<Reason>,
}

/// Why to look, until it is read.
#[derive(Debug, Default)]
struct Reason {
    /// The head that all hints told of; `None` where they told of none or of several.
    head: Mutex<Option<Option<Revision>>>,
    there: Notify,
}

impl Reason {
    fn tell(&self, head: Option<Revision>) {
        let mut told = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let is_another = told.as_ref().is_some_and(|before| *before != head);
        *told = Some(head.filter(|_| !is_another));
        self.there.notify_one();
    }

    /// Dropping the future loses nothing.
    async fn wait(&self) -> Option<Revision> {
        self.there.notified().await;
        self.head.lock().unwrap_or_else(PoisonError::into_inner).take().flatten()
    }
}

impl Sender {
    /// The Sync was changed.
    pub fn change(&self, sync: Arc<Sync>) {
        self.spec.send_replace(sync);
    }

    /// Its branch may have moved, to this head where that is known.
    pub fn look(&self, head: Option<Revision>) {
        self.look.tell(head);
    }
}

/// What wakes one Sync.
#[derive(Debug)]
pub struct Inbox {
    pub(super) spec: watch::Receiver<Arc<Sync>>,
    look: Arc<Reason>,
    pub(super) neighbors: watch::Receiver<()>,
    pub(super) api: watch::Receiver<Option<AgentClient>>,
    pub(super) manifest: watch::Receiver<FirstSync>,
}

/// Why a Sync wakes.
#[derive(Debug)]
pub(super) enum Wake {
    /// The Sync was changed, or its spec is known for the first time.
    Spec(Arc<Sync>),
    /// Its branch may have moved, to this head where that is known, or the API may now give a token for git.
    Look(Option<Revision>),
    /// Something is new about another Sync.
    Neighbors,
    /// Something is new about the install manifest.
    Manifest,
    /// Nobody will ever wake it again.
    Closed,
}

impl Inbox {
    /// An inbox that knows how `sync` is.
    pub fn new(
        sync: Arc<Sync>,
        neighbors: watch::Receiver<()>,
        api: watch::Receiver<Option<AgentClient>>,
        manifest: watch::Receiver<FirstSync>,
    ) -> (Sender, Self) {
        let (spec, receiver) = watch::channel(sync);
        let look = Arc::new(Reason::default());
        let inbox = Self { spec: receiver, look: Arc::clone(&look), neighbors, api, manifest };
        (Sender { spec, look }, inbox)
    }

    /// The next reason to wake. Dropping the future loses none.
    pub(super) async fn next(&mut self) -> Wake {
        tokio::select! {
            changed = self.spec.changed() => match changed {
                Ok(()) => Wake::Spec(Arc::clone(&self.spec.borrow_and_update())),
                Err(_) => Wake::Closed,
            },
            head = self.look.wait() => Wake::Look(head),
            Ok(()) = self.api.changed() => Wake::Look(None),
            Ok(()) = self.neighbors.changed() => Wake::Neighbors,
            Ok(()) = self.manifest.changed() => Wake::Manifest,
        }
    }
}

#[cfg(test)]
mod tests;
