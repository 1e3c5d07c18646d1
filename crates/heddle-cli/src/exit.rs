//! How the program ends. The codes are part of the interface: scripts rely on them.

use std::process::ExitCode;

use heddle_client::ClientError;

/// The program's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The answer is no; only from commands that ask a question.
    No = 1,
    /// Bad input, or the API refused it.
    Wrong = 2,
    /// There is nothing: no tag qualifies, nothing is to be changed.
    Nothing = 3,
    /// Not logged in, or the token is not accepted any more.
    NotLoggedIn = 4,
    /// The API is away, or does not know yet; the same command may succeed later.
    Away = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
    pub(crate) remedy: Option<String>,
}

impl Failure {
    pub(crate) fn wrong(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Wrong, error: error.into(), remedy: None }
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::wrong(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, remedy) = match &error {
            ClientError::Unauthorized { .. } => (
                Exit::NotLoggedIn,
                "make a new token in the dashboard under Settings, API tokens; then run `heddle login`".to_owned(),
            ),
            ClientError::RateLimited { retry_after: Some(wait) } => {
                (Exit::Away, format!("run it again in {} s", wait.as_secs()))
            }
            ClientError::RateLimited { .. } => (Exit::Away, "run it again in a minute".to_owned()),
            ClientError::Unavailable(unavailable) if unavailable.status.is_some() => {
                (Exit::Away, "run it again; if it goes on, show the request's id to whoever runs the API".to_owned())
            }
            ClientError::Unavailable(_) => {
                (Exit::Away, "check the address and the network; workloads keep running meanwhile".to_owned())
            }
            ClientError::Foreign { .. } => (Exit::Wrong, "check the address, or update `heddle`".to_owned()),
            _ => return Self::wrong(error),
        };
        Self { exit, error: error.into(), remedy: Some(remedy) }
    }
}
