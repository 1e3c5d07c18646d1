//! The link to the API: reports out, hints in. Everything else goes on without it.

mod pace;

use std::{sync::Arc, time::Duration};

use heddle_client::{AgentClient, ClientError};
use heddle_core::id::ClusterKeyId;
use heddle_service::backoff::Backoff;
use heddle_wire::{agent::Hint, problem::Problem};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::pace::Pace;
use crate::{
    metrics,
    outbox::{Outbox, Refusal, Settled},
};

/// A report goes at least this often, so that the API knows that the agent lives.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// After so many answers 500 to one report in a row its content is suspected.
pub const MOST_FAILURES: u32 = 5;

/// How long the API may hold a question for hints.
const HINT_WAIT: Duration = Duration::from_secs(55);

/// The API's client, as soon as the agent has an identity, and a way to say that it is refused.
#[derive(Clone)]
pub struct Link {
    /// The client.
    pub client: watch::Receiver<Option<AgentClient>>,
    /// The key that was refused last.
    pub refused: Arc<watch::Sender<Option<ClusterKeyId>>>,
}

impl Link {
    /// The client, once there is one.
    async fn client(&mut self) -> Option<AgentClient> {
        self.client.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Waits a while after a call that failed. A key that was replaced meanwhile is no failure.
    async fn wait_out(&self, client: &AgentClient, what: &str, error: &ClientError, backoff: &mut Backoff) {
        if matches!(error, ClientError::Unauthorized { .. }) {
            let used = client.key().key_id();
            let newest = self.client.borrow().as_ref().map(|client| client.key().key_id());
            if newest != Some(used) {
                return;
            }
            self.refused.send_replace(Some(used));
        }
        let wait = error.retry_after().unwrap_or_else(|| backoff.next_wait());
        tracing::warn!("{what}, next try in {} s: {error}", wait.as_secs_f32());
        tokio::time::sleep(wait).await;
    }
}

/// Sends reports as there is news, and one as a sign of life, until `shutdown`. It ends before that only with the task that
/// provides the agent's identity, and says so.
pub async fn send_reports(mut link: Link, outbox: Arc<Outbox>, shutdown: CancellationToken) {
    let sending = async {
        let (pace, mut backoff) = (Pace::default(), backoff());
        let mut failures = 0;
        loop {
            let Some(client) = link.client().await else {
                tracing::error!("the agent's identity is provided no more, so nothing can be reported");
                return;
            };
            pace.wait().await;
            let report = outbox.next().await;
            let sent = client.report(&report).await;
            metrics::reported(sent.is_ok());
            match sent {
                Ok(response) => {
                    failures = 0;
                    settle(&outbox, Settled::Taken, &mut backoff).await;
                    if response.resync {
                        outbox.tell_all();
                    }
                    if !outbox.has_news() {
                        // Either way it is time for a report.
                        let _elapsed = tokio::time::timeout(HEARTBEAT, outbox.changed()).await;
                    }
                }
                Err(error) => {
                    failures = if is_failure(&error) { failures + 1 } else { 0 };
                    if let Some(refusal) = refusal(&error, failures) {
                        failures = 0;
                        settle(&outbox, Settled::Refused(refusal), &mut backoff).await;
                    }
                    link.wait_out(&client, "the report could not be sent", &error, &mut backoff).await;
                }
            }
        }
    };
    let _ended = shutdown.run_until_cancelled(sending).await;
}

/// Tells the outbox what became of a report. What could not be kept is sent again after a while, which changes nothing.
async fn settle(outbox: &Outbox, how: Settled, backoff: &mut Backoff) {
    let is_taken = how == Settled::Taken;
    match outbox.settled(how).await {
        Ok(()) if is_taken => backoff.reset(),
        Ok(()) => {}
        Err(error) => {
            tracing::error!(%error, "the outbox cannot be written; see to the agent's state directory");
            tokio::time::sleep(backoff.next_wait()).await;
        }
    }
}

/// Whether the API failed at the very content, as far as one can tell: what is away or busy answers otherwise.
fn is_failure(error: &ClientError) -> bool {
    matches!(error, ClientError::Unavailable(unavailable) if unavailable.status == Some(500))
}

/// Whether the API read a report and found its body at fault. Any other refusal is about the agent, its rights or the API's
/// age, and passes when somebody mends that.
fn blames_content(problem: &Problem) -> bool {
    matches!((problem.status, problem.code.as_str()), (400, "bad-json") | (422, "invalid"))
}

/// Why the API will not take a report, after so many failures at it; `None` while it may yet.
fn refusal(error: &ClientError, failures: u32) -> Option<Refusal> {
    match error {
        ClientError::TooLarge { message } => Some(Refusal::TooLarge(message.clone())),
        ClientError::Problem(problem) if blames_content(problem) => Some(Refusal::Content(problem.message.clone())),
        failing if failures >= MOST_FAILURES => Some(Refusal::Failing(failing.to_string())),
        _ => None,
    }
}

/// Asks for hints, for ever, and passes them on.
pub async fn receive_hints(mut link: Link, hints: mpsc::Sender<Hint>, shutdown: CancellationToken) {
    let receiving = async {
        let mut backoff = backoff();
        loop {
            let Some(client) = link.client().await else { return };
            match client.hints(HINT_WAIT).await {
                Ok(response) => {
                    backoff.reset();
                    for hint in response.hints {
                        if hints.send(hint).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => link.wait_out(&client, "hints could not be asked for", &error, &mut backoff).await,
            }
        }
    };
    let _ended = shutdown.run_until_cancelled(receiving).await;
}

/// The ceiling is low, because a report that waits is a deploy that nobody sees.
fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(500), Duration::from_secs(10))
}

#[cfg(test)]
mod tests;
