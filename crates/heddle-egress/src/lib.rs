//! Sends requests to strangers' hosts: to public addresses over HTTPS, and to what the operator allows besides.
//!
//! Addresses that a repository or a registry names are no addresses of ours: behind one may be the metadata of a cloud, the
//! API server or a printer. Each is decided on as it is written, again where a redirect leads, and when its name is resolved.
//! It knows nothing of what is asked there.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod guard;
pub mod limits;
mod send;

pub use self::{
    guard::{Guard, PublicOnly, Refused, Route, is_private_on_its_way},
    send::{Egress, SetupError, Unsent},
};
