//! The API over HTTP, on a real Postgres.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod accounts;
mod agents;
mod asked;
mod candidates;
mod dashboard;
mod drift;
mod edge;
mod embedded;
mod github;
mod hands;
mod hosts;
mod hub;
mod installation;
mod limits;
mod logins;
mod loom;
mod members;
mod notices;
mod openapi;
mod own_automators;
mod record;
mod replicas;
mod reports;
mod revisions;
mod roles;
mod spine;
mod steps;
mod told;
mod walk;
mod webhooks;
