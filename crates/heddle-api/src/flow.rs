//! How what was seen becomes stored state and facts, one module a kind of report. Each runs in one transaction of the
//! organization; what is decided is decided by `heddle_core::observe` and `heddle_core::pipeline`.

pub mod barred;
pub mod bell;
pub mod candidates;
pub mod drift;
pub mod facts;
pub mod hosts;
pub mod judge;
pub mod lease;
pub mod link;
pub mod plan;
pub mod push;
pub mod read;
pub mod registry;
pub mod report;
pub mod request;
pub mod revision;
pub mod scan;
pub mod settle;
pub mod unread;
pub mod update;
pub mod verdicts;
pub mod waiting;
