//! Identities given by our own store. Each kind is a type, so that one cannot stand for another.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A person with an account.
    UserId,
    /// A group of people with their repositories and clusters; the unit that is kept apart from others.
    OrganizationId,
    /// A config repository bound to an organization.
    RepositoryId,
    /// A cluster in which a synchronizer runs.
    ClusterId,
    /// A cluster's public key.
    ClusterKeyId,
    /// One image bump at one place, in one environment.
    ChangeId,
    /// One commit or pull request that carries changes.
    ProposalId,
    /// One attempted write to a repository; stands in the commit's `Heddle-Intent` trailer.
    IntentId,
    /// One piece of work handed to an automator for a while.
    LeaseId,
    /// What a person asked to be written.
    RequestId,
}
