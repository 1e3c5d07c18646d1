//! Says whether a key signed an image.
//!
//! Bytes in, an answer out: nothing here fetches a key or a signature, knows a policy or the time. What is signed is a
//! digest; which tag points there is the caller's business.
//!
//! Two forms are understood, both of [cosign](https://github.com/sigstore/cosign): *simple signing*, a payload whose
//! signature stands beside it, and *bundles*, a statement in an envelope (DSSE). Whether a transparency log knows of the
//! signature is not asked: with a key of one's own, the key is what is trusted.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod bundle;
mod key;
pub mod limits;
mod simple;

use heddle_core::image::Digest;

pub use self::bundle::SIGNED;
pub use self::key::{KeyError, PublicKey};

/// What somebody attached to an image as its signature. It is a stranger's until a key verifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Simple signing: a payload, and its signature in base64.
    Simple {
        /// The bytes that are signed.
        payload: Vec<u8>,
        /// The signature, in base64.
        signature: String,
    },
    /// A Sigstore bundle as JSON.
    Bundle(Vec<u8>),
}

/// Why a piece of evidence does not say that the key signed the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is none of the forms that are understood.
    #[error("it is no signature in a form that is understood")]
    Form,
    /// It says something else than that the image is signed, such as how it was built.
    #[error("it says something else of the image than that it is signed")]
    Claim,
    /// It is of another image.
    #[error("it is the signature of another image")]
    OtherImage,
    /// Another key made it, or it was changed since.
    #[error("it is not made by this key")]
    OtherKey,
}

/// Whether `evidence` says, by the signature of `key`, that the image with this digest is signed.
///
/// # Errors
/// The first reason why not. What cannot be read is a refusal as any other: it says nothing.
pub fn verify(evidence: &Evidence, key: &PublicKey, digest: &Digest) -> Result<(), Refusal> {
    match evidence {
        Evidence::Simple { payload, signature } => simple::verify(payload, signature, key, digest),
        Evidence::Bundle(bytes) => bundle::verify(bytes, key, digest),
    }
}

/// Base64 of the standard alphabet, as Go writes bytes in JSON.
fn decode(text: &str) -> Result<Vec<u8>, Refusal> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    STANDARD.decode(text.trim()).map_err(|_| Refusal::Form)
}

#[cfg(test)]
mod tests;
