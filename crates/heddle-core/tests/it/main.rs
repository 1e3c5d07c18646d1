//! Conformance with what the peers' own tests pin down.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cases;
mod conformance;
mod images;
mod limits;
mod lost_cases;
mod notices;
mod policy;
