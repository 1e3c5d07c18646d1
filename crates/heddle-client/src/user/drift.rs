//! Records of drift, and who may report them.

use heddle_core::{
    drift::{DriftState, DriftTool},
    id::OrganizationId,
};
use heddle_wire::view::{CreateReporter, DriftPage, DriftRecordDetail, ReporterCreated, ReporterView};
use reqwest::Method;
use uuid::Uuid;

use super::{PageQuery, UserClient, within};
use crate::error::ClientError;

/// Which records.
#[derive(Debug, Clone, Default)]
pub struct DriftQuery {
    /// Which part of the list, and of which environment.
    pub page: PageQuery,
    /// Only in this state.
    pub state: Option<DriftState>,
    /// Only of this tool.
    pub tool: Option<DriftTool>,
}

impl UserClient {
    /// `GET /organizations/{organization}/drift`: everything that is looked at, what is not the same first.
    ///
    /// # Errors
    /// As every call.
    pub async fn drift(&self, organization: OrganizationId, query: &DriftQuery) -> Result<DriftPage, ClientError> {
        let PageQuery { after, environment, limit } = &query.page;
        self.call(Method::GET, &within(organization, "drift"))
            .query_if("after", after.as_deref())
            .query_if("environment", environment.as_ref().map(|name| name.as_str()))
            .query_if("state", query.state.map(DriftState::as_str))
            .query_if("tool", query.tool.map(DriftTool::as_str))
            .query_if("limit", limit.map(|limit| limit.to_string()).as_deref())
            .send()
            .await?
            .json()
    }

    /// `GET /organizations/{organization}/drift/{record}`: a record with what a spell found, the newest where none is named.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn drift_record(
        &self,
        organization: OrganizationId,
        record: Uuid,
        spell: Option<Uuid>,
    ) -> Result<DriftRecordDetail, ClientError> {
        self.call(Method::GET, &within(organization, &format!("drift/{record}")))
            .query_if("spell", spell.map(|spell| spell.to_string()).as_deref())
            .send()
            .await?
            .json()
    }

    /// `DELETE /organizations/{organization}/drift/{record}`: forgets one that nobody asks for or reports.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `record-asked-for` or `record-reported` while somebody does.
    pub async fn forget_drift_record(&self, organization: OrganizationId, record: Uuid) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("drift/{record}"))).await
    }

    /// `GET /organizations/{organization}/reporters`: without their tokens.
    ///
    /// # Errors
    /// As every call.
    pub async fn reporters(&self, organization: OrganizationId) -> Result<Vec<ReporterView>, ClientError> {
        self.get(&within(organization, "reporters")).await
    }

    /// `POST /organizations/{organization}/reporters`: makes one, whose token is in this answer alone.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the fields at fault.
    pub async fn create_reporter(
        &self,
        organization: OrganizationId,
        request: &CreateReporter,
    ) -> Result<ReporterCreated, ClientError> {
        self.post(&within(organization, "reporters"), request).await
    }

    /// `DELETE /organizations/{organization}/reporters/{reporter}`: its looks are refused from now on.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none, or it is revoked already.
    pub async fn revoke_reporter(&self, organization: OrganizationId, reporter: Uuid) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("reporters/{reporter}"))).await
    }
}
