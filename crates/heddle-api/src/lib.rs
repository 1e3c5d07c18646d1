//! The central web API: accounts, webhooks, work, facts, the event stream and the dashboard.
//!
//! The only program that reaches Postgres and the only one that holds the GitHub App's key. It speaks to no cluster and
//! to no registry.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod address;
pub mod agent_auth;
pub mod app;
pub mod attempts;
pub mod bodies;
pub mod clean;
pub mod config;
pub mod devices;
pub mod doctor;
pub mod extract;
pub mod flow;
pub mod github;
pub mod guard;
mod keyed;
pub mod lanes;
pub mod layers;
pub mod limits;
pub mod manifest;
pub mod openapi;
pub mod password;
pub mod permission;
pub mod policies;
pub mod principal;
pub mod problem;
pub mod quotas;
pub mod rates;
pub mod rights;
pub mod roles;
pub mod router;
pub mod routes;
mod run;
pub mod seal;
pub mod secret;
pub mod senders;
pub mod server;
pub mod web;

pub use run::{administer, build_app, examine, make_password_link, rotate_secrets, run};
