//! The real program against a real control plane with kwok, the GitHub stand-in, and the API's agent routes.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod adding;
mod api;
mod bases;
mod charts;
mod charts_elsewhere;
mod deploying;
mod encrypted;
mod faults;
mod fields;
mod fights;
mod following;
mod gone;
mod hooks;
mod leading;
mod limits;
mod reading;
mod reporting;
mod requests;
mod setup;
mod sweeping;
mod together;
mod watching;
