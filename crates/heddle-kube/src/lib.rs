//! Applies, deletes and watches objects; keeps the inventory in the cluster.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod sync;
