//! Heddle as people install it, on a real node: images out of a registry, the hub by its chart, the agent by the manifest that
//! the dashboard hands out, a change from the registry to healthy Pods.
//!
//! `tests/node/run.sh` starts the node and says by `HEDDLE_NODE` where it is; GitHub is the stand-in. Everything that Pods reach
//! is at [`NODE_ADDRESS`].

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod node;

use std::{env, path::PathBuf};

use heddle_client::{Http, PageQuery, UserClient};
use heddle_core::{id::OrganizationId, pipeline::End};
use heddle_testkit::{
    github::{AppCredentials, AppPlan, GitHub, GitHubConfig, Pull},
    hold::Proxy,
    tls::{Authority, NODE_ADDRESS},
    wait::{LONG, until},
};
use heddle_tests::{
    browser::Browser,
    config_repository::{self, overlay_path},
    world::{EMAIL, FIRST_TAG, IMAGE_PATH, PASSWORD, PERSON, REPOSITORY, connect, describe},
};
use heddle_wire::view::{CreateCluster, CreateOrganization, SignUpRequest};
use serde_json::{Value, json};
use url::Url;

use self::node::Node;

/// What is hosted, and the person who uses it.
struct Home {
    node: Node,
    github: GitHub,
    user: UserClient,
    organization: OrganizationId,
    // Ends TLS before the hub.
    _front: Proxy,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_goes_from_the_registry_to_real_pods_as_people_install_heddle() {
    let node = Node::from_environment();
    let image = format!("{}/{IMAGE_PATH}", node.registry);
    let (github, app) = start_github(&image).await;
    let (front, authorities) = start_front(&node, &github).await;
    install_hub(&node, &github, &app, &front, &authorities).await;

    let home = settle(node, github, front, &authorities).await;
    home.wait_until_pods_run("shop-prod", FIRST_TAG).await;
    home.release("1.4.1").await;

    // The hub is upgraded under the agent.
    let upgrade = ["upgrade", "heddle", "heddle", "--namespace=heddle", "--reuse-values", "--wait", "--timeout=180s"];
    home.node.helm(&upgrade, r#"{"signup": "invite"}"#);
    home.release("1.4.2").await;

    // A new version of the agent, rolled out by hand. Its key stays, and what it does next is of the same cluster.
    home.roll_out_agent("next").await;
    home.release("1.4.3").await;

    // The node loses its power. Pods of hub, agent and workload come again, and the next release goes its way.
    home.node.lose_power();
    home.wait_until_agent_runs().await;
    home.wait_until_pods_run("shop-prod", "1.4.3").await;
    home.release("1.4.4").await;

    // An agent that is killed comes again and puts back what somebody deleted meanwhile.
    home.node.kubectl(&["-n", "shop-prod", "delete", "service", "api"], "").await;
    let kill = ["-n", "heddle-system", "delete", "pod", "--all", "--grace-period=0", "--force"];
    home.node.kubectl(&kill, "").await;
    home.wait_until_agent_runs().await;
    home.wait_until_service_is_back().await;

    // What runs does not need the hub.
    home.node.helm(&["uninstall", "heddle", "--namespace=heddle", "--wait", "--timeout=120s"], "");
    home.wait_until_pods_run("shop-prod", "1.4.4").await;
}

async fn start_github(image: &str) -> (GitHub, AppCredentials) {
    let config = GitHubConfig { address: Some(NODE_ADDRESS.parse().unwrap()), ..GitHubConfig::default() };
    let github = GitHub::start(config).await.unwrap();
    github.add_user(PERSON);
    github.add_organization("acme", PERSON);
    let files = config_repository::files(image, FIRST_TAG);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    github.create_repository(REPOSITORY, &files).await.unwrap();
    let app = github.create_app(AppPlan::new("heddle")).unwrap();
    github.install(app.id, "acme", &[REPOSITORY]).unwrap();
    (github, app)
}

/// What ends TLS before the hub, as an Ingress would, and the authorities of it and of GitHub.
async fn start_front(node: &Node, github: &GitHub) -> (Proxy, String) {
    node.kubectl(&["create", "namespace", "heddle"], "").await;
    node.kubectl(&["label", "namespace", "heddle", "pod-security.kubernetes.io/enforce=restricted"], "").await;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "front", "namespace": "heddle"},
        "spec": {
            "selector": {"app.kubernetes.io/name": "heddle", "app.kubernetes.io/component": "api"},
            "ports": [{"port": 80, "targetPort": "http"}],
        },
    });
    node.kubectl(&["apply", "-f", "-"], &service.to_string()).await;
    let address =
        node.kubectl(&["-n", "heddle", "get", "service", "front", "-o", "jsonpath={.spec.clusterIP}"], "").await;
    let upstream = Url::parse(&format!("http://{address}/")).unwrap();
    let authority = Authority::generate().unwrap();
    let front = Proxy::start_at(NODE_ADDRESS.parse().unwrap(), upstream, None, Some(&authority)).await.unwrap();
    (front, format!("{}{}", authority.ca_pem, github.ca_pem()))
}

async fn install_hub(node: &Node, github: &GitHub, app: &AppCredentials, front: &Proxy, authorities: &str) {
    let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let secret = |name: &str, data: Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "heddle"}, "stringData": data,
        })
    };
    for object in [
        secret("heddle", json!({"automator-token": token, "sealing-keys": "5e".repeat(32)})),
        secret("database", json!({"url": node.database})),
        secret(
            "github",
            json!({
                "private-key": app.private_key_pem, "webhook-secret": app.webhook_secret, "client-secret": app.client_secret,
            }),
        ),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authorities", "namespace": "heddle"},
            "data": {"ca.pem": authorities},
        }),
    ] {
        node.kubectl(&["apply", "-f", "-"], &object.to_string()).await;
    }
    node.add_pull_secret("heddle").await;
    let public_url = front.url().as_str().trim_end_matches('/');
    let values = json!({
        "publicUrl": public_url,
        "signup": "open",
        "image": {"registry": format!("{}/heddle", node.closed), "pullSecrets": ["pull"]},
        "secrets": {"existingSecret": "heddle"},
        "database": {"existingSecret": "database"},
        "github": {
            "appId": app.id, "appSlug": app.slug, "clientId": app.client_id, "existingSecret": "github",
            "url": github.web_url(), "apiUrl": github.api_url(),
        },
        "caBundle": {"existingConfigMap": "authorities"},
        "api": {"settings": {"HEDDLE_SCAN_INTERVAL": "2s", "HEDDLE_READ_INTERVAL": "2s"}},
        // It is at a private address and speaks plain HTTP.
        "automator": {"settings": {"HEDDLE_ALLOW_REGISTRIES": node.registry}},
    });
    github.set_callback_url(&format!("{public_url}/"));
    let args = ["install", "heddle", "heddle", "--namespace=heddle", "--wait", "--timeout=180s"];
    node.helm(&args, &values.to_string());
}

/// What a person does on the first day.
async fn settle(node: Node, github: GitHub, front: Proxy, authorities: &str) -> Home {
    let url = front.url().clone();
    let request = SignUpRequest {
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned().into(),
        name: "Ada".to_owned(),
        invitation: None,
    };
    let http = Http::new(url.clone(), Some(authorities.as_bytes().to_vec())).unwrap();
    let user = UserClient::sign_up(http, &request).await.unwrap();
    let organization = user.create_organization(&CreateOrganization { name: "acme".to_owned() }).await.unwrap().id;

    // The first authority of the two is that of Heddle's own address.
    let own = authorities.split_inclusive("-----END CERTIFICATE-----\n").next();
    let mut browser = Browser::login_trusting(own, &url, EMAIL, PASSWORD).await.unwrap();
    let page = browser.open_redirect(url.join("/api/v1/github/authorize").unwrap()).await.unwrap();
    browser.open_redirect(github.authorize(page.as_str(), PERSON).unwrap()).await.unwrap();
    let repository = connect(&user, organization, REPOSITORY).await.unwrap();

    node.push_workload(IMAGE_PATH, FIRST_TAG);
    node.kubectl(&["create", "namespace", "shop-prod"], "").await;
    let cluster = CreateCluster {
        name: "eu-1".to_owned(),
        repository: repository.id,
        branch: repository.default_branch.clone(),
        path: "clusters/prod".to_owned(),
        namespaces: vec!["shop-prod".to_owned()],
    };
    let created = user.create_cluster(organization, &cluster).await.unwrap();
    // Exactly as the dashboard hands it out.
    node.kubectl(&["apply", "-f", "-"], created.manifest.expose()).await;
    let home = Home { node, github, user, organization, _front: front };
    // Its image is behind a login, which the manifest does not know: docs/install/images.md says what to do.
    home.wait_until_agent_cannot_be_pulled().await;
    home.node.add_pull_secret("heddle-system").await;
    let account = ["-n", "heddle-system", "patch", "serviceaccount", "heddle-synchronizer", "-p"];
    home.node.kubectl(&[&account[..], &[r#"{"imagePullSecrets": [{"name": "pull"}]}"#]].concat(), "").await;
    // An account is looked at when a Pod is made.
    home.node.kubectl(&["-n", "heddle-system", "rollout", "restart", "deployment/heddle-synchronizer"], "").await;
    home.wait_until_agent_runs().await;
    home
}

impl Home {
    /// A tag from the registry through a pull request, which the person merges, to healthy Pods.
    async fn release(&self, tag: &str) {
        self.node.push_workload(IMAGE_PATH, tag);
        let pull = self.wait_for_pull_request(tag).await;
        self.github.merge(REPOSITORY, pull.number, PERSON).await.unwrap();
        self.wait_until_healthy(tag).await;
        self.wait_until_pods_run("shop-prod", tag).await;
    }

    async fn wait_until_service_is_back(&self) {
        until("the deleted Service to be back", LONG, async || {
            let args = ["-n", "shop-prod", "get", "service", "api", "--ignore-not-found", "-o", "name"];
            match self.node.kubectl(&args, "").await.is_empty() {
                false => Ok(()),
                true => Err(self.node.kubectl(&["-n", "heddle-system", "get", "syncs", "-o", "wide"], "").await),
            }
        })
        .await
        .unwrap();
    }

    async fn wait_until_agent_cannot_be_pulled(&self) {
        let args = ["-n", "heddle-system", "get", "pods", "-o", "json"];
        until("a node that pulls no image without a login", LONG, async || {
            let pods: Value = serde_json::from_str(&self.node.kubectl(&args, "").await).unwrap();
            let waiting = &pods["items"][0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
            match waiting.as_str() {
                Some("ImagePullBackOff" | "ErrImagePull") => Ok(()),
                _ => Err(self.node.describe("heddle-system").await),
            }
        })
        .await
        .unwrap();
    }

    /// The agent's image under another tag, as `kubectl set image` rolls it out.
    async fn roll_out_agent(&self, tag: &str) {
        let image = format!("heddle/heddle-synchronizer:{}", env!("CARGO_PKG_VERSION"));
        self.node.tag(&image, tag);
        let image = format!("synchronizer={}/heddle/heddle-synchronizer:{tag}", self.node.closed);
        self.node.kubectl(&["-n", "heddle-system", "set", "image", "deployment/heddle-synchronizer", &image], "").await;
        let rolled = ["-n", "heddle-system", "rollout", "status", "deployment/heddle-synchronizer", "--timeout=120s"];
        self.node.kubectl(&rolled, "").await;
    }

    async fn wait_until_agent_runs(&self) {
        let args = ["-n", "heddle-system", "get", "deployment", "heddle-synchronizer", "-o", "json"];
        until("the agent to be ready", LONG, async || {
            let deployment: Value = serde_json::from_str(&self.node.kubectl(&args, "").await).unwrap();
            match deployment["status"]["availableReplicas"].as_u64() {
                Some(1) => Ok(()),
                _ => Err(self.node.describe("heddle-system").await),
            }
        })
        .await
        .unwrap();
    }

    /// Waits until every Pod of the workload runs this tag, and none another.
    async fn wait_until_pods_run(&self, namespace: &str, tag: &str) {
        let wanted = format!("{}/{IMAGE_PATH}:{tag}", self.node.registry);
        until(format!("Pods that run {wanted}"), LONG, async || {
            let pods = self.node.kubectl(&["-n", namespace, "get", "pods", "-l", "app=api", "-o", "json"], "").await;
            let pods: Value = serde_json::from_str(&pods).unwrap();
            let pods = pods["items"].as_array().unwrap();
            let runs = |pod: &Value| {
                let status = &pod["status"]["containerStatuses"][0];
                let asked = &pod["spec"]["containers"][0]["image"];
                asked == wanted.as_str() && status["ready"] == true && !status["state"]["running"].is_null()
            };
            match pods.len() == 2 && pods.iter().all(runs) {
                true => Ok(()),
                false => Err(self.node.describe(namespace).await),
            }
        })
        .await
        .unwrap();
    }

    async fn wait_for_pull_request(&self, tag: &str) -> Pull {
        let file = overlay_path("prod");
        until(format!("a pull request for {tag}"), LONG, async || {
            for pull in self.github.pulls(REPOSITORY).map_err(|error| error.to_string())?.into_iter().filter(|p| p.open)
            {
                let text = self.github.read_file(REPOSITORY, &pull.head_revision, &file).await.ok().flatten();
                if text.is_some_and(|text| text.contains(&format!("\"{tag}\""))) {
                    return Ok(pull);
                }
            }
            Err(self.changes().await)
        })
        .await
        .unwrap()
    }

    async fn wait_until_healthy(&self, tag: &str) {
        until(format!("prod to be healthy at {tag}"), LONG, async || {
            let page = self.user.changes(self.organization, &PageQuery::default()).await;
            let page = page.map_err(|error| error.to_string())?;
            let found = page.items.iter().find(|one| one.environment.as_str() == "prod" && one.to.as_str() == tag);
            match found {
                Some(change) if change.line.end == Some(End::Healthy) => Ok(()),
                _ => Err(format!("{}; {}", self.changes().await, self.node.describe("shop-prod").await)),
            }
        })
        .await
        .unwrap();
    }

    async fn changes(&self) -> String {
        match self.user.changes(self.organization, &PageQuery::default()).await {
            Ok(page) => page.items.iter().map(describe).collect::<Vec<_>>().join("; "),
            Err(error) => format!("unknown ({error:#})"),
        }
    }
}

/// What `tests/node/run.sh` says by `HEDDLE_NODE`.
fn folder() -> PathBuf {
    env::var_os("HEDDLE_NODE").expect("tests/node/run.sh starts the node and this test").into()
}
