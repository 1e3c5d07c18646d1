//! An organization: its members, what is to be done first, what happened in it.

use heddle_core::id::{OrganizationId, UserId};
use heddle_wire::view::{
    AcceptInvitation, AuditPage, ChangeRole, CreateInvitation, CreateOrganization, InvitationCreated, InvitationView,
    MemberView, Onboarding, OrganizationView, SetGrants, StatusView,
};
use reqwest::Method;
use uuid::Uuid;

use super::{PageQuery, UserClient, within};
use crate::{error::ClientError, events::EventStream};

impl UserClient {
    /// `POST /organizations`: makes one that the asker owns.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the name is refused.
    pub async fn create_organization(&self, request: &CreateOrganization) -> Result<OrganizationView, ClientError> {
        self.post("organizations", request).await
    }

    /// `GET /organizations/{organization}/members`: who belongs to it.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when the asker is no member.
    pub async fn members(&self, organization: OrganizationId) -> Result<Vec<MemberView>, ClientError> {
        self.get(&within(organization, "members")).await
    }

    /// `PUT /organizations/{organization}/members/{user}/role`: gives a member another role.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `last-owner` when nobody else is an owner.
    pub async fn change_role(
        &self,
        organization: OrganizationId,
        user: UserId,
        request: &ChangeRole,
    ) -> Result<(), ClientError> {
        let path = within(organization, &format!("members/{user}/role"));
        self.call(Method::PUT, &path).json(request).send().await.map(drop)
    }

    /// `PUT /organizations/{organization}/members/{user}/grants`: for which environments a member may ask as an operator.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when one of the environments is not known.
    pub async fn set_grants(
        &self,
        organization: OrganizationId,
        user: UserId,
        request: &SetGrants,
    ) -> Result<(), ClientError> {
        let path = within(organization, &format!("members/{user}/grants"));
        self.call(Method::PUT, &path).json(request).send().await.map(drop)
    }

    /// `DELETE /organizations/{organization}/members/{user}`: ends a membership.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `last-owner` when nobody else is an owner.
    pub async fn remove_member(&self, organization: OrganizationId, user: UserId) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("members/{user}"))).await
    }

    /// `POST /organizations/{organization}/invitations`: invites somebody by address.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the asker may not invite, or the address is refused.
    pub async fn create_invitation(
        &self,
        organization: OrganizationId,
        request: &CreateInvitation,
    ) -> Result<InvitationCreated, ClientError> {
        self.post(&within(organization, "invitations"), request).await
    }

    /// `GET /organizations/{organization}/invitations`: those that may still be taken, newest first.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the asker is no admin.
    pub async fn invitations(&self, organization: OrganizationId) -> Result<Vec<InvitationView>, ClientError> {
        self.get(&within(organization, "invitations")).await
    }

    /// `DELETE /organizations/{organization}/invitations/{invitation}`: takes back one that nobody took.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn delete_invitation(&self, organization: OrganizationId, invitation: Uuid) -> Result<(), ClientError> {
        self.delete(&within(organization, &format!("invitations/{invitation}"))).await
    }

    /// `POST /invitations/accept`: joins an organization with the account that asks.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the code is used, ended, or for another address.
    pub async fn accept_invitation(&self, request: &AcceptInvitation) -> Result<OrganizationView, ClientError> {
        self.post("invitations/accept", request).await
    }

    /// `GET /organizations/{organization}/onboarding`: how far it has come.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when the asker is no member.
    pub async fn onboarding(&self, organization: OrganizationId) -> Result<Onboarding, ClientError> {
        self.get(&within(organization, "onboarding")).await
    }

    /// `GET /organizations/{organization}/audit`, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn audit(&self, organization: OrganizationId, page: &PageQuery) -> Result<AuditPage, ClientError> {
        self.page(&within(organization, "audit"), page).await
    }

    /// `GET /organizations/{organization}/status`: how the parts of the platform are.
    ///
    /// # Errors
    /// As every call.
    pub async fn status(&self, organization: OrganizationId) -> Result<StatusView, ClientError> {
        self.get(&within(organization, "status")).await
    }

    /// `GET /organizations/{organization}/events`: says what changed, as it changes.
    ///
    /// # Errors
    /// As every call.
    pub async fn events(&self, organization: OrganizationId) -> Result<EventStream, ClientError> {
        let call = self.call(Method::GET, &within(organization, "events"));
        let response = call.accept("text/event-stream").without_timeout().open().await?;
        Ok(EventStream::new(self.http.base().as_str().trim_end_matches('/'), response))
    }
}
