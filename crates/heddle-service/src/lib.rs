//! What each long-running program shares: telemetry, shutdown, ticker, backoff, probes.
//!
//! It must not know what a program does, and reads no environment: the caller's `Config` does.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod backoff;
pub mod probes;
pub mod shutdown;
pub mod telemetry;
pub mod ticker;
