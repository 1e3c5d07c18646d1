//! Logins to registries: what a person enters, and what is lent to an automator for one scan.

use heddle_core::registry::LoginKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secret::WireSecret;

/// What a login is made of. Where it is used follows from the registry's host alone, never from what stands in here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RegistrySecret {
    /// A user's name with a password or token.
    Basic {
        /// The user's name.
        username: String,
        /// The password or token.
        password: WireSecret,
    },
    /// A token that the registry's token server takes in the place of user and password: `identitytoken` of a Docker
    /// configuration.
    IdentityToken {
        /// The token.
        token: WireSecret,
    },
    /// An access key of Amazon Web Services.
    Ecr {
        /// Its id, such as `AKIA…`.
        access_key_id: String,
        /// The key.
        secret_access_key: WireSecret,
        /// The role that is assumed with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role_arn: Option<String>,
        /// What the role's trust asks for besides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
    },
    /// The key of a Google service account, as the JSON file that Google makes.
    Gar {
        /// The file's text. Only `client_email`, `private_key` and `private_key_id` are kept of it.
        key: WireSecret,
    },
    /// A service principal of Microsoft Entra.
    Acr {
        /// The tenant: an id or a domain.
        tenant: String,
        /// The application's id.
        client_id: String,
        /// Its secret.
        client_secret: WireSecret,
    },
}

impl RegistrySecret {
    /// Its kind.
    pub const fn kind(&self) -> LoginKind {
        match self {
            Self::Basic { .. } => LoginKind::Basic,
            Self::IdentityToken { .. } => LoginKind::IdentityToken,
            Self::Ecr { .. } => LoginKind::Ecr,
            Self::Gar { .. } => LoginKind::Gar,
            Self::Acr { .. } => LoginKind::Acr,
        }
    }
}

/// A login that is lent with a piece of work, for its registry alone. The body that carries it is never logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistryLogin {
    /// The login.
    pub id: Uuid,
    /// Another one each time that it is entered.
    pub version: Uuid,
    /// The token server at another host that somebody confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_host: Option<String>,
    /// What it is made of.
    pub secret: RegistrySecret,
}

/// How a use of a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LoginOutcome {
    /// The registry took it and showed what was asked for.
    Works,
    /// The registry does not know it, or it has expired.
    Refused,
    /// The registry knows it, and it may not read this.
    Denied,
    /// The registry names a token server that the secret does not go to.
    TokenServer,
    /// It could not be tried to the end: the registry or its cloud did not answer as they should.
    Failed,
}

impl LoginOutcome {
    const ALL: [Self; 5] = [Self::Works, Self::Refused, Self::Denied, Self::TokenServer, Self::Failed];

    /// The word in bodies and rows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::TokenServer => "token-server",
            Self::Failed => "failed",
        }
    }

    /// What a word of a row means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// What an automator says of a login that it was lent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginUse {
    /// The login.
    pub id: Uuid,
    /// Which entering of it was used.
    pub version: Uuid,
    /// How the use ended; `None` where the registry did not ask for a login.
    pub outcome: Option<LoginOutcome>,
    /// Why, in a sentence without secrets and without text of the registry.
    pub reason: Option<String>,
    /// The token server that the registry named and that the secret was not sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_host: Option<String>,
}
