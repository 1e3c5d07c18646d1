//! The words of Heddle, the choice of a tag by policy, and the stations of a change.
//!
//! Pure: values in, values out. It must not know of IO, async, clocks (pass `now`), HTTP, SQL or Kubernetes.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod change;
pub mod drift;
pub mod git;
pub mod health;
pub mod id;
pub mod image;
pub mod limit;
pub mod name;
pub mod notice;
pub mod observe;
pub mod pipeline;
pub mod place;
pub mod policy;
pub mod pull_request;
pub mod registry;
pub mod request;

/// An instant in UTC. Fields of this type end in `_at`.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
