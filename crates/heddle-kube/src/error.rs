//! What the API server, or the way to it, has against a request.

use std::time::Duration;

/// How long one request may take. Watches have limits of their own.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// How messages begin with which the API server refuses a value of the wrong type or form; it answers 500 then, as if the
/// fault were its own.
const REFUSALS: [&str; 2] = ["failed to create typed patch object", "failed to convert new object"];

/// How the message begins with which an admission webhook refuses a request; the code is of the webhook's choice. Source:
/// k8s.io/apiserver `pkg/admission/plugin/webhook/errors/statuserror.go`.
const DENIED_BY: &str = "admission webhook \"";

/// What the API server says before the fault of something that it calls.
const INTERNAL: &str = "Internal error occurred: ";

/// What the store answers to an object that it cannot hold.
const TOO_LARGE: &str = "etcdserver: request is too large";

/// Why a request failed, in the terms in which a caller acts.
#[derive(Debug, thiserror::Error)]
pub enum KubeError {
    /// The object, or the namespace in which it should lie, does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The API server has nothing under the address: the kind is not served in this version, or does not know the verb.
    #[error("the API server does not serve it: {0}")]
    NotServed(String),
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
    /// The API server was asked and could not do it: something that it calls fails, such as a webhook or its store.
    #[error("{0}")]
    Failing(String),
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
            Self::Unavailable(_) | Self::Unauthorized(_) | Self::Failing(_) | Self::Conflict(_) => {
                FaultClass::Transient
            }
            Self::NotFound(_) | Self::NotServed(_) => FaultClass::NotYet,
            Self::Forbidden(_) | Self::Refused(_) | Self::Setup(_) => FaultClass::Permanent,
        }
    }

    /// Whether the same request may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        self.class() == FaultClass::Transient
    }

    /// Whether it is the fault of this request, and not of the way to the API server.
    pub fn is_of_request(&self) -> bool {
        !matches!(self, Self::Unavailable(_) | Self::Unauthorized(_) | Self::Setup(_))
    }

    /// Whether the API server has said that it wrote nothing. Of what ended otherwise nothing is known.
    pub fn wrote_nothing(&self) -> bool {
        self.is_of_request() && !matches!(self, Self::Failing(_))
    }
}

impl From<kube::Error> for KubeError {
    fn from(error: kube::Error) -> Self {
        let kube::Error::Api(status) = error else { return Self::Unavailable(root_cause(&error)) };
        let message = status.message.clone();
        if message.starts_with(DENIED_BY) || REFUSALS.iter().any(|start| message.starts_with(start)) {
            return Self::Refused(message);
        }
        let is_object = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
        match status.code {
            401 => Self::Unauthorized(message),
            403 => Self::Forbidden(message),
            404 if is_object => Self::NotFound(message),
            404 | 405 => Self::NotServed(message),
            409 => Self::Conflict(message),
            429 => Self::Unavailable(message),
            410 | 500.. => failing(&message),
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

/// What to make of it when the API server could not do what it was asked.
fn failing(message: &str) -> KubeError {
    let message = message.strip_prefix(INTERNAL).unwrap_or(message);
    if message.contains(TOO_LARGE) {
        let remedy =
            "the object is larger than the cluster's store takes, 1.5 MiB by default: make it smaller, or split it";
        return KubeError::Refused(format!("{message}: {remedy}"));
    }
    let calls_webhook = message.starts_with("failed calling webhook") || message.starts_with("conversion webhook for");
    let remedy = if calls_webhook { "; mend that webhook, or delete what registers it" } else { "" };
    KubeError::Failing(format!("{message}{remedy}"))
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
