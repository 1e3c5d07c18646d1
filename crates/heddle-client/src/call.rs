//! One call: what is sent with it, how long it may take, how much may come back.

use std::{io::Write, sync::Arc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::error::ClientError;

/// Longest wait for an answer, long polls aside.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a long poll may take beyond its own wait: the way there and back.
pub(crate) const POLL_SLACK: Duration = Duration::from_secs(15);

/// Largest answer that is read, counted after decompression. An update with the tags of 1,000 images takes about 100 MB.
const LIMIT_BYTES: usize = 256 << 20;

/// A call that is being put together.
pub(crate) struct Call {
    client: reqwest::Client,
    base: Arc<Url>,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    timeout: Option<Duration>,
    limit_bytes: usize,
}

impl Call {
    pub(crate) fn new(client: reqwest::Client, base: Arc<Url>, method: Method, url: Url) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, application/problem+json"));
        Self { client, base, method, url, headers, body: None, timeout: Some(TIMEOUT), limit_bytes: LIMIT_BYTES }
    }

    pub(crate) fn bearer(self, token: &SecretString) -> Self {
        self.secret_header(AUTHORIZATION, &format!("Bearer {}", token.expose_secret()))
    }

    pub(crate) fn cookie(self, pair: &SecretString) -> Self {
        self.secret_header(COOKIE, pair.expose_secret())
    }

    /// A secret that cannot stand in a header (a line feed in a file) is left out: the API then says that none came.
    fn secret_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(HeaderName::from_static(name), value.into());
        self
    }

    pub(crate) fn accept(self, media_type: &'static str) -> Self {
        self.header("accept", HeaderValue::from_static(media_type))
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    pub(crate) fn query_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// For streams, which end when either side wants.
    pub(crate) fn without_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    pub(crate) fn limit_bytes(mut self, limit: usize) -> Self {
        self.limit_bytes = limit;
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(encode(body));
        self.header("content-type", HeaderValue::from_static("application/json"))
    }

    pub(crate) fn gzip_json(self, body: &impl Serialize) -> Self {
        let mut call = self.json(body);
        call.body = call.body.map(|plain| compress(&plain));
        call.header("content-encoding", HeaderValue::from_static("gzip"))
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(self) -> Result<Answer, ClientError> {
        let (api, limit) = (self.base.as_str().trim_end_matches('/').to_owned(), self.limit_bytes);
        let mut response = self.open().await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| ClientError::unreachable(&api, e))? {
            if body.len() + chunk.len() > limit {
                return Err(ClientError::Foreign { api, fault: format!("more than {limit} bytes came") });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { api, status: response.status(), headers: response.headers().clone(), body })
    }

    /// Sends it and gives the answer once it has begun with success.
    pub(crate) async fn open(self) -> Result<reqwest::Response, ClientError> {
        let api = self.base.as_str().trim_end_matches('/').to_owned();
        let mut request = self.client.request(self.method, self.url).headers(self.headers);
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|e| ClientError::unreachable(&api, e))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(read_failure(&api, response).await)
    }
}

/// Reads as much of a failure as a problem document can have.
async fn read_failure(api: &str, mut response: reqwest::Response) -> ClientError {
    const PROBLEM_LIMIT_BYTES: usize = 256 << 10;
    let mut body = Vec::new();
    // The status says enough when the rest does not come.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > PROBLEM_LIMIT_BYTES {
            break;
        }
    }
    ClientError::from_answer(api, response.status(), response.headers(), &body)
}

/// An answer with a status of 2xx.
pub(crate) struct Answer {
    api: String,
    status: StatusCode,
    /// The answer's headers.
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        // The error names line and column alone: the body may hold a credential.
        serde_json::from_slice(&self.body).map_err(|error| ClientError::Foreign {
            api: self.api.clone(),
            fault: format!("its body does not read at line {}, column {}", error.line(), error.column()),
        })
    }

    /// `None` for 204.
    pub(crate) fn json_if_any<T: DeserializeOwned>(&self) -> Result<Option<T>, ClientError> {
        if self.status == StatusCode::NO_CONTENT { Ok(None) } else { self.json().map(Some) }
    }
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("bodies are plain data with text keys, which JSON can hold")
}

fn compress(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}
