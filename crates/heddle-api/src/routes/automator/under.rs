//! A lease in the transaction of one report.

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use heddle_core::id::{LeaseId, OrganizationId, RepositoryId};
use heddle_db::{
    Tx, audit, registry_hosts,
    work::{self, Failure, Kind, LiveLease},
};
use uuid::Uuid;

use crate::{
    app::App,
    flow::{lease, plan, scan},
    principal::Automator,
    problem::{ApiError, ApiResult},
};

/// A request of an automator about its lease, with the lease's number.
pub(super) struct Call {
    pub app: App,
    automator: Automator,
    fence: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let app = App::from_request_parts(parts, state).await?;
        let automator = Automator::from_request_parts(parts, state).await?;
        let fence = parts
            .headers
            .get("heddle-fence")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| ApiError::bad_request("fence-missing", "send the lease's number as `Heddle-Fence`"))?;
        Ok(Self { app, automator, fence })
    }
}

impl Call {
    /// Takes the lease for a report; with `kind`, one of this kind of work.
    pub async fn hold(self, lease: LeaseId, kind: Option<Kind>) -> ApiResult<Under> {
        let Self { app, automator, fence } = self;
        let organization = owner_of(&app, lease, &automator).await?;
        let mut tx = app.db.organization(organization).await?;
        check_served(&mut tx, lease, &automator).await?;
        let held = work::hold(&mut tx, lease, fence).await?.ok_or_else(lost)?;
        if kind.is_some_and(|kind| kind != held.kind) {
            return Err(ApiError::conflict("other-work", "this lease is of another kind of work"));
        }
        Ok(Under { app, automator, tx, organization, held })
    }

    /// Prolongs the lease, also while a report under it is being taken.
    pub async fn renew(self, lease: LeaseId) -> ApiResult<()> {
        let organization = owner_of(&self.app, lease, &self.automator).await?;
        let mut tx = self.app.db.organization(organization).await?;
        check_served(&mut tx, lease, &self.automator).await?;
        if !work::renew(&mut *tx, lease, self.fence, self.app.config.lease).await? {
            return Err(lost());
        }
        Ok(tx.commit().await?)
    }
}

/// A held lease. Its report ends with [`Under::commit`], [`Under::finish`], [`Under::fail`] or [`Under::give_back`], and each of them refuses
/// all of it when the lease was lost meanwhile.
pub(super) struct Under {
    pub app: App,
    automator: Automator,
    pub tx: Tx,
    pub organization: OrganizationId,
    pub held: LiveLease,
}

impl Under {
    /// The organization's own automator that reports; `None` for a hosted one.
    pub fn own(&self) -> Option<Uuid> {
        self.automator.own.as_ref().map(|own| own.id)
    }

    pub fn scope(&self) -> plan::Scope {
        plan::Scope { organization: self.organization, repository: RepositoryId(self.held.subject), now: Utc::now() }
    }

    /// Puts on record what the automator did under the lease.
    pub async fn record(&mut self, action: &str, object: &str, details: serde_json::Value) -> ApiResult<()> {
        let author = self.automator.author();
        Ok(audit::record(&mut *self.tx, Some(self.organization), &author, action, object, details).await?)
    }

    /// Keeps what was reported; the work goes on.
    pub async fn commit(mut self) -> ApiResult<()> {
        let lives = work::confirm(&mut *self.tx, &self.held).await?;
        self.close(lives).await
    }

    /// Keeps what was reported; the work is done.
    pub async fn finish(mut self, not_before: Option<DateTime<Utc>>) -> ApiResult<()> {
        self.end(not_before).await?;
        self.close(true).await
    }

    /// Ends the lease in its transaction, which goes on.
    pub async fn end(&mut self, not_before: Option<DateTime<Utc>>) -> ApiResult<()> {
        let next_at = match self.held.kind {
            Kind::Read => Some(Utc::now() + self.app.config.read_interval),
            Kind::Scan => Some(scan::next_at(&self.app, &mut self.tx, self.held.subject, Utc::now()).await?),
            // Only what a read or a scan sees, or what it asked for itself, makes it due again.
            Kind::Update | Kind::Test => None,
        };
        if work::finish(&mut self.tx, &self.held, next_at, not_before).await? { Ok(()) } else { Err(lost()) }
    }

    /// Keeps what was reported; the work failed, and comes back.
    pub async fn fail(mut self, reason: &str, not_before: Option<DateTime<Utc>>) -> ApiResult<()> {
        let longest = lease::interval(&self.app, self.held.kind);
        let lived = work::fail(&mut self.tx, &self.held, Failure { reason, not_before, longest }).await?;
        self.close(lived).await
    }

    /// The work was not begun; it is due again at `at`.
    pub async fn give_back(mut self, at: DateTime<Utc>) -> ApiResult<()> {
        let lived = work::give_back(&mut self.tx, &self.held, at).await?;
        self.close(lived).await
    }

    async fn close(self, lived: bool) -> ApiResult<()> {
        if lived { Ok(self.tx.commit().await?) } else { Err(lost()) }
    }
}

/// Whose work the lease is about. Of other organizations' leases an own automator hears nothing.
async fn owner_of(app: &App, lease: LeaseId, automator: &Automator) -> ApiResult<OrganizationId> {
    let mut tx = app.db.routing().await?;
    let organization = work::find_organization(&mut *tx, lease).await?;
    tx.commit().await?;
    let is_theirs =
        |organization: &OrganizationId| automator.own.as_ref().is_none_or(|own| own.organization == *organization);
    organization.filter(is_theirs).ok_or_else(lost)
}

/// An organization's own automator touches leases of scans at the registries that it serves alone.
async fn check_served(tx: &mut Tx, lease: LeaseId, automator: &Automator) -> ApiResult<()> {
    match &automator.own {
        Some(own) if !registry_hosts::is_served_by(&mut **tx, own.organization, lease, own.id).await? => {
            Err(ApiError::forbidden("other-work", "this automator does not serve what the lease is about"))
        }
        _ => Ok(()),
    }
}

fn lost() -> ApiError {
    ApiError::conflict("lease-lost", "this lease has ended; what was done under it counts no more")
}
