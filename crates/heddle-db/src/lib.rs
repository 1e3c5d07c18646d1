//! Postgres: all SQL and all rows, one file a table, and the launcher of the embedded server.
//!
//! Functions take a connection; the caller owns the transaction, which [`db::Db`] opens for one organization or one
//! person. It must not know HTTP, hashing or our rules.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod administrators;
pub mod agent_outboxes;
pub mod applied_revisions;
pub mod attempts;
pub mod audit;
pub mod candidates;
pub mod changes;
pub mod cluster_repositories;
pub mod clusters;
pub mod commits;
pub mod db;
pub mod deliveries;
pub mod deploys;
pub mod devices;
pub mod drift_expectations;
pub mod drift_records;
pub mod drift_spells;
pub mod environments;
pub mod error;
pub mod facts;
pub mod findings;
pub mod github_grants;
pub mod github_sign_ins;
pub mod grants;
pub mod hints;
pub mod images;
pub mod intents;
pub mod invitations;
pub mod launcher;
pub mod limits;
pub mod login;
pub mod members;
pub mod notice;
pub mod occurrences;
pub mod organizations;
pub mod own_automators;
pub mod password_links;
pub mod proposals;
pub mod pushes;
pub mod quotas;
pub mod reads;
pub mod receivers;
pub mod registry_hosts;
pub mod registry_logins;
pub mod reporters;
pub mod repositories;
pub mod requests;
pub mod retention;
pub mod revision_looks;
pub mod revisions;
pub mod sessions;
pub mod shape;
pub mod sync_faults;
pub mod syncs;
pub mod tags;
pub mod tokens;
pub mod users;
pub mod work;
pub mod workloads;

pub use db::{Db, Tx, migrate};
pub use error::DbError;
