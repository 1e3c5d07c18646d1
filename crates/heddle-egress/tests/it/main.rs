//! What the tree tells of this crate.

#![allow(clippy::unwrap_used, missing_docs)]

mod limits;
