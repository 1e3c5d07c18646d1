//! Every route of the OpenAPI document, called by people who may not.

use std::io::Write;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::hub::{AgentKey, Hub};

pub struct Operation {
    pub method: Method,
    pub path: String,
    pub permission: String,
    /// Names of the parameters after the `?`.
    pub query: Vec<String>,
    /// Names of the fields of the body, where it is an object.
    pub fields: Vec<String>,
}

pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&heddle_api::openapi::current()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse() else { continue };
            let permission = operation["x-heddle-permission"].as_str();
            let permission = permission.unwrap_or_else(|| panic!("{method} {path} declares no permission")).to_owned();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|one| one["in"] == "query").map(|one| text(&one["name"])).collect();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let fields = properties(&document, schema);
            found.push(Operation { method, path: path.clone(), permission, query, fields });
        }
    }
    assert!(found.len() > 30, "the walk found {} operations", found.len());
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The names of an object's fields; of a choice, those of each of its shapes.
fn properties(document: &Value, schema: &Value) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/components/schemas/")) {
        return properties(document, &document["components"]["schemas"][name]);
    }
    let shapes = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    let own = schema["properties"].as_object().into_iter().flat_map(|own| own.keys().cloned());
    own.chain(shapes.flat_map(|shape| properties(document, shape))).collect()
}

fn assert_problem(told: &reqwest::Response) {
    assert_eq!(told.headers()["content-type"], "application/problem+json", "{}", told.url());
}

/// The path with these values for its parameters, and a fresh id for every other.
pub fn fill(path: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap();
        filled.push_str(before);
        let known = values.iter().find(|(known, _)| *known == name);
        filled.push_str(&known.map_or_else(|| uuid::Uuid::now_v7().to_string(), |(_, value)| (*value).to_owned()));
        rest = behind;
    }
    filled + rest
}

#[tokio::test]
async fn every_route_that_is_not_public_refuses_nobody_and_any_bearer() {
    let hub = Hub::start().await;
    for operation in operations().iter().filter(|one| one.permission != "public" && one.permission != "github") {
        let path = fill(&operation.path, &[]);
        for token in [None, Some("anything"), Some("hdlt_anything"), Some("a.b.c")] {
            let mut request = hub.request(operation.method.clone(), &path).json(&json!({}));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let told = request.send().await.unwrap();
            assert_eq!(told.status(), StatusCode::UNAUTHORIZED, "{} {path} with {token:?}", operation.method);
            assert_problem(&told);
        }
    }
}

#[tokio::test]
async fn no_credential_opens_the_routes_of_another_kind() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let repository = hub.bind_repository(&organization, "acme/config").await;
    let cluster = hub.create_cluster(&ada, &organization, &repository, "prod").await;
    let key = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    let agent = key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({}));
    for operation in operations().iter().filter(|one| one.permission != "public" && one.permission != "github") {
        let path = fill(&operation.path, &[("organization", &organization)]);
        let kind = operation.permission.split(':').next().unwrap();
        let request = || hub.request(operation.method.clone(), &path).json(&json!({}));
        if kind != "agent" {
            let told = request().bearer_auth(&agent).send().await.unwrap();
            assert_eq!(told.status(), StatusCode::UNAUTHORIZED, "agent: {} {path}", operation.method);
        }
        if kind != "automator" {
            let told = request().bearer_auth(crate::hub::AUTOMATOR_TOKEN).send().await.unwrap();
            assert_eq!(told.status(), StatusCode::UNAUTHORIZED, "automator: {} {path}", operation.method);
        }
        if ["agent", "automator", "receiver", "reporter"].contains(&kind) {
            let told = ada.sign(request()).send().await.unwrap();
            assert_eq!(told.status(), StatusCode::UNAUTHORIZED, "person: {} {path}", operation.method);
        }
    }
}

/// Case 19: two organizations never see each other on any route.
/// A commit of hers that a read met and a Sync applied.
async fn seed_commit(hub: &Hub, organization: &str, repository: &str, cluster: &str) -> String {
    let commit = "ad".repeat(20);
    let rows = sqlx::PgPool::connect_with(hub.database.options()).await.unwrap();
    let ids = [organization, repository, cluster].map(|id| id.parse::<uuid::Uuid>().unwrap());
    let statements = [
        "insert into revisions (organization_id, repository_id, branch, revision, ordinal, first_parent, committed_at,
                                author, subject)
         select $1, $2, 'main', $4, 1, true, now(), 'ada', 'ada-secret subject' where $3::uuid is not null",
        "insert into image_sets (organization_id, hash, images)
         select $1, '\\x01', '[\"ghcr.io/ada-secret/api:1\"]' where ($2::uuid, $3::uuid, $4::text) is not null",
        "insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch,
                                        path, revision, applied_at, images_hash)
         select $1, $3, 'heddle-system', 'ada-secret', url, 'main', '', $4, '2026-05-01T00:00:00Z', '\\x01'
         from repositories where id = $2",
    ];
    for statement in statements {
        let [organization, repository, cluster] = ids;
        sqlx::query(statement)
            .bind(organization)
            .bind(repository)
            .bind(cluster)
            .bind(&commit)
            .execute(&rows)
            .await
            .unwrap();
    }
    commit
}

#[tokio::test]
async fn two_organizations_never_see_each_other_on_any_route() {
    let hub = Hub::start().await;
    let (ada, hers) = hub.settle("ada@example.com").await;
    let (eve, own) = hub.settle("eve@example.com").await;
    let repository = hub.bind_repository(&hers, "acme/config").await;
    let cluster = hub.create_cluster(&ada, &hers, &repository, "ada-secret-cluster").await;
    let key = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    let receiver = hub
        .post(
            &ada,
            &format!("/api/v1/organizations/{hers}/receivers"),
            json!({ "name": "ada-secret" }),
            StatusCode::CREATED,
        )
        .await;
    let login = json!({
        "host": "ghcr.io", "prefix": "ada-secret",
        "secret": { "kind": "basic", "username": "ada-secret", "password": "a-password-of-hers" },
    });
    let logins = format!("/api/v1/organizations/{hers}/registry-logins");
    let login = hub.post(&ada, &logins, login, StatusCode::CREATED).await;
    let invited = json!({ "email": "ada-secret@example.com", "role": "viewer" });
    let invitations = format!("/api/v1/organizations/{hers}/invitations");
    let invitation = hub.post(&ada, &invitations, invited, StatusCode::CREATED).await;
    let reporters = format!("/api/v1/organizations/{hers}/reporters");
    let reporter = json!({
        "name": "ada-secret", "repository": "ada-secret/infra", "environment": "ada-secret", "tool": "terraform",
        "source": "infra/ada-secret",
    });
    let reporter = hub.post(&ada, &reporters, reporter, StatusCode::CREATED).await;
    let change = hub.propose(&hers, &repository).await;
    let shown = hub.get(&ada, &format!("/api/v1/organizations/{hers}/changes/{change}")).await.to_string();
    assert!(shown.contains("ada-secret"), "she sees her own: {shown}");
    let me = hub.get(&ada, "/api/v1/me").await;
    let request = hub.ask(&hers, &repository, me["id"].as_str().unwrap()).await;
    let shown = hub.get(&ada, &format!("/api/v1/organizations/{hers}/requests/{request}")).await.to_string();
    assert!(shown.contains("ada-secret"), "she sees her own: {shown}");
    let commit = seed_commit(&hub, &hers, &repository, &cluster.id).await;
    for seen in [format!("revisions/{commit}"), "past?at=2026-06-01T12:00:00Z".to_owned()] {
        let shown = hub.get(&ada, &format!("/api/v1/organizations/{hers}/{seen}")).await.to_string();
        assert!(shown.contains("ada-secret"), "she sees her own: {shown}");
    }
    let things = [
        ("revision", commit.as_str()),
        ("change", change.as_str()),
        ("request", request.as_str()),
        ("invitation", invitation["id"].as_str().unwrap()),
        ("repository", repository.as_str()),
        ("cluster", cluster.id.as_str()),
        ("key", enrolled["key_id"].as_str().unwrap()),
        ("user", me["id"].as_str().unwrap()),
        ("receiver", receiver["receiver"]["id"].as_str().unwrap()),
        ("login", login["id"].as_str().unwrap()),
        ("reporter", reporter["reporter"]["id"].as_str().unwrap()),
        ("record", reporter["reporter"]["record"].as_str().unwrap()),
    ];
    let before = hub.get(&ada, &format!("/api/v1/organizations/{hers}/clusters")).await;
    for operation in operations().iter().filter(|one| one.permission.starts_with("organization:")) {
        // In her organization: it does not exist.
        let path = fill(&operation.path, &[&things[..], &[("organization", &hers)]].concat());
        let told = eve.sign(hub.request(operation.method.clone(), &path)).json(&json!({})).send().await.unwrap();
        assert_eq!(told.status(), StatusCode::NOT_FOUND, "{} {path}", operation.method);
        // Her things in one's own organization: they do not exist.
        if operation.path.matches('{').count() > 1 {
            let path = fill(&operation.path, &[&things[..], &[("organization", &own)]].concat());
            // With a body that this route takes.
            let body = match operation.path.rsplit('/').next().unwrap() {
                "role" => json!({ "role": "owner" }),
                "grants" => json!({ "grants": [] }),
                "test" => json!({ "image": "ada-secret/api" }),
                "{login}" => json!({ "host": "ghcr.io", "secret": { "kind": "identity-token", "token": "t" } }),
                _ => json!({}),
            };
            let told = eve.sign(hub.request(operation.method.clone(), &path)).json(&body).send().await.unwrap();
            if operation.path.contains("{revision}") {
                // A commit that may be anybody's is asked for by its id: nobody is told that another has it.
                assert_eq!(told.status(), StatusCode::OK, "{} {path}", operation.method);
                let told = told.text().await.unwrap();
                assert!(!told.contains("ada-secret") && !told.contains(&commit), "{path}: {told}");
                continue;
            }
            assert_eq!(told.status(), StatusCode::NOT_FOUND, "{} {path}", operation.method);
        } else if operation.method == Method::GET && !operation.path.ends_with("/events") {
            let at = if operation.path.ends_with("/past") { "?at=2026-06-01T12:00:00Z" } else { "" };
            let path = format!("{}{at}", fill(&operation.path, &[("organization", &own)]));
            let told = eve.sign(hub.request(Method::GET, &path)).send().await.unwrap().text().await.unwrap();
            assert!(!told.contains("ada-secret") && !told.contains("acme/config"), "{path}: {told}");
        }
    }
    // Her reporter's token is good in her organization alone, whoever shows it.
    let now = chrono::Utc::now();
    let look = json!({
        "id": uuid::Uuid::now_v7(), "repository": "ada-secret/infra", "environment": "ada-secret", "tool": "terraform", "source": "infra/ada-secret",
        "commit": null, "begun_at": now, "ended_at": now, "program": "tofu", "version": null,
        "items": [], "not_looked_at": [], "failure": null, "plan_hash": null,
    });
    let told = hub.request(Method::POST, "/reporter/v1/looks").bearer_auth(reporter["token"].as_str().unwrap());
    hub.send(told.json(&look), StatusCode::OK).await;
    let told = hub.request(Method::GET, "/reporter/v1/record").bearer_auth(reporter["token"].as_str().unwrap());
    assert_eq!(hub.send(told, StatusCode::OK).await["record"], reporter["reporter"]["record"]);
    let drift = |organization: &str| format!("/api/v1/organizations/{organization}/drift");
    assert_eq!(hub.get(&ada, &drift(&hers)).await["items"][0]["state"], "same");
    assert_eq!(hub.get(&eve, &drift(&own)).await["items"], json!([]));
    // A body that names her repository.
    let body = json!({
        "name": "mine", "repository": repository, "branch": "main", "path": "", "namespaces": ["shop"],
    });
    hub.post(&eve, &format!("/api/v1/organizations/{own}/clusters"), body, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(hub.get(&ada, &format!("/api/v1/organizations/{hers}/clusters")).await, before);
}

/// What hangs on an account or a cluster and on no organization's path.
#[tokio::test]
async fn nobody_reaches_the_sessions_tokens_and_repositories_of_another() {
    let hub = Hub::start().await;
    let (ada, hers) = hub.settle("ada@example.com").await;
    let (eve, own) = hub.settle("eve@example.com").await;
    let sessions = hub.get(&ada, "/api/v1/sessions").await;
    let body = json!({ "name": "mine", "organization": hers, "role": "viewer", "expires_in_days": 30 });
    let token = hub.post(&ada, "/api/v1/tokens", body, StatusCode::CREATED).await;
    let things = [
        ("session", sessions[0]["id"].as_str().unwrap()),
        ("token", token["token"]["id"].as_str().unwrap()),
        ("organization", own.as_str()),
    ];
    let of_accounts = ["{session}", "{token}"];
    let walked: Vec<_> = operations()
        .into_iter()
        .filter(|operation| of_accounts.iter().any(|parameter| operation.path.contains(parameter)))
        .collect();
    assert_eq!(walked.len(), 2);
    for operation in walked {
        let path = fill(&operation.path, &things);
        let told = eve.sign(hub.request(operation.method.clone(), &path)).json(&json!({})).send().await.unwrap();
        assert_eq!(told.status(), StatusCode::NOT_FOUND, "{} {path}", operation.method);
    }
    assert_eq!(hub.get(&ada, "/api/v1/sessions").await[0]["id"], sessions[0]["id"]);
    assert_eq!(hub.get(&ada, "/api/v1/tokens").await[0]["id"], token["token"]["id"]);

    // Her repository, asked for by the agent of another organization.
    let repository = hub.bind_repository(&hers, "acme/config").await;
    let theirs = hub.bind_repository(&own, "eve/config").await;
    let cluster = hub.create_cluster(&eve, &own, &theirs, "prod").await;
    let key = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    let signed = key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({}));
    let repositories = hub.get(&ada, &format!("/api/v1/organizations/{hers}/repositories")).await;
    assert_eq!(repositories[0]["id"], repository.as_str());
    let asked = hub.request(Method::POST, "/agent/v1/git-token").bearer_auth(signed);
    let told = hub.send(asked.json(&json!({ "repository": repositories[0]["url"] })), StatusCode::NOT_FOUND).await;
    assert_eq!(told["code"], "repository-not-connected");
}

const ROLES: [&str; 4] = ["viewer", "operator", "admin", "owner"];

/// Whoever may do less than a route asks for is told so, by session and by token, and nothing else happens.
#[tokio::test]
async fn a_role_below_a_routes_own_opens_it_neither_by_session_nor_by_token() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    for (rank, role) in ROLES[..3].iter().enumerate() {
        let member = hub.sign_up(&format!("{role}@example.com")).await;
        let invited = json!({ "email": format!("{role}@example.com"), "role": role });
        let invitations = format!("/api/v1/organizations/{organization}/invitations");
        let code = hub.post(&ada, &invitations, invited, StatusCode::CREATED).await["code"].clone();
        hub.post(&member, "/api/v1/invitations/accept", json!({ "code": code }), StatusCode::OK).await;
        // An owner's token with this role may do as little.
        let body = json!({ "name": role, "organization": organization, "role": role, "expires_in_days": 1 });
        let token = hub.post(&ada, "/api/v1/tokens", body, StatusCode::CREATED).await;
        let token = token["secret"].as_str().unwrap();
        let mut refused = 0;
        for operation in operations() {
            let Some(words) = operation.permission.strip_prefix("organization:") else { continue };
            // What an operator needs beside the role stands behind it.
            let least = words.split(':').next().unwrap();
            if ROLES.iter().position(|known| *known == least).unwrap() <= rank {
                continue;
            }
            let path = fill(&operation.path, &[("organization", &organization)]);
            let request = || hub.request(operation.method.clone(), &path).json(&json!({}));
            for request in [member.sign(request()), request().bearer_auth(token)] {
                let told = hub.send(request, StatusCode::FORBIDDEN).await;
                assert_eq!(told["code"], "role-too-low", "{} {path}", operation.method);
                refused += 1;
            }
        }
        assert!(refused > 3, "{role}: {refused}");
    }
}

/// A token acts in its organization alone, and another site's page does not act at all.
#[tokio::test]
async fn neither_a_token_nor_another_sites_page_acts_on_an_account() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let body = json!({ "name": "ci", "organization": organization, "role": "owner", "expires_in_days": 1 });
    let token = hub.post(&ada, "/api/v1/tokens", body, StatusCode::CREATED).await;
    let token = token["secret"].as_str().unwrap();
    for operation in operations() {
        let path = fill(&operation.path, &[("organization", &organization)]);
        let request = || hub.http.request(operation.method.clone(), hub.url(&path)).json(&json!({}));
        if operation.permission == "session" {
            let told = hub.send(request().bearer_auth(token), StatusCode::FORBIDDEN).await;
            assert_eq!(told["code"], "session-needed", "{} {path}", operation.method);
        }
        let kind = operation.permission.split(':').next().unwrap();
        if operation.method != Method::GET && ["session", "person", "organization"].contains(&kind) {
            let foreign = ada.sign(request()).header("origin", "https://evil.example.com");
            let told = hub.send(foreign, StatusCode::FORBIDDEN).await;
            assert_eq!(told["code"], "origin-refused", "{} {path}", operation.method);
            let told = hub.send(ada.sign(request()), StatusCode::FORBIDDEN).await;
            assert_eq!(told["code"], "origin-missing", "{} {path}", operation.method);
        }
    }
    hub.get(&ada, "/api/v1/me").await;
}

#[tokio::test]
async fn every_error_is_a_problem() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let post = |path: &str| ada.sign(hub.request(Method::POST, path));
    let clusters = format!("/api/v1/organizations/{organization}/clusters");
    let large = "x".repeat(300 * 1024);
    let bomb = compress(&json!({ "name": "x".repeat(64 * 1024 * 1024) }).to_string());
    let cases = [
        (hub.request(Method::GET, "/api/v1/nowhere"), StatusCode::NOT_FOUND, "not-found"),
        (hub.request(Method::POST, "/agent/v1/nowhere"), StatusCode::NOT_FOUND, "not-found"),
        (hub.request(Method::PUT, "/api/v1/login"), StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        (post(&clusters).header("content-type", "application/json").body("{"), StatusCode::BAD_REQUEST, "bad-json"),
        (post(&clusters).body("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
        (post(&clusters).json(&json!({ "name": 7 })), StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        (post(&clusters).json(&json!({ "name": large })), StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
        (
            post(&clusters).header("content-type", "application/json").header("content-encoding", "gzip").body(bomb),
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
        ),
        (ada.sign(hub.request(Method::GET, &format!("{clusters}/x"))), StatusCode::NOT_FOUND, "not-found"),
        (
            ada.sign(hub.request(Method::GET, &format!("/api/v1/organizations/{organization}/audit?limit=x"))),
            StatusCode::BAD_REQUEST,
            "bad-query",
        ),
    ];
    for (request, status, code) in cases {
        let told = request.send().await.unwrap();
        assert_eq!(told.status(), status, "{}", told.url());
        assert_problem(&told);
        let request_id = told.headers()["x-request-id"].to_str().unwrap().to_owned();
        let problem: Value = told.json().await.unwrap();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["request_id"], request_id);
        assert!(!problem["message"].as_str().unwrap().is_empty());
    }
}

fn compress(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
