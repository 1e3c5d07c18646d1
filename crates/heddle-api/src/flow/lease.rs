//! Leases, and what is handed out with them: what the work needs and no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::Utc;
use heddle_core::{
    git::BranchName,
    id::{OrganizationId, ProposalId, RepositoryId},
};
use heddle_db::{
    Tx,
    changes::{self, TrackedChange},
    own_automators,
    proposals::{self, Proposal},
    repositories::{self, Repository},
    revision_looks, revisions, syncs,
    work::{self, Failure, Kind, Leased},
};
use heddle_github::Permissions;
use heddle_wire::automator::{
    BranchHead, Lease, OpenProposal, ProposedChange, ReadWork, RepositoryAccess, ScanWork, SyncPath, UnknownRevision,
    Work,
};
use heddle_wire::secret::WireSecret;
use uuid::Uuid;

use super::{
    hosts::{self, Turn},
    registry, scan, update,
};
use crate::{
    app::App,
    principal::Own,
    problem::{ApiError, ApiResult},
};

/// So many names of Syncs are told of one path.
const MAX_SYNCS_OF_A_PATH: usize = 200;

/// How often work comes back that nothing asks for, and the longest that failures put it off.
pub fn interval(app: &App, kind: Kind) -> Duration {
    match kind {
        Kind::Read => app.config.read_interval,
        Kind::Scan | Kind::Update | Kind::Test => app.config.scan_interval,
    }
}

/// The whole body of a lease. Where it cannot be made, the work fails with the reason and comes back later.
///
/// # Errors
/// When the store cannot be reached.
pub async fn hand_out(app: &App, leased: &Leased, asker: Option<Uuid>) -> ApiResult<Option<Lease>> {
    match build(app, leased, asker).await {
        Ok(Built::Work(work)) => Ok(Some(Lease {
            id: leased.lease,
            fence: leased.fence,
            expires_at: leased.expires_at,
            organization: leased.organization,
            work: *work,
        })),
        Ok(Built::Later) => {
            let mut tx = app.db.organization(leased.organization).await?;
            if let Some(held) = work::hold(&mut tx, leased.lease, leased.fence).await? {
                work::give_back(&mut tx, &held, Utc::now()).await?;
            }
            tx.commit().await?;
            Ok(None)
        }
        Ok(Built::Gone) => {
            let mut tx = app.db.organization(leased.organization).await?;
            if let Some(held) = work::hold(&mut tx, leased.lease, leased.fence).await?
                && !work::forget_held(&mut *tx, &held).await?
            {
                work::finish(&mut tx, &held, None, None).await?;
            }
            tx.commit().await?;
            Ok(None)
        }
        Err(reason) => {
            tracing::warn!(kind = ?leased.kind, subject = %leased.subject, reason = reason.message.as_ref(),
                "work could not be handed out: {}", reason.message);
            let mut tx = app.db.organization(leased.organization).await?;
            if let Some(held) = work::hold(&mut tx, leased.lease, leased.fence).await? {
                let longest = interval(app, leased.kind);
                let failure = Failure { reason: &reason.message, not_before: None, longest };
                work::fail(&mut tx, &held, failure).await?;
            }
            tx.commit().await?;
            Ok(None)
        }
    }
}

/// What became of leased work.
enum Built {
    /// It is handed out.
    Work(Box<Work>),
    /// What it is about is gone.
    Gone,
    /// It is somebody else's, or its turn comes later.
    Later,
}

impl Built {
    fn work(work: Work) -> Self {
        Self::Work(Box::new(work))
    }
}

/// `asker` is the organization's own automator that leased it; `None` for a hosted one.
async fn build(app: &App, leased: &Leased, asker: Option<Uuid>) -> ApiResult<Built> {
    let organization = leased.organization;
    let repository = RepositoryId(leased.subject);
    match leased.kind {
        Kind::Scan => build_scan(app, leased, asker).await,
        Kind::Test => {
            let mut tx = app.db.organization(organization).await?;
            let work = registry::test_work(app, &mut tx, organization, leased.subject).await?;
            tx.commit().await?;
            Ok(work.map_or(Built::Gone, |work| Built::work(Work::Test(work))))
        }
        Kind::Read => {
            let Some((repository, access)) = open(app, organization, repository, Permissions::Read).await? else {
                return Ok(Built::Gone);
            };
            let mut tx = app.db.organization(organization).await?;
            let work = read_work(&mut tx, &repository, access).await?;
            tx.commit().await?;
            Ok(Built::work(Work::Read(work)))
        }
        Kind::Update => {
            let Some((repository, access)) = open(app, organization, repository, Permissions::Write).await? else {
                return Ok(Built::Gone);
            };
            let now = Utc::now();
            update::refresh(app, organization, repository.id, now).await?;
            let mut tx = app.db.organization(organization).await?;
            let work = update::work(app, &mut tx, organization, &repository, access, now).await?;
            tx.commit().await?;
            Ok(Built::work(Work::Update(work)))
        }
    }
}

/// A scan with the login that it needs, where it may begin. Rows are written in the order image, host, work.
async fn build_scan(app: &App, leased: &Leased, asker: Option<Uuid>) -> ApiResult<Built> {
    let (organization, image, now) = (leased.organization, leased.subject, Utc::now());
    let mut tx = app.db.organization(organization).await?;
    let work = scan::work(&mut tx, organization, (image, leased.lease), now).await?;
    let Some(work) = work else { return Ok(Built::Gone) };
    let site = hosts::find(&mut tx, organization, image, &work.image).await?;
    let (work, login) = match site.claimed_by {
        claimed_by if claimed_by != asker => {
            hosts::take_turn(&mut tx, organization, (image, &work.image), &site, None, now).await?;
            tx.commit().await?;
            return Ok(Built::Later);
        }
        Some(automator) => (registry::leave_to(&mut tx, automator, image, work).await?, None),
        None => match registry::lend(app, &mut tx, organization, image, work).await? {
            Ok(lent) => lent,
            Err(reason) => {
                tx.commit().await?;
                return Err(reason);
            }
        },
    };
    let turn = hosts::take_turn(&mut tx, organization, (image, &work.image), &site, login, now).await?;
    tx.commit().await?;
    Ok(match turn {
        Turn::Now(at_once) => Built::work(Work::Scan(ScanWork { at_once: Some(at_once), ..work })),
        Turn::Later => Built::Later,
    })
}

/// A repository and the way into it; `None` when it is gone. GitHub is asked outside of transactions: it may take its
/// time.
async fn open(
    app: &App,
    organization: OrganizationId,
    repository: RepositoryId,
    permissions: Permissions,
) -> ApiResult<Option<(Repository, RepositoryAccess)>> {
    let mut tx = app.db.organization(organization).await?;
    let repository = repositories::find(&mut *tx, organization, repository).await?;
    tx.commit().await?;
    let Some(repository) = repository else { return Ok(None) };
    let access = access(app, &repository, permissions).await?;
    Ok(Some((repository, access)))
}

async fn access(app: &App, repository: &Repository, permissions: Permissions) -> ApiResult<RepositoryAccess> {
    let (tokens, github) = app.github_app()?;
    let token = tokens.mint(repository.installation_id, &repository.name, permissions).await?;
    let clone_url = format!("{}/{}.git", github.web_url.as_str().trim_end_matches('/'), repository.name);
    Ok(RepositoryAccess {
        id: repository.id,
        name: repository.name.clone(),
        clone_url: clone_url.parse().map_err(|error: url::ParseError| ApiError::internal(error))?,
        api_url: github.api_url.clone(),
        graphql_url: tokens.graphql_url().clone(),
        token: WireSecret(token.secret),
        token_expires_at: token.expires_at,
        bot_login: format!("{}[bot]", github.slug),
        default_branch: repository.default_branch.clone(),
    })
}

async fn read_work(tx: &mut Tx, repository: &Repository, access: RepositoryAccess) -> ApiResult<ReadWork> {
    Ok(ReadWork {
        repository: access,
        known_heads: known_heads(tx, repository.id).await?,
        unknown_revisions: revisions::list_unknown(&mut **tx, repository.id)
            .await?
            .into_iter()
            .map(|one| UnknownRevision { branch: one.branch, revision: one.revision })
            .collect(),
        sync_paths: sync_paths(tx, repository.id).await?,
        open_proposals: open_proposals(tx, repository.id).await?,
        wanted_commits: revision_looks::list_waiting(&mut **tx, repository.id).await?,
    })
}

pub(super) async fn known_heads(tx: &mut Tx, repository: RepositoryId) -> ApiResult<Vec<BranchHead>> {
    let heads = revisions::list_heads(&mut **tx, repository).await?;
    Ok(heads.into_iter().map(|head| BranchHead { branch: head.branch, revision: head.revision }).collect())
}

/// The paths that Syncs follow, in order.
pub(super) async fn sync_paths(tx: &mut Tx, repository: RepositoryId) -> ApiResult<Vec<SyncPath>> {
    let mut paths: BTreeMap<(BranchName, String), BTreeSet<String>> = BTreeMap::new();
    for sync in syncs::list_following(&mut **tx, repository).await? {
        paths.entry((sync.branch, sync.path)).or_default().insert(sync.key.sync.name);
    }
    let path = |((branch, path), syncs): ((BranchName, String), BTreeSet<String>)| SyncPath {
        branch,
        path,
        syncs: syncs.into_iter().take(MAX_SYNCS_OF_A_PATH).collect(),
    };
    Ok(paths.into_iter().map(path).collect())
}

pub(super) async fn open_proposals(tx: &mut Tx, repository: RepositoryId) -> ApiResult<Vec<OpenProposal>> {
    let unsettled = proposals::list_unsettled(&mut **tx, repository).await?;
    let ids: Vec<Uuid> = unsettled.iter().map(|proposal| proposal.id.0).collect();
    let carried = changes::list_of_proposals(&mut **tx, &ids).await?;
    Ok(unsettled
        .into_iter()
        .filter_map(|proposal| {
            let head_branch = proposal.head_branch.clone()?;
            Some(open_proposal(proposal, head_branch, &carried))
        })
        .collect())
}

fn open_proposal(proposal: Proposal, head_branch: BranchName, carried: &[TrackedChange]) -> OpenProposal {
    OpenProposal {
        id: proposal.id,
        head_branch,
        base_branch: proposal.base_branch,
        number: proposal.number,
        head: proposal.head,
        group: proposal.group,
        request: proposal.request,
        changes: carried.iter().filter(|change| is_carried(change, proposal.id)).map(proposed_change).collect(),
    }
}

fn is_carried(change: &TrackedChange, proposal: ProposalId) -> bool {
    change.proposal == Some(proposal) && !change.ended && !change.settled
}

fn proposed_change(change: &TrackedChange) -> ProposedChange {
    ProposedChange {
        id: change.id,
        environment: change.environment.clone(),
        image: change.image.clone(),
        to: change.to.clone(),
        to_digest: change.to_digest.clone(),
        places: change.places.clone(),
    }
}

/// Leases one due piece of work and builds its body; looks on when a body could not be made. `None` when nothing is due;
/// the bell rings when something is.
///
/// # Errors
/// When the store cannot be reached.
pub async fn next(app: &App, process: &str, knows_requests: u16) -> ApiResult<Option<Lease>> {
    loop {
        let turn = app.bell.turn();
        let mut tx = app.db.routing().await?;
        let Some(leased) = work::lease(&mut *tx, process, app.config.lease, None, knows_requests.into()).await? else {
            if !app.bell.is_planned() {
                app.bell.plan(work::next_in(&mut *tx).await?);
            }
            tx.commit().await?;
            turn.found_nothing();
            return Ok(None);
        };
        tx.commit().await?;
        turn.found();
        if let Some(lease) = hand_out(app, &leased, None).await? {
            return Ok(Some(lease));
        }
    }
}

/// Leases a due scan of a registry that an organization's own automator serves.
///
/// # Errors
/// When the store cannot be reached.
pub async fn next_own(app: &App, own: &Own, process: &str) -> ApiResult<Option<Lease>> {
    loop {
        let mut tx = app.db.organization(own.organization).await?;
        hosts::place_all(&mut tx, own.organization).await?;
        let leased = own_automators::lease(&mut *tx, own.id, process, app.config.lease).await?;
        tx.commit().await?;
        let Some(leased) = leased else { return Ok(None) };
        if let Some(lease) = hand_out(app, &leased, Some(own.id)).await? {
            return Ok(Some(lease));
        }
    }
}
