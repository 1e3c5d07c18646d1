//! What is hosted: the GitHub stand-in with our App on it, the API, the automator.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use heddle_testkit::{
    github::{AppCredentials, AppPlan, GitHub, GitHubConfig},
    hold::Proxy,
    port,
    postgres::Database,
};
use url::Url;

use super::{FIRST_TAG, IMAGE_PATH, PERSON, REPOSITORY, SECOND_PATH, WorldOptions};
use crate::{config_repository, service::Service};

/// The hosted programs.
pub(super) struct Hub {
    pub(super) api: Service,
    pub(super) automator: Service,
    pub(super) url: Url,
    pub(super) automator_proxy: Option<Proxy>,
    pub(super) agent_proxy: Option<Proxy>,
}

/// A stand-in with a person, an organization, its config repository, and Heddle's App installed on it.
pub(super) async fn start_github(
    folder: &Path,
    image: &str,
    options: &WorldOptions,
) -> Result<(GitHub, AppCredentials)> {
    let config =
        GitHubConfig { dir: Some(folder.join("github")), viewer: Some(PERSON.to_owned()), ..GitHubConfig::default() };
    let github = GitHub::start(config).await.context("the GitHub stand-in did not start")?;
    github.add_user(PERSON);
    github.add_organization("acme", PERSON);
    let mut files = config_repository::files(image, FIRST_TAG);
    for (path, text) in &options.files {
        files.retain(|(known, _)| known != path);
        let second = image.replace(IMAGE_PATH, SECOND_PATH);
        files.push((path.clone(), text.replace("IMAGE", image).replace("SECOND", &second)));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    github.create_repository(REPOSITORY, &files).await?;
    let app = github.create_app(AppPlan::new("heddle"))?;
    github.install(app.id, "acme", &[REPOSITORY])?;
    Ok((github, app))
}

/// Starts the API, with proxies before it where they are asked for, and the automator.
pub(super) async fn start(
    folder: &Path,
    github: &GitHub,
    app: &AppCredentials,
    image: &str,
    database: Option<&Database>,
    options: &WorldOptions,
) -> Result<Hub> {
    let listen = format!("127.0.0.1:{}", port::free()?);
    let url = Url::parse(&format!("http://{listen}/"))?;
    let proxy = async || match options.proxies {
        true => Proxy::start(url.clone(), None, None).await.map(Some),
        false => Ok(None),
    };
    let (automator_proxy, agent_proxy) = (proxy().await?, proxy().await?);
    let behind = |proxy: &Option<Proxy>| trimmed(proxy.as_ref().map_or(&url, Proxy::url));
    let secrets = Secrets::write(folder, app)?;

    let mut api = Service::new("heddle-api", folder)?;
    api.set("HEDDLE_LISTEN", &listen);
    api.set("HEDDLE_PUBLIC_URL", trimmed(&url));
    api.set("HEDDLE_AGENT_API_URL", behind(&agent_proxy));
    match database {
        Some(database) => api.set("DATABASE_URL", database.url()),
        None => api.set("HEDDLE_DATA_DIR", folder.join("data")),
    }
    if let Some(web) = &options.web_dir {
        api.set("HEDDLE_WEB_DIR", web);
    }
    api.set("HEDDLE_SIGNUP", "open");
    api.set("HEDDLE_SCAN_INTERVAL", options.poll);
    api.set("HEDDLE_READ_INTERVAL", options.poll);
    // A killed automator's work is somebody else's after this long.
    api.set("HEDDLE_LEASE", "5s");
    secrets.tell(&mut api, github, app);
    api.start().await?;
    github.set_webhook_target(url.join("/webhooks/github")?.as_str());
    github.set_callback_url(url.as_str());

    let mut automator = Service::new("heddle-automator", folder)?;
    automator.set("HEDDLE_API_URL", behind(&automator_proxy));
    automator.set("HEDDLE_AUTOMATOR_TOKEN_FILE", &secrets.automator_token);
    automator.set("HEDDLE_CACHE_DIR", folder.join("automator"));
    automator.set("HEDDLE_CA_FILE", github.ca_file());
    let own = image.split('/').next().unwrap_or_default();
    let registries: Vec<&str> = options.registries.iter().map(String::as_str).chain([own]).collect();
    automator.set("HEDDLE_ALLOW_REGISTRIES", registries.join(","));
    automator.start().await?;
    Ok(Hub { api, automator, url, automator_proxy, agent_proxy })
}

/// The files with secrets that the programs are pointed to.
struct Secrets {
    private_key: PathBuf,
    webhook_secret: PathBuf,
    client_secret: PathBuf,
    automator_token: PathBuf,
    sealing_keys: PathBuf,
}

impl Secrets {
    fn write(folder: &Path, app: &AppCredentials) -> Result<Self> {
        let file = |name: &str, text: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("could not write {name}"))?;
            Ok(path)
        };
        let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        Ok(Self {
            private_key: file("app.pem", &app.private_key_pem)?,
            webhook_secret: file("webhook-secret", &app.webhook_secret)?,
            client_secret: file("client-secret", &app.client_secret)?,
            automator_token: file("automator-token", &token)?,
            sealing_keys: file("sealing-keys", &"5e".repeat(32))?,
        })
    }

    fn tell(&self, api: &mut Service, github: &GitHub, app: &AppCredentials) {
        api.set("HEDDLE_GITHUB_APP_ID", app.id.to_string());
        api.set("HEDDLE_GITHUB_APP_SLUG", &app.slug);
        api.set("HEDDLE_GITHUB_PRIVATE_KEY_FILE", &self.private_key);
        api.set("HEDDLE_GITHUB_WEBHOOK_SECRET_FILE", &self.webhook_secret);
        api.set("HEDDLE_GITHUB_CLIENT_ID", &app.client_id);
        api.set("HEDDLE_GITHUB_CLIENT_SECRET_FILE", &self.client_secret);
        api.set("HEDDLE_GITHUB_URL", github.web_url());
        api.set("HEDDLE_GITHUB_API_URL", github.api_url());
        api.set("HEDDLE_CA_FILE", github.ca_file());
        api.set("HEDDLE_AUTOMATOR_TOKEN_FILE", &self.automator_token);
        api.set("HEDDLE_SEALING_KEYS_FILE", &self.sealing_keys);
    }
}

/// An address without the slash at its end, as people write it.
pub(super) fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
