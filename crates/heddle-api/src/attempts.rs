//! How often somebody may try what can be guessed. Counted in the store, for all replicas together.

use std::time::Duration;

use chrono::Utc;

use crate::{
    app::App,
    problem::{ApiError, ApiResult},
    secret,
};

/// What is limited.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// Failed logins of one account from one address, in browsers that the account does not know: a stranger elsewhere
    /// must not lock a person out.
    LoginPair,
    /// Failed logins of one account from browsers that it does not know.
    LoginAccount,
    /// Failed logins of one account from one browser that it knows; no other limit holds there.
    LoginDevice,
    /// Logins from one address, in browsers that the account does not know.
    LoginAddress,
    /// Sign-ups from one address.
    SignUpAddress,
    /// Enrollments from one address.
    EnrollAddress,
    /// Changes of one account's password, with a session of it.
    Password,
    /// Links for a new password, from one address.
    PasswordLinkAddress,
}

impl Limit {
    /// How many in which time.
    pub const fn rate(self) -> (u64, Duration) {
        match self {
            Self::LoginPair => (10, Duration::from_secs(15 * 60)),
            Self::LoginAccount => (100, Duration::from_secs(15 * 60)),
            Self::LoginDevice => (20, Duration::from_secs(15 * 60)),
            Self::LoginAddress => (100, Duration::from_secs(15 * 60)),
            Self::SignUpAddress => (20, Duration::from_secs(3600)),
            Self::EnrollAddress => (60, Duration::from_secs(15 * 60)),
            Self::Password => (10, Duration::from_secs(15 * 60)),
            Self::PasswordLinkAddress => (20, Duration::from_secs(3600)),
        }
    }

    fn subject(self, of: &str) -> Vec<u8> {
        secret::hash(&format!("{self:?}\n{of}"))
    }
}

/// Counts one try and refuses it when there were too many. One that is refused does not count, so that the wait ends.
///
/// # Errors
/// 429 with the time to wait.
pub async fn count(app: &App, limit: Limit, of: &str) -> ApiResult<()> {
    let (most, window) = limit.rate();
    let mut tx = app.db.routing().await?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let may = heddle_db::attempts::take(&mut *tx, &limit.subject(of), Utc::now() - window, most).await?;
    tx.commit().await?;
    if may { Ok(()) } else { Err(ApiError::too_many(window, "there were too many tries; wait some minutes")) }
}

/// After a success the tries are forgotten.
///
/// # Errors
/// When the store cannot be reached.
pub async fn forget(app: &App, limit: Limit, of: &str) -> ApiResult<()> {
    let mut tx = app.db.routing().await?;
    heddle_db::attempts::forget(&mut *tx, &limit.subject(of)).await?;
    Ok(tx.commit().await?)
}
