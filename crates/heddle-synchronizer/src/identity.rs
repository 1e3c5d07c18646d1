//! Who the agent is to the API: a key that is made in the cluster, and the one exchange that makes it known.

mod rotation;

use std::time::Duration;

use chrono::Utc;
use heddle_client::{AgentClient, AgentKey, ClientError, Http, KeyPair};
use heddle_core::id::{ClusterId, ClusterKeyId};
use heddle_kube::OwnClient;
use heddle_reconcile::hash_text;
use heddle_service::backoff::Backoff;
use heddle_wire::agent::EnrollRequest;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const PRIVATE_KEY: &str = "private-key";
const CLUSTER_ID: &str = "cluster-id";
const KEY_ID: &str = "key-id";

/// Hash of the bootstrap token that was exchanged: another token means that a person applied a new install manifest.
const BOOTSTRAP: &str = "bootstrap";

/// When the key was made. Absent in what earlier versions kept.
const MADE_AT: &str = "made-at";

/// A key that is to come next, kept before it is made known.
const NEXT_PRIVATE_KEY: &str = "next-private-key";

/// The key before, until the API has ended it.
const FORMER_KEY_ID: &str = "former-key-id";

/// How often a new install manifest is looked for after the key was refused.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Finds or makes the identity.
pub struct Identity {
    own: OwnClient,
    http: Http,
    key_life: Duration,
    agent_version: String,
    kubernetes_version: String,
}

impl Identity {
    /// Keeps what it makes by way of `own`, and makes another key after `key_life`.
    pub fn new(own: OwnClient, http: Http, key_life: Duration, agent_version: &str, kubernetes_version: &str) -> Self {
        let (agent_version, kubernetes_version) = (agent_version.to_owned(), kubernetes_version.to_owned());
        Self { own, http, key_life, agent_version, kubernetes_version }
    }

    /// Provides the client of the API as soon as there is one, and a new one when its key has lived long enough, or was
    /// `refused` and a person has applied a new install manifest.
    pub async fn provide(
        self,
        client: watch::Sender<Option<AgentClient>>,
        mut refused: watch::Receiver<Option<ClusterKeyId>>,
        shutdown: CancellationToken,
    ) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        loop {
            let bad = *refused.borrow_and_update();
            let wait = match self.find(bad).await {
                Ok(Some(key)) => {
                    backoff.reset();
                    let current = AgentClient::new(self.http.clone(), key);
                    client.send_replace(Some(current.clone()));
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        changed = refused.changed() => if changed.is_err() { return },
                        () = self.rotate(&current) => {}
                    }
                    Duration::ZERO
                }
                Ok(None) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!("the agent has no identity yet: {error:#}");
                    backoff.next_wait()
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// The key that is kept, unless it is the one that the API `refused`; else one that is made known by the bootstrap
    /// token. `None` when there is no token that was not used before.
    async fn find(&self, refused: Option<ClusterKeyId>) -> anyhow::Result<Option<AgentKey>> {
        let used = self.read(BOOTSTRAP).await?;
        let token = self.own.find_bootstrap_token().await?;
        let fresh = token.filter(|token| used.as_deref() != Some(hash_text(token.expose_secret()).as_str()));
        match (self.kept().await?, fresh) {
            (Some(key), _) if refused != Some(key.key_id()) => Ok(Some(key)),
            (Some(_), Some(token)) => self.enroll(&token, KeyPair::generate()?).await.map(Some),
            (None, Some(token)) => {
                let pair = self.pending_pair().await?;
                self.enroll(&token, pair).await.map(Some)
            }
            (Some(key), None) => {
                tracing::error!("the API refuses the agent's key: apply a new install manifest from the dashboard");
                // It may have been a fault of the API, so the key is tried again.
                tokio::time::sleep(LOOK_EVERY).await;
                Ok(Some(key))
            }
            (None, None) => {
                tracing::error!("there is no unused bootstrap token: apply a new install manifest from the dashboard");
                Ok(None)
            }
        }
    }

    /// The identity that is kept.
    async fn kept(&self) -> anyhow::Result<Option<AgentKey>> {
        let (Some(key), Some(cluster), Some(id)) =
            (self.own.find_identity(PRIVATE_KEY).await?, self.read(CLUSTER_ID).await?, self.read(KEY_ID).await?)
        else {
            return Ok(None);
        };
        let pair = KeyPair::from_pkcs8(key.expose_secret())?;
        let (cluster, id): (ClusterId, ClusterKeyId) = (cluster.parse()?, id.parse()?);
        Ok(Some(AgentKey::new(pair, cluster, id)))
    }

    /// A key whose exchange may have been cut short: the same one is offered again.
    async fn pending_pair(&self) -> anyhow::Result<KeyPair> {
        Ok(match self.own.find_identity(PRIVATE_KEY).await? {
            Some(key) => KeyPair::from_pkcs8(key.expose_secret())?,
            None => KeyPair::generate()?,
        })
    }

    async fn enroll(&self, token: &SecretString, pair: KeyPair) -> anyhow::Result<AgentKey> {
        // Kept before it is made known, because a token is good for one key.
        let forgotten = [CLUSTER_ID, KEY_ID, MADE_AT, BOOTSTRAP, NEXT_PRIVATE_KEY, FORMER_KEY_ID].map(nothing);
        let key = (PRIVATE_KEY, pair.pkcs8().clone());
        self.own.keep_identity(&[forgotten.as_slice(), &[key]].concat()).await?;
        let request = EnrollRequest {
            public_key: pair.public_key(),
            agent_version: self.agent_version.as_str().into(),
            kubernetes_version: self.kubernetes_version.as_str().into(),
        };
        let response = AgentClient::enroll(&self.http, token, &request).await.map_err(explain)?;
        self.own
            .keep_identity(&[
                (CLUSTER_ID, text(response.cluster_id.to_string())),
                (KEY_ID, text(response.key_id.to_string())),
                (MADE_AT, text(Utc::now().to_rfc3339())),
                (BOOTSTRAP, text(hash_text(token.expose_secret()))),
            ])
            .await?;
        tracing::info!(cluster = %response.cluster_id, "enrolled with {}", self.http.base());
        Ok(AgentKey::new(pair, response.cluster_id, response.key_id))
    }

    async fn read(&self, key: &str) -> anyhow::Result<Option<String>> {
        let value = self.own.find_identity(key).await?;
        Ok(value.and_then(|value| String::from_utf8(value.expose_secret().to_vec()).ok()))
    }
}

/// A value that is not there: a patch of a Secret leaves what it does not name.
fn nothing(key: &'static str) -> (&'static str, SecretSlice<u8>) {
    (key, SecretSlice::from(Vec::new()))
}

fn text(text: String) -> SecretSlice<u8> {
    SecretSlice::from(text.into_bytes())
}

fn explain(error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Unauthorized { message } => anyhow::anyhow!(
            "the bootstrap token is not accepted ({message}): apply a new install manifest from the dashboard"
        ),
        other => other.into(),
    }
}
