//! What people's programs send and see, under `/api/v1`: the dashboard, the command line, CI.

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    )+};
}

mod account;
mod change;
mod cluster;
mod doctor;
mod drift;
mod onboarding;
mod organization;
mod own_automator;
mod registry;
mod repository;
mod request;
mod revision;
mod status;
mod workload;

pub use account::{
    ChangePassword, CreateToken, LoginRequest, Me, ResetPassword, SessionView, SignUpRequest, TokenCreated, TokenView,
};
pub use change::{ChangeCounts, ChangeDetail, ChangePage, ChangeView, RolloutView};
pub use cluster::{ClusterCreated, ClusterKeyView, ClusterView, CreateCluster, FaultySyncView, Link, SyncView};
pub use doctor::{DoctorArea, DoctorCheck, DoctorReport, DoctorVerdict};
pub use drift::{
    CreateReporter, DriftCounts, DriftIssue, DriftPage, DriftRecordDetail, DriftRecordView, DriftSpell, DriftSync,
    ReporterCreated, ReporterView, SpellDetail,
};
pub use onboarding::{Onboarding, OnboardingStep, OnboardingStepName};
pub use organization::{
    AcceptInvitation, AuditEntry, AuditPage, ChangeRole, CreateInvitation, CreateOrganization, Grant, GrantView,
    InvitationCreated, InvitationView, MemberView, OrganizationView, Role, SetGrants,
};
pub use own_automator::{AddOwnAutomator, OwnAutomatorAdded, OwnAutomatorView};
pub use registry::{
    AddDockerLogins, EnterRegistryLogin, LoginTestView, RegistryLoginView, RegistryLogins, TestRegistryLogin,
};
pub use repository::{
    AvailableRepository, ConnectRepository, CreateReceiver, EnvironmentView, FindingSubject, FindingView,
    ReceiverCreated, ReceiverView, RepositoryView,
};
pub use request::{
    KeptBack, NewRequest, PreviewGate, PreviewRequest, PreviewStep, RequestPage, RequestPreview, RequestView, Wish,
    WishedFreeze, WishedHold, WishedPromotion, WishedRelease, WishedResume, WishedRollback, WishedRollbackSince,
    WishedTag, WishedThaw,
};
pub use revision::{
    LookForRevision, Looking, MIN_REVISION_DIGITS, PastPage, PastSync, RevisionSyncView, RevisionView,
    UnplacedRevision, WhereView,
};
pub use status::{
    AUTOMATOR_SILENT, AskedRepository, Event, FailingImage, SilentAutomator, SlowHost, StatusView, Topic,
    UnreadableImages, WaitingPush,
};
pub use workload::{Verdicts, WorkloadImage, WorkloadPage, WorkloadView};
