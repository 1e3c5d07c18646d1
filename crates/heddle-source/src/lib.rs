//! Fetches one revision of a repository over git and renders it into Kubernetes objects.
//!
//! It speaks git and runs the official renderers. It knows nothing of clusters, policies or our own API.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod bases;
mod clone;
mod error;
mod fetch;
pub mod limits;
mod path;
mod remote;
mod render;
mod snapshot;
mod store;
mod transport;
mod tree;

pub use bases::{Bases, Fetcher, Hosts, Known, Login, Pinned, RemoteChart, Resolved, Rules, WithBases, gather};
pub use error::{FetchError, ReadError};
pub use path::{PathError, TreePath};
pub use remote::{Credential, Remote};
pub use render::{
    Capabilities, Charts, ClusterView, Decryption, Generated, GivenValues, Identities, IdentityError, Overlay, Release,
    RenderError, RenderInputs, RenderTools, Rendered, RenderedObject, Stop, StopOnDrop, Unread, Until, WhyUnread,
    memory_dir, render,
};
pub use snapshot::{FileEntry, FileMode, Snapshot};
pub use store::Store;
pub use tree::{Address, Folder, Kind, Listing, Tree, Unnamed, Walk};
