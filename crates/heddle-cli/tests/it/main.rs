//! The program itself, run as a shell runs it, against a small server that stands for the API.
#![allow(clippy::unwrap_used, clippy::panic)]

mod against;
mod ansible;
mod bodies;
mod cluster;
mod install;
mod limits;
mod local;
mod login;
mod program;
mod rendering;
mod report;
mod schema;
mod terraform;
mod versions;
mod views;
