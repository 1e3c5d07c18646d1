//! What a stranger sees of the crate: its limits.
#![allow(clippy::unwrap_used)]

mod limits;
