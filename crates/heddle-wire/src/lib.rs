//! Every body that crosses HTTP between Heddle's programs.
//!
//! Plain data with serde; the OpenAPI derives stand behind the feature `openapi`, which only the API turns on. It must
//! not know how a body is sent, stored or shown.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod agent;
pub mod automator;
pub mod docker;
pub mod drift;
pub mod problem;
pub mod registry;
pub mod secret;
pub mod text;
pub mod view;
