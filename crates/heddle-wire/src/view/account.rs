//! An account: how one comes in, and with what.

use chrono::{DateTime, Utc};
use heddle_core::id::{OrganizationId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::organization::OrganizationView;
use super::organization::Role;
use crate::secret::WireSecret;

bodies! {
    /// Makes an account: `POST /sign-up`.
    SignUpRequest {
        /// The address, which is the login.
        email: String,
        /// At least 12 and at most 128 characters, and no common one.
        password: WireSecret,
        /// The name that others see.
        name: String,
        /// The code of an invitation, where sign-up asks for one.
        invitation: Option<String>,
    }

    /// Starts a session: `POST /login`.
    LoginRequest {
        /// The address.
        email: String,
        /// The password.
        password: WireSecret,
    }

    /// Gives the asker another password: `POST /password`.
    ChangePassword {
        /// The one that they have.
        current: WireSecret,
        /// At least 12 and at most 128 characters, and no common one.
        password: WireSecret,
    }

    /// Chooses a new password by a link: `POST /password/reset`.
    ResetPassword {
        /// What stands behind the `#` of the link.
        link: WireSecret,
        /// At least 12 and at most 128 characters, and no common one.
        password: WireSecret,
    }

    /// Who is asking: `GET /me`.
    Me {
        /// The account.
        id: UserId,
        /// The address.
        email: String,
        /// The name that others see.
        name: String,
        /// The organizations, by name.
        organizations: Vec<OrganizationView>,
        /// The GitHub login that was proved, if any.
        github_login: Option<String>,
    }

    /// One of the asker's own sessions: `GET /sessions`.
    SessionView {
        /// The session.
        id: Uuid,
        /// When it began.
        created_at: DateTime<Utc>,
        /// When it was last used, to the minute.
        last_used_at: DateTime<Utc>,
        /// The browser, as it calls itself.
        user_agent: String,
        /// Whether it is the one that asks.
        current: bool,
    }

    /// Makes an API token: `POST /tokens`.
    CreateToken {
        /// What it is for.
        name: String,
        /// The organization it is for.
        organization: OrganizationId,
        /// What it may do.
        role: Role,
        /// Days until it ends, 1 to 365.
        expires_in_days: u32,
    }

    /// A new token; its text is shown this once.
    TokenCreated {
        /// The token.
        token: TokenView,
        /// Its text.
        secret: WireSecret,
    }

    /// An API token without its text.
    TokenView {
        /// The token.
        id: Uuid,
        /// What it is for.
        name: String,
        /// The organization it is for.
        organization: OrganizationId,
        /// What it may do.
        role: Role,
        /// When it was made.
        created_at: DateTime<Utc>,
        /// When it ends.
        expires_at: DateTime<Utc>,
        /// When it was last used.
        last_used_at: Option<DateTime<Utc>>,
    }
}
