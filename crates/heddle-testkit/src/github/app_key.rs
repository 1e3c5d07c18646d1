//! The key pair of an App.

use anyhow::Context;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeySize,
    signature::{KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// An RSA key as GitHub hands one out for an App: (PKCS#1 PEM, PKCS#1 public key).
pub(crate) fn generate() -> anyhow::Result<(String, Vec<u8>)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).context("generate an RSA key")?;
    let public = pair.public_key().as_ref().to_vec();
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().context("encode an RSA key")?;
    // PKCS#8 wraps the PKCS#1 key that GitHub hands out; for RSA the wrapping is 26 bytes long.
    let pkcs1 = pkcs8.as_ref().get(26..).context("a PKCS#8 key is longer than its header")?;
    let body = STANDARD.encode(pkcs1);
    let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    Ok((format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n")), public))
}
