//! Reads manifest text with places, finds images and the rules that govern them, changes one value and no other byte.
//!
//! Pure: texts in, values out. It must not know where files come from or where edits go.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod config;
pub mod documents;
pub mod edit;
pub mod find;
mod flux;
pub mod glob;
mod image;
mod kustomize;
mod object;
pub mod peers;
mod policy;
mod read;
mod release;
mod resource;
pub mod style;
pub mod substitute;
mod values;
pub mod yaml;

mod finding;

pub use self::{
    config::Config,
    edit::{Edit, EditError, edit},
    find::{Files, Found, find},
    finding::Finding,
    image::Target,
    policy::FoundPolicy,
    resource::{ResourcePlace, ResourceRule},
};
