//! Fetching against the real `git http-backend`, over HTTPS with a certificate authority of the test's own.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod bases;
mod charts;
mod charts_elsewhere;
mod encrypted;
mod fetching;
mod git_host;
mod helm_charts;
mod hostile;
mod limits;
mod links;
mod outside;
mod overlay;
mod rendering;
