//! The API over HTTP, on a real Postgres.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod accounts;
mod agents;
mod github;
mod hub;
mod loom;
mod members;
mod openapi;
mod spine;
mod walk;
