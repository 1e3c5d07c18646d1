//! Cases, named as facts, in the user's words, on every part together; and the rules that the tree keeps.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod deploy;
mod rules;
mod spine;
