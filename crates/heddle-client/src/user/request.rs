//! What people ask to be written.

use heddle_core::{
    id::{OrganizationId, RepositoryId, RequestId},
    image::{ImageRepository, Tag},
    name::EnvironmentName,
};
use heddle_wire::view::{NewRequest, ReleasePreview, RequestPage, RequestView};
use reqwest::Method;

use super::{PageQuery, UserClient, within};
use crate::error::ClientError;

/// What would be released.
#[derive(Debug, Clone)]
pub struct ReleaseQuery {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag; the greatest that the rule allows when left out.
    pub tag: Option<Tag>,
    /// The repository, where several have the environment.
    pub repository: Option<RepositoryId>,
    /// By pull request, also where the rule commits.
    pub by_pull_request: bool,
}

impl UserClient {
    /// `GET /organizations/{organization}/release`: what releasing a tag would do.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when the image stands nowhere in the environment, or with why nothing would
    /// come of it.
    pub async fn release_preview(
        &self,
        organization: OrganizationId,
        query: &ReleaseQuery,
    ) -> Result<ReleasePreview, ClientError> {
        self.call(Method::GET, &within(organization, "release"))
            .query("environment", query.environment.as_str())
            .query("image", query.image.as_str())
            .query_if("tag", query.tag.as_ref().map(Tag::as_str))
            .query_if("repository", query.repository.map(|id| id.to_string()).as_deref())
            .query_if("by_pull_request", query.by_pull_request.then_some("true"))
            .send()
            .await?
            .json()
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
