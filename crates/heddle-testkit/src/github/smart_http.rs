//! Git over HTTP: `git http-backend` behind the same rights as the API.

use std::process::Stdio;

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::io::AsyncWriteExt;

use super::{
    Shared,
    auth::Caller,
    git::ZERO,
    model::{Level, Repository},
    moves::Move,
};

/// `/{owner}/{name}.git/info/refs`, `…/git-upload-pack`, `…/git-receive-pack`.
pub(crate) async fn serve(
    State(shared): State<Shared>,
    Path((owner, name, service)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let writes = service == "git-receive-pack" || query == "service=git-receive-pack";
    let caller = match Caller::identify(&shared.state(), request.headers()) {
        Ok(caller) => caller,
        Err(_) => return refuse(),
    };
    let full_name = format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(&name));
    let level = if writes { Level::Write } else { Level::Read };
    let found = caller.need(&shared.state(), &full_name, "contents", level);
    let repository = match found {
        Ok(repository) => repository,
        // Git asks for a login only after 401; GitHub does not say whether a private repository exists.
        Err(_) if matches!(caller, Caller::Anonymous) => return refuse(),
        Err(error) => return (error.status, format!("{}\n", error.message)).into_response(),
    };
    let result = if service == "git-receive-pack" {
        receive(&shared, &repository, caller.login().unwrap_or_default(), request).await
    } else {
        backend(&repository, &service, &query, request).await
    };
    result.unwrap_or_else(|error| {
        tracing::error!("the GitHub stand-in failed: {error:#}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

fn refuse() -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"GitHub\"")], "Repository not found.\n")
        .into_response()
}

/// A push: what moved is known by looking before and after.
async fn receive(shared: &Shared, repository: &Repository, login: &str, request: Request) -> anyhow::Result<Response> {
    let _moving = repository.moving.lock().await;
    let before = repository.git.refs("refs").await?;
    let response = backend(repository, "git-receive-pack", "", request).await?;
    let after = repository.git.refs("refs").await?;
    let in_before = |name: &str| before.iter().find(|(known, _)| known == name).map(|(_, sha)| sha.clone());
    let mut moves: Vec<Move> = after
        .iter()
        .map(|(name, sha)| Move {
            reference: name.clone(),
            before: in_before(name).unwrap_or_else(|| ZERO.into()),
            after: sha.clone(),
        })
        .filter(|moved| moved.before != moved.after)
        .collect();
    let gone = before.iter().filter(|(name, _)| !after.iter().any(|(kept, _)| kept == name));
    moves.extend(gone.map(|(name, sha)| Move { reference: name.clone(), before: sha.clone(), after: ZERO.into() }));
    shared.follow(repository, &moves, login).await?;
    Ok(response)
}

/// Runs `git http-backend` as a CGI program.
async fn backend(repository: &Repository, service: &str, query: &str, request: Request) -> anyhow::Result<Response> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let text = |name: HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let path = format!("{}/{service}", repository.git.dir.display());
    let mut child = repository
        .git
        .command()
        .arg("http-backend")
        .env_remove("GIT_DIR")
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_TRANSLATED", path)
        .env("REQUEST_METHOD", if parts.method == Method::POST { "POST" } else { "GET" })
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(HeaderName::from_static("git-protocol")))
        .env("REMOTE_USER", "stand-in")
        .stdin(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            stdin.write_all(&body).await.ok();
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    Ok(cgi_response(&output?.stdout))
}

fn cgi_response(output: &[u8]) -> Response {
    let end = output.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(output.len());
    let (head, body) = (&output[..end], output.get(end + 4..).unwrap_or_default());
    let mut response = Response::new(Body::from(body.to_vec()));
    for line in String::from_utf8_lossy(head).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|code| code.parse().ok());
            *response.status_mut() =
                code.and_then(|c| StatusCode::from_u16(c).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        } else if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
