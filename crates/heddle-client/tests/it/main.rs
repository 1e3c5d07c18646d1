//! The client over a real connection, against small servers that stand for the API.
#![allow(clippy::unwrap_used, clippy::panic)]

mod agent;
mod automator;
mod connection;
mod routes;
mod server;
mod user;
