//! Heddle's own API, called from Rust: by the agents, the automators and the command line.
//!
//! One client a kind of caller, one method a route, named after it. Nothing here retries, waits or keeps state: a caller
//! reads the error, which says whether the same call may succeed later and when. Which bodies cross is `heddle-wire`'s
//! business; what they mean is the caller's.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod agent;
mod automator;
mod call;
mod error;
mod events;
mod http;
mod key;
mod reporter;
mod user;

pub use agent::AgentClient;
pub use automator::AutomatorClient;
pub use error::{ClientError, Unavailable};
pub use events::EventStream;
pub use http::{Http, HttpError};
pub use key::{AgentKey, KeyError, KeyPair};
pub use reporter::ReporterClient;
pub use user::{DriftQuery, PageQuery, UserClient};
