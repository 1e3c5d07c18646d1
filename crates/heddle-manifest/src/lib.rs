//! Reads manifest text with places, finds images, charts and the rules that govern them, changes one value and no other byte.
//!
//! Pure: texts in, values out. It must not know where files come from or where edits go.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod aliases;
pub mod bond;
mod chart;
pub mod config;
pub mod documents;
pub mod edit;
pub mod find;
mod finding;
mod flux;
pub mod glob;
mod govern;
mod image;
pub mod intake;
mod kustomize;
pub mod limits;
mod markers;
mod object;
mod occurrence;
pub mod path;
pub mod peers;
mod policy;
mod read;
mod release;
mod resource;
mod ruling;
pub mod style;
pub mod substitute;
mod values;
mod written;
pub mod yaml;

pub use self::{
    chart::{Version, VersionKind, is_version, without_login},
    config::Config,
    edit::{Edit, EditError, edit},
    find::{Files, Found},
    finding::Finding,
    govern::find,
    image::Target,
    policy::FoundPolicy,
    resource::{ResourcePlace, ResourceRule},
};
