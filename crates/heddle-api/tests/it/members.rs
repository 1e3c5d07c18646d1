//! Who belongs to an organization, as what, and how one comes to it and goes.

use axum::http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::hub::{Hub, Person};

struct Team {
    hub: Hub,
    owner: Person,
    organization: String,
}

impl Team {
    async fn start() -> Self {
        let hub = Hub::start().await;
        let (owner, organization) = hub.settle("ada@example.com").await;
        Self { hub, owner, organization }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/organizations/{}/{rest}", self.organization)
    }

    async fn invite(&self, email: &str, role: &str) -> String {
        let body = json!({ "email": email, "role": role });
        let made = self.hub.post(&self.owner, &self.path("invitations"), body, StatusCode::CREATED).await;
        made["code"].as_str().unwrap().to_owned()
    }

    /// A person with an account of their own who takes an invitation.
    async fn join(&self, email: &str, role: &str) -> (Person, String) {
        let person = self.hub.sign_up(email).await;
        let code = self.invite(email, role).await;
        self.hub.post(&person, "/api/v1/invitations/accept", json!({ "code": code }), StatusCode::OK).await;
        let me = self.hub.get(&person, "/api/v1/me").await;
        (person, me["id"].as_str().unwrap().to_owned())
    }

    async fn roles(&self) -> Vec<(String, String)> {
        let members = self.hub.get(&self.owner, &self.path("members")).await;
        let text = |member: &Value, field: &str| member[field].as_str().unwrap().to_owned();
        members.as_array().unwrap().iter().map(|member| (text(member, "email"), text(member, "role"))).collect()
    }

    async fn set_role(&self, by: &Person, user: &str, role: &str, expected: StatusCode) -> Value {
        let path = self.path(&format!("members/{user}/role"));
        self.hub.send(by.sign(self.hub.request(Method::PUT, &path)).json(&json!({ "role": role })), expected).await
    }

    async fn remove(&self, by: &Person, user: &str, expected: StatusCode) -> Value {
        self.hub.delete(by, &self.path(&format!("members/{user}")), expected).await
    }
}

#[tokio::test]
async fn an_invitation_is_taken_once_and_by_whom_it_names() {
    let team = Team::start().await;
    let hub = &team.hub;
    let bob = hub.sign_up("bob@example.com").await;
    let eve = hub.sign_up("eve@example.com").await;
    let code = team.invite("bob@example.com", "operator").await;
    let accept = async |person: &Person, expected| {
        hub.post(person, "/api/v1/invitations/accept", json!({ "code": code }), expected).await
    };
    accept(&eve, StatusCode::UNPROCESSABLE_ENTITY).await;
    accept(&bob, StatusCode::OK).await;
    accept(&bob, StatusCode::UNPROCESSABLE_ENTITY).await;
    let pair = |email: &str, role: &str| (email.to_owned(), role.to_owned());
    assert_eq!(team.roles().await, [pair("ada@example.com", "owner"), pair("bob@example.com", "operator")]);
}

#[tokio::test]
async fn an_owner_gives_roles_and_what_they_allow_changes_at_once() {
    let team = Team::start().await;
    let (bob, id) = team.join("bob@example.com", "viewer").await;
    let make = async |expected| {
        team.hub.post(&bob, &team.path("receivers"), json!({ "name": "registry" }), expected).await;
    };
    make(StatusCode::FORBIDDEN).await;
    assert_eq!(team.set_role(&bob, &id, "owner", StatusCode::FORBIDDEN).await["code"], "role-too-low");
    team.set_role(&team.owner, &id, "admin", StatusCode::NO_CONTENT).await;
    make(StatusCode::CREATED).await;
    let nobody = uuid::Uuid::now_v7().to_string();
    team.set_role(&team.owner, &nobody, "admin", StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_member_goes_and_one_owner_always_stays() {
    let team = Team::start().await;
    let ada = team.hub.get(&team.owner, "/api/v1/me").await["id"].as_str().unwrap().to_owned();
    let (bob, id) = team.join("bob@example.com", "admin").await;
    assert_eq!(team.remove(&bob, &ada, StatusCode::FORBIDDEN).await["code"], "role-too-low");
    assert_eq!(team.remove(&team.owner, &ada, StatusCode::CONFLICT).await["code"], "last-owner");
    assert_eq!(team.set_role(&team.owner, &ada, "viewer", StatusCode::CONFLICT).await["code"], "last-owner");
    // Everybody may go, but no token of theirs takes them out.
    let body = json!({ "name": "ci", "organization": team.organization, "role": "viewer", "expires_in_days": 1 });
    let made = team.hub.post(&bob, "/api/v1/tokens", body, StatusCode::CREATED).await;
    let request = team.hub.request(Method::DELETE, &team.path(&format!("members/{id}")));
    let told = team.hub.send(request.bearer_auth(made["secret"].as_str().unwrap()), StatusCode::FORBIDDEN).await;
    assert_eq!(told["code"], "session-needed");
    team.remove(&bob, &id, StatusCode::NO_CONTENT).await;
    let clusters = bob.sign(team.hub.request(Method::GET, &team.path("clusters")));
    team.hub.send(clusters, StatusCode::NOT_FOUND).await;
    let (_, carol) = team.join("carol@example.com", "viewer").await;
    team.set_role(&team.owner, &carol, "owner", StatusCode::NO_CONTENT).await;
    team.remove(&team.owner, &ada, StatusCode::NO_CONTENT).await;
}
