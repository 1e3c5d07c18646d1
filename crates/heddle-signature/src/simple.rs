//! Simple signing: a payload that names the digest, and its signature beside it.
//!
//! Source: cosign, `specs/SIGNATURE_SPEC.md`.

use heddle_core::image::Digest;
use serde::Deserialize;

use crate::{Refusal, decode, key::PublicKey};

/// What a payload of cosign says of itself.
const TYPE: &str = "cosign container image signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

pub(crate) fn verify(payload: &[u8], signature: &str, key: &PublicKey, digest: &Digest) -> Result<(), Refusal> {
    if !key.signed(payload, &decode(signature)?) {
        return Err(Refusal::OtherKey);
    }
    // Read only now: the key's owner wrote it.
    let Payload { critical } = serde_json::from_slice(payload).map_err(|_| Refusal::Form)?;
    match (critical.kind == TYPE, critical.image.digest == digest.as_str()) {
        (false, _) => Err(Refusal::Claim),
        (true, false) => Err(Refusal::OtherImage),
        (true, true) => Ok(()),
    }
}
