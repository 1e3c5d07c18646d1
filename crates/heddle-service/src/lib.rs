//! What each long-running program shares: the reading of settings, telemetry, shutdown, ticker, backoff,
//! probes.
//!
//! It must not know what a program does, and reads no environment: the caller's `Config` does.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

#[cfg(feature = "running")]
pub mod backoff;
pub mod config;
pub mod limits;
#[cfg(feature = "running")]
pub mod probes;
#[cfg(feature = "running")]
pub mod shutdown;
#[cfg(feature = "running")]
pub mod telemetry;
#[cfg(feature = "running")]
pub mod ticker;
