//! One module a command: it asks the API and shows the answer.

pub(crate) mod changes;
pub(crate) mod clusters;
pub(crate) mod login;
pub(crate) mod status;
pub(crate) mod workloads;
