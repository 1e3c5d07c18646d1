//! Public keys.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use heddle_core::policy::SignerId;

use crate::limits::MAX_KEY_BYTES;

/// How a PEM of a public key begins and ends (RFC 7468, section 13).
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// The ASN.1 tag of a sequence, with which a `SubjectPublicKeyInfo` begins (RFC 5280, section 4.1.2.7), and so does its
/// first part. Bare keys begin otherwise.
const SEQUENCE: u8 = 0x30;

/// The shortest `SubjectPublicKeyInfo` of RSA with 2048 bits, in bytes.
const MIN_RSA_BYTES: usize = 290;

/// The kinds of key, each with the ways in which cosign signs with one. Of P-384 it hashed with SHA-256 until version 2.5
/// and with SHA-384 since.
const KINDS: [&[&(dyn VerificationAlgorithm + 'static)]; 4] = [
    &[&ECDSA_P256_SHA256_ASN1],
    &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1],
    &[&ED25519],
    &[&RSA_PKCS1_2048_8192_SHA256],
];

/// Why a text is no public key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is larger than [`MAX_KEY_BYTES`].
    #[error("it has more than {MAX_KEY_BYTES} bytes")]
    TooLarge,
    /// A private key, which does not belong into a repository.
    #[error(
        "it is a private key: replace it by the public one (`cosign public-key`), and take the private one out of use"
    )]
    Private,
    /// No PEM, or one of something else.
    #[error("it is no public key in PEM (`-----BEGIN PUBLIC KEY-----`), as `cosign generate-key-pair` writes it")]
    NoPem,
    /// There are several.
    #[error("it holds more than one key: write each into a file of its own and name both in `signed_by`")]
    Several,
    /// A kind of key that is not understood.
    #[error("it is no ECDSA key of P-256 or P-384, no Ed25519 key and no RSA key of at least 2048 bits")]
    Kind,
}

/// A public key.
#[derive(Debug, Clone)]
pub struct PublicKey {
    id: SignerId,
    der: Vec<u8>,
    kind: &'static [&'static (dyn VerificationAlgorithm + 'static)],
}

impl PublicKey {
    /// Reads a PEM with one key of a kind that cosign makes or imports: ECDSA on P-256 or P-384, Ed25519, RSA.
    ///
    /// # Errors
    /// When it is anything else, in words for whoever wrote the file.
    pub fn parse_pem(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLarge);
        }
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let (_, rest) = text.split_once(BEGIN).ok_or(KeyError::NoPem)?;
        let (body, rest) = rest.split_once(END).ok_or(KeyError::NoPem)?;
        if rest.contains("-----BEGIN ") {
            return Err(KeyError::Several);
        }
        let body: String = body.split_whitespace().collect();
        Self::of_der(STANDARD.decode(body).map_err(|_| KeyError::NoPem)?)
    }

    fn of_der(der: Vec<u8>) -> Result<Self, KeyError> {
        if der.first() != Some(&SEQUENCE) {
            return Err(KeyError::Kind);
        }
        let reads = |kind: &&&[&'static (dyn VerificationAlgorithm + 'static)]| {
            kind.iter().all(|algorithm| ParsedPublicKey::new(*algorithm, &der).is_ok())
        };
        let (place, kind) = KINDS.iter().enumerate().find(|(_, kind)| reads(kind)).ok_or(KeyError::Kind)?;
        if place == KINDS.len() - 1 && der.len() < MIN_RSA_BYTES {
            return Err(KeyError::Kind);
        }
        let id = SignerId::of_key(&hex::encode(digest(&SHA256, &der)));
        Ok(Self { id, der, kind })
    }

    /// What its checks are known by: the same for the same key, whatever file holds it.
    pub fn id(&self) -> &SignerId {
        &self.id
    }

    /// The key as PEM, in one form however the file wrote it.
    pub fn to_pem(&self) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(&self.der))
    }

    /// Whether the key made this signature of these bytes.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verifies = |algorithm: &&'static (dyn VerificationAlgorithm + 'static)| {
            ParsedPublicKey::new(*algorithm, &self.der).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
        };
        self.kind.iter().any(verifies)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for PublicKey {}
