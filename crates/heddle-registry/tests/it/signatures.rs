//! What is attached to an image as its signature.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_core::image::Digest;
use heddle_registry::{
    Attached,
    limits::{MAX_ATTACHED_BYTES, MAX_BUNDLE_BYTES, MAX_PAYLOAD_BYTES, MAX_REFERRER_PAGES, MAX_SIGNATURES},
};
use heddle_signature::{Evidence, PublicKey, Refusal, verify};
use heddle_testkit::{
    hold::{Fault, Match, Proxy},
    registry::{ImageSigner, Registry},
};
use reqwest::Method;
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
    let manifest = move |Path(reference): Path<String>| async move {
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
    let more = "it has more signatures than the 16, or 4 MiB, that are looked at, and the others were not";
    check(many, MAX_SIGNATURES, more).await;
    let of_bundle = json!({"mediaType": BUNDLE, "digest": digest(), "size": 1});
    let heavy = router(vec![json!([bundle()])], vec![of_bundle; 8], vec![b' '; MAX_BUNDLE_BYTES]);
    check(heavy, MAX_ATTACHED_BYTES / MAX_BUNDLE_BYTES, more).await;
    let large = router(vec![json!([bundle()])], layers(1), vec![b' '; MAX_PAYLOAD_BYTES + 1]);
    check(large, 0, "one of its signatures has more than 64 KiB").await;
    let long = router(vec![json!([]); MAX_REFERRER_PAGES + 1], Vec::new(), Vec::new());
    check(long, 0, "too much is attached to the image to look through all of it").await;
}

/// A registry with one signature in its list, and one manifest for all references but that of the older way.
fn with_manifest(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Router {
    let listed = json!({"schemaVersion": 2, "manifests": [referrer(BUNDLE, None)]});
    let manifest = move |Path(reference): Path<String>| async move {
        if reference.ends_with(".sig") { StatusCode::NOT_FOUND.into_response() } else { answer() }
    };
    Router::new()
        .route("/v2/acme/api/referrers/{digest}", get(move || async move { Json(listed.clone()) }))
        .route("/v2/acme/api/manifests/{reference}", get(manifest))
}

#[tokio::test]
async fn what_is_listed_and_cannot_be_read_is_never_taken_for_nothing_and_hides_nothing() {
    let check = async |router: Router, count: usize, said: Option<&str>| {
        let found = signatures(&serve(router).await, &digest()).await;
        assert_eq!((found.evidence.len(), found.left_out.as_deref()), (count, said));
    };
    let with =
        |listed: Value| router(vec![json!([listed, referrer(BUNDLE, None)])], vec![simple("AAAA")], b"{}".to_vec());
    // Of other things neither the type nor the digest matters.
    let foreign = json!({"digest": "sha512:00", "artifactType": "application/spdx+json", "annotations": null});
    check(with(foreign), 1, None).await;
    let undigested = json!({"digest": "sha512:00", "artifactType": BUNDLE});
    check(with(undigested), 1, Some("one of its signatures has no digest by which it can be fetched")).await;
    check(with(json!(5)), 1, Some("something of it cannot be read")).await;
    let manifest = || Json(json!({"schemaVersion": 2, "layers": [simple("AAAA")]})).into_response();
    check(with_manifest(manifest), 0, Some("one of its signatures is listed, and is not there")).await;
    let said = Some("the manifest of one of its signatures is gone, too large or none");
    check(with_manifest(|| StatusCode::NOT_FOUND.into_response()), 0, said).await;
    check(with_manifest(|| Json(json!({"schemaVersion": 2})).into_response()), 0, said).await;
    // Under the tag for the list somebody keeps an image.
    let image = || Json(json!({"schemaVersion": 2, "layers": []})).into_response();
    let away = Router::new().route(
        "/v2/acme/api/manifests/{reference}",
        get(move |Path(reference): Path<String>| async move {
            if reference.ends_with(".sig") { StatusCode::NOT_FOUND.into_response() } else { image() }
        }),
    );
    check(away, 0, Some("the list of what is attached to the image is no index, or too large")).await;
}

#[tokio::test]
async fn what_was_fetched_is_given_although_the_rest_fails() {
    let registry = Registry::start().await.unwrap();
    let digest: Digest = registry.push_image("acme/api", "1.4.2").await.unwrap().digest.parse().unwrap();
    let signer = ImageSigner::new().unwrap();
    registry.sign("acme/api", digest.as_str(), &signer).await.unwrap();
    registry.sign_by_bundle("acme/api", digest.as_str(), &signer).await.unwrap();
    let proxy = Proxy::start(registry.url().unwrap(), None, None).await.unwrap();
    let host = proxy.host();
    for part in ["/referrers/", ".sig"] {
        proxy.fail(Match::new(Method::GET, part), Fault::status(StatusCode::BAD_GATEWAY));
        let found = signatures(&host, &digest).await;
        let reason = format!("`{host}` answered with status 502");
        assert_eq!((found.evidence.len(), found.left_out), (1, Some(reason)), "{part}");
        proxy.heal();
    }
    // Where it asks for fewer requests, that is what is said.
    proxy.fail(Match::new(Method::GET, "/referrers/"), Fault::status(StatusCode::TOO_MANY_REQUESTS));
    let failed = session(&host, None).await.signatures(&image(&host, "acme/api"), &digest).await.unwrap_err();
    assert!(failed.throttled, "{failed:?}");
}

#[tokio::test]
async fn one_referrer_or_page_that_fails_hides_no_other() {
    let broken = format!("sha256:{}", "3".repeat(64));
    let of_broken = json!({"digest": broken, "artifactType": BUNDLE});
    let manifest = move |Path(reference): Path<String>| async move {
        match reference.as_str() {
            one if one == broken => StatusCode::BAD_GATEWAY.into_response(),
            one if one.ends_with(".sig") => StatusCode::FORBIDDEN.into_response(),
            _ => Json(json!({"schemaVersion": 2, "layers": [simple("AAAA")]})).into_response(),
        }
    };
    let listed = move |axum::extract::Query(query): axum::extract::Query<Value>| async move {
        if query["page"].is_string() {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        let first = json!({"schemaVersion": 2, "manifests": [of_broken, referrer(BUNDLE, None)]});
        ([(header::LINK, "<?page=1>; rel=\"next\"")], Json(first)).into_response()
    };
    let router = Router::new()
        .route("/v2/acme/api/referrers/{digest}", get(listed))
        .route("/v2/acme/api/manifests/{reference}", get(manifest))
        .route("/v2/acme/api/blobs/{digest}", get(|| async { "{}" }));
    let found = signatures(&serve(router).await, &digest()).await;
    assert_eq!((found.evidence.len(), found.left_out.is_some()), (1, true));
}

#[tokio::test]
async fn however_many_referrers_there_are_the_older_way_and_what_says_that_it_is_a_signature_come_first() {
    let ours = format!("sha256:{}", "2".repeat(64));
    let mut listed: Vec<Value> = (0..300).map(|_| referrer(BUNDLE, None)).collect();
    let mut said = referrer(BUNDLE, Some(heddle_signature::SIGNED));
    said["digest"] = json!(ours);
    listed.push(said);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let manifest = move |Path(reference): Path<String>| async move {
        counted.fetch_add(1, Ordering::Relaxed);
        // Each holds one signature, whose content is its name.
        let layer = match reference.ends_with(".sig") {
            true => simple("AAAA"),
            false => json!({"mediaType": BUNDLE, "digest": reference, "size": 1}),
        };
        Json(json!({"schemaVersion": 2, "layers": [layer]}))
    };
    let listed = json!({"schemaVersion": 2, "manifests": listed});
    let router = Router::new()
        .route("/v2/acme/api/referrers/{digest}", get(move || async move { Json(listed.clone()) }))
        .route("/v2/acme/api/manifests/{reference}", get(manifest))
        .route("/v2/acme/api/blobs/{digest}", get(|Path(digest): Path<String>| async move { digest }));
    let found = signatures(&serve(router).await, &digest()).await;
    assert!(matches!(found.evidence[0], Evidence::Simple { .. }), "{found:?}");
    assert_eq!(found.evidence[1], Evidence::Bundle(ours.into_bytes()));
    assert_eq!((found.evidence.len(), found.left_out.is_some()), (MAX_SIGNATURES, true));
    assert_eq!(asked.load(Ordering::Relaxed), MAX_SIGNATURES, "no manifest is fetched for which there is no room");
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
