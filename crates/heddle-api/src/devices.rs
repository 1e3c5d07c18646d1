//! Browsers in which somebody logged in, known by a second cookie that outlives sessions.
//!
//! Strangers may try so many passwords for an account from anywhere, and then nobody new may. Whoever comes from a browser
//! that the account knows is not among them, also where they share its address. The cookie opens nothing by itself.

use axum::http::HeaderMap;
use chrono::Duration;
use heddle_core::id::UserId;
use heddle_db::{Tx, devices};
use secrecy::ExposeSecret;

use crate::{
    app::App,
    permission::find_cookie,
    problem::ApiResult,
    secret::{self, Purpose},
};

/// The cookie's name.
const COOKIE: &str = "__Host-heddle-device";

/// A browser that is not used for a year is forgotten.
const LIFE: Duration = Duration::days(365);

/// Browsers that one account knows.
pub const MOST_OF_A_USER: i64 = 20;

/// The browser that asks, when an account knows it.
#[derive(Debug, Clone)]
pub struct Device {
    text: String,
    owner: UserId,
}

impl Device {
    /// Looks up the cookie that the browser sent.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn find(app: &App, headers: &HeaderMap) -> ApiResult<Option<Self>> {
        let sent = find_cookie(headers, COOKIE).filter(|text| text.starts_with(Purpose::Device.prefix()));
        let Some(text) = sent else { return Ok(None) };
        let mut tx = app.db.routing().await?;
        let owner = devices::find(&mut *tx, &secret::hash(&text)).await?;
        tx.commit().await?;
        Ok(owner.map(|owner| Self { text, owner }))
    }

    /// Whether it is one of `user`.
    pub fn is_of(&self, user: UserId) -> bool {
        self.owner == user
    }

    /// What limits of tries count it by.
    pub fn subject(&self) -> &str {
        &self.text
    }
}

/// Notes that `user` logged in from the browser, and gives the cookie by which it is known from now on.
///
/// # Errors
/// When the store cannot be reached.
pub async fn remember(tx: &mut Tx, user: UserId, known: Option<Device>) -> ApiResult<String> {
    let text = match known.filter(|device| device.is_of(user)) {
        Some(device) => device.text,
        None => secret::generate(Purpose::Device)?.expose_secret().to_owned(),
    };
    devices::note(tx, user, &secret::hash(&text), MOST_OF_A_USER).await?;
    Ok(format!("{COOKIE}={text}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}", LIFE.num_seconds()))
}
