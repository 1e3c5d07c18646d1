//! Row security and notices on a real Postgres, connected as the application role.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod attempts;
mod deploys;
mod limits;
mod migrations;
mod notices;
mod registries;
mod requests;
mod retention;
mod row_security;
mod tags;
mod work;
mod year;
