//! What a reporter of drift calls, under `/reporter/v1`.

use heddle_wire::drift::{DriftLook, LookTaken, ReporterRecord};
use reqwest::Method;
use secrecy::SecretString;

use crate::{error::ClientError, http::Http};

/// Largest answer to a reporter.
const LIMIT_BYTES: usize = 64 << 10;

/// The API as the reporter of one record calls it.
#[derive(Debug, Clone)]
pub struct ReporterClient {
    http: Http,
    token: SecretString,
}

impl ReporterClient {
    /// A client that shows `token` with each call.
    pub fn new(http: Http, token: SecretString) -> Self {
        Self { http, token }
    }

    /// `GET /reporter/v1/record`: what the token reports, and the API's time.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token is not known or was revoked.
    pub async fn record(&self) -> Result<ReporterRecord, ClientError> {
        let call = self.http.call(Method::GET, "reporter/v1/record").bearer(&self.token);
        call.limit_bytes(LIMIT_BYTES).send().await?.json()
    }

    /// `POST /reporter/v1/looks`: tells what a look found. Sent again, it changes nothing.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token is not known or was revoked; [`ClientError::Problem`] with
    /// `other-record` when it is for another record, and with `older-look` when a newer look is known.
    pub async fn report(&self, look: &DriftLook) -> Result<LookTaken, ClientError> {
        let call = self.http.call(Method::POST, "reporter/v1/looks").bearer(&self.token);
        call.gzip_json(look).limit_bytes(LIMIT_BYTES).send().await?.json()
    }
}
