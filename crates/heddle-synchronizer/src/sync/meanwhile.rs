//! What a Sync does besides while a run or a sweep is under way. What that does can take long, where a webhook is slow; it
//! must not keep a newer revision, another spec or a word about it waiting.

use std::{future::pending, sync::Arc};

use heddle_kube::sync::Sync;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    inbox::{Inbox, Wake},
    schedule::Schedule,
    source::{Asker, Look, LookFault, SourceReader},
    telling::Underway,
};

/// What is at hand while something is under way.
pub(super) struct Meanwhile<'a> {
    pub inbox: &'a mut Inbox,
    pub schedule: &'a mut Schedule,
    pub source: &'a mut SourceReader,
    pub asker: Asker<'a>,
    /// What to say, and when, if it takes long; `None` where there is nothing to say.
    pub underway: Option<(Instant, Underway<'a>)>,
}

/// What came up while something was under way, for when it has ended.
#[derive(Default)]
pub(super) struct CameUp {
    /// The Sync was changed.
    pub sync: Option<Arc<Sync>>,
    /// Something is new about other Syncs.
    pub neighbors: bool,
    /// What looks at the branch came to.
    pub looks: Vec<Result<Look, LookFault>>,
}

impl Meanwhile<'_> {
    /// Does something, and what else is due. `stop` is cancelled when there is something newer to be done instead.
    pub async fn during<T>(mut self, work: impl Future<Output = T>, stop: &CancellationToken) -> (T, CameUp) {
        let (ended, mut came_up) = (CancellationToken::new(), CameUp::default());
        let work = async {
            let result = work.await;
            ended.cancel();
            result
        };
        // A look that has begun is brought to its end.
        let (result, ()) = tokio::join!(work, self.attend(&mut came_up, stop, &ended));
        (result, came_up)
    }

    async fn attend(&mut self, came_up: &mut CameUp, stop: &CancellationToken, ended: &CancellationToken) {
        loop {
            let say_at = self.underway.as_ref().map(|(at, _)| *at);
            let is_slow = async {
                match say_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = ended.cancelled() => return,
                wake = self.inbox.next() => match wake {
                    Wake::Spec(sync) => {
                        if sync.spec != self.asker.sync.spec {
                            stop.cancel();
                        }
                        came_up.sync = Some(sync);
                    }
                    Wake::Look => self.schedule.look(Instant::now()),
                    Wake::Neighbors => came_up.neighbors = true,
                    Wake::Manifest => {}
                    Wake::Closed => {
                        stop.cancel();
                        return ended.cancelled().await;
                    }
                },
                () = tokio::time::sleep_until(self.schedule.look_at()) => {}
                () = is_slow => {
                    if let Some((_, mut underway)) = self.underway.take() {
                        underway.say().await;
                    }
                }
            }
            if !ended.is_cancelled() && self.schedule.claim_look(Instant::now()) {
                let looked = self.source.look(self.asker).await;
                if matches!(looked, Ok(Look::Rendered(_))) {
                    stop.cancel();
                }
                came_up.looks.push(looked);
            }
        }
    }
}
