//! The web sign-in of an App's users.

use std::collections::HashMap;

use aws_lc_rs::digest;
use axum::{
    Form, Json,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use url::Url;

use super::{
    Shared,
    model::{Code, Grant, Token},
    pages, secret,
};

/// A code is good for ten minutes, a token for eight hours.
/// <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app>
const CODE_LIFE: TimeDelta = TimeDelta::minutes(10);
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(8);

type Parameters = HashMap<String, String>;

/// `GET /login/oauth/authorize`: asks the person.
pub(crate) async fn ask(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Response {
    let state = shared.state();
    let client = parameters.get("client_id").map_or("", String::as_str);
    let Some(app) = state.apps.values().find(|app| app.client_id == client) else {
        return (StatusCode::NOT_FOUND, Html(pages::frame("Not found", "<p>No App has this client id.</p>")))
            .into_response();
    };
    let people = state.accounts.values().filter(|a| a.kind == super::model::AccountKind::User);
    let viewer = shared.viewer(&state, &headers);
    let option = |login: &str| {
        let chosen = if viewer.as_deref() == Some(login) { " selected" } else { "" };
        format!("<option{chosen}>{}</option>", pages::escape(login))
    };
    let options: String = people.map(|account| option(&account.login)).collect();
    let hidden: String = parameters
        .iter()
        .map(|(name, value)| {
            format!("<input type=hidden name=\"{}\" value=\"{}\">", pages::escape(name), pages::escape(value))
        })
        .collect();
    let body = format!(
        "<p><b>{}</b> wants to know who you are.</p><form method=post action=\"/login/oauth/authorize\">{hidden}\
         <label>Sign in as <select name=login>{options}</select></label> <button>Authorize {}</button></form>",
        pages::escape(&app.slug),
        pages::escape(&app.slug)
    );
    Html(pages::frame("Authorize", &body)).into_response()
}

/// `POST /login/oauth/authorize`: the person agrees.
pub(crate) async fn agree(State(shared): State<Shared>, Form(parameters): Form<Parameters>) -> Response {
    match shared.grant_code(&parameters, parameters.get("login").map_or("", String::as_str)) {
        Ok(url) => Redirect::to(url.as_str()).into_response(),
        Err(message) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Html(pages::frame("Refused", &format!("<p>{}</p>", pages::escape(&message)))),
        )
            .into_response(),
    }
}

/// `POST /login/oauth/access_token`: 200 also for errors; JSON where `Accept` asks for it, else a form.
pub(crate) async fn exchange(State(shared): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let parameters: Parameters = match serde_json::from_str::<HashMap<String, Value>>(&body) {
        Ok(json) => json.into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned()))).collect(),
        Err(_) => url::form_urlencoded::parse(body.as_bytes()).into_owned().collect(),
    };
    let answer = shared.exchange(&parameters).unwrap_or_else(|(code, description)| {
        json!({"error": code, "error_description": description, "error_uri": "https://docs.github.com/apps/"})
    });
    let wants_json = headers.get("accept").and_then(|a| a.to_str().ok()).is_some_and(|a| a.contains("json"));
    if wants_json {
        return Json(answer).into_response();
    }
    let pairs = answer
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), v.as_str().map_or_else(|| v.to_string(), str::to_owned)));
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    ([("content-type", "application/x-www-form-urlencoded")], text).into_response()
}

impl Shared {
    /// The address that the person's browser goes back to, with a fresh code.
    pub(crate) fn grant_code(&self, parameters: &Parameters, login: &str) -> Result<Url, String> {
        let mut state = self.state();
        let client = parameters.get("client_id").map_or("", String::as_str);
        let app = state.apps.values().find(|app| app.client_id == client).ok_or("no App has this client id")?;
        let registered = app.callback_url.clone().ok_or("the App has no callback URL")?;
        let registered: Url = registered.parse().map_err(|_| "the App's callback URL is no URL")?;
        let wanted = match parameters.get("redirect_uri") {
            Some(wanted) => wanted.parse().map_err(|_| "redirect_uri is no URL")?,
            None => registered.clone(),
        };
        if wanted.origin() != registered.origin() || !wanted.path().starts_with(registered.path()) {
            return Err("The redirect_uri is not associated with this application.".into());
        }
        let app = app.id;
        if !state.account(login).is_some_and(|a| a.kind == super::model::AccountKind::User) {
            return Err(format!("nobody is called {login}"));
        }
        let code = secret(20);
        let granted = Code {
            app,
            login: login.to_owned(),
            redirect_uri: parameters.get("redirect_uri").cloned(),
            challenge: parameters.get("code_challenge").cloned(),
            expires_at: Utc::now() + CODE_LIFE,
        };
        state.codes.insert(code.clone(), granted);
        let mut url = wanted;
        url.query_pairs_mut().append_pair("code", &code);
        if let Some(state) = parameters.get("state") {
            url.query_pairs_mut().append_pair("state", state);
        }
        Ok(url)
    }

    fn exchange(&self, parameters: &Parameters) -> Result<Value, (&'static str, &'static str)> {
        let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
        let mut state = self.state();
        let app = state.apps.values().find(|app| app.client_id == parameter("client_id"));
        let app = app.filter(|app| app.client_secret == parameter("client_secret"));
        let app =
            app.ok_or(("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."))?.id;
        let login = if parameter("grant_type") == "refresh_token" {
            let found = state.refresh_tokens.remove(parameter("refresh_token")).filter(|(owner, _)| *owner == app);
            found.ok_or(("bad_refresh_token", "The refresh token passed is incorrect or expired."))?.1
        } else {
            let wrong = ("bad_verification_code", "The code passed is incorrect or expired.");
            let code = state
                .codes
                .remove(parameter("code"))
                .filter(|c| c.app == app && c.expires_at > Utc::now())
                .ok_or(wrong)?;
            if code
                .redirect_uri
                .as_deref()
                .is_some_and(|uri| parameters.get("redirect_uri").is_some_and(|given| given != uri))
            {
                return Err((
                    "redirect_uri_mismatch",
                    "The redirect_uri MUST match the registered callback URL for this application.",
                ));
            }
            let hash = |verifier: &str| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
            if code.challenge.is_some_and(|challenge| hash(parameter("code_verifier")) != challenge) {
                return Err(wrong);
            }
            code.login
        };
        let (token, refresh) = (format!("ghu_{}", secret(36)), format!("ghr_{}", secret(76)));
        let grant = Grant::User { login: login.clone(), app: Some(app) };
        state.tokens.insert(token.clone(), Token { grant, expires_at: Utc::now() + TOKEN_LIFE });
        state.refresh_tokens.insert(refresh.clone(), (app, login));
        Ok(json!({
            "access_token": token, "expires_in": TOKEN_LIFE.num_seconds(), "refresh_token": refresh,
            "refresh_token_expires_in": 15_897_600, "token_type": "bearer", "scope": "",
        }))
    }
}
