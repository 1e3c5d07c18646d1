//! Webhooks: signed, delivered in order by one worker, kept for redelivery; lost, doubled and reordered on demand.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::hmac;
use chrono::Utc;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{
    Shared,
    body::{Bodies, merged},
    model::{Delivery, Repository},
};

/// GitHub gives a receiver this long.
/// <https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks>
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Script {
    Lose,
    Double,
}

#[derive(Debug, Default)]
struct Order {
    script: VecDeque<Script>,
    /// While tests hold webhooks, those that came.
    held: Option<Vec<u64>>,
}

/// The way out of webhooks.
#[derive(Debug)]
pub struct Webhooks {
    sender: mpsc::UnboundedSender<u64>,
    waiting: watch::Sender<usize>,
    order: Mutex<Order>,
}

impl Webhooks {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<u64>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { sender, waiting: watch::channel(0).0, order: Mutex::default() }, receiver)
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next `count` webhooks never arrive. They can be redelivered.
    pub fn lose(&self, count: usize) {
        self.order().script.extend(std::iter::repeat_n(Script::Lose, count));
    }

    /// The next `count` webhooks arrive twice, with the same delivery id.
    pub fn double(&self, count: usize) {
        self.order().script.extend(std::iter::repeat_n(Script::Double, count));
    }

    /// Keeps webhooks back until [`Webhooks::release_reversed`].
    pub fn hold(&self) {
        self.order().held.get_or_insert_default();
    }

    /// Sends what was kept back, the last first.
    pub fn release_reversed(&self) {
        let held = self.order().held.take().unwrap_or_default();
        for id in held.into_iter().rev() {
            self.push(id);
        }
    }

    /// From now on webhooks arrive as they should. What is held back stays so.
    pub fn heal(&self) {
        self.order().script.clear();
    }

    /// Waits until nothing is on its way (what is held back does not count).
    pub async fn delivered(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting == 0).await.ok();
    }

    pub(crate) fn send(&self, id: u64) {
        let mut order = self.order();
        match &mut order.held {
            Some(held) => held.push(id),
            None => {
                drop(order);
                self.push(id);
            }
        }
    }

    fn push(&self, id: u64) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.sender.send(id).ok();
    }
}

/// Delivers what [`Webhooks::send`] is given, until the stand-in goes away.
pub(crate) async fn deliver_all(shared: Shared, mut receiver: mpsc::UnboundedReceiver<u64>) {
    while let Some(id) = receiver.recv().await {
        let script = shared.webhooks.order().script.pop_front();
        match script {
            Some(Script::Lose) => note(&shared, id, 0, "timed out"),
            Some(Script::Double) => {
                deliver(&shared, id).await;
                deliver(&shared, id).await;
            }
            None => deliver(&shared, id).await,
        }
        shared.webhooks.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

async fn deliver(shared: &Shared, id: u64) {
    let prepared = {
        let state = shared.state();
        let Some(delivery) = state.deliveries.get(&id) else { return };
        let Some(app) = state.apps.get(&delivery.app) else { return };
        app.webhook_url.clone().map(|url| (url, app.webhook_secret.clone(), delivery.clone()))
    };
    let Some((url, secret, delivery)) = prepared else { return };
    let body = delivery.payload.to_string();
    let mut request = shared.http.post(url).timeout(TIMEOUT).header("content-type", "application/json");
    if let Value::Object(headers) = &delivery.request_headers {
        for (name, value) in headers {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
    }
    let signature = format!("sha256={}", sign(&secret, body.as_bytes()));
    match request.header("x-hub-signature-256", signature).body(body).send().await {
        Ok(answer) => note(shared, id, answer.status().as_u16(), answer.status().canonical_reason().unwrap_or("OK")),
        Err(error) => {
            tracing::debug!("webhook {} was not delivered: {error}", delivery.guid);
            note(shared, id, 502, "failed to connect to host");
        }
    }
}

fn note(shared: &Shared, id: u64, code: u16, status: &str) {
    if let Some(delivery) = shared.state().deliveries.get_mut(&id) {
        delivery.status_code = code;
        status.clone_into(&mut delivery.status);
        delivery.delivered_at = Utc::now();
    }
}

/// The hexadecimal part of `X-Hub-Signature-256`.
/// <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>
pub fn sign(secret: &str, body: &[u8]) -> String {
    hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body))
}

impl Shared {
    /// Tells every App that is installed on the repository and subscribes to `event`.
    pub(crate) fn announce(
        &self,
        repository: u64,
        event: &str,
        sender: &str,
        body: impl Fn(&Bodies<'_>, &Repository) -> Value,
    ) {
        let mut made = Vec::new();
        {
            let state = self.state();
            let Some(repository) = state.repositories.get(&repository) else { return };
            let bodies = self.bodies(&state);
            for installation in state.installations.values().filter(|i| state.covers(i, repository)) {
                let subscribed = state.apps.get(&installation.app).is_some_and(|a| a.events.iter().any(|e| e == event));
                if !subscribed || installation.suspended_at.is_some() {
                    continue;
                }
                let frame = json!({
                    "repository": bodies.repository(repository, None), "sender": bodies.user(sender),
                    "installation": {"id": installation.id, "node_id": format!("I_{}", installation.id)},
                });
                let mut payload = merged(frame, body(&bodies, repository));
                if let Some(organization) = bodies.organization(&repository.owner) {
                    payload["organization"] = organization;
                }
                made.push((installation.app, Some(installation.id), Some(repository.id), payload));
            }
        }
        for (app, installation, repository, payload) in made {
            self.post(app, event, installation, repository, payload);
        }
    }

    /// Tells one App, whatever it subscribes to.
    pub(crate) fn post(
        &self,
        app: u64,
        event: &str,
        installation: Option<u64>,
        repository: Option<u64>,
        payload: Value,
    ) {
        let guid = Uuid::new_v4().to_string();
        let headers = json!({
            "user-agent": "GitHub-Hookshot/stand-in", "x-github-event": event, "x-github-delivery": guid,
            "x-github-hook-id": app.to_string(), "x-github-hook-installation-target-id": app.to_string(),
            "x-github-hook-installation-target-type": "integration",
        });
        let mut state = self.state();
        if state.apps.get(&app).is_none_or(|app| app.webhook_url.is_none()) {
            return;
        }
        let id = state.next_id();
        let action = payload["action"].as_str().map(str::to_owned);
        let delivery = Delivery {
            id,
            app,
            guid,
            event: event.into(),
            action,
            installation,
            repository,
            delivered_at: Utc::now(),
            redelivery: false,
            status_code: 0,
            status: "pending".into(),
            request_headers: headers,
            payload,
        };
        state.deliveries.insert(id, delivery);
        drop(state);
        self.webhooks.send(id);
    }
}
