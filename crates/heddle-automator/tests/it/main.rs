//! The automator as a process, between a Git host over real repositories and a desk that hands out work.
#![allow(clippy::unwrap_used, clippy::panic)]

mod desk;
mod hostile;
mod limits;
mod lookups;
mod lost;
mod scan;
mod shop;
mod signed;
mod walk;
