//! Postgres: all SQL and all rows, one file a table, and the launcher of the embedded server.
//!
//! Functions take a connection; the caller owns the transaction, which [`db::Db`] opens for one organization or one
//! person. It must not know HTTP, hashing or our rules.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod attempts;
pub mod audit;
pub mod clusters;
pub mod db;
pub mod error;
pub mod invitations;
pub mod launcher;
pub mod notice;
pub mod organizations;
pub mod sessions;
pub mod tokens;
pub mod users;

pub use db::{Db, Tx, migrate};
pub use error::DbError;
