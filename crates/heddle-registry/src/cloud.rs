//! Short-lived logins that a cloud gives for a long-lived secret: Amazon, Google, Microsoft.
//!
//! Addresses are ours and follow from the registry's host alone. What a cloud gave is kept until shortly before its end, for
//! the login that it was given to. It must not know where the secret is stored.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::registry::RegistryHost;
use heddle_egress::Unsent;
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use crate::{
    access::Access,
    ask::{Failure, LoginFault, asks_for_fewer, failed, read_body, retry_at, within},
    limits::{LOGIN_DEADLINE, MAX_KEPT_LOGINS, MAX_LOGIN_BYTES, MAX_TOKEN_BYTES},
    login::Credential,
};

mod amazon;
mod azure;
mod google;

/// So long before its end what a cloud gave is used no more.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// A long-lived secret of a cloud.
#[derive(Debug, Clone)]
pub enum CloudSecret {
    /// An access key of Amazon Web Services.
    Amazon {
        /// Its id.
        access_key_id: String,
        /// The key.
        secret_access_key: SecretString,
        /// The role that is assumed with it.
        role_arn: Option<String>,
        /// What the role's trust asks for besides.
        external_id: Option<String>,
    },
    /// The key of a Google service account.
    Google {
        /// The account.
        client_email: String,
        /// Names the key.
        private_key_id: String,
        /// The key, PEM.
        private_key: SecretString,
    },
    /// A service principal of Microsoft Entra.
    Azure {
        /// The tenant.
        tenant: String,
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
    },
}

/// Which login what a cloud gave belongs to: its id, and which entering of it.
pub type LoginKey = (Uuid, Uuid);

/// Addresses in the place of the clouds' own. The operator sets them, and nobody else.
#[derive(Debug, Clone, Default)]
pub struct Endpoints(HashMap<Endpoint, Url>);

/// Why an address of a cloud is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no `NAME=ADDRESS` with one of the names ecr, ecr-public, sts, google, azure, acr")]
pub struct EndpointError(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Endpoint {
    Ecr,
    EcrPublic,
    Sts,
    Google,
    Azure,
    Acr,
}

impl Endpoints {
    /// From `NAME=ADDRESS` each.
    ///
    /// # Errors
    /// For the first that is none.
    pub fn new(all: &[String]) -> Result<Self, EndpointError> {
        let read = |text: &String| {
            let (name, address) = text.split_once('=')?;
            let endpoint = match name {
                "ecr" => Endpoint::Ecr,
                "ecr-public" => Endpoint::EcrPublic,
                "sts" => Endpoint::Sts,
                "google" => Endpoint::Google,
                "azure" => Endpoint::Azure,
                "acr" => Endpoint::Acr,
                _ => return None,
            };
            Some((endpoint, address.parse().ok()?))
        };
        let all: Result<_, _> = all.iter().map(|text| read(text).ok_or_else(|| EndpointError(text.clone()))).collect();
        Ok(Self(all?))
    }

    /// The address, or the one that was set in its place.
    fn at(&self, endpoint: Endpoint, own: &str) -> Result<Url, Failure> {
        match self.0.get(&endpoint) {
            Some(url) => Ok(url.clone()),
            None => own.parse().map_err(|_| failed("the registry's host makes no address of its cloud")),
        }
    }
}

/// What a cloud gave.
#[derive(Debug, Clone)]
pub(crate) struct Lent {
    pub credential: Credential,
    /// Another one each time.
    pub number: u64,
    until: DateTime<Utc>,
}

/// What a cloud gives, before it is kept.
struct Given {
    credential: Credential,
    ends_at: DateTime<Utc>,
}

type Slot = Arc<tokio::sync::Mutex<Option<Lent>>>;

/// The way to the clouds, and what they gave. Clones share it.
#[derive(Clone)]
pub struct Clouds {
    access: Access,
    endpoints: Arc<Endpoints>,
    kept: Arc<std::sync::Mutex<HashMap<LoginKey, Slot>>>,
}

impl fmt::Debug for Clouds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clouds")
    }
}

/// A login that a cloud gives what is shown for.
#[derive(Debug, Clone)]
pub struct Cloud {
    clouds: Clouds,
    key: LoginKey,
    host: RegistryHost,
    secret: CloudSecret,
}

impl Clouds {
    /// With nothing kept yet.
    pub fn new(access: Access, endpoints: Endpoints) -> Self {
        Self { access, endpoints: Arc::new(endpoints), kept: Arc::default() }
    }

    /// The login `key` with its secret, for the registry at `host`.
    pub fn login(&self, key: LoginKey, host: RegistryHost, secret: CloudSecret) -> Cloud {
        Cloud { clouds: self.clone(), key, host, secret }
    }

    fn slot(&self, key: LoginKey) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT_LOGINS && !kept.contains_key(&key) {
            kept.clear();
        }
        Arc::clone(kept.entry(key).or_default())
    }
}

impl Cloud {
    /// What is shown to the registry: what is kept, unless it ends soon or is the one that the registry refused.
    pub(crate) async fn credential(&self, refused: Option<u64>) -> Result<Lent, Failure> {
        let slot = self.clouds.slot(self.key);
        // Whoever comes meanwhile waits here and takes the same.
        let mut kept = slot.lock().await;
        let usable = kept.as_ref().filter(|lent| lent.until > Utc::now() && Some(lent.number) != refused);
        if let Some(lent) = usable {
            return Ok(lent.clone());
        }
        let number = kept.as_ref().map_or(0, |lent| lent.number) + 1;
        let late = || cloud_failed(&self.host, "its cloud did not answer in time");
        let given = within(LOGIN_DEADLINE, self.ask(), late).await?;
        let lent = Lent { credential: given.credential, number, until: given.ends_at - MARGIN };
        *kept = Some(lent.clone());
        Ok(lent)
    }

    async fn ask(&self) -> Result<Given, Failure> {
        let Clouds { access, endpoints, .. } = &self.clouds;
        let caller = Caller { access, endpoints, host: &self.host };
        match &self.secret {
            CloudSecret::Amazon { access_key_id, secret_access_key, role_arn, external_id } => {
                let key = amazon::Key::new(access_key_id, secret_access_key);
                amazon::password(&caller, key, role_arn.as_deref(), external_id.as_deref()).await
            }
            CloudSecret::Google { client_email, private_key_id, private_key } => {
                google::token(&caller, client_email, private_key_id, private_key).await
            }
            CloudSecret::Azure { tenant, client_id, client_secret } => {
                azure::token(&caller, tenant, client_id, client_secret).await
            }
        }
    }
}

/// Who asks a cloud, for which registry.
struct Caller<'a> {
    access: &'a Access,
    endpoints: &'a Endpoints,
    host: &'a RegistryHost,
}

impl Caller<'_> {
    /// The body of an answer of 200. Anything else says nothing that the far end wrote, but for which of the known classes it
    /// is of: `class` takes the status and the body.
    async fn read(
        &self,
        answer: Result<Response, Unsent>,
        class: impl FnOnce(StatusCode, &str) -> Option<(LoginFault, &'static str)>,
    ) -> Result<Vec<u8>, Failure> {
        let answer = answer.map_err(|error| match error {
            Unsent::Refused(refused) => self.failed(&refused.to_string()),
            Unsent::Failed(_) => self.failed("its cloud cannot be reached"),
        })?;
        let status = answer.status();
        let retry = retry_at(answer.headers(), Utc::now());
        let throttled = asks_for_fewer(status, answer.headers());
        let body = read_body(answer, MAX_LOGIN_BYTES).await;
        let body = body.map_err(|_| self.failed("its cloud cut its answer short, or answers too much"))?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        let failure = match class(status, &String::from_utf8_lossy(&body)) {
            Some((fault, words)) => Failure { login: Some(fault), ..self.failed(words) },
            None => self.failed(&format!("its cloud answered with status {}", status.as_u16())),
        };
        Err(Failure { retry_at: retry, throttled, ..failure })
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(body).map_err(|_| self.failed("its cloud gave no token"))
    }

    /// A text that is sent in a header later.
    fn check(&self, token: String) -> Result<SecretString, Failure> {
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return Err(self.failed("its cloud gave a token that is empty or too long"));
        }
        Ok(token.into())
    }

    fn failed(&self, reason: &str) -> Failure {
        cloud_failed(self.host, reason)
    }
}

fn cloud_failed(host: &RegistryHost, reason: &str) -> Failure {
    Failure { login: Some(LoginFault::Failed), ..failed(format!("the login at `{host}` failed: {reason}")) }
}

/// In so many seconds from now, at most a day.
fn ends_in(seconds: u64) -> DateTime<Utc> {
    Utc::now() + Duration::from_secs(seconds.min(24 * 3600))
}
