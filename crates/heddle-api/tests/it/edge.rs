//! What stands before every route: clean texts, bodies only of those who are known, a reserve for people.

use heddle_testkit::wait;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    hub::{AUTOMATOR_TOKEN, AgentKey, Hub, Person},
    walk::{Operation, fill, operations},
};

/// One of each who may call something.
struct Callers {
    hub: Hub,
    ada: Person,
    organization: String,
    receiver: (String, String),
    reporter: String,
    agent: String,
}

impl Callers {
    async fn settle() -> Self {
        let hub = Hub::start().await;
        let (ada, organization) = hub.settle("ada@example.com").await;
        let repository = hub.bind_repository(&organization, "acme/config").await;
        let cluster = hub.create_cluster(&ada, &organization, &repository, "prod").await;
        let key = AgentKey::generate();
        let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
        let agent = key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({}));
        let receivers = format!("/api/v1/organizations/{organization}/receivers");
        let made = hub.post(&ada, &receivers, json!({ "name": "registries" }), StatusCode::CREATED).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let receiver = (text(&made["receiver"]["id"]), text(&made["secret"]));
        let reporters = format!("/api/v1/organizations/{organization}/reporters");
        let reporter = json!({ "name": "ci", "repository": "acme/infra", "environment": "prod", "tool": "ansible", "source": "site.yml" });
        let reporter = hub.post(&ada, &reporters, reporter, StatusCode::CREATED).await;
        let reporter = text(&reporter["token"]);
        Self { hub, ada, organization, receiver, reporter, agent }
    }

    fn path(&self, operation: &Operation) -> String {
        fill(&operation.path, &[("organization", &self.organization), ("receiver", &self.receiver.0)])
    }

    /// A request with the credential that the operation asks for.
    fn call(&self, operation: &Operation, path: &str) -> RequestBuilder {
        let request = self.hub.request(operation.method.clone(), path);
        match operation.permission.split(':').next().unwrap() {
            "public" | "github" => request,
            "agent" => request.bearer_auth(&self.agent),
            "automator" => request.bearer_auth(AUTOMATOR_TOKEN).header("heddle-fence", 1),
            "receiver" => request.bearer_auth(&self.receiver.1),
            "reporter" => request.bearer_auth(&self.reporter),
            _ => self.ada.sign(request),
        }
    }
}

#[tokio::test]
async fn a_nul_is_refused_in_every_parameter_and_every_field() {
    let callers = Callers::settle().await;
    let mut sent = 0;
    for operation in operations().iter().filter(|one| one.permission != "github") {
        let path = callers.path(operation);
        for name in &operation.query {
            let told = callers.call(operation, &format!("{path}?{name}=a%00b")).send().await.unwrap();
            assert_refused(told, operation, name).await;
            sent += 1;
        }
        for field in &operation.fields {
            let told = callers.call(operation, &path).json(&json!({ field: "a\0b" })).send().await.unwrap();
            assert_refused(told, operation, field).await;
            let told = callers.call(operation, &path).json(&json!({ field: [{ "x": "a\0b" }] })).send().await.unwrap();
            assert_refused(told, operation, &format!("{field}[0].x")).await;
            sent += 2;
        }
        for (name, _) in operation.path.split('{').skip(1).filter_map(|part| part.split_once('}')) {
            let path = callers.path(operation);
            let with_nul = fill(&operation.path, &[(name, "a%00b"), ("organization", &callers.organization)]);
            assert_ne!(path, with_nul);
            let told = callers.call(operation, &with_nul).json(&json!({})).send().await.unwrap();
            assert!(told.status().is_client_error(), "{} {with_nul}: {}", operation.method, told.status());
            sent += 1;
        }
    }
    assert!(sent > 150, "only {sent} requests were made of the document");
    let told = callers.hub.request(Method::GET, "/dashboard%00").send().await.unwrap();
    assert!(!told.status().is_server_error(), "{}", told.status());
}

async fn assert_refused(told: reqwest::Response, operation: &Operation, field: &str) {
    let status = told.status();
    let problem: Value = told.json().await.unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{} {} {field}: {problem}", operation.method, operation.path);
    assert_eq!(problem["fields"][0]["field"], field, "{problem}");
}

/// A stranger's body would lie in memory for as long as they like.
#[tokio::test]
async fn a_body_is_not_waited_for_before_it_is_known_who_sends_it() {
    let hub = Hub::start().await;
    let address = hub.replicas[0].trim_start_matches("http://").to_owned();
    for operation in operations().iter().filter(|one| one.permission != "public" && one.permission != "github") {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let path = fill(&operation.path, &[]);
        let head = format!(
            "{} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 200000\r\n\r\n{{",
            operation.method,
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        tokio::time::timeout(wait::LONG, stream.read_exact(&mut answer)).await.expect(&path).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{path}");
    }
}

#[tokio::test]
async fn agents_that_all_wait_for_the_store_leave_people_their_part_of_it() {
    let hub = Hub::start().await;
    let mut requests = Vec::new();
    let mut last = None;
    for name in ["ada", "bob", "cem"] {
        let (person, organization) = hub.settle(&format!("{name}@example.com")).await;
        let repository = hub.bind_repository(&organization, &format!("{name}/config")).await;
        for number in 0..2 {
            let cluster = hub.create_cluster(&person, &organization, &repository, &format!("c{number}")).await;
            let key = AgentKey::generate();
            let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
            let token = key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({}));
            let body = json!({ "public_key": AgentKey::generate().public() });
            requests.push(hub.request(Method::POST, "/agent/v1/keys").bearer_auth(token).json(&body));
        }
        last = Some(person);
    }
    let mut held = hub.database.hold_writes("cluster_keys").await.unwrap();
    let waiting: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
    held.reached().await.unwrap();
    // All their parts of the pool are taken, and more wait.
    for _ in 0..3 {
        hub.get(&last.clone().unwrap(), "/api/v1/me").await;
    }
    held.release().await.unwrap();
    for request in waiting {
        assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_notice_of_too_many_pushes_is_refused_whole() {
    let callers = Callers::settle().await;
    let (id, secret) = &callers.receiver;
    let send = async |count: usize| {
        let tags: Vec<String> = (0..count).map(|number| format!("1.{number}")).collect();
        let body = json!({ "repository": "acme/api", "docker_url": "quay.io/acme/api", "updated_tags": tags });
        let request = callers.hub.http.post(callers.hub.url(&format!("/webhooks/registry/{id}")));
        request.bearer_auth(secret).json(&body).send().await.unwrap()
    };
    assert_eq!(send(100).await.status(), StatusCode::ACCEPTED);
    let told = send(101).await;
    assert_eq!(told.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(told.text().await.unwrap().contains("too-many-pushes"));
}
