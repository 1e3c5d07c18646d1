//! A person's sign-in at GitHub, which proves what repositories they may bind.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{TimeDelta, Utc};
use heddle_core::{
    git::{RepoName, RepoUrl},
    id::OrganizationId,
};
use heddle_db::{DbError, audit, github_grants, github_sign_ins, repositories, users};
use heddle_wire::view::{AvailableRepository, Role};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Query},
    github::{self, SignIn},
    permission::Permission,
    principal::{Member, Person},
    problem::{ApiError, ApiResult},
    secret::{self, Purpose},
};

/// What GitHub said is good for this long.
const PROOF: TimeDelta = TimeDelta::hours(1);

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Session, routes!(authorize))
        .add(Permission::Session, routes!(finish))
        .add(Permission::Organization(Role::Admin), routes!(list_available))
}

#[derive(Debug, Deserialize)]
struct AuthorizeQuery {
    organization: Option<OrganizationId>,
}

/// Sends the browser to GitHub's sign-in.
#[utoipa::path(
    get, path = "/api/v1/github/authorize", tag = "github",
    params(("organization" = Option<OrganizationId>, Query, description = "Whose page to come back to.")),
    responses((status = 303, description = "To GitHub."))
)]
async fn authorize(app: App, person: Person, Query(query): Query<AuthorizeQuery>) -> ApiResult<Response> {
    match begin(&app, &person, query.organization).await {
        Ok(to_github) => see_other(to_github.as_str()),
        Err(problem) => back(query.organization, Some(&problem)),
    }
}

async fn begin(app: &App, person: &Person, organization: Option<OrganizationId>) -> ApiResult<url::Url> {
    let state = secret::generate(Purpose::GitHubState)?;
    let to_github = sign_in(app)?.authorize_url(state.expose_secret()).map_err(github::refuse)?;
    let mut tx = app.db.user(person.user).await?;
    let hash = secret::hash(state.expose_secret());
    github_sign_ins::insert(&mut *tx, &hash, person.session()?, organization).await?;
    tx.commit().await?;
    Ok(to_github)
}

#[derive(Debug, Deserialize)]
struct CallbackQuery {
    code: Option<SecretString>,
    state: Option<String>,
    error: Option<String>,
}

/// Takes the browser back from GitHub, and to the dashboard: where the sign-in did not succeed, with the reason's code
/// as `github`. Without a state, as after the App's installation, the sign-in starts anew.
#[utoipa::path(
    get, path = "/api/v1/github/callback", tag = "github",
    params(
        ("code" = Option<String>, Query),
        ("state" = Option<String>, Query),
        ("error" = Option<String>, Query),
    ),
    responses((status = 303, description = "To the dashboard."))
)]
async fn finish(app: App, person: Person, Query(query): Query<CallbackQuery>) -> ApiResult<Response> {
    let Some(state) = query.state else { return see_other("/api/v1/github/authorize") };
    let organization = match find_began(&app, &person, &state).await {
        Ok(organization) => organization,
        Err(problem) => return back(None, Some(&problem)),
    };
    let proved = match (query.error, query.code) {
        (None, Some(code)) => prove(&app, &person, &state, &code).await,
        _ => Err(ApiError::forbidden("github-sign-in-declined", "the sign-in was broken off at GitHub")),
    };
    back(organization, proved.err().as_ref())
}

/// What this browser began with `state`, once.
async fn find_began(app: &App, person: &Person, state: &str) -> ApiResult<Option<OrganizationId>> {
    let session = person.session()?;
    let mut tx = app.db.routing().await?;
    let began = github_sign_ins::take(&mut *tx, &secret::hash(state)).await?;
    tx.commit().await?;
    let began = began.filter(|began| began.session == session && began.user == person.user).ok_or_else(|| {
        ApiError::forbidden("github-state-unknown", "this sign-in was not begun in this browser, or took too long")
    })?;
    Ok(began.organization)
}

/// Keeps what GitHub says of the person.
async fn prove(app: &App, person: &Person, state: &str, code: &SecretString) -> ApiResult<()> {
    let (user, grants) = sign_in(app)?.prove(state, code).await.map_err(github::refuse)?;
    let github_id = i64::try_from(user.id).map_err(ApiError::internal)?;
    let mut tx = app.db.user(person.user).await?;
    match users::set_github(&mut *tx, person.user, github_id, &user.login).await {
        Err(DbError::Exists { .. }) => {
            return Err(ApiError::conflict(
                "github-account-taken",
                format!("another Heddle account proved to be `{}` at GitHub", user.login),
            ));
        }
        other => other?,
    }
    github_grants::replace(&mut tx, person.user, &grants).await?;
    let details = json!({ "repositories": grants.len() });
    audit::record(&mut *tx, None, &person.author(), "github.sign-in", &user.login, details).await?;
    Ok(tx.commit().await?)
}

/// To the page that the person came from, which puts the problem's code into words: a browser shows no JSON.
fn back(organization: Option<OrganizationId>, problem: Option<&ApiError>) -> ApiResult<Response> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(organization) = organization {
        query.append_pair("organization", &organization.to_string());
    }
    if let Some(problem) = problem {
        problem.log();
        query.append_pair("github", &problem.code);
    }
    let query = query.finish();
    see_other(&if query.is_empty() { "/onboarding".to_owned() } else { format!("/onboarding?{query}") })
}

/// Repositories that the asker may bind: those that GitHub named when they signed in there.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/github/repositories", tag = "github",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<AvailableRepository>))
)]
async fn list_available(app: App, member: Member) -> ApiResult<Json<Vec<AvailableRepository>>> {
    let grants = list_grants(&app, &member).await?;
    let mut tx = app.db.organization(member.organization).await?;
    let bound = repositories::list(&mut *tx, member.organization).await?;
    tx.commit().await?;
    let mut shown = Vec::with_capacity(grants.len());
    for grant in grants {
        let url = canonical_url(&app, &grant.name)?;
        shown.push(AvailableRepository {
            installation_id: grant.installation_id,
            connected: bound.iter().any(|repository| repository.url == url),
            name: grant.name,
            default_branch: grant.default_branch,
            private: grant.private,
        });
    }
    Ok(Json(shown))
}

/// What the member proved at GitHub within the last hour.
pub(super) async fn list_grants(app: &App, member: &Member) -> ApiResult<Vec<github_grants::Grant>> {
    // What a person proved at GitHub is their account's: no token speaks for it.
    member.person.session()?;
    sign_in(app)?;
    let user = member.person.user;
    let mut tx = app.db.user(user).await?;
    let proved_at = users::find_github_proof(&mut *tx, user).await?;
    let grants = github_grants::list(&mut *tx, user).await?;
    tx.commit().await?;
    if proved_at.is_none_or(|at| Utc::now() - at > PROOF) {
        return Err(ApiError::forbidden(
            "github-sign-in-needed",
            "sign in at GitHub first, so that only repositories of yours are offered",
        ));
    }
    Ok(grants)
}

/// The address under which a repository is known to agents and webhooks.
pub(super) fn canonical_url(app: &App, name: &RepoName) -> ApiResult<RepoUrl> {
    super::clusters::clone_url(app, name)?.to_string().try_into().map_err(ApiError::internal)
}

fn sign_in(app: &App) -> ApiResult<&SignIn> {
    app.github.as_ref().ok_or_else(|| {
        ApiError::unavailable("github-not-configured", "no GitHub App is configured here (HEDDLE_GITHUB_APP_ID)")
    })
}

fn see_other(target: &str) -> ApiResult<Response> {
    let target = HeaderValue::from_str(target).map_err(ApiError::internal)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, target)]).into_response())
}
