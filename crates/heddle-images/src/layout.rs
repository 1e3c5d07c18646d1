//! An OCI image layout: a folder with blobs by digest, and an index of what they are.
//!
//! Source: OCI image specification 1.1, "Image Layout Specification".

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::layer::digest;

pub(crate) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// The annotation under which an index names what it lists.
pub(crate) const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// The largest index or manifest that is read, in bytes: as much as registries take.
const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// What names a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// `sha256:…`.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it is for, where it is an artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// What runs an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// `amd64` or `arm64`.
    pub architecture: String,
    /// `linux`.
    pub os: String,
}

/// The manifest of an image, or of an artifact that belongs to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// What this is.
    pub media_type: String,
    /// What it is for, where it is an artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// How the image is run.
    pub config: Descriptor,
    /// Its layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// The image that an artifact belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// What a layout lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: String,
    manifests: Vec<Descriptor>,
}

/// A layout on disk.
#[derive(Debug)]
pub struct Layout {
    folder: PathBuf,
    manifests: Vec<Descriptor>,
}

impl Layout {
    /// An empty one; what is in the folder is taken away, if it is a layout.
    ///
    /// # Errors
    /// When the folder holds something else, or cannot be written.
    pub fn create(folder: &Path) -> Result<Self> {
        if folder.exists() {
            let is_ours = folder.join("oci-layout").is_file() || fs::read_dir(folder)?.next().is_none();
            ensure!(is_ours, "{} holds something else than images; name another folder", folder.display());
            fs::remove_dir_all(folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
        }
        fs::create_dir_all(folder.join("blobs/sha256"))
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(Self { folder: folder.to_owned(), manifests: Vec::new() })
    }

    /// One that is there.
    ///
    /// # Errors
    /// When the folder holds none.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("index.json");
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let index: Index =
            read_json(&bytes).with_context(|| format!("{} is no index of an image layout", path.display()))?;
        Ok(Self { folder: folder.to_owned(), manifests: index.manifests })
    }

    /// What it lists, in order.
    pub fn manifests(&self) -> &[Descriptor] {
        &self.manifests
    }

    /// Adds a blob.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn add(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor> {
        let digest = digest(bytes);
        let path = self.path(&digest)?;
        if !path.exists() {
            fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size: bytes.len() as u64,
            artifact_type: None,
            platform: None,
            annotations: Default::default(),
        })
    }

    /// Adds a manifest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn add_manifest(&mut self, manifest: &Manifest) -> Result<Descriptor> {
        let described = self.add(MANIFEST_TYPE, &serde_json::to_vec(manifest)?)?;
        Ok(Descriptor { artifact_type: manifest.artifact_type.clone(), ..described })
    }

    /// Lists a manifest.
    pub(crate) fn list(&mut self, manifest: Descriptor) {
        self.manifests.push(manifest);
    }

    /// Writes the index: after this the layout is whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn finish(&self) -> Result<()> {
        let index = Index { schema_version: 2, media_type: INDEX_TYPE.to_owned(), manifests: self.manifests.clone() };
        let path = self.folder.join("index.json");
        fs::write(&path, serde_json::to_vec(&index)?).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// The bytes of a blob, which are held against its digest.
    ///
    /// # Errors
    /// When there is none, or others.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let path = self.path(&descriptor.digest)?;
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        ensure!(digest(&bytes) == descriptor.digest, "{} is not what its name says", path.display());
        Ok(bytes)
    }

    /// The manifest that a descriptor names.
    ///
    /// # Errors
    /// When there is none.
    pub fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest> {
        read_json(&self.blob(descriptor)?).with_context(|| format!("{} is no manifest", descriptor.digest))
    }

    fn path(&self, digest: &str) -> Result<PathBuf> {
        let name = digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(is_hex));
        let name = name.with_context(|| format!("`{digest}` is no SHA-256 digest"))?;
        Ok(self.folder.join("blobs/sha256").join(name))
    }
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn read_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    ensure!(bytes.len() <= MAX_MANIFEST_BYTES, "it is larger than {MAX_MANIFEST_BYTES} bytes");
    Ok(serde_json::from_slice(bytes)?)
}
