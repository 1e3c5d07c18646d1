//! What wakes a Sync besides the time and its own watches. Nothing here blocks its sender: of the spec only the newest
//! counts, and several reasons to look are one.

use std::sync::Arc;

use heddle_client::AgentClient;
use heddle_kube::{FirstSync, sync::Sync};
use tokio::sync::{Notify, watch};

/// The far end of an inbox, held by the supervisor.
#[derive(Debug)]
pub struct Sender {
    spec: watch::Sender<Arc<Sync>>,
    look: Arc<Notify>,
}

impl Sender {
    /// The Sync was changed.
    pub fn change(&self, sync: Arc<Sync>) {
        self.spec.send_replace(sync);
    }

    /// Its branch may have moved.
    pub fn look(&self) {
        self.look.notify_one();
    }
}

/// What wakes one Sync.
#[derive(Debug)]
pub struct Inbox {
    pub(super) spec: watch::Receiver<Arc<Sync>>,
    look: Arc<Notify>,
    pub(super) neighbors: watch::Receiver<()>,
    pub(super) api: watch::Receiver<Option<AgentClient>>,
    pub(super) manifest: watch::Receiver<FirstSync>,
}

/// Why a Sync wakes.
#[derive(Debug)]
pub(super) enum Wake {
    /// The Sync was changed, or its spec is known for the first time.
    Spec(Arc<Sync>),
    /// Its branch may have moved, or the API may now give a token for git.
    Look,
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
        let look = Arc::new(Notify::new());
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
            () = self.look.notified() => Wake::Look,
            Ok(()) = self.api.changed() => Wake::Look,
            Ok(()) = self.neighbors.changed() => Wake::Neighbors,
            Ok(()) = self.manifest.changed() => Wake::Manifest,
        }
    }
}

#[cfg(test)]
mod tests;
