//! What GitHub says of the App itself: its rights and events, where its webhooks go and whether they arrive, and what time it is.

use std::collections::BTreeMap;

use chrono::DateTime;
use heddle_core::Timestamp;
use serde::Deserialize;

use crate::{app::App, call::query, error::GitHubError, host::Host};

/// Deliveries that are looked at, newest first.
const LOOKED_AT: usize = 100;

/// The App as it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The last part of its public address, where GitHub tells it.
    pub slug: Option<String>,
    /// Its client id, where GitHub tells it.
    pub client_id: Option<String>,
    /// The login of its owner.
    pub owner: Option<String>,
    /// Whether that is an organization.
    pub of_organization: bool,
    /// Its rights by name: `read`, `write` or `admin`.
    pub permissions: BTreeMap<String, String>,
    /// The events that it hears of.
    pub events: Vec<String>,
}

/// Where the App's webhooks go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Webhook {
    /// The address; `None` where there is none.
    pub url: Option<String>,
}

/// A try to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Delivery {
    /// The event.
    pub event: String,
    /// When it was tried.
    pub delivered_at: Timestamp,
    /// What was answered; 0 where nothing was.
    pub status_code: u16,
    /// The same in GitHub's words, such as `OK` or `failed to connect to host`.
    pub status: String,
}

#[derive(Deserialize)]
struct AppBody {
    slug: Option<String>,
    client_id: Option<String>,
    owner: Option<OwnerBody>,
    permissions: BTreeMap<String, String>,
    events: Vec<String>,
}

#[derive(Deserialize)]
struct OwnerBody {
    login: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl App {
    /// The App as it is registered.
    ///
    /// # Errors
    /// [`GitHubError::Unauthorized`] when number and key are not of one App, or the clock is wrong by a minute; or when GitHub
    /// does not answer.
    pub async fn registration(&self) -> Result<Registration, GitHubError> {
        let body: AppBody = self.client.get("/app").await?;
        let of_organization = body.owner.as_ref().is_some_and(|owner| owner.kind.as_deref() == Some("Organization"));
        Ok(Registration {
            slug: body.slug,
            client_id: body.client_id,
            owner: body.owner.and_then(|owner| owner.login),
            of_organization,
            permissions: body.permissions,
            events: body.events,
        })
    }

    /// Where its webhooks go.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn webhook(&self) -> Result<Webhook, GitHubError> {
        match self.client.get("/app/hook/config").await {
            // GitHub's answer where webhooks were never set up.
            Err(GitHubError::NotFound { .. }) => Ok(Webhook { url: None }),
            other => other,
        }
    }

    /// Its newest hundred deliveries, newest first. GitHub keeps three days.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn list_deliveries(&self) -> Result<Vec<Delivery>, GitHubError> {
        let path = format!("/app/hook/deliveries?{}", query(&[("per_page", &LOOKED_AT.to_string())]));
        self.client.pages(&path, |page: Vec<Delivery>| page, |_| true).await
    }
}

impl Host {
    /// What time it is there, to the second.
    ///
    /// # Errors
    /// When it does not answer, or names no time.
    pub async fn clock(&self) -> Result<Timestamp, GitHubError> {
        let answer = self.transport.http().get(self.api_url.clone()).send().await;
        let answer = answer.map_err(|error| GitHubError::Unavailable { reason: chain(&error.without_url()) })?;
        let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        date.map(|date| date.to_utc()).ok_or_else(|| GitHubError::Unavailable { reason: "it names no time".to_owned() })
    }
}

/// An error with all that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
