//! Logins that clouds give, against servers that answer in their published shapes.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::KeySize,
    signature::{KeyPair, RsaKeyPair},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use heddle_registry::{Access, CloudSecret, Clouds, Endpoints, Keys, Login, LoginFault, Session, TagPage};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{faulty::serve, image, tags};

/// A request that a cloud was sent.
#[derive(Clone)]
struct Sent {
    path: String,
    headers: HeaderMap,
    body: String,
}

/// Answers one request after the other, and keeps them. The last answer is given again and again.
#[derive(Clone, Default)]
struct Cloud {
    sent: Arc<Mutex<Vec<Sent>>>,
    answers: Arc<Mutex<Vec<(StatusCode, String)>>>,
}

impl Cloud {
    async fn start(answers: Vec<(StatusCode, String)>) -> (Self, String) {
        let cloud = Self { sent: Arc::default(), answers: Arc::new(Mutex::new(answers)) };
        let host = serve(Router::new().fallback(any(take)).with_state(cloud.clone())).await;
        (cloud, host)
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

async fn take(State(cloud): State<Cloud>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    cloud.sent.lock().unwrap().push(Sent { path: uri.path().to_owned(), headers, body });
    let mut answers = cloud.answers.lock().unwrap();
    let (status, text) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
    (status, text).into_response()
}

/// A registry that takes these values of `Authorization`, one after the other: each for so many requests.
async fn registry(taken: Vec<(&'static str, u32)>) -> String {
    let asked = Arc::new(AtomicU32::new(0));
    let list = move |headers: HeaderMap| async move {
        let challenge = (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"r\"")]);
        let Some(shown) = headers.get(header::AUTHORIZATION) else { return challenge.into_response() };
        let mut number = asked.load(Ordering::SeqCst);
        let now = taken.iter().find(|(_, times)| match number.checked_sub(*times) {
            Some(rest) => {
                number = rest;
                false
            }
            None => true,
        });
        if now.is_some_and(|(value, _)| *value == shown) {
            asked.fetch_add(1, Ordering::SeqCst);
            Json(json!({"tags": ["1.0.0"]})).into_response()
        } else {
            challenge.into_response()
        }
    };
    serve(Router::new().route("/v2/acme/api/tags/list", get(list))).await
}

struct Scene {
    host: String,
    access: Access,
    clouds: Clouds,
}

impl Scene {
    fn new(host: String, endpoints: &[(&str, &str)]) -> Self {
        let mut allowed = vec![host.clone()];
        allowed.extend(endpoints.iter().map(|(_, host)| (*host).to_owned()));
        let access = Access::new(&allowed, None).unwrap();
        let endpoints: Vec<String> = endpoints.iter().map(|(name, host)| format!("{name}=http://{host}/")).collect();
        let clouds = Clouds::new(access.clone(), Endpoints::new(&endpoints).unwrap());
        Self { host, access, clouds }
    }

    /// Lists with a login whose cloud believes the registry to be at `as_host`.
    async fn list(&self, key: u128, as_host: &str, secret: CloudSecret) -> TagPage {
        let cloud = self.clouds.login((Uuid::from_u128(key), Uuid::nil()), as_host.parse().unwrap(), secret);
        let login = Login { keys: Keys::Cloud(cloud), auth_host: None };
        let session = Session::new(self.access.clone(), &self.host, Some(login));
        session.list_tags(&image(&self.host, "acme/api"), None).await
    }
}

fn fault(page: TagPage) -> (Option<LoginFault>, String) {
    match page {
        TagPage::Failed(failure) => (failure.login, failure.reason),
        other => panic!("{other:?}"),
    }
}

fn basic(user: &str, password: &str) -> &'static str {
    Box::leak(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))).into_boxed_str())
}

const ECR: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

fn amazon(role: Option<&str>) -> CloudSecret {
    CloudSecret::Amazon {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
        role_arn: role.map(str::to_owned),
        external_id: role.map(|_| "acme-7".to_owned()),
    }
}

fn ecr_answer(password: &str, seconds: i64) -> (StatusCode, String) {
    let token = STANDARD.encode(format!("AWS:{password}"));
    let ends = Utc::now().timestamp() + seconds;
    let data =
        json!({"authorizationToken": token, "expiresAt": ends as f64 + 0.241, "proxyEndpoint": "https://evil.example"});
    (StatusCode::OK, json!({"authorizationData": [data]}).to_string())
}

#[tokio::test]
async fn ecr_is_asked_for_a_password_which_is_kept_until_it_ends() {
    let (cloud, at) = Cloud::start(vec![ecr_answer("first", 12 * 3600)]).await;
    let scene = Scene::new(registry(vec![(basic("AWS", "first"), 9)]).await, &[("ecr", &at)]);
    for _ in 0..2 {
        assert_eq!(tags(&scene.list(1, ECR, amazon(None)).await), ["1.0.0"]);
    }
    let sent = cloud.sent();
    assert_eq!(sent.len(), 1, "the second scan takes what is kept");
    let header = |name: &str| sent[0].headers[name].to_str().unwrap();
    assert_eq!(header("x-amz-target"), "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
    assert_eq!((header("content-type"), sent[0].body.as_str()), ("application/x-amz-json-1.1", "{}"));
    let signature = header("authorization");
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"), "{signature}");
    assert!(signature.contains("/eu-central-1/ecr/aws4_request, SignedHeaders="), "{signature}");
    assert!(signature.contains("x-amz-target"), "{signature}");
    // Another login gets its own.
    assert_eq!(tags(&scene.list(2, ECR, amazon(None)).await), ["1.0.0"]);
    assert_eq!(cloud.sent().len(), 2);
}

#[tokio::test]
async fn a_password_that_ends_soon_is_not_kept_and_one_that_ended_is_renewed_once() {
    let (cloud, at) = Cloud::start(vec![ecr_answer("short", 60), ecr_answer("long", 7200)]).await;
    let scene =
        Scene::new(registry(vec![(basic("AWS", "short"), 1), (basic("AWS", "long"), 9)]).await, &[("ecr", &at)]);
    for _ in 0..2 {
        assert_eq!(tags(&scene.list(1, ECR, amazon(None)).await), ["1.0.0"]);
    }
    assert_eq!(cloud.sent().len(), 2, "the first ended within the margin");

    let answers = vec![ecr_answer("old", 7200), ecr_answer("new", 7200), ecr_answer("never", 7200)];
    let (cloud, at) = Cloud::start(answers).await;
    let scene = Scene::new(registry(vec![(basic("AWS", "new"), 9)]).await, &[("ecr", &at)]);
    assert_eq!(tags(&scene.list(1, ECR, amazon(None)).await), ["1.0.0"]);
    assert_eq!(cloud.sent().len(), 2, "what the registry refused was renewed within the scan");

    let (cloud, at) = Cloud::start(vec![ecr_answer("wrong", 7200)]).await;
    let scene = Scene::new(registry(vec![(basic("AWS", "right"), 9)]).await, &[("ecr", &at)]);
    assert_eq!(fault(scene.list(1, ECR, amazon(None)).await).0, Some(LoginFault::Refused));
    assert_eq!(cloud.sent().len(), 2, "once, and then it is said");
}

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id() {
    let assumed = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
        <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/heddle</Arn></AssumedRoleUser><Credentials>\
        <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
        <SessionToken>session-token</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>\
        </AssumeRoleResult></AssumeRoleResponse>";
    let (sts, sts_at) = Cloud::start(vec![(StatusCode::OK, assumed.to_owned())]).await;
    let (ecr, ecr_at) = Cloud::start(vec![ecr_answer("first", 7200)]).await;
    let scene = Scene::new(registry(vec![(basic("AWS", "first"), 9)]).await, &[("ecr", &ecr_at), ("sts", &sts_at)]);
    let role = "arn:aws:iam::123456789012:role/heddle";
    assert_eq!(tags(&scene.list(1, ECR, amazon(Some(role))).await), ["1.0.0"]);
    let expected = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fheddle&\
                    RoleSessionName=heddle&DurationSeconds=900&ExternalId=acme-7";
    assert_eq!(sts.sent()[0].body, expected);
    assert!(sts.sent()[0].headers["authorization"].to_str().unwrap().contains("/eu-central-1/sts/aws4_request"));
    let sent = &ecr.sent()[0].headers;
    assert_eq!(sent["x-amz-security-token"], "session-token");
    assert!(sent["authorization"].to_str().unwrap().contains("Credential=ASIAROLE/"));
}

#[tokio::test]
async fn the_public_gallery_gives_a_token_that_is_shown_as_it_is() {
    let ends = Utc::now().timestamp() + 7200;
    let answer = json!({"authorizationData": {"authorizationToken": "opaque", "expiresAt": ends}}).to_string();
    let (cloud, at) = Cloud::start(vec![(StatusCode::OK, answer)]).await;
    let scene = Scene::new(registry(vec![("Bearer opaque", 9)]).await, &[("ecr-public", &at)]);
    assert_eq!(tags(&scene.list(1, "public.ecr.aws", amazon(None)).await), ["1.0.0"]);
    let sent = &cloud.sent()[0].headers;
    assert_eq!(sent["x-amz-target"], "SpencerFrontendService.GetAuthorizationToken");
    assert!(sent["authorization"].to_str().unwrap().contains("/us-east-1/ecr-public/aws4_request"));
}

#[tokio::test]
async fn amazons_refusals_are_told_in_classes_and_not_in_its_words() {
    for (status, body, expected) in [
        (
            StatusCode::BAD_REQUEST,
            json!({"__type": "UnrecognizedClientException", "message": "c4n4ry"}),
            LoginFault::Refused,
        ),
        (StatusCode::BAD_REQUEST, json!({"__type": "AccessDeniedException", "Message": "c4n4ry"}), LoginFault::Denied),
        (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": "c4n4ry AccessDenied"}), LoginFault::Failed),
    ] {
        let (_, at) = Cloud::start(vec![(status, body.to_string())]).await;
        let scene = Scene::new(registry(vec![]).await, &[("ecr", &at)]);
        let (fault, reason) = fault(scene.list(1, ECR, amazon(None)).await);
        assert_eq!(fault, Some(expected), "{reason}");
        assert!(
            reason.starts_with(&format!("the login at `{ECR}` failed: its cloud ")) && !reason.contains("c4n4ry"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn google_takes_a_signed_proof_for_its_own_address() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8.as_ref()));
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let public =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(public.as_ref()));
    let answer = json!({"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}).to_string();
    let (cloud, at) = Cloud::start(vec![(StatusCode::OK, answer)]).await;
    let scene = Scene::new(registry(vec![(basic("oauth2accesstoken", "ya29.token"), 9)]).await, &[("google", &at)]);
    let secret = || CloudSecret::Google {
        client_email: "heddle@acme.iam.gserviceaccount.com".into(),
        private_key_id: "0123".into(),
        private_key: pem.clone().into(),
    };
    assert_eq!(tags(&scene.list(1, "europe-docker.pkg.dev", secret()).await), ["1.0.0"]);
    let body = cloud.sent()[0].body.clone();
    let proof =
        body.strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=").unwrap();
    let key = jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.set_audience(&["https://oauth2.googleapis.com/token"]);
    rules.set_issuer(&["heddle@acme.iam.gserviceaccount.com"]);
    let claims = jsonwebtoken::decode::<Value>(proof, &key, &rules).unwrap();
    assert_eq!(claims.header.kid.as_deref(), Some("0123"));
    assert_eq!(claims.claims["scope"], "https://www.googleapis.com/auth/cloud-platform.read-only");

    let (_, at) = Cloud::start(vec![(StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"}).to_string())]).await;
    let scene = Scene::new(registry(vec![]).await, &[("google", &at)]);
    assert_eq!(fault(scene.list(1, "eu.gcr.io", secret()).await).0, Some(LoginFault::Refused));
    // A host that is not Google's gets nothing, whatever the work says.
    assert_eq!(fault(scene.list(2, "evil.example", secret()).await).0, Some(LoginFault::Failed));
}

#[tokio::test]
async fn azure_exchanges_a_token_of_entra_for_one_of_the_registry() {
    let entra_answer = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "entra"}).to_string();
    let (entra, entra_at) = Cloud::start(vec![(StatusCode::OK, entra_answer.clone())]).await;
    let (acr, acr_at) = Cloud::start(vec![(StatusCode::OK, json!({"refresh_token": "acr-token"}).to_string())]).await;
    let taken = basic("00000000-0000-0000-0000-000000000000", "acr-token");
    let scene = Scene::new(registry(vec![(taken, 9)]).await, &[("azure", &entra_at), ("acr", &acr_at)]);
    let secret = || CloudSecret::Azure {
        tenant: "acme.example/evil".into(),
        client_id: "id".into(),
        client_secret: "s~cret".to_owned().into(),
    };
    assert_eq!(tags(&scene.list(1, "acme.azurecr.io", secret()).await), ["1.0.0"]);
    let sent = &entra.sent()[0];
    assert_eq!(sent.path, "/acme.example%2Fevil/oauth2/v2.0/token");
    let expected = "grant_type=client_credentials&client_id=id&client_secret=s%7Ecret&\
                    scope=https%3A%2F%2Fcontainerregistry.azure.net%2F.default";
    assert_eq!(sent.body, expected);
    let expected = "grant_type=access_token&service=acme.azurecr.io&tenant=acme.example%2Fevil&access_token=entra";
    assert_eq!(acr.sent()[0].body, expected);

    let (_, refuses) = Cloud::start(vec![(StatusCode::UNAUTHORIZED, "{}".into())]).await;
    let scene = Scene::new(registry(vec![]).await, &[("azure", &refuses), ("acr", &refuses)]);
    assert_eq!(fault(scene.list(1, "acme.azurecr.io", secret()).await).0, Some(LoginFault::Refused));
    let (_, entra_at) = Cloud::start(vec![(StatusCode::OK, entra_answer)]).await;
    let scene = Scene::new(registry(vec![]).await, &[("azure", &entra_at), ("acr", &refuses)]);
    assert_eq!(fault(scene.list(1, "acme.azurecr.io", secret()).await).0, Some(LoginFault::Denied));
}

#[tokio::test]
async fn an_address_of_a_cloud_is_set_by_its_name() {
    assert!(Endpoints::new(&["ecr=https://vpce.example/".into(), "acr=http://127.0.0.1:1".into()]).is_ok());
    for wrong in ["ecr", "s3=https://example.com", "ecr=example"] {
        let error = Endpoints::new(&[wrong.to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{wrong}` is no ")), "{error}");
    }
}
