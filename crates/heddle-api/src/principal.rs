//! Who asks, as [`crate::permission::guard`] proved it. Handlers take one of these.

use axum::{extract::FromRequestParts, http::request::Parts};
use heddle_core::id::{ClusterId, ClusterKeyId, OrganizationId, UserId};
use heddle_db::audit::Author;
use heddle_wire::view::Role;
use uuid::Uuid;

use crate::{
    lanes::Lane,
    problem::{ApiError, ApiResult},
};

/// How a person proved who they are.
#[derive(Debug, Clone, Copy)]
pub enum Credential {
    /// A browser's session.
    Session(Uuid),
    /// An API token.
    Token {
        /// The token.
        token: Uuid,
        /// The organization it is for.
        organization: OrganizationId,
        /// The most it may do.
        role: Role,
    },
}

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub user: UserId,
    /// In words: the address, or the token's name.
    pub label: String,
    /// How they proved it.
    pub credential: Credential,
    /// The request.
    pub request_id: String,
}

impl Person {
    /// For the audit record.
    pub fn author(&self) -> Author {
        let via = match self.credential {
            Credential::Session(_) => "session",
            Credential::Token { .. } => "token",
        };
        Author { user: Some(self.user), actor: self.label.clone(), via, request_id: self.request_id.clone() }
    }

    /// The session of a signed-in browser.
    ///
    /// # Errors
    /// 403 when it is a token that asks: a token acts in its organization, never on its owner's account.
    pub fn session(&self) -> ApiResult<Uuid> {
        match self.credential {
            Credential::Session(session) => Ok(session),
            Credential::Token { .. } => {
                Err(ApiError::forbidden("session-needed", "this needs a signed-in browser, not an API token"))
            }
        }
    }

    /// Their share of the store.
    pub const fn lane(&self) -> Lane {
        match self.credential {
            Credential::Session(_) => Lane::Session(self.user),
            Credential::Token { organization, .. } => Lane::Token(organization),
        }
    }
}

/// A person in the organization that the path names.
#[derive(Debug, Clone)]
pub struct Member {
    /// The organization.
    pub organization: OrganizationId,
    /// What they may do.
    pub role: Role,
    /// The person.
    pub person: Person,
}

impl Member {
    /// For the audit record.
    pub fn author(&self) -> Author {
        self.person.author()
    }
}

/// The agent of a cluster.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Whose cluster.
    pub organization: OrganizationId,
    /// The cluster.
    pub cluster: ClusterId,
    /// The key that signed the request's token.
    pub key: ClusterKeyId,
    /// The request.
    pub request_id: String,
}

impl Agent {
    /// For the audit record.
    pub fn author(&self) -> Author {
        Author {
            user: None,
            actor: format!("agent of cluster {}", self.cluster),
            via: "agent",
            request_id: self.request_id.clone(),
        }
    }
}

/// An automator. Whose work a report is about, its lease says.
#[derive(Debug, Clone)]
pub struct Automator {
    /// Which of an organization's own; `None` for a hosted one.
    pub own: Option<Own>,
    /// The request.
    pub request_id: String,
}

/// An automator that an organization runs itself: it scans the registries that it serves and does nothing else.
#[derive(Debug, Clone)]
pub struct Own {
    /// The automator.
    pub id: Uuid,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
}

impl Automator {
    /// For the audit record.
    pub fn author(&self) -> Author {
        let actor = self.own.as_ref().map_or_else(|| "heddle".to_owned(), |own| format!("automator `{}`", own.name));
        Author { user: None, actor, via: "automator", request_id: self.request_id.clone() }
    }
}

/// A receiver of push notices, whose secret was shown.
#[derive(Debug, Clone, Copy)]
pub struct Receiver {
    /// The receiver.
    pub id: Uuid,
    /// Whose it is.
    pub organization: OrganizationId,
}

/// A reporter of one record of drift, whose token was shown.
#[derive(Debug, Clone, Copy)]
pub struct Reporter {
    /// The reporter.
    pub id: Uuid,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The one record it reports.
    pub record: Uuid,
}

macro_rules! extractors {
    ($($name:ident),+) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                // The route was added with a permission that proves somebody else.
                parts.extensions.get::<Self>().cloned().ok_or_else(|| {
                    ApiError::internal(anyhow::anyhow!("the route's permission proves no {}", stringify!($name)))
                })
            }
        }
    )+};
}

extractors!(Person, Member, Agent, Automator, Receiver, Reporter);
