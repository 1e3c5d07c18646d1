//! What people's programs call, under `/api/v1`: the command line, CI, tests.

use heddle_core::{
    id::{ChangeId, ClusterId, ClusterKeyId, OrganizationId, RepositoryId, UserId},
    image::ImageRepository,
    name::EnvironmentName,
};
use heddle_wire::view::{
    AcceptInvitation, AddDockerLogins, AuditPage, AvailableRepository, ChangeDetail, ChangePage, ChangeRole,
    ClusterCreated, ClusterView, ConnectRepository, CreateCluster, CreateInvitation, CreateOrganization,
    CreateReceiver, CreateToken, EnterRegistryLogin, FindingView, InvitationCreated, InvitationView, LoginRequest, Me,
    MemberView, Onboarding, OrganizationView, ReceiverCreated, ReceiverView, RegistryLoginView, RegistryLogins,
    RepositoryView, SessionView, SignUpRequest, StatusView, TestRegistryLogin, TokenCreated, TokenView, Verdicts,
    WorkloadPage,
};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue, SET_COOKIE},
};
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{call::Call, error::ClientError, events::EventStream, http::Http};

/// How the session's cookie is named; the prefix makes browsers keep it to one host.
const COOKIE_PREFIX: &str = "__Host-";

/// The API as one person, or a token made by one, calls it.
#[derive(Debug, Clone)]
pub struct UserClient {
    http: Http,
    credential: Credential,
}

#[derive(Debug, Clone)]
enum Credential {
    Token(SecretString),
    /// The cookie as `name=value`.
    Session(SecretString),
}

/// Which part of a list.
#[derive(Debug, Clone, Default)]
pub struct PageQuery {
    /// The `next` of the page before; `None` for the first.
    pub after: Option<String>,
    /// Only this environment.
    pub environment: Option<EnvironmentName>,
    /// How many at most, 1 to 200; 50 when left out.
    pub limit: Option<u16>,
}

impl UserClient {
    /// A client that shows an API token with each call.
    pub fn new(http: Http, token: SecretString) -> Self {
        Self { http, credential: Credential::Token(token) }
    }

    /// `POST /sign-up`: makes an account and a session of it.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the fields at fault when the address or the password is refused.
    pub async fn sign_up(http: Http, request: &SignUpRequest) -> Result<Self, ClientError> {
        Self::begin_session(http, "sign-up", request).await
    }

    /// `POST /login`: makes a session.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when address and password do not match an account.
    pub async fn login(http: Http, request: &LoginRequest) -> Result<Self, ClientError> {
        Self::begin_session(http, "login", request).await
    }

    async fn begin_session(http: Http, path: &str, request: &impl Serialize) -> Result<Self, ClientError> {
        let answer = with_origin(http.call(Method::POST, &api(path)), &http).json(request).send().await?;
        let cookie = find_session(&answer.headers).ok_or_else(|| ClientError::Foreign {
            api: http.base().to_string(),
            fault: format!("`{path}` gave no session cookie"),
        })?;
        Ok(Self { http, credential: Credential::Session(cookie) })
    }

    /// `POST /logout`: ends the session.
    ///
    /// # Errors
    /// As every call.
    pub async fn logout(&self) -> Result<(), ClientError> {
        self.call(Method::POST, "logout").send().await.map(drop)
    }

    /// `GET /me`: who is asking, with the organizations.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token is not accepted.
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.get("me").await
    }

    /// `GET /sessions`: the asker's own.
    ///
    /// # Errors
    /// As every call.
    pub async fn sessions(&self) -> Result<Vec<SessionView>, ClientError> {
        self.get("sessions").await
    }

    /// `DELETE /sessions/{session}`: ends one of the asker's own.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn end_session(&self, session: Uuid) -> Result<(), ClientError> {
        self.delete(&format!("sessions/{session}")).await
    }

    /// `GET /tokens`: the asker's own API tokens.
    ///
    /// # Errors
    /// As every call.
    pub async fn tokens(&self) -> Result<Vec<TokenView>, ClientError> {
        self.get("tokens").await
    }

    /// `POST /tokens`: makes an API token, whose text is in this answer alone.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when it would be allowed more than the asker is.
    pub async fn create_token(&self, request: &CreateToken) -> Result<TokenCreated, ClientError> {
        self.post("tokens", request).await
    }

    /// `DELETE /tokens/{token}`: revokes it at once.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn revoke_token(&self, token: Uuid) -> Result<(), ClientError> {
        self.delete(&format!("tokens/{token}")).await
    }

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

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path).send().await?.json()
    }

    async fn page<T: DeserializeOwned>(&self, path: &str, page: &PageQuery) -> Result<T, ClientError> {
        self.call(Method::GET, path)
            .query_if("after", page.after.as_deref())
            .query_if("environment", page.environment.as_ref().map(EnvironmentName::as_str))
            .query_if("limit", page.limit.map(|limit| limit.to_string()).as_deref())
            .send()
            .await?
            .json()
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.call(Method::POST, path).json(body).send().await?.json()
    }

    async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, path).send().await.map(drop)
    }

    fn call(&self, method: Method, path: &str) -> Call {
        let call = self.http.call(method, &api(path));
        match &self.credential {
            Credential::Token(token) => call.bearer(token),
            Credential::Session(cookie) => with_origin(call, &self.http).cookie(cookie),
        }
    }
}

fn api(path: &str) -> String {
    format!("api/v1/{path}")
}

fn within(organization: OrganizationId, path: &str) -> String {
    format!("organizations/{organization}/{path}")
}

/// What a browser sends by itself, and what the API asks of a session against forged requests.
fn with_origin(call: Call, http: &Http) -> Call {
    let origin = http.base().origin().ascii_serialization();
    match HeaderValue::try_from(origin) {
        Ok(origin) => call.header("origin", origin),
        Err(_) => call,
    }
}

fn find_session(headers: &HeaderMap) -> Option<SecretString> {
    headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .find(|pair| pair.starts_with(COOKIE_PREFIX))
        .map(|pair| pair.to_owned().into())
}
