//! Charts of repositories elsewhere, as Helm has them: an index over HTTPS, or an OCI registry.
//!
//! A version is not meant to become other bytes. What it was first is remembered with the digest of its package, by the status
//! of the Sync and on disk, and goes on while its repository is away, or has another package under the version that nobody
//! has approved.

mod fault;
mod follow;
mod indexed;
mod memory;
mod package;
mod reference;
mod registry;
mod repositories;
mod room;

pub use self::reference::RemoteChart;
pub(crate) use self::reference::admits;
pub(super) use self::{package::ChartTree, repositories::ChartRepositories};
