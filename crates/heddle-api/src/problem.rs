//! What a route answers when it cannot do what was asked.
//!
//! A handler returns an [`ApiError`]; [`crate::layers::finish`] turns it, and every error that a library made, into one
//! `application/problem+json` body with the request's id.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use heddle_db::DbError;
use heddle_wire::problem::FieldProblem;

/// Why a request was not done.
#[derive(Debug)]
pub struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) fields: Vec<FieldProblem>,
    pub(crate) retry_after: Option<Duration>,
    /// Goes to the log, never to the client.
    pub(crate) cause: Option<anyhow::Error>,
}

/// What a handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// Any status, with a stable word for programs and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: code.into(), message: message.into(), fields: Vec::new(), retry_after: None, cause: None }
    }

    /// Writes the cause into the log, where there is one that nobody is told.
    pub(crate) fn log(&self) {
        if let Some(cause) = &self.cause {
            tracing::error!(code = %self.code, cause = format!("{cause:#}"), "a request failed: {cause:#}");
        }
    }

    /// 400: the request cannot be read.
    pub fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: nobody known asks.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: the asker may see the thing, but not do this.
    pub fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: there is no such thing, or the asker may not know of it.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// 409: it stands against something that is there.
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 410: it was there, and will not come again.
    pub fn gone(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GONE, code, message)
    }

    /// 422 with one field at fault.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            fields: vec![FieldProblem { field: field.to_owned(), message: message.clone() }],
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
        }
    }

    /// 429: too often.
    pub fn too_many(retry_after: Duration, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message)
        }
    }

    /// 502: somebody whom we asked on the asker's behalf did not answer as they should.
    pub fn upstream(code: &'static str, message: impl Into<Cow<'static, str>>, cause: anyhow::Error) -> Self {
        Self { cause: Some(cause), ..Self::new(StatusCode::BAD_GATEWAY, code, message) }
    }

    /// 503: not now.
    pub fn unavailable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { retry_after: Some(Duration::from_secs(5)), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message) }
    }

    /// 500: our fault. The cause goes to the log.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "something went wrong on our side; try again, and if it stays, name the request id",
            )
        }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy => Self::unavailable("busy", "there is too much to do at the moment; try again"),
            DbError::Away(cause) => Self {
                cause: Some(cause.into()),
                ..Self::unavailable("database-away", "the database cannot be reached at the moment; try again")
            },
            other => Self::internal(other),
        }
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// One field after the other, all at once.
#[derive(Debug, Default)]
pub struct FieldChecks(Vec<FieldProblem>);

impl FieldChecks {
    /// Notes that `field` is at fault unless `good`.
    pub fn check(&mut self, good: bool, field: &str, message: impl Into<String>) -> &mut Self {
        if !good {
            self.0.push(FieldProblem { field: field.to_owned(), message: message.into() });
        }
        self
    }

    /// 422 with all the faults, if there are any.
    ///
    /// # Errors
    /// When a check failed.
    pub fn finish(self) -> ApiResult<()> {
        match self.0.first() {
            None => Ok(()),
            Some(first) => {
                let message = first.message.clone();
                Err(ApiError { fields: self.0, ..ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message) })
            }
        }
    }
}

#[cfg(test)]
mod tests;
