//! Ansible: what a run in check mode finds, and the program that runs.
//!
//! `events` is pure. The callback (`heddle_drift.py`) speaks to Ansible, hides what is secret before it writes anything, and
//! ends the run before a task would really run.

mod events;
mod program;

pub(crate) use events::{Checked, NotLooked};
pub(crate) use program::{Ansible, AnsibleFault};
