//! Why a repository of charts gave nothing.

use crate::{FetchError, bases::patience::Silence};

/// Why a repository gave nothing, in a sentence.
pub(super) enum Fault {
    /// It did not answer, or with a fault of its own.
    Silence(String),
    /// Anything else.
    Told(String),
}

impl Fault {
    pub(super) fn said(self) -> String {
        let (Self::Silence(words) | Self::Told(words)) = self;
        words
    }
}

impl Silence for Fault {
    fn is_silence(&self) -> bool {
        matches!(self, Self::Silence(_))
    }
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Self {
        if error.is_silence() { Self::Silence(said(&error)) } else { Self::Told(said(&error)) }
    }
}

impl From<String> for Fault {
    fn from(words: String) -> Self {
        Self::Told(words)
    }
}

pub(super) const LOGINS: &str = "which belongs in a Secret that `spec.remote.logins` names";

fn said(error: &FetchError) -> String {
    match error {
        FetchError::Unauthorized | FetchError::Forbidden => {
            format!("its repository does not let in: a login is missing, expired or wrong, {LOGINS}")
        }
        FetchError::NotFound => {
            format!("its repository has no such file, or shows it to a login alone (404), {LOGINS}")
        }
        FetchError::Unreachable { reason } => format!("its repository cannot be reached: {reason}"),
        FetchError::TooLarge { limit_mib } => format!("its repository sends more than {limit_mib} MiB"),
        error => error.to_string(),
    }
}
