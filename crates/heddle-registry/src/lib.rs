//! Speaks OCI distribution: lists the tags of an image, says what a tag is, pulls what is no image, and fetches what is
//! attached as a signature. Of charts that a repository serves over HTTP it reads the index.
//!
//! It knows that protocol and none of our policy. Registries are strangers: what they name as a login server, as the
//! next page or as their own address is followed only to public addresses over HTTPS, or where the operator allowed it;
//! and whatever they or their login servers send is counted ([`limits`]).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod access;
mod allowance;
mod ask;
pub mod charts;
mod cloud;
mod describe;
pub mod limits;
mod login;
mod page;
mod pull;
pub mod quirks;
mod session;
mod signatures;
mod walk;

pub use self::{
    access::{Access, AccessError},
    ask::{Failure, LoginFault},
    cloud::{Cloud, CloudSecret, Clouds, EndpointError, Endpoints, LoginKey},
    describe::Description,
    login::Credential,
    pull::{Artifact, Layer},
    session::{Keys, Login, Session},
    signatures::Attached,
    walk::{Begun, TagPage},
};
