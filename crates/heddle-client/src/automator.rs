//! What an automator calls, under `/automator/v1`.

use std::time::Duration;

use heddle_core::id::{IntentId, ProposalId};
use heddle_wire::automator::{
    Done, IntentOutcome, Lease, LeaseRequest, PlanRequest, PlanResponse, ProposalClosed, ReadReport, ScanReport,
    TestReport,
};
use reqwest::Method;
use secrecy::SecretString;

use crate::{
    call::{Call, POLL_SLACK},
    error::ClientError,
    http::Http,
};

/// The API as an automator calls it. Everything under a lease fails with [`ClientError::LeaseLost`] once the lease is
/// somebody else's.
#[derive(Debug, Clone)]
pub struct AutomatorClient {
    http: Http,
    token: SecretString,
}

impl AutomatorClient {
    /// A client that shows `token` with each call.
    pub fn new(http: Http, token: SecretString) -> Self {
        Self { http, token }
    }

    /// `POST /automator/v1/lease`: a piece of work, or `None` when none became due in the time that the request waits.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token is not accepted.
    pub async fn lease(&self, request: &LeaseRequest) -> Result<Option<Lease>, ClientError> {
        let wait = Duration::from_secs(request.wait_secs);
        let call = self.http.call(Method::POST, "automator/v1/lease").bearer(&self.token);
        call.json(request).timeout(wait + POLL_SLACK).send().await?.json_if_any()
    }

    /// `POST /automator/v1/leases/{id}/renew`: keeps the work for another term.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`] when it is too late.
    pub async fn renew(&self, lease: &Lease) -> Result<(), ClientError> {
        self.under(lease, "renew").send().await.map(drop)
    }

    /// `POST /automator/v1/leases/{id}/read-report`; ends the lease.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`] when nothing of it was taken.
    pub async fn read_report(&self, lease: &Lease, report: &ReadReport) -> Result<(), ClientError> {
        self.under(lease, "read-report").json(report).send().await.map(drop)
    }

    /// `POST /automator/v1/leases/{id}/scan-report`; ends the lease and may hand over the update that it made due.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`] when nothing of it was taken.
    pub async fn scan_report(&self, lease: &Lease, report: &ScanReport) -> Result<Option<Lease>, ClientError> {
        self.under(lease, "scan-report").json(report).send().await?.json_if_any()
    }

    /// `POST /automator/v1/leases/{id}/test-report`; ends the lease.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`] when nothing of it was taken.
    pub async fn test_report(&self, lease: &Lease, report: &TestReport) -> Result<(), ClientError> {
        self.under(lease, "test-report").json(report).send().await.map(drop)
    }

    /// `POST /automator/v1/leases/{id}/intents`: announces the writes of one update.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`]: write nothing.
    pub async fn intents(&self, lease: &Lease, plan: &PlanRequest) -> Result<PlanResponse, ClientError> {
        self.under(lease, "intents").json(plan).send().await?.json()
    }

    /// `POST /automator/v1/leases/{id}/intents/{intent}/outcome`: says what came of a write.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`]: the next owner finds the write by its trailer.
    pub async fn outcome(&self, lease: &Lease, intent: IntentId, outcome: &IntentOutcome) -> Result<(), ClientError> {
        self.under(lease, &format!("intents/{intent}/outcome")).json(outcome).send().await.map(drop)
    }

    /// `POST /automator/v1/leases/{id}/proposals/{proposal}/closed`: says that we closed a pull request.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`]: the next read sees that it is closed.
    pub async fn closed(
        &self,
        lease: &Lease,
        proposal: ProposalId,
        closed: &ProposalClosed,
    ) -> Result<(), ClientError> {
        self.under(lease, &format!("proposals/{proposal}/closed")).json(closed).send().await.map(drop)
    }

    /// `POST /automator/v1/leases/{id}/done`; ends the lease, also when the work failed.
    ///
    /// # Errors
    /// [`ClientError::LeaseLost`] when it had ended already.
    pub async fn done(&self, lease: &Lease, done: &Done) -> Result<(), ClientError> {
        self.under(lease, "done").json(done).send().await.map(drop)
    }

    fn under(&self, lease: &Lease, action: &str) -> Call {
        let path = format!("automator/v1/leases/{}/{action}", lease.id);
        self.http.call(Method::POST, &path).bearer(&self.token).header("heddle-fence", lease.fence)
    }
}
