//! Artifacts that are no images, such as charts: what one is made of, and its content.
//!
//! Source: OCI distribution specification 1.1, "Pulling manifests" and "Pulling blobs"; OCI image specification 1.1,
//! "Guidelines for Artifact Usage".

use heddle_core::image::{Digest, ImageRepository};
use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::{
    ask::{Failure, failed, read_body, within},
    describe::digest_of,
    limits::DESCRIBE_DEADLINE,
    session::Session,
};

/// What an artifact is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The digest of its manifest.
    pub digest: Digest,
    /// The media type of its configuration, which says what it is; empty where it has none.
    pub config_type: String,
    /// Its parts, in their order.
    pub layers: Vec<Layer>,
}

/// A part of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// What it is.
    pub media_type: String,
    /// The digest of its content.
    pub digest: Digest,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Config>,
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: String,
}

impl Session {
    /// What the artifact under a tag is made of; `None` when the registry has no such tag. An index of several has no parts.
    ///
    /// # Errors
    /// When it cannot be read now, or not in time, or is no manifest.
    pub async fn describe_artifact(&self, image: &ImageRepository, tag: &str) -> Result<Option<Artifact>, Failure> {
        let late = || failed(format!("`{}` did not answer within {} s", image.registry(), DESCRIBE_DEADLINE.as_secs()));
        let Some(bytes) = within(DESCRIBE_DEADLINE, self.manifest(image, tag), late).await? else { return Ok(None) };
        let no_manifest = |_| failed(format!("what `{}` has under `{tag}` is no manifest", image.as_str()));
        let Manifest { config, layers } = serde_json::from_slice(&bytes).map_err(no_manifest)?;
        let config_type = config.map(|config| config.media_type).unwrap_or_default();
        Ok(Some(Artifact { digest: digest_of(&bytes)?, config_type, layers }))
    }

    /// The content of a digest, which is compared with it. It may take as long as the caller lets it.
    ///
    /// # Errors
    /// When it cannot be read now, has more than `most_bytes`, or is another content.
    pub async fn pull(&self, image: &ImageRepository, digest: &Digest, most_bytes: usize) -> Result<Vec<u8>, Failure> {
        let url = self.address(image, &format!("blobs/{digest}")).await?;
        let answer = self.get(image, &url, &HeaderMap::new()).await?;
        self.check_status(&answer, image)?;
        let body = read_body(answer, most_bytes).await.map_err(|fault| {
            failed(match fault {
                Some(limit) => format!("its content has more than {} MiB", limit >> 20),
                None => "the registry cut its answer short".to_owned(),
            })
        })?;
        let found = digest_of(&body)?;
        if found != *digest {
            return Err(failed(format!("the registry says that its content is {digest}, and what it sent is {found}")));
        }
        Ok(body)
    }
}
