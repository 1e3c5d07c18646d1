//! What a Sync does besides while a run or a sweep is under way. What that does can take long, where a webhook is slow; it
//! must not keep a newer revision, another spec or a word about it waiting, and nothing of these keeps its end waiting.

use std::{convert::Infallible, future::pending, pin::pin, sync::Arc};

use heddle_kube::sync::Sync;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    inbox::{Inbox, Wake},
    schedule::Schedule,
    source::{Asker, Look, Looked, SourceReader},
    telling::Underway,
};

/// What is at hand while something is under way.
pub(super) struct Meanwhile<'a> {
    pub inbox: &'a mut Inbox,
    pub schedule: &'a mut Schedule,
    pub source: &'a mut SourceReader,
    pub asker: Asker,
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
    pub looks: Vec<Looked>,
}

impl Meanwhile<'_> {
    /// Does something, and what else is due. `stop` is cancelled when there is something newer to be done instead. It ends
    /// with what it does: a look that has begun goes on.
    pub async fn during<T>(self, work: impl Future<Output = T>, stop: &CancellationToken) -> (T, CameUp) {
        let (ended, mut came_up) = (CancellationToken::new(), CameUp::default());
        let work = async {
            let result = work.await;
            ended.cancel();
            result
        };
        let (result, ()) = tokio::join!(work, self.attend(&mut came_up, stop, &ended));
        (result, came_up)
    }

    async fn attend(self, came_up: &mut CameUp, stop: &CancellationToken, ended: &CancellationToken) {
        let Self { inbox, schedule, source, asker, underway } = self;
        let mut saying = pin!(say(underway));
        loop {
            // What is looked at now may be something else when the Sync was changed.
            let may_look = !source.is_looking() && !stop.is_cancelled();
            if may_look && schedule.claim_look(Instant::now()) {
                let api = inbox.api.borrow().clone();
                source.begin(Asker { api, ..asker.clone() }, None);
                continue;
            }
            tokio::select! {
                biased;
                () = ended.cancelled() => return,
                wake = inbox.next() => match wake {
                    Wake::Spec(sync) => {
                        if sync.spec != asker.sync.spec {
                            stop.cancel();
                        }
                        came_up.sync = Some(sync);
                    }
                    Wake::Look(head) => {
                        if source.hear(head) {
                            schedule.look(Instant::now());
                        }
                    }
                    Wake::Neighbors => came_up.neighbors = true,
                    Wake::Manifest => {}
                    Wake::Closed => {
                        stop.cancel();
                        return ended.cancelled().await;
                    }
                },
                looked = source.ended() => {
                    if looked.is_overtaken {
                        schedule.look(Instant::now());
                    }
                    if matches!(looked.result, Ok(Look::Rendered(_))) {
                        stop.cancel();
                    }
                    came_up.looks.push(looked);
                }
                () = tokio::time::sleep_until(schedule.look_at()), if may_look => {}
                never = &mut saying => match never {},
            }
        }
    }
}

/// Says once that something takes long.
async fn say(underway: Option<(Instant, Underway<'_>)>) -> Infallible {
    if let Some((at, mut underway)) = underway {
        tokio::time::sleep_until(at).await;
        underway.say().await;
    }
    pending().await
}
