use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::*;

const OTHER: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// The algorithm and parameters of a P-256 key, and the length of its point (RFC 5480).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn digest() -> Digest {
    format!("sha256:{}", "1".repeat(64)).parse().unwrap()
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

/// A key pair that was made here.
struct Pair(EcdsaKeyPair);

impl Pair {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn public(&self) -> PublicKey {
        PublicKey::parse_pem(&pem(&[&P256, self.0.public_key().as_ref()].concat())).unwrap()
    }

    fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(&SystemRandom::new(), message).unwrap())
    }

    fn simple(&self, kind: &str, digest: &str) -> Evidence {
        let image = json!({"docker-manifest-digest": digest});
        let payload = json!({"critical": {"identity": {}, "image": image, "type": kind}, "optional": null}).to_string();
        Evidence::Simple { signature: self.sign(payload.as_bytes()), payload: payload.into() }
    }

    fn bundle(&self, payload_type: &str, predicate: &str, digest: &str) -> Evidence {
        let subject = json!([{"digest": {"sha256": digest.trim_start_matches("sha256:")}}]);
        let statement = json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject,
                               "predicateType": predicate, "predicate": {}});
        let payload = statement.to_string();
        let sig = self.sign(&bundle::encoded(payload_type, payload.as_bytes()));
        let envelope = json!({"payload": STANDARD.encode(payload), "payloadType": payload_type,
                              "signatures": [{"sig": sig}]});
        Evidence::Bundle(json!({"dsseEnvelope": envelope}).to_string().into())
    }
}

const COSIGN: &str = "cosign container image signature";
const IN_TOTO: &str = "application/vnd.in-toto+json";

#[test]
fn the_signature_of_the_key_over_the_image_is_one() {
    let (pair, image) = (Pair::new(), digest());
    assert_eq!(verify(&pair.simple(COSIGN, image.as_str()), &pair.public(), &image), Ok(()));
    assert_eq!(verify(&pair.bundle(IN_TOTO, SIGNED, image.as_str()), &pair.public(), &image), Ok(()));
}

#[test]
fn the_signature_of_another_key_is_none() {
    let (pair, other, image) = (Pair::new(), Pair::new().public(), digest());
    assert_eq!(verify(&pair.simple(COSIGN, image.as_str()), &other, &image), Err(Refusal::OtherKey));
    assert_eq!(verify(&pair.bundle(IN_TOTO, SIGNED, image.as_str()), &other, &image), Err(Refusal::OtherKey));
}

#[test]
fn the_signature_of_another_image_is_none() {
    let (pair, image) = (Pair::new(), digest());
    assert_eq!(verify(&pair.simple(COSIGN, OTHER), &pair.public(), &image), Err(Refusal::OtherImage));
    assert_eq!(verify(&pair.bundle(IN_TOTO, SIGNED, OTHER), &pair.public(), &image), Err(Refusal::OtherImage));
}

#[test]
fn what_the_key_says_otherwise_of_the_image_is_no_signature_of_it() {
    let (pair, image) = (Pair::new(), digest());
    assert_eq!(verify(&pair.simple("a toast", image.as_str()), &pair.public(), &image), Err(Refusal::Claim));
    let provenance = pair.bundle(IN_TOTO, "https://slsa.dev/provenance/v1", image.as_str());
    assert_eq!(verify(&provenance, &pair.public(), &image), Err(Refusal::Claim));
    let text = pair.bundle("text/plain", SIGNED, image.as_str());
    assert_eq!(verify(&text, &pair.public(), &image), Err(Refusal::Claim));
}

#[test]
fn a_payload_that_was_changed_since_is_none() {
    let (pair, image) = (Pair::new(), digest());
    let Evidence::Simple { payload, signature } = pair.simple(COSIGN, OTHER) else { unreachable!() };
    let payload = String::from_utf8(payload).unwrap().replace(OTHER, image.as_str()).into_bytes();
    let changed = Evidence::Simple { payload, signature };
    assert_eq!(verify(&changed, &pair.public(), &image), Err(Refusal::OtherKey));
}

#[test]
fn what_is_no_evidence_at_all_is_refused() {
    let (pair, image) = (Pair::new(), digest());
    for bytes in ["", "{}", "[]", r#"{"dsseEnvelope": {"payload": "", "payloadType": "", "signatures": []}}"#] {
        assert_eq!(verify(&Evidence::Bundle(bytes.into()), &pair.public(), &image), Err(Refusal::Form), "{bytes}");
    }
    let simple =
        |payload: &str, signature: &str| Evidence::Simple { payload: payload.into(), signature: signature.into() };
    assert_eq!(verify(&simple("{}", "no base64!"), &pair.public(), &image), Err(Refusal::Form));
    assert_eq!(verify(&simple("{}", &pair.sign(b"{}")), &pair.public(), &image), Err(Refusal::Form));
    assert_eq!(verify(&simple("{}", ""), &pair.public(), &image), Err(Refusal::OtherKey));
}

#[test]
fn a_key_is_known_by_itself_and_not_by_how_its_file_is_written() {
    let public = Pair::new().public();
    let text = public.to_pem().replace("-----\n", "-----\r\n  ");
    let again = PublicKey::parse_pem(&format!("# ours\n{text}")).unwrap();
    assert_eq!((again.id(), &again), (public.id(), &public));
    assert!(public.id().as_str().starts_with("key:sha256:"));
    assert_ne!(Pair::new().public().id(), public.id());
}

#[test]
fn what_is_no_public_key_is_told_with_the_remedy() {
    let said = |text: &str| PublicKey::parse_pem(text).unwrap_err();
    let public = Pair::new().public().to_pem();
    assert_eq!(said(""), KeyError::NoPem);
    assert_eq!(said("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), KeyError::NoPem);
    assert_eq!(said(&public.replace("-----END", "-----FIN")), KeyError::NoPem);
    assert_eq!(said("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n"), KeyError::Private);
    assert_eq!(said(&format!("{public}{public}")), KeyError::Several);
    assert_eq!(said(&"a".repeat(limits::MAX_KEY_BYTES + 1)), KeyError::TooLarge);
    assert_eq!(said(&pem(&[0x30, 0x03, 1, 2, 3])), KeyError::Kind);
    // A bare point is no key in PEM.
    assert_eq!(said(&pem(Pair::new().0.public_key().as_ref())), KeyError::Kind);
}
