//! What the library with which cosign signs made: `make fixtures` makes it anew, by `tests/tools/signatures`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use heddle_core::image::Digest;
use heddle_signature::{Evidence, PublicKey, Refusal, verify};
use serde_json::{Value, json};

#[test]
fn what_cosigns_library_signs_with_a_key_of_each_kind_is_signed() {
    let made: Vec<Value> = serde_json::from_str(include_str!("signed.json")).unwrap();
    let image: Digest = format!("sha256:{}", "1".repeat(64)).parse().unwrap();
    let other: Digest = format!("sha256:{}", "2".repeat(64)).parse().unwrap();
    let keys: Vec<PublicKey> =
        made.iter().map(|one| PublicKey::parse_pem(one["public_key"].as_str().unwrap()).unwrap()).collect();
    assert_eq!(made.len(), 6);
    for (number, one) in made.iter().enumerate() {
        let kind = &one["kind"];
        let payload = STANDARD.decode(one["payload"].as_str().unwrap()).unwrap();
        let simple = Evidence::Simple { payload, signature: one["signature"].as_str().unwrap().into() };
        let bundle = Evidence::Bundle(json!({"dsseEnvelope": one["envelope"]}).to_string().into());
        for evidence in [simple, bundle] {
            assert_eq!(verify(&evidence, &keys[number], &image), Ok(()), "{kind}");
            assert_eq!(verify(&evidence, &keys[number], &other), Err(Refusal::OtherImage), "{kind}");
            for (_, key) in keys.iter().enumerate().filter(|(other, _)| keys[*other].id() != keys[number].id()) {
                assert_eq!(verify(&evidence, key, &image), Err(Refusal::OtherKey), "{kind}");
            }
        }
    }
}
