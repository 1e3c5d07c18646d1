//! Heddle's own API, called from Rust.
