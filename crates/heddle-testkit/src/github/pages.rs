//! The pages for people: repositories, pull requests with their diff and a Merge button, sign-in.

use std::collections::HashMap;

use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{
    Shared,
    git::FileChange,
    model::{AccountKind, PullRequest, State as Stored},
    rest, secret,
};

const SESSION: &str = "stand_in_session";

/// `GET /`
pub(crate) async fn home(State(shared): State<Shared>) -> Html<String> {
    let state = shared.state();
    let item = |name: String| format!("<li><a href=\"/{0}\">{0}</a></li>", escape(&name));
    let items: String = state.repositories.values().map(|r| item(r.full_name())).collect();
    Html(frame("Repositories", &format!("<ul>{items}</ul>")))
}

/// `GET /login`
pub(crate) async fn login(
    State(shared): State<Shared>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Html<String> {
    let back = parameters.get("return_to").map_or("/", String::as_str);
    let state = shared.state();
    let people = state.accounts.values().filter(|account| account.kind == AccountKind::User);
    let button = |login: &str| format!("<button name=login value=\"{0}\">Sign in as {0}</button> ", escape(login));
    let buttons: String = people.map(|account| button(&account.login)).collect();
    let body = format!(
        "<form method=post action=\"/login\"><input type=hidden name=return_to value=\"{}\">{buttons}</form>",
        escape(back)
    );
    Html(frame("Sign in", &body))
}

/// `POST /login`
pub(crate) async fn sign_in(State(shared): State<Shared>, Form(form): Form<HashMap<String, String>>) -> Response {
    let login = form.get("login").cloned().unwrap_or_default();
    let session = secret(32);
    let mut state = shared.state();
    if state.account(&login).is_none() {
        return Redirect::to("/login").into_response();
    }
    state.sessions.insert(session.clone(), login);
    // Only a path of this site, so that the form sends nobody elsewhere.
    let back = form.get("return_to").filter(|to| to.starts_with('/') && !to.starts_with("//"));
    let cookie = format!("{SESSION}={session}; Path=/; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, cookie)], Redirect::to(back.map_or("/", String::as_str))).into_response()
}

/// `GET /{owner}/{repo}` and its list of pull requests.
pub(crate) async fn repository(State(shared): State<Shared>, Path((owner, name)): Path<(String, String)>) -> Response {
    let state = shared.state();
    let Some(repository) = state.repository(&format!("{owner}/{name}")) else { return missing() };
    let full = escape(&repository.full_name());
    let item = |p: &PullRequest| {
        format!(
            "<li><a href=\"/{full}/pull/{0}\">#{0} {1}</a> <span>{2}</span></li>",
            p.number,
            escape(&p.title),
            condition(p)
        )
    };
    let items: String = repository.pulls.values().rev().map(item).collect();
    Html(frame(&full, &format!("<h2>Pull requests</h2><ul>{items}</ul>"))).into_response()
}

/// `GET /{owner}/{repo}/pull/{number}`
pub(crate) async fn pull(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Response {
    let found = {
        let state = shared.state();
        let repository = state.repository(&format!("{owner}/{name}")).cloned();
        let viewer = shared.viewer(&state, &headers);
        repository.and_then(|r| Some((r.pulls.get(&number)?.clone(), r, viewer)))
    };
    let Some((pull, repository, viewer)) = found else { return missing() };
    let Ok(facts) = shared.pull_facts(repository.id, number).await else { return missing() };
    let path = format!("/{}/pull/{number}", escape(&repository.full_name()));
    let action = match (pull.is_open(), viewer) {
        (false, _) => String::new(),
        (true, None) => format!("<p><a href=\"/login?return_to={path}\">Sign in to merge</a></p>"),
        (true, Some(viewer)) if facts.mergeable == Some(false) => {
            format!("<p>This branch has conflicts that must be resolved, {}.</p>", escape(&viewer))
        }
        (true, Some(viewer)) => format!(
            "<form method=post action=\"{path}/merge\"><button>Merge pull request</button> \
             <button formaction=\"{path}/close\">Close pull request</button> <span>as {}</span></form>",
            escape(&viewer)
        ),
    };
    let files: String = facts.files.iter().map(file).collect();
    let comments: String = repository
        .comments
        .values()
        .filter(|c| c.number == number)
        .map(|c| format!("<article><b>{}</b><pre>{}</pre></article>", escape(&c.user), escape(&c.body)))
        .collect();
    let body = format!(
        "<p><b>{}</b> · {} wants to merge {} commit(s) into <code>{}</code> from <code>{}</code></p><pre>{}</pre>{comments}{action}{files}",
        condition(&pull),
        escape(&pull.user),
        facts.commits,
        escape(&pull.base),
        escape(&pull.head),
        escape(pull.body.as_deref().unwrap_or_default())
    );
    Html(frame(&format!("{} #{number}", escape(&pull.title)), &body)).into_response()
}

/// `POST /{owner}/{repo}/pull/{number}/{action}`, where the action is `merge` or `close`.
pub(crate) async fn act(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((owner, name, number, action)): Path<(String, String, u64, String)>,
) -> Response {
    let path = format!("/{owner}/{name}/pull/{number}");
    let found = {
        let state = shared.state();
        state.repository(&format!("{owner}/{name}")).cloned().zip(shared.viewer(&state, &headers))
    };
    let Some((repository, viewer)) = found else {
        return Redirect::to(&format!("/login?return_to={path}")).into_response();
    };
    let result = match action.as_str() {
        "merge" => rest::merge(&shared, &repository, number, &viewer, rest::MergeRequest::default()).await.map(|_| ()),
        "close" => shared.close_pull(&repository, number, &viewer).await,
        _ => return missing(),
    };
    match result {
        Ok(()) => Redirect::to(&path).into_response(),
        Err(error) => {
            (error.status, Html(frame("Refused", &format!("<p>{}</p>", escape(&error.message))))).into_response()
        }
    }
}

fn condition(pull: &PullRequest) -> &'static str {
    match (&pull.merged, pull.is_open()) {
        (Some(_), _) => "Merged",
        (None, true) => "Open",
        (None, false) => "Closed",
    }
}

fn file(change: &FileChange) -> String {
    let line = |text: &str| {
        let class = match text.chars().next() {
            Some('+') => "added",
            Some('-') => "removed",
            Some('@') => "hunk",
            _ => "same",
        };
        format!("<span class={class}>{}</span>", escape(text))
    };
    let patch: String = change.patch.iter().flat_map(|p| p.lines()).map(line).collect();
    format!("<section><h3>{}</h3><pre class=diff>{patch}</pre></section>", escape(&change.path))
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, Html(frame("Not found", "<p>There is nothing here.</p>"))).into_response()
}

/// Text that is safe in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A whole page. `title` is already safe.
pub(crate) fn frame(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title} · GitHub stand-in</title><style>{STYLE}</style><header><a href=\"/\">GitHub stand-in</a></header>\
         <main><h1>{title}</h1>{body}</main></html>"
    )
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#1c2128;background:#fff}\
header{padding:12px 24px;background:#1c2128}header a{color:#fff;text-decoration:none;font-weight:600}\
main{max-width:960px;margin:24px auto;padding:0 24px}section{border:1px solid #d0d7de;border-radius:8px;margin:16px 0}\
h3{font:600 13px ui-monospace,monospace;margin:0;padding:8px 12px;border-bottom:1px solid #d0d7de}\
pre{font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap;margin:0;padding:8px 12px}.diff span{display:block}\
.added{background:#dafbe1}.removed{background:#ffebe9}.hunk{color:#57606a}\
button{font:inherit;padding:6px 14px;border-radius:6px;border:1px solid #1a7f37;background:#1a7f37;color:#fff;cursor:pointer}\
button[formaction]{background:#fff;color:#1c2128;border-color:#d0d7de}";

impl Shared {
    /// Who looks at a page: the session's user, else the one that the stand-in was started for.
    pub(crate) fn viewer(&self, state: &Stored, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get(header::COOKIE).and_then(|c| c.to_str().ok()).unwrap_or_default();
        let session = cookies.split("; ").find_map(|c| c.strip_prefix(SESSION)?.strip_prefix('='));
        session.and_then(|session| state.sessions.get(session).cloned()).or_else(|| self.usual_viewer.clone())
    }
}
