//! Another key for the one that has lived long enough.
//!
//! Each step is kept before the next, so that a kill in between goes on where it stood: the next key is kept, then made
//! known, then takes the place of the current one; the former one is ended by the client that signs with the new one.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use heddle_client::{AgentClient, KeyPair};
use heddle_service::backoff::Backoff;
use heddle_wire::agent::KeyRequest;
use secrecy::ExposeSecret;

use super::{FORMER_KEY_ID, Identity, KEY_ID, MADE_AT, NEXT_PRIVATE_KEY, PRIVATE_KEY, nothing, text};

/// How long a key is not looked at: a machine that slept has a clock that jumped.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Whether the key was replaced.
enum Rotation {
    Done,
    NotBefore(DateTime<Utc>),
}

impl Identity {
    /// Replaces the key when its life is over; returns when another one is kept. Faults are waited out, because the
    /// current key stays good.
    pub(super) async fn rotate(&self, client: &AgentClient) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(600));
        loop {
            let wait = match self.rotate_once(client).await {
                Ok(Rotation::Done) => return,
                Ok(Rotation::NotBefore(due)) => {
                    backoff.reset();
                    (due - Utc::now()).to_std().unwrap_or_default().min(LOOK_EVERY)
                }
                Err(error) => {
                    tracing::warn!("the agent's key could not be replaced yet, the current one stays: {error:#}");
                    backoff.next_wait()
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn rotate_once(&self, client: &AgentClient) -> anyhow::Result<Rotation> {
        if let Some(former) = self.read(FORMER_KEY_ID).await? {
            client.end_key(former.parse()?).await?;
            self.own.keep_identity(&[nothing(FORMER_KEY_ID)]).await?;
        }
        // One whose answer may have been lost is offered again, whatever the age of the current one.
        let pair = match self.own.find_identity(NEXT_PRIVATE_KEY).await? {
            Some(kept) => KeyPair::from_pkcs8(kept.expose_secret())?,
            None => match self.due().await?.filter(|due| *due > Utc::now()) {
                Some(due) => return Ok(Rotation::NotBefore(due)),
                None => self.make_next().await?,
            },
        };
        let known = client.add_key(&KeyRequest { public_key: pair.public_key() }).await?;
        let former = client.key().key_id();
        self.own
            .keep_identity(&[
                (PRIVATE_KEY, pair.pkcs8().clone()),
                (KEY_ID, text(known.key_id.to_string())),
                (MADE_AT, text(Utc::now().to_rfc3339())),
                (FORMER_KEY_ID, text(former.to_string())),
                nothing(NEXT_PRIVATE_KEY),
            ])
            .await?;
        tracing::info!(former = %former, key = %known.key_id, "the agent signs with a new key");
        Ok(Rotation::Done)
    }

    /// When the life of the current key is over. A key of unknown age has none left.
    async fn due(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        let made_at = self.read(MADE_AT).await?.and_then(|text| text.parse::<DateTime<Utc>>().ok());
        Ok(made_at.and_then(|made| made.checked_add_signed(TimeDelta::from_std(self.key_life).ok()?)))
    }

    async fn make_next(&self) -> anyhow::Result<KeyPair> {
        let pair = KeyPair::generate()?;
        self.own.keep_identity(&[(NEXT_PRIVATE_KEY, pair.pkcs8().clone())]).await?;
        Ok(pair)
    }
}
