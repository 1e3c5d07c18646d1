//! Automators that an organization runs itself, for registries whose secrets stay with it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secret::WireSecret;

bodies! {
    /// An automator of an organization, without its token: `GET /organizations/{organization}/automators`.
    OwnAutomatorView {
        /// The automator.
        id: Uuid,
        /// Its name.
        name: String,
        /// The registries that it serves, and nobody else: hosts, or `*.` and the domain that they are below.
        hosts: Vec<String>,
        /// Who added it.
        added_by: String,
        /// When.
        added_at: DateTime<Utc>,
        /// When it asked for work last.
        seen_at: Option<DateTime<Utc>>,
        /// How many images it scans.
        images: i64,
    }

    /// Adds one: `POST /organizations/{organization}/automators`.
    AddOwnAutomator {
        /// Its name.
        name: String,
        /// The registries that it serves.
        hosts: Vec<String>,
    }

    /// A new automator; its token is shown this once.
    OwnAutomatorAdded {
        /// The automator.
        automator: OwnAutomatorView,
        /// Its token, which the manifest holds, too.
        token: WireSecret,
        /// The manifest that installs it in a cluster.
        manifest: String,
    }
}
