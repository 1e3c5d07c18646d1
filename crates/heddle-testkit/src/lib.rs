//! Fakes that speak HTTP, starters for real parts, builders of domain values.
//!
//! Whatever is started here ends with the process that started it, however that ends. It must not know of any program
//! of ours but as a file to run.

pub mod cluster;
pub mod github;
pub mod hold;
pub mod port;
pub mod postgres;
pub mod process;
pub mod registry;
pub mod scratch;
pub mod sops;
pub mod tls;
pub mod tools;
pub mod wait;
pub mod webhook;
