//! Agents sign short tokens with a key that never left their cluster; we know the public half.

use std::{future::Future, time::Duration};

use axum::http::HeaderMap;
use chrono::{TimeDelta, Utc};
use heddle_core::id::{ClusterId, ClusterKeyId};
use heddle_db::{
    clusters::{self, KnownKey, LastHeard},
    notice::{self, Notice, Topic},
};
use heddle_wire::{
    agent::{AUDIENCE, OLDEST_PROTOCOL, PROTOCOL},
    view::Link,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::{
    app::App,
    flow::link,
    layers::RequestId,
    principal::Agent,
    problem::{ApiError, ApiResult},
};

/// A token is good for five minutes, and clocks may differ by one.
const LONGEST_SECS: i64 = 5 * 60;
const LEEWAY_SECS: i64 = 60;

/// How soon a store that did not answer is asked again whether a key still lives.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How exactly the time of the last sign of life is kept.
const SEEN_EACH: TimeDelta = TimeDelta::seconds(10);

#[derive(Deserialize)]
struct Claims {
    sub: ClusterId,
    iat: i64,
    exp: i64,
}

/// Whose signature stands under `token`.
///
/// # Errors
/// 401 when it is nobody's, too old, too long, or the key is revoked.
pub async fn authenticate(app: &App, token: &str, RequestId(request_id): RequestId) -> ApiResult<Agent> {
    let refuse = |why: &'static str| ApiError::unauthorized(why);
    let header = jsonwebtoken::decode_header(token).map_err(|_| refuse("this is no agent's token"))?;
    let key: ClusterKeyId =
        header.kid.and_then(|kid| kid.parse().ok()).ok_or_else(|| refuse("the token's header names no key (`kid`)"))?;
    let mut tx = app.db.routing().await?;
    let known = clusters::find_key(&mut *tx, key).await?;
    tx.commit().await?;
    let known = known.ok_or_else(|| refuse("this key is not known; the cluster was deleted, or enrolls anew"))?;
    if known.revoked {
        return Err(refuse("this cluster's key is revoked"));
    }
    let claims = verify(token, &known.public_key).map_err(refuse)?;
    if claims.sub != known.cluster {
        return Err(refuse("the token's subject is not the key's cluster"));
    }
    note_seen(app, &known, key).await?;
    Ok(Agent { organization: known.organization, cluster: known.cluster, key, request_id })
}

/// Refuses agents that speak a protocol that is no longer taken, or one that is not known yet.
///
/// # Errors
/// 410 with the words that the agent shows.
pub fn check_protocol(headers: &HeaderMap) -> ApiResult<()> {
    let Some(text) = headers.get("heddle-protocol") else { return Ok(()) };
    let version: Option<u32> = text.to_str().ok().and_then(|text| text.parse().ok());
    match version {
        Some(version) if version > PROTOCOL => Err(ApiError::bad_request(
            "protocol-unknown",
            format!("this agent speaks protocol {version}, this API up to {PROTOCOL}; upgrade the API first"),
        )),
        Some(version) if version >= OLDEST_PROTOCOL => Ok(()),
        Some(version) => Err(ApiError::gone(
            "agent-too-old",
            format!("this agent speaks protocol {version}, this API {PROTOCOL}; apply a newer install manifest"),
        )),
        None => Err(ApiError::bad_request("protocol-unknown", "the header `Heddle-Protocol` holds no number")),
    }
}

/// Each request shows that the agent is there. It is written down each ten seconds, and told to the dashboard when the
/// agent was away.
async fn note_seen(app: &App, known: &KnownKey, key: ClusterKeyId) -> ApiResult<()> {
    let now = Utc::now();
    if known.last_seen_at.is_some_and(|seen| now - seen < SEEN_EACH) {
        return Ok(());
    }
    let (organization, cluster) = (known.organization, known.cluster);
    let mut tx = app.db.organization(organization).await?;
    clusters::note_seen(&mut tx, cluster, key).await?;
    let heard = LastHeard { seen_at: known.last_seen_at, reported_at: None, revoked_at: None };
    if link::of(&heard, now) != Link::Connected {
        tx.notify(&Notice::Changed { organization, topic: Topic::Clusters, id: Some(cluster.0) }).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends when the agent is out: its key or its cluster is revoked. `notices` were listened to before the agent was
/// authenticated, so that no revocation falls in between.
pub fn watch(app: &App, agent: &Agent, mut notices: notice::NoticeStream) -> impl Future<Output = ()> + use<> {
    let (app, cluster, key) = (app.clone(), agent.cluster, agent.key);
    async move {
        loop {
            match notices.next().await {
                Some(Notice::Revoked { cluster: other }) if other != cluster => {}
                Some(Notice::Revoked { .. } | Notice::Missed) => {
                    if is_out(&app, key).await {
                        return;
                    }
                }
                Some(_) => {}
                // The store closes only when the program ends; the request ends by itself.
                None => std::future::pending().await,
            }
        }
    }
}

/// Asks until the store answers: one that has no room now says nothing of the key.
async fn is_out(app: &App, key: ClusterKeyId) -> bool {
    loop {
        let found = async {
            let mut tx = app.db.routing().await?;
            let known = clusters::find_key(&mut *tx, key).await?;
            tx.commit().await?;
            Ok::<_, heddle_db::DbError>(known.is_none_or(|known| known.revoked))
        };
        match found.await {
            Ok(out) => return out,
            Err(_) => tokio::time::sleep(ASK_AGAIN).await,
        }
    }
}

fn verify(token: &str, public_key: &[u8]) -> Result<Claims, &'static str> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "aud", "sub"]);
    validation.leeway = LEEWAY_SECS.unsigned_abs();
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_ed_der(public_key), &validation)
        .map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => "the token has ended; is the cluster's clock right?",
            jsonwebtoken::errors::ErrorKind::InvalidAudience => "the token is for another audience",
            _ => "the token's signature does not hold",
        })?
        .claims;
    // Both are the sender's numbers: their difference may be none.
    let life = claims.exp.checked_sub(claims.iat);
    if life.is_none_or(|secs| secs > LONGEST_SECS) || claims.iat > Utc::now().timestamp() + LEEWAY_SECS {
        return Err("the token is good for longer than five minutes, or comes from the future");
    }
    Ok(claims)
}
