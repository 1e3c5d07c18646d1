//! Conformance with what the peers' own tests pin down.
#![allow(clippy::unwrap_used, clippy::panic)]

mod conformance;
mod images;
mod limits;
mod notices;
mod policy;
