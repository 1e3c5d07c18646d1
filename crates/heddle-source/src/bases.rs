//! Remote bases, files and charts: what kustomizations and charts name by an address outside of their repository.
//!
//! Nothing is fetched while rendering. [`gather`] looks through the kustomizations and charts of a path, fetches what they
//! name and what that names in turn, and gives it as [`Bases`]; [`WithBases`] is the tree in which all of it has a place, and
//! which is rendered as any other. Each repository is a border of its own: a base reads nothing but what lies in its own.

mod charts;
mod fetcher;
mod files;
mod gather;
mod hosts;
mod mounted;
mod patience;
mod reference;

pub(crate) use self::charts::admits;
pub use self::{
    charts::RemoteChart,
    fetcher::Fetcher,
    gather::{Known, Pinned, Resolved, Rules, gather},
    hosts::{Hosts, Login},
    mounted::{Bases, WithBases},
};
