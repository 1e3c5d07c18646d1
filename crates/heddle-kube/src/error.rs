//! What the API server, or the way to it, has against a request.

use std::time::Duration;

/// How long one request may take. Watches have limits of their own.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// How messages begin with which the API server refuses a value of the wrong type or form; it answers 500 then, as if the
/// fault were its own.
const REFUSALS: [&str; 2] = ["failed to create typed patch object", "failed to convert new object"];

/// Why a request failed, in the terms in which a caller acts.
#[derive(Debug, thiserror::Error)]
pub enum KubeError {
    /// The object or its kind does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The account has no right to do this.
    #[error("{0}")]
    Forbidden(String),
    /// Somebody else changed the object meanwhile, or owns a field.
    #[error("{0}")]
    Conflict(String),
    /// The API server refuses the object. The same request will not succeed.
    #[error("{0}")]
    Refused(String),
    /// The API server does not take the credential now; one that is being replaced is refused for a moment.
    #[error("the Kubernetes API server does not take the credential: {0}")]
    Unauthorized(String),
    /// The API server cannot be reached or cannot answer now.
    #[error("the Kubernetes API server cannot answer: {0}")]
    Unavailable(String),
    /// The connection to the cluster is not set up right.
    #[error("the connection to the cluster is not set up: {0}")]
    Setup(String),
}

/// What may be hoped of the same request later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultClass {
    /// It may succeed by itself: the server was away, a credential was being replaced, or somebody else wrote meanwhile.
    Transient,
    /// It succeeds once something else is there: the kind, the namespace, the object.
    NotYet,
    /// It fails until a person changes something.
    Permanent,
}

impl KubeError {
    /// What may be hoped of the same request later.
    pub fn class(&self) -> FaultClass {
        match self {
            Self::Unavailable(_) | Self::Unauthorized(_) | Self::Conflict(_) => FaultClass::Transient,
            Self::NotFound(_) => FaultClass::NotYet,
            Self::Forbidden(_) | Self::Refused(_) | Self::Setup(_) => FaultClass::Permanent,
        }
    }

    /// Whether the same request may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        self.class() == FaultClass::Transient
    }
}

impl From<kube::Error> for KubeError {
    fn from(error: kube::Error) -> Self {
        let kube::Error::Api(status) = error else { return Self::Unavailable(root_cause(&error)) };
        let message = status.message.clone();
        match status.code {
            403 => Self::Forbidden(message),
            404 | 410 => Self::NotFound(message),
            409 => Self::Conflict(message),
            401 => Self::Unauthorized(message),
            500 if REFUSALS.iter().any(|start| message.starts_with(start)) => Self::Refused(message),
            429 | 500.. => Self::Unavailable(message),
            _ => Self::Refused(message),
        }
    }
}

/// Waits for one request, but not for ever.
pub(crate) async fn bounded<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, KubeError> {
    match tokio::time::timeout(REQUEST_LIMIT, request).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(KubeError::Unavailable(format!("no answer within {} s", REQUEST_LIMIT.as_secs()))),
    }
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
