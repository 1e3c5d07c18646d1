//! Row security and notices on a real Postgres, connected as the application role.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod notices;
mod row_security;
mod year;
