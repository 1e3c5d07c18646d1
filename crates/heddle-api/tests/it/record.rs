//! The record of every write, walked from the OpenAPI document.

use std::collections::BTreeSet;

use heddle_client::PageQuery;
use heddle_core::change::Mode;
use heddle_wire::automator::{Done, ProposalClosed};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    asked,
    github::{self, Scene},
    hub::{AgentKey, PASSWORD, Person, session_cookie},
    loom::Loom,
    steps, told,
};

/// What tells us of the world and changes nothing that a person decided: leases, what was seen, what an agent fetches,
/// what somebody looks for.
const NOT_RECORDED: [&str; 13] = [
    "POST /agent/v1/git-token",
    "POST /agent/v1/report",
    "POST /api/v1/organizations/{organization}/requests/preview",
    "POST /api/v1/organizations/{organization}/revisions/{revision}/looks",
    "POST /automator/v1/lease",
    "POST /automator/v1/leases/{lease}/done",
    "POST /automator/v1/leases/{lease}/read-report",
    "POST /automator/v1/leases/{lease}/renew",
    "POST /automator/v1/leases/{lease}/scan-report",
    "POST /automator/v1/leases/{lease}/test-report",
    "POST /reporter/v1/looks",
    "POST /webhooks/github",
    "POST /webhooks/registry/{receiver}",
];

/// The writes that are asked for, and what each leaves on record.
struct Ledger {
    scene: Scene,
    ada: Person,
    organization: String,
    rows: PgPool,
    recorded: BTreeSet<String>,
}

impl Ledger {
    async fn open() -> Self {
        let scene = github::scene().await;
        let (ada, organization) = scene.hub.settle("ada@example.com").await;
        scene.sign_in(&ada, "ada").await;
        let rows = PgPool::connect_with(scene.hub.database.options()).await.unwrap();
        Self { scene, ada, organization, rows, recorded: BTreeSet::new() }
    }

    /// Sends a write of a documented operation, which succeeds and stands in the record as `action`.
    async fn write(&mut self, operation: &str, action: &str, request: RequestBuilder) -> Response {
        let told = request.send().await.unwrap();
        assert!(told.status().is_success(), "{operation}: {}", told.text().await.unwrap());
        let id = told.headers()["x-request-id"].to_str().unwrap();
        let actions: Vec<String> = sqlx::query_scalar("select action from audit where request_id = $1")
            .bind(id)
            .fetch_all(&self.rows)
            .await
            .unwrap();
        assert!(actions.iter().any(|recorded| recorded == action), "{operation} left {actions:?} on record");
        self.recorded.insert(operation.to_owned());
        told
    }

    /// As Ada, in her organization: `rest` is the operation's path there, `values` stand for its parameters in turn.
    async fn write_own(&mut self, operation: (&str, &str), values: &[&str], action: &str, body: Value) -> Value {
        let (method, rest) = operation;
        let documented = format!("/api/v1/organizations/{{organization}}/{rest}");
        let mut path = documented.replace("{organization}", &self.organization);
        for value in values {
            let (before, after) = path.split_once('{').unwrap();
            path = format!("{before}{value}{}", after.split_once('}').unwrap().1);
        }
        let request = self.scene.hub.request(method.parse().unwrap(), &path).json(&body);
        let request = self.ada.sign(request);
        let told = self.write(&format!("{method} {documented}"), action, request).await.text().await.unwrap();
        if told.is_empty() { Value::Null } else { serde_json::from_str(&told).unwrap() }
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.scene.hub.request(Method::POST, path).json(body)
    }

    async fn accounts(&mut self) -> Person {
        let request =
            self.post("/api/v1/sign-up", &json!({ "email": "bob@example.com", "password": PASSWORD, "name": "Bob" }));
        let told = self.write("POST /api/v1/sign-up", "account.create", request).await;
        let bob = Person { cookie: session_cookie(&told) };
        let login = json!({ "email": "bob@example.com", "password": PASSWORD });
        let request = self.post("/api/v1/login", &login);
        let told = self.write("POST /api/v1/login", "session.create", request).await;
        let second = Person { cookie: session_cookie(&told) };
        let request = second.sign(self.post("/api/v1/logout", &json!({})));
        self.write("POST /api/v1/logout", "session.end", request).await;
        let body = json!({ "current": PASSWORD, "password": "another loom in the attic" });
        let request = bob.sign(self.post("/api/v1/password", &body));
        self.write("POST /api/v1/password", "password.change", request).await;
        let link = self.scene.hub.make_password_link("bob@example.com").await;
        let request = self.post("/api/v1/password/reset", &json!({ "link": link, "password": PASSWORD }));
        self.write("POST /api/v1/password/reset", "password.reset", request).await;
        let told = self.write("POST /api/v1/login", "session.create", self.post("/api/v1/login", &login)).await;
        let bob = Person { cookie: session_cookie(&told) };
        let request = self.post("/api/v1/login", &login);
        self.write("POST /api/v1/login", "session.create", request).await;
        let sessions = self.scene.hub.get(&bob, "/api/v1/sessions").await;
        let other = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
        let path = format!("/api/v1/sessions/{}", other["id"].as_str().unwrap());
        let request = bob.sign(self.scene.hub.request(Method::DELETE, &path));
        self.write("DELETE /api/v1/sessions/{session}", "session.end", request).await;
        let request = bob.sign(self.post("/api/v1/organizations", &json!({ "name": "Bob's" })));
        self.write("POST /api/v1/organizations", "organization.create", request).await;
        let body = json!({ "name": "ci", "organization": self.organization, "role": "viewer", "expires_in_days": 30 });
        let request = self.ada.sign(self.post("/api/v1/tokens", &body));
        let made: Value = self.write("POST /api/v1/tokens", "token.create", request).await.json().await.unwrap();
        let path = format!("/api/v1/tokens/{}", made["token"]["id"].as_str().unwrap());
        let request = self.ada.sign(self.scene.hub.request(Method::DELETE, &path));
        self.write("DELETE /api/v1/tokens/{token}", "token.delete", request).await;
        bob
    }

    async fn members(&mut self, bob: &Person) {
        let body = json!({ "email": "bob@example.com", "role": "viewer" });
        let made = self.write_own(("POST", "invitations"), &[], "member.invite", body.clone()).await;
        let id = [made["id"].as_str().unwrap()];
        self.write_own(("DELETE", "invitations/{invitation}"), &id, "invitation.delete", json!({})).await;
        let made = self.write_own(("POST", "invitations"), &[], "member.invite", body).await;
        let request = bob.sign(self.post("/api/v1/invitations/accept", &json!({ "code": made["code"] })));
        self.write("POST /api/v1/invitations/accept", "member.join", request).await;
        let me = self.scene.hub.get(bob, "/api/v1/me").await;
        let id = [me["id"].as_str().unwrap()];
        self.write_own(("PUT", "members/{user}/role"), &id, "member.role", json!({ "role": "admin" })).await;
        self.write_own(("PUT", "members/{user}/grants"), &id, "member.grants", json!({ "grants": [] })).await;
        self.write_own(("DELETE", "members/{user}"), &id, "member.remove", json!({})).await;
        let made = self.write_own(("POST", "receivers"), &[], "receiver.create", json!({ "name": "hub" })).await;
        let id = [made["receiver"]["id"].as_str().unwrap()];
        self.write_own(("DELETE", "receivers/{receiver}"), &id, "receiver.delete", json!({})).await;
    }

    async fn logins(&mut self) {
        let secret = json!({ "kind": "basic", "username": "bot", "password": PASSWORD });
        let login = json!({ "host": "ghcr.io", "secret": secret });
        let made = self.write_own(("POST", "registry-logins"), &[], "registry-login.add", login.clone()).await;
        let id = [made["id"].as_str().unwrap()];
        let image = json!({ "image": "acme/api" });
        self.write_own(("POST", "registry-logins/{login}/test"), &id, "registry-login.test", image).await;
        self.write_own(("PUT", "registry-logins/{login}"), &id, "registry-login.enter", login).await;
        self.write_own(("DELETE", "registry-logins/{login}"), &id, "registry-login.delete", json!({})).await;
        let config = json!({ "auths": { "quay.io": { "username": "bot", "password": PASSWORD } } }).to_string();
        let config = json!({ "config": config });
        self.write_own(("POST", "registry-logins/docker-config"), &[], "registry-login.add", config).await;
    }

    async fn reporters(&mut self) {
        let body = json!({ "name": "ci", "repository": "acme/infra", "environment": "prod", "tool": "terraform", "source": "infra/prod" });
        let made = self.write_own(("POST", "reporters"), &[], "reporter.create", body).await;
        let of = |field: &str| [made["reporter"][field].as_str().unwrap().to_owned()];
        let ([id], [record]) = (of("id"), of("record"));
        self.write_own(("DELETE", "reporters/{reporter}"), &[&id], "reporter.revoke", json!({})).await;
        self.write_own(("DELETE", "drift/{record}"), &[&record], "drift-record.forget", json!({})).await;
    }

    async fn automators(&mut self) {
        let body = json!({ "name": "prod", "hosts": ["registry.example.com"] });
        let made = self.write_own(("POST", "automators"), &[], "automator.add", body).await;
        let id = [made["automator"]["id"].as_str().unwrap()];
        self.write_own(("DELETE", "automators/{automator}"), &id, "automator.delete", json!({})).await;
    }

    async fn clusters(&mut self) {
        let offered = format!("/api/v1/organizations/{}/github/repositories", self.organization);
        let offered = self.scene.hub.get(&self.ada, &offered).await;
        let body = json!({ "installation_id": offered[0]["installation_id"], "name": "acme/config" });
        let bound = self.write_own(("POST", "repositories"), &[], "repository.connect", body).await;
        let body = json!({
            "name": "prod", "repository": bound["id"], "branch": "main", "path": "clusters/prod",
            "namespaces": ["shop"],
        });
        let made = self.write_own(("POST", "clusters"), &[], "cluster.create", body).await;
        let id = made["cluster"]["id"].as_str().unwrap();
        let token = made["manifest"].as_str().unwrap().split("token: \"").nth(1).unwrap().split('"').next().unwrap();
        let ids = [id, bound["id"].as_str().unwrap()];
        let approve = ("POST", "clusters/{cluster}/repositories/{repository}/approve");
        self.write_own(approve, &ids, "cluster.approve", json!({})).await;
        let key = AgentKey::generate();
        let request = self.scene.hub.enroll(token, &key);
        let enrolled: Value =
            self.write("POST /agent/v1/enroll", "cluster.enroll", request).await.json().await.unwrap();
        let key_id = enrolled["key_id"].as_str().unwrap();
        let request = self.post("/agent/v1/git-token", &json!({ "repository": bound["url"] }));
        let signed = key.token(key_id, id, &json!({}));
        self.scene.hub.send(request.bearer_auth(&signed), StatusCode::OK).await;
        let request = self.post("/agent/v1/keys", &json!({ "public_key": AgentKey::generate().public() }));
        let added = self.write("POST /agent/v1/keys", "cluster.key.add", request.bearer_auth(&signed)).await;
        let added: Value = added.json().await.unwrap();
        let path = format!("/agent/v1/keys/{}", added["key_id"].as_str().unwrap());
        let request = self.scene.hub.request(Method::DELETE, &path).bearer_auth(&signed);
        self.write("DELETE /agent/v1/keys/{key}", "cluster.key.end", request).await;
        self.write_own(("DELETE", "clusters/{cluster}/keys/{key}"), &[id, key_id], "cluster.key.revoke", json!({}))
            .await;
        self.write_own(("POST", "clusters/{cluster}/manifest"), &[id], "cluster.manifest", json!({})).await;
        self.write_own(("POST", "clusters/{cluster}/revoke"), &[id], "cluster.revoke", json!({})).await;
        self.write_own(("DELETE", "clusters/{cluster}"), &[id], "cluster.delete", json!({})).await;
        let id = [bound["id"].as_str().unwrap()];
        self.write_own(("DELETE", "repositories/{repository}"), &id, "repository.disconnect", json!({})).await;
    }
}

/// What people ask to be written.
async fn requests() -> [String; 2] {
    let loom = Loom::start().await;
    let update = steps::until_update(&loom).await;
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let asked = asked::ask(&loom, "1.4.2").await;
    loom.user.withdraw_request(loom.organization, asked.id).await.unwrap();
    let record = loom.user.audit(loom.organization, &PageQuery::default()).await.unwrap();
    let actions: Vec<_> = record.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["request.withdraw", "request.create"]);
    [
        "POST /api/v1/organizations/{organization}/requests",
        "DELETE /api/v1/organizations/{organization}/requests/{request}",
    ]
    .map(str::to_owned)
}

/// What automators write into repositories.
async fn automator_writes() -> [String; 3] {
    let loom = Loom::start().await;
    let update = steps::until_update(&loom).await;
    let plan = told::plan(Mode::PullRequest, None, told::planned("1.4.1", "1.4.2"));
    let posted = loom.automator.intents(&update, &plan).await.unwrap().intents.remove(0);
    let outcome = told::written(told::pull_request(41), 100);
    loom.automator.outcome(&update, posted.id, &outcome).await.unwrap();
    let closed = ProposalClosed { reason: "superseded".into() };
    loom.automator.closed(&update, posted.proposal, &closed).await.unwrap();
    let record = loom.user.audit(loom.organization, &PageQuery::default()).await.unwrap();
    let actions: Vec<_> = record.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["proposal.close", "intent.settle", "intent.announce"]);
    ["intents", "intents/{intent}/outcome", "proposals/{proposal}/closed"]
        .map(|path| format!("POST /automator/v1/leases/{{lease}}/{path}"))
}

#[tokio::test]
async fn every_write_of_the_document_is_on_record() {
    let mut ledger = Ledger::open().await;
    let bob = ledger.accounts().await;
    ledger.members(&bob).await;
    ledger.clusters().await;
    ledger.logins().await;
    ledger.reporters().await;
    ledger.automators().await;
    let mut accounted = ledger.recorded;
    accounted.extend(automator_writes().await);
    accounted.extend(requests().await);
    accounted.extend(NOT_RECORDED.map(str::to_owned));
    let document: Value = serde_json::from_str(&heddle_api::openapi::current()).unwrap();
    let methods = ["put", "post", "delete", "patch"];
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let held = methods.iter().filter(|method| item.get(**method).is_some());
            held.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    assert_eq!(accounted, documented);
}
