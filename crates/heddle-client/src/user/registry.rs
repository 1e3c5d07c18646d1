//! Registries: who receives their notices, and the logins to them.

use heddle_core::id::OrganizationId;
use heddle_wire::view::{
    AddDockerLogins, AddOwnAutomator, CreateReceiver, EnterRegistryLogin, OwnAutomatorAdded, OwnAutomatorView,
    ReceiverCreated, ReceiverView, RegistryLoginView, RegistryLogins, TestRegistryLogin,
};
use reqwest::Method;
use uuid::Uuid;

use super::{UserClient, within};
use crate::error::ClientError;

impl UserClient {
    /// `GET /organizations/{organization}/receivers`: the addresses that take push notices.
    ///
    /// # Errors
    /// As every call.
    pub async fn receivers(&self, organization: OrganizationId) -> Result<Vec<ReceiverView>, ClientError> {
        self.get(&within(organization, "receivers")).await
    }

    /// `POST /organizations/{organization}/receivers`: makes one, whose secret is in this answer alone.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_receiver(
        &self,
        organization: OrganizationId,
        request: &CreateReceiver,
    ) -> Result<ReceiverCreated, ClientError> {
        self.post(&within(organization, "receivers"), request).await
    }

    /// `DELETE /organizations/{organization}/receivers/{receiver}`: takes no more notices there.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn delete_receiver(&self, organization: OrganizationId, receiver: Uuid) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("receivers/{receiver}"))).await
    }

    /// `GET /organizations/{organization}/registry-logins`: without their secrets.
    ///
    /// # Errors
    /// As every call.
    pub async fn registry_logins(&self, organization: OrganizationId) -> Result<RegistryLogins, ClientError> {
        self.get(&within(organization, "registry-logins")).await
    }

    /// `POST /organizations/{organization}/registry-logins`: adds one.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the fields at fault, or `login-exists`.
    pub async fn add_registry_login(
        &self,
        organization: OrganizationId,
        request: &EnterRegistryLogin,
    ) -> Result<RegistryLoginView, ClientError> {
        self.post(&within(organization, "registry-logins"), request).await
    }

    /// `POST /organizations/{organization}/registry-logins/docker-config`: adds one for each host of a Docker configuration.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the entries that hold no secret.
    pub async fn add_docker_logins(
        &self,
        organization: OrganizationId,
        request: &AddDockerLogins,
    ) -> Result<Vec<RegistryLoginView>, ClientError> {
        self.post(&within(organization, "registry-logins/docker-config"), request).await
    }

    /// `PUT /organizations/{organization}/registry-logins/{login}`: enters one again.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn enter_registry_login(
        &self,
        organization: OrganizationId,
        login: Uuid,
        request: &EnterRegistryLogin,
    ) -> Result<RegistryLoginView, ClientError> {
        let path = within(organization, &format!("registry-logins/{login}"));
        self.call(Method::PUT, &path).json(request).send().await?.json()
    }

    /// `DELETE /organizations/{organization}/registry-logins/{login}`.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn delete_registry_login(&self, organization: OrganizationId, login: Uuid) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("registry-logins/{login}"))).await
    }

    /// `POST /organizations/{organization}/registry-logins/{login}/test`: asks for a test, which an automator makes.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the login is not for the image, or tests come too often.
    pub async fn test_registry_login(
        &self,
        organization: OrganizationId,
        login: Uuid,
        request: &TestRegistryLogin,
    ) -> Result<RegistryLoginView, ClientError> {
        self.post(&within(organization, &format!("registry-logins/{login}/test")), request).await
    }

    /// `GET /organizations/{organization}/automators`: those that the organization runs itself, without their tokens.
    ///
    /// # Errors
    /// As every call.
    pub async fn own_automators(&self, organization: OrganizationId) -> Result<Vec<OwnAutomatorView>, ClientError> {
        self.get(&within(organization, "automators")).await
    }

    /// `POST /organizations/{organization}/automators`: adds one, whose token is in this answer alone.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the fields at fault, `automator-exists` or `registry-served`.
    pub async fn add_own_automator(
        &self,
        organization: OrganizationId,
        request: &AddOwnAutomator,
    ) -> Result<OwnAutomatorAdded, ClientError> {
        self.post(&within(organization, "automators"), request).await
    }

    /// `DELETE /organizations/{organization}/automators/{automator}`: the hosted ones scan its registries again.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn delete_own_automator(&self, organization: OrganizationId, automator: Uuid) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("automators/{automator}"))).await
    }
}
