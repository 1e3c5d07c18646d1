//! Speaks GitHub: App tokens, commits, pull requests, the users' sign-in, webhook signatures.
//!
//! It knows GitHub's protocol and quirks, and none of what Heddle decides. `octocrab` signs the App's JWT and carries
//! the requests; retries are the callers', because a request that failed may have been carried out.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod app;
mod call;
mod error;
mod host;
mod message;
mod oauth;
mod registration;
mod repository;
mod user;
pub mod webhook;

pub use self::{
    app::{App, AppConfig, FailedDelivery, Permissions, Token},
    error::{CommitError, GitHubError},
    host::{Host, Transport},
    message::CommitMessage,
    oauth::{OAuth, UserToken},
    registration::{Delivery, Registration, Webhook},
    repository::{
        BranchOwner, Commit, CommitMade, Commits, Comparison, ComparisonStatus, FileEdit, FileMode, NewPullRequest,
        PullRequest, PullRequestState, PullRequestUpdate, RepositoryClient, Reviewers, Since, WaitsFor,
    },
    user::{Installation, InstallationRepository, User, UserClient},
};
