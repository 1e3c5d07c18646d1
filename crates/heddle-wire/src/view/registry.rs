//! Logins of an organization to registries. Their secrets go in and never come out.

use chrono::{DateTime, Utc};
use heddle_core::registry::LoginKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    registry::{LoginOutcome, RegistrySecret},
    secret::WireSecret,
};

bodies! {
    /// The logins of an organization: `GET /organizations/{organization}/registry-logins`.
    RegistryLogins {
        /// Why none can be kept or used here, with the setting that is missing.
        missing: Option<String>,
        /// By host and prefix.
        logins: Vec<RegistryLoginView>,
    }

    /// A login without its secret.
    RegistryLoginView {
        /// The login.
        id: Uuid,
        /// The registry's host.
        host: String,
        /// Images whose path is this or lies below it; empty: all of the host.
        prefix: String,
        /// Its kind.
        kind: LoginKind,
        /// Who it says it is.
        user_name: String,
        /// The end of its secret; empty where that would tell too much of it.
        last_four: String,
        /// The token server at another host that somebody confirmed.
        auth_host: Option<String>,
        /// The token server that the registry named and that the secret was not sent to. Whoever knows it enters the login
        /// again with it as `auth_host`.
        offered_host: Option<String>,
        /// Who entered it last.
        added_by: String,
        /// When.
        added_at: DateTime<Utc>,
        /// Why it cannot be read and is to be entered again.
        unreadable: Option<String>,
        /// When it was used last.
        used_at: Option<DateTime<Utc>>,
        /// How that ended.
        outcome: Option<LoginOutcome>,
        /// Why it ended so, with the remedy.
        reason: Option<String>,
        /// The last test.
        test: Option<LoginTestView>,
    }

    /// A test of a login.
    LoginTestView {
        /// The image whose tags are listed.
        image: String,
        /// When it was asked for.
        asked_at: DateTime<Utc>,
        /// When an automator had done it; until then it waits.
        done_at: Option<DateTime<Utc>>,
        /// Whether the registry showed the image.
        passed: Option<bool>,
        /// What the registry said, in a sentence with the remedy.
        message: Option<String>,
    }

    /// Adds a login, or enters one again: `POST /organizations/{organization}/registry-logins`, `PUT` below it.
    EnterRegistryLogin {
        /// The registry's host, as images name it.
        host: String,
        /// Only for images whose path is this or lies below it.
        #[serde(default)]
        prefix: String,
        /// A token server at another host that the secret may go to.
        #[serde(default)]
        auth_host: Option<String>,
        /// The secret. It is never shown again.
        secret: RegistrySecret,
    }

    /// Adds a login for each host of a Docker configuration: `POST
    /// /organizations/{organization}/registry-logins/docker-config`.
    AddDockerLogins {
        /// The text of `~/.docker/config.json`, or of a pull secret's `.dockerconfigjson`.
        config: WireSecret,
    }

    /// Tries a login: `POST /organizations/{organization}/registry-logins/{login}/test`.
    TestRegistryLogin {
        /// An image that it should be able to read, such as `acme/api`.
        image: String,
    }
}
