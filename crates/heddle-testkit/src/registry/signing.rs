//! Signs images as cosign does by its published formats, with a key made here.
//!
//! What cosign itself made is kept beside `heddle-signature`, which reads both.

use anyhow::{Context, Result};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{INDEX, MANIFEST, Registry, sha256};

/// The algorithm and parameters of a P-256 key, and the length of its point (RFC 5480).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STATEMENT: &str = "application/vnd.in-toto+json";
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

/// Somebody who signs images with a key of their own.
pub struct ImageSigner(EcdsaKeyPair);

impl ImageSigner {
    /// With a new key.
    pub fn new() -> Result<Self> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok().context("make a key")?;
        Ok(Self(key))
    }

    /// The public key as PEM.
    pub fn public_key(&self) -> String {
        let der = [&P256, self.0.public_key().as_ref()].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    fn sign(&self, message: &[u8]) -> Result<String> {
        let signature = self.0.sign(&SystemRandom::new(), message).ok().context("sign")?;
        Ok(STANDARD.encode(signature))
    }
}

impl Registry {
    /// Signs a digest in the older way: a payload under a tag that is made of the digest.
    pub async fn sign(&self, repository: &str, digest: &str, signer: &ImageSigner) -> Result<()> {
        let image = json!({"docker-manifest-digest": digest});
        let critical = json!({
            "identity": {"docker-reference": repository}, "image": image, "type": "cosign container image signature",
        });
        let payload = json!({"critical": critical, "optional": null}).to_string().into_bytes();
        let layer = json!({
            "mediaType": PAYLOAD, "digest": sha256(&payload), "size": payload.len(),
            "annotations": {"dev.cosignproject.cosign/signature": signer.sign(&payload)?},
        });
        let tag = format!("{}.sig", digest.replace(':', "-"));
        self.push_artifact(repository, &tag, payload, layer, json!({})).await.map(drop)
    }

    /// Signs a digest by a bundle that refers to it, listed under a tag since this registry answers no question about
    /// referrers.
    pub async fn sign_by_bundle(&self, repository: &str, digest: &str, signer: &ImageSigner) -> Result<()> {
        let hex = digest.trim_start_matches("sha256:");
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": hex}}],
            "predicateType": SIGNED, "predicate": {},
        })
        .to_string();
        let encoded = format!("DSSEv1 {} {STATEMENT} {} {statement}", STATEMENT.len(), statement.len());
        let bundle = json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": ""}},
            "dsseEnvelope": {
                "payload": STANDARD.encode(&statement), "payloadType": STATEMENT,
                "signatures": [{"sig": signer.sign(encoded.as_bytes())?}],
            },
        })
        .to_string()
        .into_bytes();
        let layer = json!({"mediaType": BUNDLE, "digest": sha256(&bundle), "size": bundle.len()});
        let of = json!({"artifactType": BUNDLE, "annotations": {"dev.sigstore.bundle.predicateType": SIGNED}});
        let mut referrer = self.push_artifact(repository, "", bundle, layer, of.clone()).await?;
        referrer["artifactType"] = of["artifactType"].clone();
        referrer["annotations"] = of["annotations"].clone();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [referrer]}).to_string().into_bytes();
        let tag = digest.replace(':', "-");
        self.push_manifest(&self.url()?, repository, &tag, INDEX, index).await.map(drop)
    }

    /// Pushes a manifest of one layer under a tag, or under its digest where the tag is empty; gives its descriptor.
    async fn push_artifact(
        &self,
        repository: &str,
        tag: &str,
        content: Vec<u8>,
        layer: Value,
        more: Value,
    ) -> Result<Value> {
        let front = self.url()?;
        let config = b"{}".to_vec();
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": [layer],
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(&config), "size": 2},
        });
        if let (Value::Object(manifest), Value::Object(more)) = (&mut manifest, more) {
            manifest.extend(more);
        }
        self.push_blob(&front, repository, content).await?;
        self.push_blob(&front, repository, config).await?;
        let manifest = serde_json::to_vec(&manifest)?;
        let (own, size) = (sha256(&manifest), manifest.len());
        let reference = if tag.is_empty() { &own } else { tag };
        self.push_manifest(&front, repository, reference, MANIFEST, manifest).await?;
        Ok(json!({"mediaType": MANIFEST, "digest": own, "size": size}))
    }
}
