//! Speaks to one Kubernetes API server: applies, deletes and watches objects, keeps inventories and Syncs.
//!
//! It knows the protocol and none of the decisions, which are `heddle-reconcile`'s. No client can be made without saying
//! as whom: [`Cluster::own`] has the agent's few rights, [`Cluster::as_account`] those of a Sync's service account,
//! [`Cluster::as_caller`] those of the person at the command line, and it changes nothing.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod account;
mod apply;
mod caller;
mod cluster;
mod delete;
mod error;
mod event;
mod inherited;
mod inventory;
mod kinds;
mod lease;
mod own;
mod pods;
mod redact;
pub mod sync;
mod watch;

pub use account::{Account, AccountClient};
pub use apply::{Applied, ApplyRequest};
pub use caller::CallerClient;
pub use cluster::Cluster;
pub use delete::{Deleted, Metadata};
pub use error::{FaultClass, KubeError};
pub use event::Happening;
pub use inherited::ControllerState;
pub use inventory::StoredInventory;
pub use kinds::{Kinds, Served};
pub use lease::{Election, Leadership};
pub use own::{FirstSync, OwnClient, SyncEvent};
pub use redact::{Redactor, Words};
pub use watch::{Judged, WatchEvent, WatchPlace, WatchVerb, WatchedObject, Watches};
