//! The link to the API: reports out, hints in. Everything else goes on without it.

use std::{sync::Arc, time::Duration};

use heddle_client::{AgentClient, ClientError};
use heddle_core::id::ClusterKeyId;
use heddle_service::backoff::Backoff;
use heddle_wire::agent::Hint;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{metrics, outbox::Outbox};

/// A report goes at least this often, so that the API knows that the agent lives.
const HEARTBEAT: Duration = Duration::from_secs(30);

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

/// Sends reports as there is news, and one as a sign of life.
pub async fn send_reports(mut link: Link, outbox: Arc<Outbox>, shutdown: CancellationToken) {
    let sending = async {
        let mut backoff = backoff();
        loop {
            let Some(client) = link.client().await else { return };
            let sent = send_one(&client, &outbox).await;
            metrics::reported(sent.is_ok());
            match sent {
                Ok(()) => {
                    backoff.reset();
                    if !outbox.has_news() {
                        // Either way it is time for a report.
                        let _elapsed = tokio::time::timeout(HEARTBEAT, outbox.changed()).await;
                    }
                }
                Err(error) => link.wait_out(&client, "the report could not be sent", &error, &mut backoff).await,
            }
        }
    };
    let _ended = shutdown.run_until_cancelled(sending).await;
}

async fn send_one(client: &AgentClient, outbox: &Outbox) -> Result<(), ClientError> {
    let report = match outbox.next_report() {
        Ok(report) => report,
        Err(error) => {
            tracing::error!(%error, "the outbox cannot be written, so nothing is reported");
            tokio::time::sleep(HEARTBEAT).await;
            return Ok(());
        }
    };
    let response = client.report(&report).await?;
    if let Err(error) = outbox.acknowledge(response.acknowledged.max(report.sequence)) {
        tracing::error!(%error, "the outbox cannot be written");
    }
    if response.resync {
        outbox.tell_all();
    }
    Ok(())
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
