//! What people's programs send and see, under `/api/v1`: the dashboard, the command line, CI.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, RepoName, RepoUrl, Revision},
    health::HealthStatus,
    id::{ChangeId, ClusterId, ClusterKeyId, OrganizationId, RepositoryId, UserId},
    image::{ImageRepository, Tag},
    name::{EnvironmentName, SyncName},
    pipeline::Line,
    place::Place,
    policy::Verdict,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    agent::{AgentInfo, Condition, ContainerImage, DriftReport, StoppedPrune, SyncError},
    secret::WireSecret,
};

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    )+};
}

bodies! {
    /// Makes an account: `POST /sign-up`.
    SignUpRequest {
        /// The address, which is the login.
        email: String,
        /// At least 12 and at most 128 characters, and no common one.
        password: WireSecret,
        /// The name that others see.
        name: String,
        /// The code of an invitation, where sign-up asks for one.
        invitation: Option<String>,
    }

    /// Starts a session: `POST /login`.
    LoginRequest {
        /// The address.
        email: String,
        /// The password.
        password: WireSecret,
    }

    /// Who is asking: `GET /me`.
    Me {
        /// The account.
        id: UserId,
        /// The address.
        email: String,
        /// The name that others see.
        name: String,
        /// The organizations, by name.
        organizations: Vec<OrganizationView>,
        /// The GitHub login that was proved, if any.
        github_login: Option<String>,
    }

    /// Makes an organization: `POST /organizations`.
    CreateOrganization {
        /// Its name, 1 to 60 characters.
        name: String,
    }

    /// An organization as one of its members sees it.
    OrganizationView {
        /// The organization.
        id: OrganizationId,
        /// Its name.
        name: String,
        /// What the asker may do in it.
        role: Role,
    }

    /// A member of an organization: `GET /organizations/{organization}/members`.
    MemberView {
        /// The person.
        user: UserId,
        /// Their address.
        email: String,
        /// Their name.
        name: String,
        /// What they may do.
        role: Role,
        /// Since when they belong to it.
        joined_at: DateTime<Utc>,
    }

    /// Gives a member another role: `PUT /organizations/{organization}/members/{user}/role`.
    ChangeRole {
        /// What they may do from now on.
        role: Role,
    }

    /// Invites somebody: `POST /organizations/{organization}/invitations`.
    CreateInvitation {
        /// For whom.
        email: String,
        /// What they may do.
        role: Role,
    }

    /// A new invitation; its code is shown this once and is good for seven days.
    InvitationCreated {
        /// The invitation.
        id: Uuid,
        /// For whom.
        email: String,
        /// What they may do.
        role: Role,
        /// The code, for [`SignUpRequest::invitation`] or [`AcceptInvitation`].
        code: WireSecret,
        /// When it ends.
        expires_at: DateTime<Utc>,
    }

    /// Takes an invitation with an account that is there: `POST /invitations/accept`.
    AcceptInvitation {
        /// The code.
        code: WireSecret,
    }

    /// One of the asker's own sessions: `GET /sessions`.
    SessionView {
        /// The session.
        id: Uuid,
        /// When it began.
        created_at: DateTime<Utc>,
        /// When it was last used, to the minute.
        last_used_at: DateTime<Utc>,
        /// The browser, as it calls itself.
        user_agent: String,
        /// Whether it is the one that asks.
        current: bool,
    }

    /// Makes an API token: `POST /tokens`.
    CreateToken {
        /// What it is for.
        name: String,
        /// The organization it is for.
        organization: OrganizationId,
        /// What it may do.
        role: Role,
        /// Days until it ends, 1 to 365.
        expires_in_days: u32,
    }

    /// A new token; its text is shown this once.
    TokenCreated {
        /// The token.
        token: TokenView,
        /// Its text.
        secret: WireSecret,
    }

    /// An API token without its text.
    TokenView {
        /// The token.
        id: Uuid,
        /// What it is for.
        name: String,
        /// The organization it is for.
        organization: OrganizationId,
        /// What it may do.
        role: Role,
        /// When it was made.
        created_at: DateTime<Utc>,
        /// When it ends.
        expires_at: DateTime<Utc>,
        /// When it was last used.
        last_used_at: Option<DateTime<Utc>>,
    }

    /// How far an organization has come: `GET /organizations/{organization}/onboarding`.
    Onboarding {
        /// The steps in order.
        steps: Vec<OnboardingStep>,
        /// The page at GitHub that installs the App.
        github_install_url: String,
    }

    /// A step of the check list.
    OnboardingStep {
        /// Which.
        step: OnboardingStepName,
        /// Whether it is done.
        done: bool,
        /// What was seen: "agent connected, 7 workloads seen"; or what to do next.
        message: String,
    }

    /// Repositories that the asker may bind, proved by the asker's own GitHub sign-in:
    /// `GET /organizations/{organization}/github/repositories`.
    AvailableRepository {
        /// The App's installation.
        installation_id: i64,
        /// The repository.
        name: RepoName,
        /// Its default branch.
        default_branch: BranchName,
        /// Whether it is private.
        private: bool,
        /// Whether this organization already has it.
        connected: bool,
    }

    /// Binds a repository: `POST /organizations/{organization}/repositories`.
    ConnectRepository {
        /// The App's installation.
        installation_id: i64,
        /// The repository.
        name: RepoName,
    }

    /// A config repository.
    RepositoryView {
        /// The repository.
        id: RepositoryId,
        /// Its name.
        name: RepoName,
        /// Its canonical address.
        url: RepoUrl,
        /// Its page.
        web_url: String,
        /// Its default branch.
        default_branch: BranchName,
        /// When it was last read with success.
        read_at: Option<DateTime<Utc>>,
        /// The head that was read.
        head: Option<Revision>,
        /// Why the last read failed.
        error: Option<String>,
        /// The environments in order of promotion.
        environments: Vec<EnvironmentView>,
        /// How many images stand in it.
        images: i64,
    }

    /// An environment.
    EnvironmentView {
        /// Its name.
        name: EnvironmentName,
        /// Its path.
        path: String,
        /// Its branch.
        branch: BranchName,
        /// It stands in no `.heddle.yaml`.
        implicit: bool,
    }

    /// Something wrong in a file that a person wrote.
    FindingView {
        /// The repository.
        repository: RepoName,
        /// The branch.
        branch: BranchName,
        /// The file.
        file: String,
        /// Line, from 1.
        line: i32,
        /// Column, from 1.
        column: i32,
        /// A stable word.
        code: String,
        /// What is wrong and what to write instead.
        message: String,
        /// Whether it keeps something from being written.
        blocks: bool,
        /// The line's page at the host.
        url: String,
    }

    /// Makes an address that takes push notices of a registry: `POST /organizations/{organization}/receivers`.
    CreateReceiver {
        /// What it is for.
        name: String,
    }

    /// A new receiver; the secret is shown this once.
    ReceiverCreated {
        /// The receiver.
        receiver: ReceiverView,
        /// Goes into the notices' `Authorization: Bearer` header.
        secret: WireSecret,
        /// The block for the configuration of a CNCF Distribution registry.
        configuration: String,
    }

    /// A receiver.
    ReceiverView {
        /// The receiver.
        id: Uuid,
        /// What it is for.
        name: String,
        /// Where the registry posts to.
        url: String,
        /// When the last notice came.
        last_notice_at: Option<DateTime<Utc>>,
    }

    /// Adds a cluster: `POST /organizations/{organization}/clusters`.
    CreateCluster {
        /// Its name, an RFC 1123 label.
        name: String,
        /// The repository its first Sync follows.
        repository: RepositoryId,
        /// The branch.
        branch: BranchName,
        /// The path.
        path: String,
        /// The namespaces that it may write.
        namespaces: Vec<String>,
    }

    /// A new cluster, with the manifest that installs the agent.
    ClusterCreated {
        /// The cluster.
        cluster: ClusterView,
        /// The manifest, with a bootstrap token in it that works once.
        manifest: WireSecret,
        /// SHA-256 of the manifest, in hexadecimal.
        manifest_sha256: String,
        /// When the bootstrap token ends.
        bootstrap_expires_at: DateTime<Utc>,
    }

    /// A cluster.
    ClusterView {
        /// The cluster.
        id: ClusterId,
        /// Its name.
        name: String,
        /// Whether its agent is there.
        link: Link,
        /// When the agent was last heard.
        last_seen_at: Option<DateTime<Utc>>,
        /// The agent, as it last said.
        agent: Option<AgentInfo>,
        /// Its keys.
        keys: Vec<ClusterKeyView>,
        /// Its Syncs, last known state.
        syncs: Vec<SyncView>,
        /// How many workloads were seen.
        workloads: i64,
        /// When it was added.
        created_at: DateTime<Utc>,
    }

    /// A key of a cluster.
    ClusterKeyView {
        /// The key.
        id: ClusterKeyId,
        /// When it was made.
        created_at: DateTime<Utc>,
        /// When it was last used.
        last_used_at: Option<DateTime<Utc>>,
        /// When it was revoked.
        revoked_at: Option<DateTime<Utc>>,
    }

    /// A Sync, last known state.
    SyncView {
        /// Which.
        sync: SyncName,
        /// Canonical address of its repository.
        repository: RepoUrl,
        /// Whether that repository is bound to the organization.
        connected: bool,
        /// Its branch.
        branch: BranchName,
        /// Its path.
        path: String,
        /// The environment it is shown under.
        environment: Option<EnvironmentName>,
        /// `spec.suspend`.
        suspended: bool,
        /// The revision that is applied.
        applied_revision: Option<Revision>,
        /// The revision last tried.
        attempted_revision: Option<Revision>,
        /// The verdict on its objects.
        health: HealthStatus,
        /// How many objects.
        objects: i64,
        /// Its conditions.
        conditions: Vec<Condition>,
        /// The errors of the last attempt.
        errors: Vec<SyncError>,
        /// The latest drifts.
        drifts: Vec<DriftReport>,
        /// A prune that asks.
        stopped_prune: Option<StoppedPrune>,
        /// When this was reported.
        reported_at: DateTime<Utc>,
    }

    /// A page of changes: `GET /organizations/{organization}/changes`.
    ChangePage {
        /// The changes, newest first.
        items: Vec<ChangeView>,
        /// Pass as `after` for the next page.
        next: Option<String>,
        /// How many of each, over all pages.
        counts: ChangeCounts,
    }

    /// How many changes there are.
    ChangeCounts {
        /// Not ended.
        in_flight: i64,
        /// Not ended and waiting for someone or stuck on a fault.
        stuck: i64,
        /// Healthy in the last 24 hours.
        healthy_today: i64,
    }

    /// A change.
    ChangeView {
        /// The change.
        id: ChangeId,
        /// Its repository.
        repository: RepoName,
        /// Its branch.
        branch: BranchName,
        /// Its environment.
        environment: EnvironmentName,
        /// Its image.
        image: ImageRepository,
        /// The tag that stood there.
        from: Option<Tag>,
        /// The tag it goes to.
        to: Tag,
        /// How it is written.
        mode: Mode,
        /// Its line.
        line: Line,
        /// The commit or pull request.
        proposal: Option<ProposalRef>,
        /// When it was first known.
        created_at: DateTime<Utc>,
    }

    /// A change with everything: `GET /organizations/{organization}/changes/{change}`.
    ChangeDetail {
        /// The change.
        change: ChangeView,
        /// Where it writes.
        places: Vec<Place>,
        /// The lines that change, as unified diff.
        diff: String,
        /// Why this tag.
        why: String,
        /// Each Sync's result.
        rollouts: Vec<RolloutView>,
    }

    /// The result of a change in one Sync.
    RolloutView {
        /// The cluster.
        cluster: ClusterId,
        /// Its name.
        cluster_name: String,
        /// The Sync.
        sync: SyncName,
        /// Whether the agent is there.
        link: Link,
        /// When the agent was last heard.
        last_seen_at: Option<DateTime<Utc>>,
        /// The applied revision.
        revision: Option<Revision>,
        /// Applied and healthy, or why not.
        line: heddle_core::pipeline::RolloutLine,
    }

    /// A page of workloads: `GET /organizations/{organization}/workloads`.
    WorkloadPage {
        /// The workloads by cluster, namespace and name.
        items: Vec<WorkloadView>,
        /// Pass as `after` for the next page.
        next: Option<String>,
        /// How many in all.
        total: i64,
    }

    /// A workload.
    WorkloadView {
        /// The cluster.
        cluster: ClusterId,
        /// Its name.
        cluster_name: String,
        /// The Sync that applied it.
        sync: SyncName,
        /// The environment.
        environment: Option<EnvironmentName>,
        /// Its kind.
        kind: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The verdict.
        health: HealthStatus,
        /// Why it is not healthy.
        reason: Option<String>,
        /// Since when.
        since: DateTime<Utc>,
        /// What runs, by container.
        images: Vec<WorkloadImage>,
        /// The state in words: "up to date", "1.4.3 waits in #41", "nothing updates it".
        state: String,
        /// When this was reported.
        reported_at: DateTime<Utc>,
        /// Whether the agent is there.
        link: Link,
    }

    /// An image of a workload.
    WorkloadImage {
        /// What runs.
        running: ContainerImage,
        /// What Git says should run.
        desired: Option<Tag>,
        /// The newest tag that the policy allows.
        newest: Option<Tag>,
        /// Whether a policy governs it.
        governed: bool,
        /// The change in flight.
        change: Option<ChangeId>,
    }

    /// Why tags were chosen or passed over:
    /// `GET /organizations/{organization}/verdicts?environment=…&image=…`.
    Verdicts {
        /// The image.
        image: ImageRepository,
        /// The environment.
        environment: EnvironmentName,
        /// The tag that stands in Git.
        current: Option<Tag>,
        /// The rule in words, with file and line.
        rule: String,
        /// When the registry was last read to the end.
        scanned_at: Option<DateTime<Utc>>,
        /// Why the last scan failed.
        scan_error: Option<String>,
        /// Each tag, best first, at most 200.
        tags: Vec<Verdict>,
    }

    /// A page of the audit record: `GET /organizations/{organization}/audit`.
    AuditPage {
        /// The entries, newest first.
        items: Vec<AuditEntry>,
        /// Pass as `after` for the next page.
        next: Option<String>,
    }

    /// One write by somebody.
    AuditEntry {
        /// The entry.
        id: Uuid,
        /// When.
        at: DateTime<Utc>,
        /// Who, in words: an address, a token's name, `heddle`.
        actor: String,
        /// From where: `session`, `token`, `agent`, `automator`, `github`.
        via: String,
        /// What: `cluster.create`, `repository.connect`, ….
        action: String,
        /// On what.
        object: String,
        /// More, without secrets.
        details: serde_json::Value,
        /// The request.
        request_id: String,
    }

    /// How the parts of the platform are: `GET /organizations/{organization}/status`.
    StatusView {
        /// When an automator last leased work.
        automator_seen_at: Option<DateTime<Utc>>,
        /// When a registry was last read with success.
        scanned_at: Option<DateTime<Utc>>,
        /// Images whose last scan failed, with the reason.
        failing_images: Vec<FailingImage>,
        /// Push notices that no update has looked at yet, the newest first.
        #[serde(default)]
        waiting_pushes: Vec<WaitingPush>,
        /// How many clusters are connected.
        clusters_connected: i64,
        /// How many clusters there are.
        clusters: i64,
        /// Findings that block a write.
        blocking_findings: i64,
    }

    /// An image that could not be scanned.
    FailingImage {
        /// The image.
        image: ImageRepository,
        /// Why.
        reason: String,
        /// Since when.
        since: DateTime<Utc>,
    }

    /// A tag that was pushed and has no line yet.
    WaitingPush {
        /// The image.
        image: ImageRepository,
        /// The tag.
        tag: Tag,
        /// When it was pushed.
        pushed_at: DateTime<Utc>,
        /// What it waits for, in words: `no automator for 58 min`.
        reason: String,
    }

    /// What the event stream says: the page reads again. `GET /organizations/{organization}/events`, server-sent events
    /// named `changed`.
    Event {
        /// What changed.
        topic: Topic,
        /// Which one, where one is meant.
        id: Option<Uuid>,
    }
}

/// What a member or a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything but secrets.
    Viewer,
    /// Also deploys: release, hold, roll back, approve.
    Operator,
    /// Also connects repositories and clusters.
    Admin,
    /// Also members, tokens of others and the organization itself.
    Owner,
}

/// The steps of the check list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnboardingStepName {
    /// An organization exists.
    Organization,
    /// A config repository is bound.
    GitHub,
    /// A cluster was added and its manifest handed out.
    Cluster,
    /// The agent is connected.
    Agent,
    /// A rule governs an image.
    Policy,
}

/// Whether a cluster's agent is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Never heard of.
    NeverConnected,
    /// Heard less than 90 s ago.
    Connected,
    /// Heard 90 s to 5 min ago.
    Late,
    /// Not heard for more than 5 min.
    Offline,
    /// Its keys are revoked.
    Revoked,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// A change or its line.
    Changes,
    /// Workloads.
    Workloads,
    /// Clusters and Syncs.
    Clusters,
    /// Repositories, environments and findings.
    Repositories,
    /// Scans and automators.
    Status,
}
