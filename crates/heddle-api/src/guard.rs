//! What stands before every handler, in this order: the address is clean, it is proved who asks, their share of the store
//! is set, and only then is the body read, within its limit, and looked at.
//!
//! [`crate::routes::Routes`] puts it before each route, and there is no other way to add one.

use std::future::Future;

use axum::{
    Extension,
    body::Body,
    extract::{RawPathParams, Request},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use heddle_core::id::{ClusterId, OrganizationId};
use heddle_db::{administrators, own_automators};
use heddle_wire::view::Role;

use crate::{
    address::ClientAddress,
    agent_auth,
    app::App,
    bodies::{Sender, Taken},
    clean::{self, Refused},
    lanes::Lane,
    layers::RequestId,
    permission::{Permission, SESSION_COOKIE, bearer, find_cookie, parse_role, role_word},
    principal::{Agent, Automator, Credential, Member, Own, Person, Reporter},
    problem::{ApiError, ApiResult},
    secret::{self, Purpose},
    senders,
};

/// What a route asks of its caller, and what it takes.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Who may call it.
    pub permission: Permission,
    /// The largest body; zero where it takes none.
    pub body_limit_bytes: usize,
}

/// Lets a request through to its handler, or answers why not.
///
/// # Errors
/// 401, 403 or 404 when the asker has not the permission; 408, 413, 422 or 503 when the request cannot be taken.
pub async fn guard(
    Extension(app): Extension<App>,
    Extension(gate): Extension<Gate>,
    Extension(request_id): Extension<RequestId>,
    path: RawPathParams,
    request: Request,
    next: Next,
) -> ApiResult<Response> {
    let (mut parts, body) = request.into_parts();
    clean::check_address(parts.uri.query(), &path)?;
    let agent = match gate.permission {
        Permission::Agent => Some(Living::begin(&app, &parts, request_id.clone()).await?),
        _ => None,
    };
    let lane = match &agent {
        Some(agent) => {
            parts.extensions.insert(agent.agent.clone());
            Lane::Agent(agent.agent.organization, agent.agent.cluster)
        }
        None => prove(&app, gate.permission, &mut parts, request_id, &path).await?,
    };
    parts.extensions.insert(app.within(lane));
    // The memory stays counted until the answer is there.
    let taken = take_body(&app, gate, &parts, body).await?;
    let request = Request::from_parts(parts, Body::from(taken.bytes.clone()));
    match agent {
        Some(agent) => until_revoked(agent.agent.cluster, agent.out, next.run(request)).await,
        None => Ok(next.run(request).await),
    }
}

async fn take_body(app: &App, gate: Gate, parts: &Parts, body: Body) -> ApiResult<Taken> {
    let signature = match gate.permission {
        Permission::GitHub => Some(senders::claimed_signature(app, &parts.headers)?),
        _ => None,
    };
    if gate.body_limit_bytes == 0 {
        return Ok(Taken::nothing());
    }
    let sender = sender(app, gate, parts)?;
    let taken = app.rooms.take(sender, gate.body_limit_bytes, &parts.headers, body).await?;
    if let Some(signature) = signature {
        senders::verify(app, signature, &taken.bytes)?;
    }
    let refused = match gate.permission {
        Permission::Public
        | Permission::Person
        | Permission::Session
        | Permission::Administrator
        | Permission::Organization(_)
        | Permission::Granted => Refused::Control,
        Permission::Agent
        | Permission::Automator
        | Permission::Receiver
        | Permission::Reporter
        | Permission::GitHub => Refused::Nul,
    };
    clean::check_json(&taken.bytes, refused)?;
    Ok(taken)
}

/// Whose share of the memory a body takes. Large ones that come too often are refused before they are read; small ones, a
/// wish for a git token say, must not wait for them.
fn sender(app: &App, gate: Gate, parts: &Parts) -> ApiResult<Sender> {
    let permission = gate.permission;
    Ok(match (permission, parts.extensions.get::<Agent>()) {
        (Permission::Agent, Some(agent)) => {
            if gate.body_limit_bytes > permission.body_limit_bytes() {
                app.rates.agents.take(agent.cluster.0)?;
            }
            Sender::Agent(agent.organization)
        }
        (Permission::Agent, None) => return Err(ApiError::internal(anyhow::anyhow!("an agent was let in unproved"))),
        (Permission::GitHub, _) => Sender::GitHub(ClientAddress::of(Some(app), parts)),
        (Permission::Automator, _) => match parts.extensions.get::<Automator>().and_then(|one| one.own.as_ref()) {
            Some(own) => Sender::OwnAutomator(own.organization),
            None => Sender::Automator,
        },
        (Permission::Receiver, _) => Sender::Receiver,
        (Permission::Reporter, _) => match parts.extensions.get::<Reporter>() {
            Some(reporter) => Sender::Reporter(reporter.organization),
            None => return Err(ApiError::internal(anyhow::anyhow!("a reporter was let in unproved"))),
        },
        (
            Permission::Public
            | Permission::Person
            | Permission::Session
            | Permission::Administrator
            | Permission::Organization(_)
            | Permission::Granted,
            _,
        ) => Sender::Person,
    })
}

/// Proves that the asker has the permission, and hands the handler who it is.
async fn prove(
    app: &App,
    permission: Permission,
    parts: &mut Parts,
    request_id: RequestId,
    path: &RawPathParams,
) -> ApiResult<Lane> {
    Ok(match permission {
        Permission::Public => {
            refuse_other_origins(app, &parts.method, &parts.headers)?;
            Lane::Stranger
        }
        Permission::Person | Permission::Session => {
            let person = authenticate(app, &parts.method, &parts.headers, request_id).await?;
            if permission == Permission::Session {
                person.session()?;
            }
            let lane = person.lane();
            parts.extensions.insert(person);
            lane
        }
        Permission::Administrator => {
            let person = authenticate(app, &parts.method, &parts.headers, request_id).await?;
            prove_administrator(&app.within(person.lane()), &person).await?;
            let lane = person.lane();
            parts.extensions.insert(person);
            lane
        }
        Permission::Organization(_) | Permission::Granted => {
            let least = permission.least_role().unwrap_or(Role::Owner);
            let person = authenticate(app, &parts.method, &parts.headers, request_id).await?;
            let member = find_member(&app.within(person.lane()), person, path).await?;
            if member.role < least {
                return Err(ApiError::forbidden(
                    "role-too-low",
                    format!("this needs the role {}; yours is {}", role_word(least), role_word(member.role)),
                ));
            }
            let lane = member.person.lane();
            parts.extensions.insert(member);
            lane
        }
        Permission::Automator => {
            let automator = authenticate_automator(app, &parts.headers, request_id).await?;
            let lane =
                automator.own.as_ref().map_or(Lane::Automator, |own| Lane::OwnAutomator(own.organization, own.id));
            parts.extensions.insert(automator);
            lane
        }
        Permission::Receiver => {
            let receiver = senders::authenticate(&app.within(Lane::Sender), &parts.headers, path).await?;
            parts.extensions.insert(receiver);
            Lane::Receiver(receiver.organization, receiver.id)
        }
        Permission::Reporter => {
            let reporter = senders::authenticate_reporter(&app.within(Lane::Sender), &parts.headers).await?;
            parts.extensions.insert(reporter);
            Lane::Reporter(reporter.organization, reporter.id)
        }
        Permission::GitHub => Lane::Sender,
        Permission::Agent => {
            return Err(ApiError::internal(anyhow::anyhow!("an agent is let in by its signature alone")));
        }
    })
}

async fn authenticate(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    RequestId(request_id): RequestId,
) -> ApiResult<Person> {
    let db = app.within(Lane::Unproved).db;
    if headers.contains_key(header::AUTHORIZATION) {
        let text = bearer(headers)?;
        if !text.starts_with(Purpose::ApiToken.prefix()) {
            return Err(ApiError::unauthorized("this is no API token; make one in the dashboard under Settings"));
        }
        let mut tx = db.routing().await?;
        let used = heddle_db::tokens::touch(&mut *tx, &secret::hash(text)).await?;
        tx.commit().await?;
        let used = used.ok_or_else(|| ApiError::unauthorized("this API token is not known, or has ended"))?;
        return Ok(Person {
            user: used.user,
            label: format!("token `{}`", used.name),
            credential: Credential::Token {
                token: used.token,
                organization: used.organization,
                role: parse_role(&used.role)?,
            },
            request_id,
        });
    }
    let cookie = find_cookie(headers, SESSION_COOKIE).ok_or_else(|| ApiError::unauthorized("sign in first"))?;
    let mut tx = db.routing().await?;
    let used = heddle_db::sessions::touch(&mut *tx, &secret::hash(&cookie)).await?;
    tx.commit().await?;
    let used = used.ok_or_else(|| ApiError::unauthorized("this session has ended; sign in again"))?;
    if !is_read(method) && headers.get(header::ORIGIN).is_none() {
        return Err(ApiError::forbidden(
            "origin-missing",
            "a write with a session cookie needs the header `Origin`; programs use an API token",
        ));
    }
    refuse_other_origins(app, method, headers)?;
    Ok(Person { user: used.user, label: used.email, credential: Credential::Session(used.session), request_id })
}

/// Another site's page may not write with this browser's cookie, nor log it in.
fn refuse_other_origins(app: &App, method: &Method, headers: &HeaderMap) -> ApiResult<()> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    if is_read(method) || origin.as_bytes() == app.public_origin().as_bytes() {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "origin-refused",
        format!("writes from a browser are taken from {} alone (HEDDLE_PUBLIC_URL)", app.public_origin()),
    ))
}

fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// A token does no more than its role says: those for viewers and operators are in the hands of jobs.
async fn prove_administrator(app: &App, person: &Person) -> ApiResult<()> {
    if let Credential::Token { role, .. } = person.credential
        && role < Role::Admin
    {
        let told = format!("this needs a token with the role admin; this one has {}", role_word(role));
        return Err(ApiError::forbidden("role-too-low", told));
    }
    let mut tx = app.db.user(person.user).await?;
    let is_one = administrators::is_one(&mut *tx, person.user).await?;
    tx.commit().await?;
    if is_one {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "not-an-administrator",
        format!(
            "this is for who looks after the installation; on its host, `heddle-api admin add {}` lets you in",
            person.user
        ),
    ))
}

async fn find_member(app: &App, person: Person, path: &RawPathParams) -> ApiResult<Member> {
    let unknown = || ApiError::not_found("there is no such organization, or you do not belong to it");
    let organization: OrganizationId = path
        .iter()
        .find(|(name, _)| *name == "organization")
        .and_then(|(_, id)| id.parse().ok())
        .ok_or_else(unknown)?;
    let mut tx = app.db.member(organization, person.user).await?;
    let membership = heddle_db::organizations::find_membership(&mut *tx, organization, person.user).await?;
    tx.commit().await?;
    let mut role = parse_role(&membership.ok_or_else(unknown)?.role)?;
    if let Credential::Token { organization: own, role: granted, .. } = person.credential {
        if own != organization {
            return Err(unknown());
        }
        role = role.min(granted);
    }
    Ok(Member { organization, role, person })
}

async fn authenticate_automator(
    app: &App,
    headers: &HeaderMap,
    RequestId(request_id): RequestId,
) -> ApiResult<Automator> {
    let text = bearer(headers)?;
    if text.starts_with(Purpose::Automator.prefix()) {
        let mut tx = app.within(Lane::Unproved).db.routing().await?;
        let used = own_automators::touch(&mut *tx, &secret::hash(text)).await?;
        tx.commit().await?;
        let used = used.ok_or_else(|| {
            ApiError::unauthorized(
                "this automator's token is not known; add the automator again (Settings, Automators)",
            )
        })?;
        let own = Own { id: used.automator, organization: used.organization, name: used.name };
        return Ok(Automator { own: Some(own), request_id });
    }
    let known = app
        .automator_token_hash
        .as_deref()
        .ok_or_else(|| ApiError::unauthorized("no automator token is set here (HEDDLE_AUTOMATOR_TOKEN_FILE)"))?;
    if !secret::matches(text, known) {
        return Err(ApiError::unauthorized("this is not the automator token"));
    }
    Ok(Automator { own: None, request_id })
}

/// An agent, and when it is out.
struct Living<Out> {
    agent: Agent,
    out: Out,
}

impl Living<()> {
    async fn begin(
        app: &App,
        parts: &Parts,
        request_id: RequestId,
    ) -> ApiResult<Living<impl Future<Output = ()> + use<>>> {
        agent_auth::check_protocol(&parts.headers)?;
        let app = app.within(Lane::UnprovedAgent);
        // Listened to before, so that no revocation falls in between.
        let notices = app.db.notices();
        let agent = agent_auth::authenticate(&app, bearer(&parts.headers)?, request_id).await?;
        let out = agent_auth::watch(&app, &agent, notices);
        Ok(Living { agent, out })
    }
}

/// Ends what an agent waits for as soon as it is out, on whichever replica it waits.
async fn until_revoked(
    cluster: ClusterId,
    out: impl Future<Output = ()>,
    response: impl Future<Output = Response>,
) -> ApiResult<Response> {
    tokio::select! {
        response = response => Ok(response),
        () = out => {
            tracing::info!(%cluster, "ended a request of a revoked agent");
            Err(ApiError::unauthorized("this cluster's key is revoked"))
        }
    }
}
