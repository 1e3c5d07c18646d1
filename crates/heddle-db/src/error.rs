//! What can go wrong between us and the store.

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Something unique exists already; the constraint says what.
    #[error("`{constraint}` exists already")]
    Exists {
        /// The constraint's name.
        constraint: String,
    },
    /// A stored text is no longer a valid word. Written by a newer release, or by hand.
    #[error("column `{column}` holds something that is not valid: {reason}")]
    Corrupt {
        /// The column.
        column: &'static str,
        /// What its parser says.
        reason: String,
    },
    /// There was no connection, or no lock, in time. Nothing was done; it may go better later.
    #[error("the database has no room for this now")]
    Busy,
    /// The server is away, or went away while it was asked. What was being done is undone; it may go better later.
    #[error("the database cannot be reached now")]
    Away(#[source] sqlx::Error),
    /// Nothing a caller can mend.
    #[error("the database did not answer as it should")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// Whether a server answered, and said no by itself.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Away(error) | Self::Other(error) if error.as_database_error().is_some())
    }

    /// What went wrong, with its causes.
    pub fn chain(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// What Postgres says when it has no room now: a lock was not had in time, there are too many connections.
/// Source: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
const BUSY: [&str; 2] = ["55P03", "53300"];

/// What it says when it starts, ends, was ended, or lost a connection. Source: as above.
const AWAY: [&str; 8] = ["57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006"];

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(told) if told.is_unique_violation() => {
                Self::Exists { constraint: told.constraint().unwrap_or_default().to_owned() }
            }
            Some(told) if told.code().is_some_and(|code| BUSY.contains(&code.as_ref())) => Self::Busy,
            Some(told) if told.code().is_some_and(|code| AWAY.contains(&code.as_ref())) => Self::Away(error),
            None if matches!(error, sqlx::Error::PoolTimedOut) => Self::Busy,
            None if matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed) => {
                Self::Away(error)
            }
            _ => Self::Other(error),
        }
    }
}

/// Reads a stored text as the word it was when it was written.
///
/// # Errors
/// [`DbError::Corrupt`] when it is none.
pub(crate) fn word<T>(column: &'static str, text: &str) -> Result<T, DbError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| DbError::Corrupt { column, reason: error.to_string() })
}

/// Writes a value for a `jsonb` column.
///
/// # Errors
/// [`DbError::Corrupt`] when it cannot be written, which no type of ours allows.
pub(crate) fn json<T: serde::Serialize + ?Sized>(
    column: &'static str,
    value: &T,
) -> Result<serde_json::Value, DbError> {
    serde_json::to_value(value).map_err(|error| DbError::Corrupt { column, reason: error.to_string() })
}

/// Reads a `jsonb` column.
///
/// # Errors
/// [`DbError::Corrupt`] when it holds something else.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    column: &'static str,
    value: serde_json::Value,
) -> Result<T, DbError> {
    serde_json::from_value(value).map_err(|error| DbError::Corrupt { column, reason: error.to_string() })
}

#[cfg(test)]
mod tests;
