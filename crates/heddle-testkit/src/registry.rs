//! A CNCF Distribution registry (Debian's `docker-registry`) on loopback, and pushing small images to it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use reqwest::{Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

mod signing;
mod token;

pub use self::{signing::ImageSigner, token::TokenServer};

use crate::{
    port,
    process::{Process, Program},
    scratch,
};

/// Where Debian's package puts it.
const PROGRAM: &str = "/usr/bin/docker-registry";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Where the registry posts a notice of each push.
#[derive(Debug, Clone)]
pub struct Notices {
    /// The address.
    pub url: Url,
    /// Goes into `Authorization: Bearer`.
    pub secret: SecretString,
}

/// How a registry lets people in.
#[derive(Debug, Clone)]
pub enum Door {
    /// With [`USER`] and [`PASSWORD`], which it takes itself.
    Basic,
    /// With tokens of a token server.
    Tokens {
        /// The token server.
        realm: Url,
        /// The certificate of the key that signs them.
        certificate: PathBuf,
    },
}

/// Who is let in.
pub const USER: &str = "bot";

/// With which password.
pub const PASSWORD: &str = "warp-and-weft";

/// As `htpasswd -B` writes it.
const PASSWORD_FILE: &str = "bot:$2b$05$MSeCFpNPUM4FWVyXylI2b.6wtlVFgfeli3QxNn11uP2vX5k6TtIKO\n";

/// What the registry calls itself at the token server.
pub(crate) const SERVICE: &str = "heddle-testkit";

/// A running registry with its own storage.
pub struct Registry {
    folder: TempDir,
    port: u16,
    client: reqwest::Client,
    notices: Option<Notices>,
    process: Process,
}

/// An image to push.
struct Made<'a> {
    content: &'a str,
    platform: &'a str,
    created: DateTime<Utc>,
}

impl Made<'_> {
    /// As an index and a configuration name it.
    fn platform(&self) -> Value {
        let mut parts = self.platform.split('/');
        let [os, architecture, variant] = [(); 3].map(|()| parts.next());
        let mut platform = json!({"os": os, "architecture": architecture});
        if let Some(variant) = variant {
            platform["variant"] = json!(variant);
        }
        platform
    }
}

/// An image that was pushed.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// The digest of its manifest.
    pub digest: String,
    /// When the registry had taken the tag.
    pub pushed_at: DateTime<Utc>,
}

impl Registry {
    /// Starts a registry that tells nobody of pushes.
    pub async fn start() -> Result<Self> {
        let folder = scratch::dir("registry")?;
        let port = port::free()?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let process = spawn(folder.path(), port, None, None)?;
        let registry = Self { folder, port, client, notices: None, process };
        registry.wait_ready().await?;
        Ok(registry)
    }

    /// `127.0.0.1:PORT`, the first part of its images' names.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its address.
    pub fn url(&self) -> Result<Url> {
        Ok(Url::parse(&format!("http://{}/", self.host()))?)
    }

    /// Starts it again, on the same port and storage, so that it tells `notices` of each push.
    pub async fn notify(&mut self, notices: &Notices) -> Result<()> {
        self.process.stop().await?;
        self.notices = Some(notices.clone());
        self.process = spawn(self.folder.path(), self.port, Some(notices), None)?;
        self.wait_ready().await
    }

    /// Starts it again, on the same port and storage, so that it shows nothing without a login. Whoever pushes from here
    /// shows user and password, which a token server's registry does not take: push there before.
    pub async fn lock(&mut self, door: &Door) -> Result<()> {
        self.process.stop().await?;
        let mut login = header::HeaderMap::new();
        if matches!(door, Door::Basic) {
            let text = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
            login.insert(header::AUTHORIZATION, text.parse()?);
        }
        self.client = reqwest::Client::builder().no_proxy().default_headers(login).build()?;
        self.process = spawn(self.folder.path(), self.port, self.notices.as_ref(), Some(door))?;
        self.wait_ready().await
    }

    /// Pushes an image of one small layer, whose content is `repository:tag`, so each tag has a digest of its own.
    pub async fn push_image(&self, repository: &str, tag: &str) -> Result<Pushed> {
        self.push_content(repository, tag, &format!("{repository}:{tag}")).await
    }

    /// The same through something that stands in front, whose name the registry's notices then carry.
    pub async fn push_through(&self, front: &Url, repository: &str, tag: &str) -> Result<Pushed> {
        self.push(front, repository, tag, &format!("{repository}:{tag}")).await
    }

    /// Pushes an image whose digest follows from `content`: the same content under another tag is the same image.
    pub async fn push_content(&self, repository: &str, tag: &str, content: &str) -> Result<Pushed> {
        self.push(&self.url()?, repository, tag, content).await
    }

    /// Pushes an image that says when it was created.
    pub async fn push_created(&self, repository: &str, tag: &str, created: DateTime<Utc>) -> Result<Pushed> {
        let content = format!("{repository}:{tag}");
        let made = Made { content: &content, platform: "linux/amd64", created };
        let manifest = self.push_parts(&self.url()?, repository, &made).await?;
        self.push_manifest(&self.url()?, repository, tag, MANIFEST, manifest).await
    }

    /// Pushes an image for several platforms (`linux/amd64`), each created at the same time.
    pub async fn push_index(
        &self,
        repository: &str,
        tag: &str,
        platforms: &[&str],
        created: DateTime<Utc>,
    ) -> Result<Pushed> {
        let front = self.url()?;
        let mut manifests = Vec::new();
        for platform in platforms {
            let content = format!("{repository}:{tag} {platform}");
            let made = Made { content: &content, platform, created };
            let manifest = self.push_parts(&front, repository, &made).await?;
            let size = manifest.len();
            let pushed = self.push_manifest(&front, repository, &sha256(&manifest), MANIFEST, manifest).await?;
            let platform = made.platform();
            manifests.push(json!({
                "mediaType": MANIFEST, "digest": pushed.digest, "size": size, "platform": platform,
            }));
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.push_manifest(&front, repository, tag, INDEX, serde_json::to_vec(&index)?).await
    }

    async fn push(&self, front: &Url, repository: &str, tag: &str, content: &str) -> Result<Pushed> {
        let made = Made { content, platform: "linux/amd64", created: Utc::now() };
        let manifest = self.push_parts(front, repository, &made).await?;
        self.push_manifest(front, repository, tag, MANIFEST, manifest).await
    }

    /// Pushes layer and configuration of an image; gives its manifest.
    async fn push_parts(&self, front: &Url, repository: &str, made: &Made<'_>) -> Result<Vec<u8>> {
        // What is in the layer is never unpacked here; a registry checks digests only.
        let layer = made.content.as_bytes().to_vec();
        let mut config = made.platform();
        config["created"] = json!(made.created);
        config["config"] = json!({});
        config["rootfs"] = json!({"type": "layers", "diff_ids": [sha256(&layer)]});
        config["history"] = json!([{"created_by": made.content}]);
        let config = serde_json::to_vec(&config)?;
        let blob = |media_type: &str, bytes: &[u8]| -> Value {
            json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()})
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(CONFIG, &config),
            "layers": [blob(LAYER, &layer)],
        });
        self.push_blob(front, repository, layer).await?;
        self.push_blob(front, repository, config).await?;
        Ok(serde_json::to_vec(&manifest)?)
    }

    /// `reference` is a tag or the manifest's digest.
    async fn push_manifest(
        &self,
        front: &Url,
        repository: &str,
        reference: &str,
        media_type: &str,
        manifest: Vec<u8>,
    ) -> Result<Pushed> {
        let digest = sha256(&manifest);
        let address = front.join(&format!("v2/{repository}/manifests/{reference}"))?;
        let request = self.client.put(address).header(header::CONTENT_TYPE, media_type).body(manifest);
        let answer = expect(request.send().await?, StatusCode::CREATED).await;
        answer.with_context(|| format!("push {repository}:{reference}"))?;
        Ok(Pushed { digest, pushed_at: Utc::now() })
    }

    /// Its tags of one repository, sorted.
    pub async fn tags(&self, repository: &str) -> Result<Vec<String>> {
        let answer = self.client.get(self.address(&format!("v2/{repository}/tags/list"))?).send().await?;
        let body: Value = expect(answer, StatusCode::OK).await?.json().await?;
        let mut tags: Vec<String> = serde_json::from_value(body["tags"].clone())?;
        tags.sort();
        Ok(tags)
    }

    /// Ends it; what connects afterwards is refused.
    pub async fn stop(&self) -> Result<()> {
        self.process.stop().await
    }

    async fn push_blob(&self, front: &Url, repository: &str, bytes: Vec<u8>) -> Result<()> {
        let begin = self.client.post(front.join(&format!("v2/{repository}/blobs/uploads/"))?).send().await?;
        let begin = expect(begin, StatusCode::ACCEPTED).await?;
        let location = begin.headers().get(header::LOCATION).context("an upload has no location")?.to_str()?;
        let mut location = front.join(location)?;
        location.query_pairs_mut().append_pair("digest", &sha256(&bytes));
        let end = self.client.put(location).header(header::CONTENT_TYPE, "application/octet-stream").body(bytes);
        expect(end.send().await?, StatusCode::CREATED).await.map(drop)
    }

    fn address(&self, path: &str) -> Result<Url> {
        Ok(self.url()?.join(path)?)
    }

    async fn wait_ready(&self) -> Result<()> {
        // Its root says that it lives, also to who may not see its API.
        self.process.wait_ready(&self.client, &self.address("")?).await.context("the registry did not start")
    }
}

fn spawn(folder: &Path, port: u16, notices: Option<&Notices>, door: Option<&Door>) -> Result<Process> {
    let program = PathBuf::from(PROGRAM);
    ensure!(program.is_file(), "no {PROGRAM}; install it (Debian: `apt-get install docker-registry`)");
    let config = folder.join("config.yml");
    let mut configuration = configuration(folder, port, notices);
    match door {
        None => {}
        Some(Door::Basic) => {
            let path = folder.join("htpasswd");
            fs::write(&path, PASSWORD_FILE)?;
            configuration["auth"] = json!({"htpasswd": {"realm": "testkit", "path": path}});
        }
        Some(Door::Tokens { realm, certificate }) => {
            configuration["auth"] = json!({"token": {
                "realm": realm, "service": SERVICE, "issuer": SERVICE, "rootcertbundle": certificate,
            }});
        }
    }
    fs::write(&config, configuration.to_string())?;
    Program::new(program).arg("serve").arg(&config).spawn(&folder.join("registry.log"))
}

/// The registry reads YAML, and JSON is YAML.
fn configuration(folder: &Path, port: u16, notices: Option<&Notices>) -> Value {
    let endpoint = |notices: &Notices| {
        json!({
            "name": "heddle",
            "url": notices.url,
            "headers": {"Authorization": [format!("Bearer {}", notices.secret.expose_secret())]},
            "timeout": "2s",
            "threshold": 3,
            "backoff": "1s",
        })
    };
    json!({
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": true}},
        "storage": {
            "filesystem": {"rootdirectory": folder.join("storage")},
            "delete": {"enabled": true},
            "cache": {"blobdescriptor": "inmemory"},
        },
        "http": {"addr": format!("127.0.0.1:{port}"), "secret": "signs upload addresses on loopback"},
        "notifications": {"endpoints": notices.map(endpoint).into_iter().collect::<Vec<_>>()},
    })
}

async fn expect(answer: Response, status: StatusCode) -> Result<Response> {
    if answer.status() == status {
        return Ok(answer);
    }
    let (url, seen) = (answer.url().clone(), answer.status());
    anyhow::bail!("{url} answered {seen} instead of {status}: {}", answer.text().await.unwrap_or_default())
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, bytes)))
}
