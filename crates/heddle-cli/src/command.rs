//! One module a command: it asks the API, or reads local files, and shows the answer.

pub(crate) mod ask;
pub(crate) mod automator;
pub(crate) mod changes;
pub(crate) mod chart;
pub(crate) mod clusters;
pub(crate) mod diff;
pub(crate) mod drift;
pub(crate) mod health;
pub(crate) mod hold;
pub(crate) mod image;
pub(crate) mod import;
pub(crate) mod install;
pub(crate) mod installation;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod policy;
pub(crate) mod registry;
pub(crate) mod release;
pub(crate) mod render;
pub(crate) mod reporter;
pub(crate) mod revision;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod workloads;
