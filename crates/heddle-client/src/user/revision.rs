//! Where commits are, and what ran when.

use chrono::{DateTime, SecondsFormat, Utc};
use heddle_core::{git::RepoName, id::OrganizationId};
use heddle_wire::view::{LookForRevision, Looking, PastPage, WhereView};
use reqwest::Method;

use super::{PageQuery, UserClient, within};
use crate::error::ClientError;

impl UserClient {
    /// `GET /organizations/{organization}/revisions/{revision}`: where the commits are whose id begins so.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `bad-revision` when it is no beginning of an id, or is too short, and with `not-found`
    /// when the repository is not connected.
    pub async fn find_revision(
        &self,
        organization: OrganizationId,
        beginning: &str,
        repository: Option<&RepoName>,
    ) -> Result<WhereView, ClientError> {
        self.call(Method::GET, &within(organization, &format!("revisions/{beginning}")))
            .query_if("repository", repository.map(ToString::to_string).as_deref())
            .send()
            .await?
            .json()
    }

    /// `POST /organizations/{organization}/revisions/{revision}/looks`: has it looked for.
    ///
    /// # Errors
    /// As [`UserClient::find_revision`], and with `name-repository` when there are too many repositories to look in all.
    pub async fn look_for_revision(
        &self,
        organization: OrganizationId,
        beginning: &str,
        look: &LookForRevision,
    ) -> Result<Looking, ClientError> {
        self.post(&within(organization, &format!("revisions/{beginning}/looks")), look).await
    }

    /// `GET /organizations/{organization}/past`: what ran at an instant.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `bad-query` when the instant has not passed.
    pub async fn past(
        &self,
        organization: OrganizationId,
        at: DateTime<Utc>,
        page: &PageQuery,
    ) -> Result<PastPage, ClientError> {
        self.call(Method::GET, &within(organization, "past"))
            .query("at", &at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .query_if("after", page.after.as_deref())
            .query_if("environment", page.environment.as_ref().map(|name| name.as_str()))
            .send()
            .await?
            .json()
    }
}
