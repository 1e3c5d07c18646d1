//! What is encrypted with SOPS, as far as it can be told from an object: no API server has a use for it.
//!
//! Source: `stores/flatten.go` and `aes/cipher.go` of `github.com/getsops/sops`: metadata stand under `sops`, and an encrypted
//! value is `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`. SealedSecrets look otherwise.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// How every encrypted value begins.
const CIPHER_TEXT: &str = "ENC[AES256_GCM,data:";

/// What of an object is encrypted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Encrypted {
    /// All of it, or its fields that are to be: it holds the metadata of sops.
    Object,
    /// A value, which came from an encrypted file.
    Value,
}

/// What of an object is encrypted; nothing of one that an operator opens in the cluster, as it is meant to.
pub(super) fn encrypted(object: &Value) -> Option<Encrypted> {
    if is_for_an_operator(object) {
        return None;
    }
    if has_metadata(object) {
        return Some(Encrypted::Object);
    }
    (holds_cipher_text(object) || holds_it_encoded(object)).then_some(Encrypted::Value)
}

/// Whether an operator opens an object in the cluster.
pub(super) fn is_for_an_operator(object: &Value) -> bool {
    object["kind"] == "SopsSecret"
}

/// Whether a document holds the metadata of sops.
pub(super) fn has_metadata(object: &Value) -> bool {
    let sops = &object["sops"];
    sops.is_object() && ["mac", "lastmodified", "version"].iter().any(|field| sops[*field].is_string())
}

/// Whether a text in a value is, or holds, an encrypted value.
pub(super) fn holds_cipher_text(value: &Value) -> bool {
    match value {
        Value::String(text) => is_cipher_text(text),
        Value::Array(items) => items.iter().any(holds_cipher_text),
        Value::Object(fields) => fields.values().any(holds_cipher_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a text is, or holds, an encrypted value.
pub(super) fn is_cipher_text(text: &str) -> bool {
    cipher_texts(text).next().is_some()
}

/// The encrypted values in a text. None begins within another.
pub(super) fn cipher_texts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let found = std::iter::from_fn(move || {
        let value = &rest[rest.find(CIPHER_TEXT)?..];
        let (value, behind) = value.split_at(value.find(']').map_or(value.len(), |end| end + 1));
        rest = behind;
        Some(value)
    });
    found.filter(|value| [",iv:", ",tag:", ",type:"].iter().all(|part| value.contains(part)))
}

/// What stands for an encrypted value, and is treated as one.
pub(super) fn disguised(word: &str) -> String {
    format!("{CIPHER_TEXT}{word},iv:,tag:,type:str]")
}

/// Whether an object holds an encrypted value or file in Base64, as a generator makes it.
fn holds_it_encoded(object: &Value) -> bool {
    let field = match object["kind"].as_str() {
        Some("Secret") => "data",
        Some("ConfigMap") => "binaryData",
        _ => return false,
    };
    let mut texts = object[field].as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    texts.any(|text| {
        // Kustomize breaks it into lines. Source: `encodeBase64` in `kyaml/yaml/datamap.go`.
        let bytes = BASE64_STANDARD.decode(text.split_ascii_whitespace().collect::<String>());
        bytes.is_ok_and(|bytes| is_cipher_text(&String::from_utf8_lossy(&bytes)))
    })
}

#[cfg(test)]
mod tests;
