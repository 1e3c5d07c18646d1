//! A token server for a registry: gives whoever shows user and password a signed token for what was asked.
//!
//! Source: "Token Authentication Specification" of the distribution project.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{CertificateParams, KeyPair};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::AbortHandle;
use url::Url;

use super::{Door, SERVICE, USER};
use crate::scratch;

/// A running token server. Dropping it ends it.
pub struct TokenServer {
    url: Url,
    certificate: PathBuf,
    inner: Arc<Inner>,
    serves: AbortHandle,
    _folder: TempDir,
}

struct Inner {
    /// `None`: nobody's.
    password: Mutex<Option<String>>,
    /// Whether it gives tokens that let nothing be pulled.
    powerless: Mutex<bool>,
    key: EncodingKey,
    header: Header,
}

#[derive(Deserialize)]
struct Asked {
    scope: Option<String>,
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.serves.abort();
    }
}

impl TokenServer {
    /// Starts one on loopback that lets [`USER`] in with `password`.
    pub async fn start(password: &str) -> Result<Self> {
        let folder = scratch::dir("tokens")?;
        let pair = KeyPair::generate()?;
        let certificate = CertificateParams::new(Vec::new())?.self_signed(&pair)?;
        let file = folder.path().join("certificate.pem");
        std::fs::write(&file, certificate.pem())?;
        let header = Header { x5c: Some(vec![STANDARD.encode(certificate.der())]), ..Header::new(Algorithm::ES256) };
        let inner = Arc::new(Inner {
            password: Mutex::new(Some(password.to_owned())),
            powerless: Mutex::default(),
            key: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes())?,
            header,
        });
        let router = Router::new().route("/token", get(give)).with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = Url::parse(&format!("http://{}/token", listener.local_addr()?))?;
        let serves = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Ok(Self { url, certificate: file, inner, serves, _folder: folder })
    }

    /// What a registry is told of it.
    pub fn door(&self) -> Door {
        Door::Tokens { realm: self.url.clone(), certificate: self.certificate.clone() }
    }

    /// Its `host:port`.
    pub fn host(&self) -> String {
        self.url.authority().to_owned()
    }

    /// The password ends, as one with an expiry does.
    pub fn expire(&self) {
        *self.inner.password.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From now on tokens let nothing be pulled, as those of a user without rights.
    pub fn take_rights(&self) {
        *self.inner.powerless.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

async fn give(State(inner): State<Arc<Inner>>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let password = inner.password.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let known = password.map(|password| format!("Basic {}", STANDARD.encode(format!("{USER}:{password}"))));
    let shown = headers.get(header::AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    if known.is_none() || shown != known.as_deref() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let scope = asked.scope.unwrap_or_default();
    let mut parts = scope.split(':');
    let [kind, name, actions] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let powerless = *inner.powerless.lock().unwrap_or_else(PoisonError::into_inner);
    let actions: Vec<&str> = if powerless { Vec::new() } else { actions.split(',').collect() };
    let now = Utc::now().timestamp();
    let claims = json!({
        "iss": SERVICE, "aud": SERVICE, "sub": USER, "jti": "1", "iat": now, "nbf": now - 60, "exp": now + 300,
        "access": [{"type": kind, "name": name, "actions": actions}],
    });
    match jsonwebtoken::encode(&inner.header, &claims, &inner.key) {
        Ok(token) => Json(json!({"token": token, "expires_in": 300})).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
