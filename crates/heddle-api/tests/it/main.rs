//! The API over HTTP, on a real Postgres.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod openapi;
