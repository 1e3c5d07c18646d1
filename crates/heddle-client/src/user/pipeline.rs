//! Changes, and what runs.

use heddle_core::{
    id::{ChangeId, OrganizationId},
    image::ImageRepository,
    name::EnvironmentName,
};
use heddle_wire::view::{ChangeDetail, ChangePage, Verdicts, WorkloadPage};
use reqwest::Method;

use super::{PageQuery, UserClient, within};
use crate::error::ClientError;

impl UserClient {
    /// `GET /organizations/{organization}/changes`, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn changes(&self, organization: OrganizationId, page: &PageQuery) -> Result<ChangePage, ClientError> {
        self.page(&within(organization, "changes"), page).await
    }

    /// `GET /organizations/{organization}/changes/{change}`: one with everything.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn change(&self, organization: OrganizationId, change: ChangeId) -> Result<ChangeDetail, ClientError> {
        self.get(&within(organization, &format!("changes/{change}"))).await
    }

    /// `GET /organizations/{organization}/workloads`, by cluster, namespace and name.
    ///
    /// # Errors
    /// As every call.
    pub async fn workloads(&self, organization: OrganizationId, page: &PageQuery) -> Result<WorkloadPage, ClientError> {
        self.page(&within(organization, "workloads"), page).await
    }

    /// `GET /organizations/{organization}/verdicts`: why tags were chosen or passed over.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when the image stands nowhere in that environment.
    pub async fn verdicts(
        &self,
        organization: OrganizationId,
        environment: &EnvironmentName,
        image: &ImageRepository,
    ) -> Result<Verdicts, ClientError> {
        self.call(Method::GET, &within(organization, "verdicts"))
            .query("environment", environment.as_str())
            .query("image", image.as_str())
            .send()
            .await?
            .json()
    }
}
