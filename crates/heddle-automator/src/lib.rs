//! Watches image registries and brings new tags into config repositories.
//!
//! It leases work from the API, decides in plain functions (`plan`), and acts at the edges: git, registries, GitHub. It
//! must not reach a database or a cluster.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod plan;
mod text;
