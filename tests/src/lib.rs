//! The World: every real part, started together, and what a person does with them, in a person's words.
//!
//! Cases in `it/` speak of tags, pull requests, environments and clusters; how those are reached is here. It must not
//! reach into a program: whatever it learns comes through Git, the cluster, the registry or the HTTP API.

pub mod browser;
pub mod command_line;
pub mod config_repository;
pub mod dashboard;
pub mod follow;
pub mod programs;
pub mod service;
pub mod world;

pub use world::{Gate, Place, Store, World, WorldOptions};
