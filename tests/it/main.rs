//! Cases, named as facts, in the user's words, on every part together; and the rules that the tree keeps.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod cluster;
mod deploy;
mod people;
mod rules;
mod spine;
mod tags;
