//! What an automator and the API say to each other, under `/automator/v1`.
//!
//! The automator leases one piece of work, reports under the lease's fencing number, and lets it go. A report with an
//! old number is answered 409 `lease-lost`.

/// How the token of an automator begins that an organization runs itself.
pub const OWN_TOKEN_PREFIX: &str = "hdla_";

mod asked;
mod lease;
mod read;
mod request;
mod scan;
mod update;

pub use asked::{Asked, fingerprint};
pub use lease::{Done, Lease, LeaseRequest, RepositoryAccess, Work};
pub use read::{
    BesideCommit, BranchHead, BranchReport, CarriedCommit, CommitReport, DriftExpectation, EnvironmentReport, Finding,
    FoundCommit, GoverningRule, LookedUp, Occurrence, OpenProposal, PlacedRevision, PromotionReport, ProposalState,
    ProposedChange, PullRequestState, ReadReport, ReadWork, RulesFile, SyncPath, UnknownRevision,
};
pub use request::{OpenRequest, RefusedRequest, WaitingRequest};
pub use scan::{
    ScanFault, ScanOutcome, ScanReport, ScanWork, ScannedTag, TagChoice, TagDescription, TestReport, TestWork,
};
pub use update::{
    Barred, GatedChange, ImageTags, IntentOutcome, OpenIntent, PlanRequest, PlanResponse, PlannedChange,
    PlannedProposal, PostedIntent, ProposalClosed, Proven, UpdateWork,
};
