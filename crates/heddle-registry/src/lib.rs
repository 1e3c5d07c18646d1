//! Speaks OCI distribution: lists the tags of an image, and says what a tag is.
//!
//! It knows that protocol and none of our policy. Registries are strangers: what they name as a login server, as the
//! next page or as their own address is followed only to public addresses over HTTPS, or where the operator allowed it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod ask;
mod describe;
mod egress;
mod guard;
mod session;
mod walk;

pub use self::{
    ask::Failure,
    describe::Description,
    guard::{Access, AccessError},
    session::{Credential, Session, SessionError},
    walk::TagPage,
};
