//! Terraform and OpenTofu: what a plan says, and the program that makes it.
//!
//! `plan`, `values`, `messages` and `approval` are pure: text in, values out. `program` alone starts anything.

mod approval;
mod messages;
mod plan;
mod program;
mod values;

pub(crate) use approval::{Approval, Basis};
pub(crate) use messages::{Messages, Severity};
pub(crate) use plan::{Import, Look, Move, REST, read_plan};
pub(crate) use program::{Locking, Planned, Terraform, TerraformFault};
