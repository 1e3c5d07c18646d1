//! The starters, on the real parts that they start.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod cluster;
mod postgres;
mod process;
mod registry;
