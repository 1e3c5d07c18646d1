//! What stands behind a tag: its digest, when its image was created, and for which platforms it is.
//!
//! Source: OCI distribution specification 1.1, "Pulling manifests" and "Pulling blobs"; OCI image specification 1.1.

use chrono::{DateTime, Utc};
use heddle_core::image::{Digest, ImageRepository, Tag};
use oci_distribution::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    ask::{Failure, failed, read_body, within},
    limits::{DESCRIBE_DEADLINE, MAX_MANIFEST_BYTES},
    session::Session,
};

/// What is asked for; a registry that is not told gives the oldest form it has.
const MANIFESTS: [&str; 4] =
    [OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE];

/// What a registry has under a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What the tag points to.
    pub digest: Digest,
    /// When the image says that it was created; of an image for several platforms, the first of them.
    pub created_at: Option<DateTime<Utc>>,
    /// Its platforms, such as `linux/amd64`; empty where it names none, as an artifact that is no image.
    pub platforms: Vec<String>,
}

/// A manifest or an index of manifests. What is not an image has neither, and that is no fault.
#[derive(Deserialize)]
struct Manifest {
    manifests: Option<Vec<Entry>>,
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Entry {
    digest: Digest,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: Digest,
}

/// A platform, in an index or in an image's configuration.
#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// The part of an image's configuration that is looked at.
#[derive(Deserialize)]
struct ImageConfig {
    created: Option<DateTime<Utc>>,
    #[serde(flatten)]
    platform: Option<Platform>,
}

impl Session {
    /// What the registry has under a tag; `None` when the tag is gone.
    ///
    /// # Errors
    /// When it cannot be read now, or not in time. What can be read and is no image is an answer, with nothing in it.
    pub async fn describe(&self, image: &ImageRepository, tag: &Tag) -> Result<Option<Description>, Failure> {
        let look = async {
            match image.chart_index() {
                Some(index) => self.told_by_index(image, index, tag).await,
                None => self.look_at(image, tag).await,
            }
        };
        within(DESCRIBE_DEADLINE, look, || late(image)).await
    }

    async fn look_at(&self, image: &ImageRepository, tag: &Tag) -> Result<Option<Description>, Failure> {
        let Some(bytes) = self.manifest(image, tag.as_str()).await? else { return Ok(None) };
        let digest = digest_of(&bytes)?;
        let nothing = Description { digest: digest.clone(), created_at: None, platforms: Vec::new() };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return Ok(Some(nothing)) };
        let Some(entries) = manifest.manifests else {
            let config = self.config(image, manifest.config).await?;
            return Ok(Some(config.map_or(nothing, |config| Description {
                digest,
                created_at: config.created,
                platforms: config.platform.iter().filter_map(Platform::said).collect(),
            })));
        };
        let offered = || entries.iter().filter_map(|entry| Some((entry, entry.platform.as_ref()?.said()?)));
        let platforms = offered().map(|(_, platform)| platform).collect();
        let created_at = match offered().next() {
            Some((first, _)) => self.created_at(image, &first.digest).await?,
            None => None,
        };
        Ok(Some(Description { digest, created_at, platforms }))
    }

    /// Whether a tag still points to a digest, asked without a body; Docker Hub does not count that. False also where the
    /// registry does not say, or the tag is gone.
    ///
    /// # Errors
    /// When the registry cannot be asked now.
    pub async fn still_points_to(&self, image: &ImageRepository, tag: &Tag, digest: &Digest) -> Result<bool, Failure> {
        if image.chart_index().is_some() {
            return Ok(self.describe(image, tag).await?.is_some_and(|told| told.digest == *digest));
        }
        let url = self.address(image, &format!("manifests/{tag}")).await?;
        let asked = accepted();
        let answer = within(DESCRIBE_DEADLINE, self.ask(Method::HEAD, image, &url, &asked), || late(image)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        self.check_status(&answer, image)?;
        let said = answer.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        Ok(said == Some(digest.as_str()))
    }

    async fn created_at(&self, image: &ImageRepository, digest: &Digest) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(bytes) = self.manifest(image, digest.as_str()).await? else { return Ok(None) };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return Ok(None) };
        Ok(self.config(image, manifest.config).await?.and_then(|config| config.created))
    }

    pub(crate) async fn manifest(&self, image: &ImageRepository, reference: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.bytes(image, &format!("manifests/{reference}"), &accepted(), "the manifest").await
    }

    /// The configuration of an image; `None` where the manifest's is none.
    async fn config(
        &self,
        image: &ImageRepository,
        config: Option<Descriptor>,
    ) -> Result<Option<ImageConfig>, Failure> {
        let Some(Descriptor { digest }) = config else { return Ok(None) };
        let of = format!("blobs/{digest}");
        let bytes = self.bytes(image, &of, &HeaderMap::new(), "the image's configuration").await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    async fn bytes(
        &self,
        image: &ImageRepository,
        of: &str,
        headers: &HeaderMap,
        what: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        match self.body(image, of, headers, MAX_MANIFEST_BYTES).await? {
            Body::Gone => Ok(None),
            Body::Whole(bytes) => Ok(Some(bytes)),
            Body::TooLarge => Err(failed(format!("{what} has more than {} MiB", MAX_MANIFEST_BYTES >> 20))),
        }
    }

    /// Something of an image, where it is there and not larger than `limit` in bytes.
    pub(crate) async fn body(
        &self,
        image: &ImageRepository,
        of: &str,
        headers: &HeaderMap,
        limit: usize,
    ) -> Result<Body, Failure> {
        let url = self.address(image, of).await?;
        let answer = self.get(image, &url, headers).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(Body::Gone);
        }
        self.check_status(&answer, image)?;
        match read_body(answer, limit).await {
            Ok(bytes) => Ok(Body::Whole(bytes)),
            Err(Some(_)) => Ok(Body::TooLarge),
            Err(None) => Err(failed("the registry cut its answer short")),
        }
    }
}

/// What a registry gave when it was asked for something of an image.
pub(crate) enum Body {
    /// It is not there.
    Gone,
    /// All of it.
    Whole(Vec<u8>),
    /// It is larger than it may be.
    TooLarge,
}

impl Platform {
    /// As policies write it. Attestations stand in an index as the platform `unknown/unknown`.
    fn said(&self) -> Option<String> {
        let Self { os, architecture, variant } = self;
        if os == "unknown" || architecture == "unknown" {
            return None;
        }
        let variant = variant.as_deref().filter(|variant| !variant.is_empty());
        Some(variant.map_or_else(|| format!("{os}/{architecture}"), |variant| format!("{os}/{architecture}/{variant}")))
    }
}

pub(crate) fn accepted() -> HeaderMap {
    HeaderValue::from_str(&MANIFESTS.join(", ")).map(|accepted| (ACCEPT, accepted)).into_iter().collect()
}

fn late(image: &ImageRepository) -> Failure {
    failed(format!("`{}` did not answer within {} s", image.registry(), DESCRIBE_DEADLINE.as_secs()))
}

/// The digest of the manifest itself, whatever the registry says that it is.
pub(crate) fn digest_of(manifest: &[u8]) -> Result<Digest, Failure> {
    format!("sha256:{}", hex::encode(Sha256::digest(manifest)))
        .parse()
        .map_err(|_| failed("the manifest has no digest"))
}
