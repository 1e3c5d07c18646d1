//! Config repositories, and what is wrong in them.

use heddle_core::id::{OrganizationId, RepositoryId};
use heddle_wire::view::{AvailableRepository, ConnectRepository, FindingView, RepositoryView};

use super::{UserClient, within};
use crate::error::ClientError;

impl UserClient {
    /// `GET /organizations/{organization}/github/repositories`: what the asker may connect.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the asker has not signed in at GitHub.
    pub async fn available_repositories(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<AvailableRepository>, ClientError> {
        self.get(&within(organization, "github/repositories")).await
    }

    /// `GET /organizations/{organization}/repositories`: the connected ones.
    ///
    /// # Errors
    /// As every call.
    pub async fn repositories(&self, organization: OrganizationId) -> Result<Vec<RepositoryView>, ClientError> {
        self.get(&within(organization, "repositories")).await
    }

    /// `POST /organizations/{organization}/repositories`: connects one.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `repository-bound-elsewhere` when another organization has it.
    pub async fn connect_repository(
        &self,
        organization: OrganizationId,
        request: &ConnectRepository,
    ) -> Result<RepositoryView, ClientError> {
        self.post(&within(organization, "repositories"), request).await
    }

    /// `DELETE /organizations/{organization}/repositories/{repository}`: lets it go; nothing in it changes.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when it is not connected.
    pub async fn disconnect_repository(
        &self,
        organization: OrganizationId,
        repository: RepositoryId,
    ) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("repositories/{repository}"))).await
    }

    /// `GET /organizations/{organization}/findings`: what is wrong in files that people wrote.
    ///
    /// # Errors
    /// As every call.
    pub async fn findings(&self, organization: OrganizationId) -> Result<Vec<FindingView>, ClientError> {
        self.get(&within(organization, "findings")).await
    }
}
