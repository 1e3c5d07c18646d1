//! Conformance with what the peers' own tests pin down about finding, writing and substituting values.
#![allow(clippy::unwrap_used, clippy::panic)]

// The pure crates count their cases alike.
mod bytes;
#[allow(dead_code)]
#[path = "../../../heddle-core/tests/it/cases.rs"]
mod cases;
#[path = "../../../heddle-core/tests/it/conformance.rs"]
mod conformance;
mod edits;
mod flux;
mod flux_v1;
mod kargo;
mod kubectl;
mod limits;
mod manual;
mod places;
mod substitution;
