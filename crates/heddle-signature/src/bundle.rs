//! Sigstore bundles with a statement that a key signed.
//!
//! Source: `sigstore/protobuf-specs`, `sigstore_bundle.proto` (0.3); DSSE 1.0.2, `protocol.md`; in-toto Statement 1.

use heddle_core::image::Digest;
use serde::Deserialize;

use crate::{Refusal, decode, key::PublicKey};

/// What an envelope of in-toto statements says of its payload.
const PAYLOAD: &str = "application/vnd.in-toto+json";

/// The types of a statement.
const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

/// What a statement claims by which cosign signs an image. Others say how it was built or what is in it.
pub const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(default)]
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: Option<String>,
}

pub(crate) fn verify(bundle: &[u8], key: &PublicKey, digest: &Digest) -> Result<(), Refusal> {
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(|_| Refusal::Form)?;
    let envelope = bundle.dsse_envelope.ok_or(Refusal::Form)?;
    // A bundle has exactly one, whoever else may have signed the statement.
    let [signature] = envelope.signatures.as_slice() else { return Err(Refusal::Form) };
    let payload = decode(&envelope.payload)?;
    if !key.signed(&encoded(&envelope.payload_type, &payload), &decode(&signature.sig)?) {
        return Err(Refusal::OtherKey);
    }
    if envelope.payload_type != PAYLOAD {
        return Err(Refusal::Claim);
    }
    // Read only now: the key's owner wrote it.
    let statement: Statement = serde_json::from_slice(&payload).map_err(|_| Refusal::Form)?;
    if !STATEMENTS.contains(&statement.kind.as_str()) || statement.predicate_type != SIGNED {
        return Err(Refusal::Claim);
    }
    let wanted = digest.as_str().strip_prefix("sha256:");
    let names = |subject: &Subject| wanted.is_some() && subject.digest.sha256.as_deref() == wanted;
    if statement.subject.iter().any(names) { Ok(()) } else { Err(Refusal::OtherImage) }
}

/// What is signed of an envelope: the pre-authentication encoding.
pub(crate) fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
