//! What a synchronizer calls, under `/agent/v1`.

use std::time::Duration;

use chrono::Utc;
use heddle_core::id::ClusterKeyId;
use heddle_wire::agent::{
    EnrollRequest, EnrollResponse, GitTokenRequest, GitTokenResponse, HintsResponse, KeyRequest, KeyResponse, PROTOCOL,
    Report, ReportResponse,
};
use reqwest::Method;
use secrecy::SecretString;

use crate::{
    call::{Call, POLL_SLACK},
    error::ClientError,
    http::Http,
    key::AgentKey,
};

/// Largest answer to an agent: a hostile API must not fill the memory of a cluster's process.
const LIMIT_BYTES: usize = 1 << 20;

/// The API as one cluster's agent calls it.
#[derive(Debug, Clone)]
pub struct AgentClient {
    http: Http,
    key: AgentKey,
}

impl AgentClient {
    /// A client that signs each call with `key`.
    pub fn new(http: Http, key: AgentKey) -> Self {
        Self { http, key }
    }

    /// The key that it signs with.
    pub fn key(&self) -> &AgentKey {
        &self.key
    }

    /// `POST /agent/v1/enroll`: exchanges the single-use bootstrap token for an identity.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token is unknown, used or expired: a new install manifest is needed.
    pub async fn enroll(
        http: &Http,
        bootstrap_token: &SecretString,
        request: &EnrollRequest,
    ) -> Result<EnrollResponse, ClientError> {
        protocol(http.call(Method::POST, "agent/v1/enroll")).bearer(bootstrap_token).json(request).send().await?.json()
    }

    /// `POST /agent/v1/keys`: makes another key of the cluster known. The one that signs this call stays good.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the key that signs was revoked.
    pub async fn add_key(&self, request: &KeyRequest) -> Result<KeyResponse, ClientError> {
        self.call(Method::POST, "agent/v1/keys")?.json(request).send().await?.json()
    }

    /// `DELETE /agent/v1/keys/{key}`: ends a key of the cluster. One that has ended already may be named again.
    ///
    /// # Errors
    /// [`ClientError::Conflict`] for the key that signs the call.
    pub async fn end_key(&self, key: ClusterKeyId) -> Result<(), ClientError> {
        self.call(Method::DELETE, &format!("agent/v1/keys/{key}"))?.send().await?;
        Ok(())
    }

    /// `POST /agent/v1/report`, compressed. Sending the same report again changes nothing.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the key was revoked, [`ClientError::Gone`] when this agent is too old.
    pub async fn report(&self, report: &Report) -> Result<ReportResponse, ClientError> {
        self.call(Method::POST, "agent/v1/report")?.gzip_json(report).send().await?.json()
    }

    /// `GET /agent/v1/hints`: answers when there is a hint, or empty after `wait`, at most 55 s.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub async fn hints(&self, wait: Duration) -> Result<HintsResponse, ClientError> {
        self.call(Method::GET, "agent/v1/hints")?
            .query("wait", &wait.as_secs().to_string())
            .timeout(wait + POLL_SLACK)
            .send()
            .await?
            .json()
    }

    /// `POST /agent/v1/git-token`: a token that reads one repository for an hour.
    ///
    /// # Errors
    /// [`ClientError::NotConnected`] when the repository is not bound to the cluster's organization.
    pub async fn git_token(&self, request: &GitTokenRequest) -> Result<GitTokenResponse, ClientError> {
        self.call(Method::POST, "agent/v1/git-token")?.json(request).send().await?.json()
    }

    fn call(&self, method: Method, path: &str) -> Result<Call, ClientError> {
        let token = self
            .key
            .sign_token(Utc::now())
            .map_err(|error| ClientError::Unauthorized { message: error.to_string() })?;
        Ok(protocol(self.http.call(method, path)).bearer(&token))
    }
}

fn protocol(call: Call) -> Call {
    call.header("heddle-protocol", PROTOCOL).limit_bytes(LIMIT_BYTES)
}
