//! What a person does on the first day, through the same HTTP API and with the same `kubectl`.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use heddle_client::{Http, UserClient};
use heddle_core::id::{ClusterId, OrganizationId, RepositoryId};
use heddle_testkit::{
    cluster::Cluster,
    github::GitHub,
    hold::Proxy,
    registry::{Notices, Registry},
    tools,
};
use heddle_wire::view::{
    ConnectRepository, CreateCluster, CreateOrganization, CreateReceiver, RepositoryView, SignUpRequest,
};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::ConfigMap};
use kube::Api;
use url::Url;

use super::{EMAIL, Ground, PASSWORD, PERSON, REPOSITORY};
use crate::{browser::Browser, config_repository::ENVIRONMENTS, service::Service};

/// The namespace of the install manifest.
pub(super) const AGENT_NAMESPACE: &str = "heddle-system";

/// What the person has afterwards.
pub(super) struct Home {
    pub(super) user: UserClient,
    pub(super) organization: OrganizationId,
    pub(super) repository: RepositoryId,
    pub(super) cluster_id: ClusterId,
    pub(super) manifest: String,
    pub(super) agent: Service,
    pub(super) cluster_proxy: Option<Proxy>,
}

/// Does everything, telling each step.
pub(super) async fn settle(ground: &mut Ground) -> Result<Home> {
    let tell = Arc::clone(&ground.options.tell);
    let url = ground.url().clone();
    tell("signing up");
    let user = sign_up(&url, EMAIL, PASSWORD).await?;
    tell("creating the organization acme");
    let organization = user.create_organization(&CreateOrganization { name: "acme".to_owned() }).await?.id;

    tell("signing in at GitHub and connecting acme/config");
    sign_in_at_github(&url, &ground.github, EMAIL, PASSWORD, PERSON).await?;
    let repository = connect(&user, organization, REPOSITORY).await?;

    if ground.options.notices {
        tell("pointing the registry's notices to a receiver");
        point_notices(&user, organization, &mut ground.registry, &url).await?;
    }

    tell("adding a cluster");
    let created = user
        .create_cluster(
            organization,
            &CreateCluster {
                name: "eu-1".to_owned(),
                repository: repository.id,
                branch: repository.default_branch.clone(),
                path: "clusters/prod".to_owned(),
                namespaces: ENVIRONMENTS.map(|(_, namespace)| namespace.to_owned()).to_vec(),
            },
        )
        .await
        .context("the cluster was not added")?;
    let manifest = created.manifest.expose().to_owned();
    let (agent, cluster_proxy) = ground.install(&manifest).await?;
    tell("kubectl apply: a second Sync, for staging");
    let staging = sync_manifest(&ground.github, "staging", "clusters/staging", "shop-staging");
    ground.cluster.kubectl(&["apply", "-f", "-"], &staging).await?;
    Ok(Home {
        user,
        organization,
        repository: repository.id,
        cluster_id: created.cluster.id,
        manifest,
        agent,
        cluster_proxy,
    })
}

/// Makes an account.
pub(crate) async fn sign_up(api: &Url, email: &str, password: &str) -> Result<UserClient> {
    let request = SignUpRequest {
        email: email.to_owned(),
        password: password.to_owned().into(),
        name: "Ada".to_owned(),
        invitation: None,
    };
    UserClient::sign_up(Http::new(api.clone(), None)?, &request).await.context("the sign-up was refused")
}

/// Follows the pages from Heddle to GitHub and back.
pub(crate) async fn sign_in_at_github(
    api: &Url,
    github: &GitHub,
    email: &str,
    password: &str,
    login: &str,
) -> Result<()> {
    let mut browser = Browser::login(api, email, password).await?;
    let page = browser.open_redirect(api.join("/api/v1/github/authorize")?).await?;
    let back = github.authorize(page.as_str(), login)?;
    let home = browser.open_redirect(back).await.context("Heddle did not take the person back from GitHub")?;
    ensure!(home.origin() == api.origin(), "the sign-in ended at {home}");
    Ok(())
}

/// Connects a repository from the list of those that the person may connect.
pub async fn connect(user: &UserClient, organization: OrganizationId, name: &str) -> Result<RepositoryView> {
    let available = user.available_repositories(organization).await.context("no list of repositories to connect")?;
    let found = available.iter().find(|repository| repository.name.as_str() == name);
    let found = found.with_context(|| format!("{name} is not among {available:?}"))?;
    let request = ConnectRepository { installation_id: found.installation_id, name: found.name.clone() };
    user.connect_repository(organization, &request).await.with_context(|| format!("{name} was not connected"))
}

async fn point_notices(
    user: &UserClient,
    organization: OrganizationId,
    registry: &mut Registry,
    api: &Url,
) -> Result<()> {
    let request = CreateReceiver { name: "registry".to_owned() };
    let created = user.create_receiver(organization, &request).await.context("no receiver was made")?;
    // The public address; a registry behind the same NAT posts to it as it stands.
    let url = api.join(&created.receiver.url)?;
    registry.notify(&Notices { url, secret: created.secret.expose().to_owned().into() }).await
}

/// The agent as the manifest's Deployment runs it: its environment, with the mounts replaced by files here, and its
/// service account's token in place of the one that a kubelet would mount.
pub(super) async fn prepare_agent(cluster: &Cluster, server: &Url, folder: &Path) -> Result<Service> {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client(), AGENT_NAMESPACE);
    let deployment = deployments.get("heddle-synchronizer").await.context("the manifest has no Deployment")?;
    let pod = deployment.spec.and_then(|spec| spec.template.spec).context("the Deployment has no pod")?;
    let account = pod.service_account_name.context("the pod has no service account")?;
    let container = pod.containers.first().context("the pod has no container")?;

    let mut agent = Service::new("heddle-synchronizer", folder)?;
    for variable in container.env.iter().flatten().filter(|variable| variable.name != "HEDDLE_METRICS_LISTEN") {
        match &variable.value {
            Some(value) => agent.set(&variable.name, value),
            None => agent.set(&variable.name, AGENT_NAMESPACE),
        }
    }
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client(), AGENT_NAMESPACE);
    let authorities = maps.get("heddle-ca").await?.data.unwrap_or_default().remove("ca.pem").unwrap_or_default();
    let files = [
        ("agent-ca.pem", authorities, "HEDDLE_CA_FILE"),
        (
            "agent.kubeconfig",
            cluster.service_account_kubeconfig(AGENT_NAMESPACE, &account, server).await?,
            "HEDDLE_KUBECONFIG",
        ),
    ];
    for (name, text, variable) in files {
        fs::write(folder.join(name), text).with_context(|| format!("could not write {name}"))?;
        agent.set(variable, folder.join(name));
    }
    agent.set("HEDDLE_STATE_DIR", folder.join("agent"));
    agent.set("HEDDLE_KUSTOMIZE", tools::path("kustomize")?);
    Ok(agent)
}

/// A Sync, as its owner writes it.
pub(super) fn sync_manifest(github: &GitHub, name: &str, path: &str, namespace: &str) -> String {
    format!(
        r"apiVersion: heddle.dev/v1alpha1
kind: Sync
metadata: {{name: {name}, namespace: {AGENT_NAMESPACE}}}
spec:
  repository: {}/{REPOSITORY}
  path: {path}
  namespaces: [{namespace}]
",
        github.web_url()
    )
}
