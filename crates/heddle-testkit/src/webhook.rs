//! An admission webhook that answers as it is told.

use std::time::Duration;

use anyhow::Result;
use axum::{Json, Router, extract::State, response::IntoResponse, routing::post};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{hold::serve, tls::Authority};

/// What a webhook answers to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It denies it, with this code.
    Deny(u16),
    /// It never answers.
    Silence,
}

/// A running webhook. Dropping it closes its port.
pub struct Webhook {
    authority: Authority,
    url: String,
    task: JoinHandle<()>,
}

impl Webhook {
    /// Begins to answer.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(answers: Admission) -> Result<Self> {
        let authority = Authority::generate()?;
        let router = Router::new().route("/", post(answer)).with_state(answers);
        let (address, task) =
            serve::start(std::net::Ipv4Addr::LOCALHOST.into(), router, Some(authority.server_config()?)).await?;
        Ok(Self { authority, url: format!("https://{address}/"), task })
    }

    /// A registration of it: `name` is the object's, `rule` one of its rules, `namespace` the only one that it is called
    /// for.
    pub fn registration(&self, name: &str, rule: &Value, namespace: &str) -> Value {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": "test.example.org",
                "clientConfig": {"url": self.url, "caBundle": BASE64_STANDARD.encode(&self.authority.ca_pem)},
                "rules": [rule],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "sideEffects": "None",
                "timeoutSeconds": 30,
                "admissionReviewVersions": ["v1"],
            }],
        })
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(answers): State<Admission>, Json(review): Json<Value>) -> impl IntoResponse {
    let code = match answers {
        Admission::Deny(code) => code,
        // Longer than any API server waits for a webhook.
        Admission::Silence => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            500
        }
    };
    Json(json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": review["request"]["uid"],
            "allowed": false,
            "status": {"code": code, "message": "it is in use"},
        },
    }))
}
