//! What a stranger's eye sees of the crate: its limits, and what cosign itself made.
#![allow(clippy::unwrap_used, clippy::panic)]

mod limits;
mod signed;
