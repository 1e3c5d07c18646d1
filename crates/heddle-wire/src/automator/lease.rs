//! Work, and what every kind of it is given.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoName},
    id::{LeaseId, OrganizationId, RepositoryId},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::read::ReadWork;
use super::scan::{ScanWork, TestWork};
use super::update::UpdateWork;
use crate::secret::WireSecret;

/// Asks for work: `POST /automator/v1/lease`. The answer is 204 when none became due in `wait_secs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaseRequest {
    /// How long to wait for work, at most 55.
    pub wait_secs: u64,
    /// Names the automator's process in logs and the dashboard.
    pub automator: String,
    /// The newest kind of request that it writes: `heddle_core::request::KNOWN_REQUESTS`. An update that carries a newer one
    /// is not leased to it, so that it cannot take what it does not know for what nobody asked for.
    #[serde(default)]
    pub knows_requests: u16,
}

/// Work that belongs to the asker until `expires_at`; renewed by `POST /automator/v1/leases/{id}/renew`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// The lease.
    pub id: LeaseId,
    /// The fencing number; sent as the header `Heddle-Fence` with everything under this lease.
    pub fence: i64,
    /// When it ends unless renewed.
    pub expires_at: DateTime<Utc>,
    /// Whose work it is.
    pub organization: OrganizationId,
    /// The work.
    pub work: Work,
}

/// A piece of work, with what it needs and no more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "work", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "a lease holds one, and nothing holds many leases")]
pub enum Work {
    /// Read a repository and say what stands there.
    Read(ReadWork),
    /// List an image's tags.
    Scan(ScanWork),
    /// Write what the policies choose.
    Update(UpdateWork),
    /// Try a login.
    Test(TestWork),
}

/// Access to one repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RepositoryAccess {
    /// The repository.
    pub id: RepositoryId,
    /// Its name on the host.
    pub name: RepoName,
    /// The address for `git fetch`.
    pub clone_url: Url,
    /// The base address of the REST API.
    pub api_url: Url,
    /// The address of the GraphQL API.
    pub graphql_url: Url,
    /// An installation token for this repository alone, with the permissions that the work needs.
    pub token: WireSecret,
    /// When the token ends.
    pub token_expires_at: DateTime<Utc>,
    /// The login of the App's bot, such as `heddle[bot]`: the author of our commits.
    pub bot_login: String,
    /// The default branch; its `.heddle.yaml` counts.
    pub default_branch: BranchName,
}

/// Ends a lease: `POST /automator/v1/leases/{id}/done` (also when the work failed, with the reason).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Why the work failed, in a sentence without secrets; it becomes due again, later each time.
    pub failed: Option<String>,
    /// The earliest next try.
    pub retry_at: Option<DateTime<Utc>>,
    /// Whether the work was not begun, because others have the room for it. It is no failure: the work is as it was, and due
    /// again at `retry_at`.
    #[serde(default)]
    pub given_back: bool,
    /// Whether an update saw a repository that is not as it was read last. A read is due at once.
    #[serde(default)]
    pub read_due: bool,
}
