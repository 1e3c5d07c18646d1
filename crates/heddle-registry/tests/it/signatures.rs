//! What is attached to an image as its signature.

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use heddle_core::image::Digest;
use heddle_registry::{
    Attached,
    limits::{MAX_PAYLOAD_BYTES, MAX_REFERRER_PAGES, MAX_SIGNATURES},
};
use heddle_signature::{Evidence, PublicKey, Refusal, verify};
use heddle_testkit::registry::{ImageSigner, Registry};
use serde_json::{Value, json};

use super::{faulty::serve, image, session};

const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn digest() -> Digest {
    format!("sha256:{}", "1".repeat(64)).parse().unwrap()
}

async fn signatures(host: &str, digest: &Digest) -> Attached {
    session(host, None).await.signatures(&image(host, "acme/api"), digest).await.unwrap()
}

async fn failure(router: Router) -> String {
    let host = serve(router).await;
    let failed = session(&host, None).await.signatures(&image(&host, "acme/api"), &digest()).await.unwrap_err();
    failed.reason.replace(&host, "HOST")
}

#[tokio::test]
async fn both_ways_to_keep_a_signature_are_found_at_a_registry_without_referrers() {
    let registry = Registry::start().await.unwrap();
    let digest: Digest = registry.push_image("acme/api", "1.4.2").await.unwrap().digest.parse().unwrap();
    assert_eq!(signatures(&registry.host(), &digest).await, Attached::default());
    let (signer, other) = (ImageSigner::new().unwrap(), ImageSigner::new().unwrap());
    registry.sign("acme/api", digest.as_str(), &signer).await.unwrap();
    registry.sign_by_bundle("acme/api", digest.as_str(), &other).await.unwrap();
    let found = signatures(&registry.host(), &digest).await;
    assert_eq!((found.evidence.len(), &found.left_out), (2, &None));
    for signer in [signer, other] {
        let key = PublicKey::parse_pem(&signer.public_key()).unwrap();
        let made: Vec<_> = found.evidence.iter().map(|evidence| verify(evidence, &key, &digest)).collect();
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
        assert!(made.contains(&Err(Refusal::OtherKey)));
    }
}

/// A registry with referrers: manifests by reference, blobs by the last digit of their digest.
fn router(referrers: Vec<Value>, layers: Vec<Value>, blob: Vec<u8>) -> Router {
    let pages = referrers.len();
    let listed = move |axum::extract::Query(query): axum::extract::Query<Value>| async move {
        let page: usize = query["page"].as_str().and_then(|page| page.parse().ok()).unwrap_or(0);
        let mut answer = Json(json!({"schemaVersion": 2, "manifests": referrers[page]})).into_response();
        if page + 1 < pages {
            let next = format!("<?page={}>; rel=\"next\"", page + 1);
            answer.headers_mut().insert(header::LINK, next.parse().unwrap());
        }
        answer
    };
    let manifest = move |axum::extract::Path(reference): axum::extract::Path<String>| async move {
        if reference.ends_with(".sig") {
            return StatusCode::NOT_FOUND.into_response();
        }
        Json(json!({"schemaVersion": 2, "layers": layers})).into_response()
    };
    Router::new()
        .route("/v2/acme/api/referrers/{digest}", get(listed))
        .route("/v2/acme/api/manifests/{reference}", get(manifest))
        .route("/v2/acme/api/blobs/{digest}", get(move || async move { blob.clone() }))
}

fn referrer(artifact: &str, predicate: Option<&str>) -> Value {
    let annotations = predicate.map(|it| json!({"dev.sigstore.bundle.predicateType": it})).unwrap_or(json!({}));
    json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(), "size": 1,
           "artifactType": artifact, "annotations": annotations})
}

fn simple(signature: &str) -> Value {
    json!({"mediaType": SIMPLE, "digest": digest(), "size": 1,
           "annotations": {"dev.cosignproject.cosign/signature": signature}})
}

#[tokio::test]
async fn referrers_are_read_to_the_end_and_what_claims_something_else_is_left() {
    let of_cosign = referrer("application/vnd.dev.cosign.artifact.sig.v1+json", None);
    let provenance = referrer(BUNDLE, Some("https://slsa.dev/provenance/v1"));
    let sbom = referrer("application/spdx+json", None);
    let router = router(vec![json!([provenance, sbom]), json!([of_cosign])], vec![simple("AAAA")], b"{}".to_vec());
    let found = signatures(&serve(router).await, &digest()).await;
    let expected = Evidence::Simple { payload: b"{}".to_vec(), signature: "AAAA".into() };
    assert_eq!(found, Attached { evidence: vec![expected], left_out: None });
}

#[tokio::test]
async fn what_is_too_much_is_told_and_never_taken_for_nothing() {
    let bundle = || referrer(BUNDLE, None);
    let layers = |count: usize| (0..count).map(|number| simple(&number.to_string())).collect::<Vec<_>>();
    let check = async |router: Router, count: usize, said: &str| {
        let found = signatures(&serve(router).await, &digest()).await;
        assert_eq!((found.evidence.len(), found.left_out.as_deref()), (count, Some(said)));
    };
    let many = router(vec![json!([bundle()])], layers(MAX_SIGNATURES + 1), b"{}".to_vec());
    check(many, MAX_SIGNATURES, "it has more than 16 signatures, and the others were not looked at").await;
    let large = router(vec![json!([bundle()])], layers(1), vec![b' '; MAX_PAYLOAD_BYTES + 1]);
    check(large, 0, "one of its signatures has more than 64 KiB").await;
    let long = router(vec![json!([]); MAX_REFERRER_PAGES + 1], Vec::new(), Vec::new());
    check(long, 0, "too much is attached to the image to look through all of it").await;
}

#[tokio::test]
async fn a_registry_that_cannot_answer_is_a_failure_and_no_lack_of_signatures() {
    let away = || async { StatusCode::BAD_GATEWAY };
    let referrers = Router::new().route("/v2/acme/api/referrers/{digest}", get(away));
    assert_eq!(failure(referrers).await, "`HOST` answered with status 502");
    let tag = Router::new().route("/v2/acme/api/manifests/{reference}", get(away));
    assert_eq!(failure(tag).await, "`HOST` answered with status 502");
    let text = Router::new().route("/v2/acme/api/referrers/{digest}", get(|| async { "<html>" }));
    assert_eq!(failure(text).await, "the list of what is attached to the image is no index");
}
