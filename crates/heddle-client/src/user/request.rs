//! What people ask to be written.

use heddle_core::id::{OrganizationId, RequestId};
use heddle_wire::view::{KeptBack, NewRequest, PreviewRequest, RequestPage, RequestPreview, RequestView};
use reqwest::Method;

use super::{PageQuery, UserClient, within};
use crate::error::ClientError;

impl UserClient {
    /// `POST /organizations/{organization}/requests/preview`: what a wish would do. It writes nothing.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when what it is about is not there, with `nothing-to-write` or why else nothing
    /// would come of it.
    pub async fn preview_request(
        &self,
        organization: OrganizationId,
        request: &PreviewRequest,
    ) -> Result<RequestPreview, ClientError> {
        self.post(&within(organization, "requests/preview"), request).await
    }

    /// `GET /organizations/{organization}/holds`: what the rules of each repository keep back.
    ///
    /// # Errors
    /// When the API cannot be reached.
    pub async fn holds(&self, organization: OrganizationId) -> Result<Vec<KeptBack>, ClientError> {
        self.call(Method::GET, &within(organization, "holds")).send().await?.json()
    }

    /// `POST /organizations/{organization}/requests`: asks for something to be written.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `shown-other` when it would do something else by now, with `grant-missing` when the
    /// asker may not.
    pub async fn create_request(
        &self,
        organization: OrganizationId,
        request: &NewRequest,
    ) -> Result<RequestView, ClientError> {
        self.post(&within(organization, "requests"), request).await
    }

    /// `GET /organizations/{organization}/requests`, newest first; the open ones alone where `open_only`.
    ///
    /// # Errors
    /// As every call.
    pub async fn requests(
        &self,
        organization: OrganizationId,
        open_only: bool,
        page: &PageQuery,
    ) -> Result<RequestPage, ClientError> {
        self.call(Method::GET, &within(organization, "requests"))
            .query("state", if open_only { "open" } else { "all" })
            .query_if("after", page.after.as_deref())
            .query_if("limit", page.limit.map(|limit| limit.to_string()).as_deref())
            .send()
            .await?
            .json()
    }

    /// `GET /organizations/{organization}/requests/{request}`.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn request(&self, organization: OrganizationId, request: RequestId) -> Result<RequestView, ClientError> {
        self.get(&within(organization, &format!("requests/{request}"))).await
    }

    /// `DELETE /organizations/{organization}/requests/{request}`: takes it back; its pull request is closed.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `request-ended` when it has ended.
    pub async fn withdraw_request(&self, organization: OrganizationId, request: RequestId) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("requests/{request}"))).await
    }
}
