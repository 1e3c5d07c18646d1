//! Clusters, and the keys of their agents.

use heddle_core::id::{ClusterId, ClusterKeyId, OrganizationId, RepositoryId};
use heddle_wire::view::{ClusterCreated, ClusterView, CreateCluster};
use reqwest::Method;

use super::{UserClient, within};
use crate::error::ClientError;

impl UserClient {
    /// `GET /organizations/{organization}/clusters`: with their Syncs, last known state.
    ///
    /// # Errors
    /// As every call.
    pub async fn clusters(&self, organization: OrganizationId) -> Result<Vec<ClusterView>, ClientError> {
        self.get(&within(organization, "clusters")).await
    }

    /// `GET /organizations/{organization}/clusters/{cluster}`.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn cluster(&self, organization: OrganizationId, cluster: ClusterId) -> Result<ClusterView, ClientError> {
        self.get(&within(organization, &format!("clusters/{cluster}"))).await
    }

    /// `POST /organizations/{organization}/clusters`: adds one; the install manifest is in this answer alone.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the fields at fault.
    pub async fn create_cluster(
        &self,
        organization: OrganizationId,
        request: &CreateCluster,
    ) -> Result<ClusterCreated, ClientError> {
        self.post(&within(organization, "clusters"), request).await
    }

    /// `POST /organizations/{organization}/clusters/{cluster}/manifest`: a new install manifest with a new bootstrap token.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn renew_cluster_manifest(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
    ) -> Result<ClusterCreated, ClientError> {
        let path = within(organization, &format!("clusters/{cluster}/manifest"));
        self.call(Method::POST, &path).send().await?.json()
    }

    /// `POST /organizations/{organization}/clusters/{cluster}/revoke`: puts the agent out within 5 s.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn revoke_cluster(&self, organization: OrganizationId, cluster: ClusterId) -> Result<(), ClientError> {
        let path = within(organization, &format!("clusters/{cluster}/revoke"));
        self.call(Method::POST, &path).send().await.map(drop)
    }

    /// `POST /organizations/{organization}/clusters/{cluster}/repositories/{repository}/approve`: lets the cluster's agent
    /// read the repository. Approving it again changes nothing.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is no such cluster or repository.
    pub async fn approve_cluster_repository(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        repository: RepositoryId,
    ) -> Result<(), ClientError> {
        let path = within(organization, &format!("clusters/{cluster}/repositories/{repository}/approve"));
        self.call(Method::POST, &path).send().await.map(drop)
    }

    /// `DELETE /organizations/{organization}/clusters/{cluster}`: retires it; what runs in it goes on running.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn delete_cluster(&self, organization: OrganizationId, cluster: ClusterId) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("clusters/{cluster}"))).await
    }

    /// `DELETE /organizations/{organization}/clusters/{cluster}/keys/{key}`: revokes a key; its agent is out in 5 s.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn revoke_cluster_key(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        key: ClusterKeyId,
    ) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("clusters/{cluster}/keys/{key}"))).await
    }
}
