//! The GraphQL API: the two mutations that write branches, and the queries that a bot needs beside them.

mod document;
mod mutations;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) use self::document::{Field, parse};
use super::{Shared, auth::Caller, error::ApiError, model::Level};
use crate::github::rest::Body;

#[derive(Deserialize)]
pub(crate) struct Request {
    query: String,
    #[serde(default)]
    variables: Map<String, Value>,
}

/// An entry of `errors`; its `type` is not in the specification of GraphQL, but GitHub's.
#[derive(Debug)]
pub(crate) struct GraphError {
    kind: &'static str,
    message: String,
}

impl GraphError {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<anyhow::Error> for GraphError {
    fn from(error: anyhow::Error) -> Self {
        tracing::error!("the GitHub stand-in failed: {error:#}");
        Self::new("INTERNAL", format!("Something went wrong while executing your query: {error:#}"))
    }
}

impl From<ApiError> for GraphError {
    fn from(error: ApiError) -> Self {
        match error.status.as_u16() {
            404 => Self::new("NOT_FOUND", error.message),
            401 | 403 => Self::new("FORBIDDEN", error.message),
            _ => Self::new("UNPROCESSABLE", error.message),
        }
    }
}

type GraphResult<T = Value> = Result<T, GraphError>;

/// The name of the first field that a request asks for.
pub(crate) fn operation(body: &[u8]) -> Option<String> {
    let request: Request = serde_json::from_slice(body).ok()?;
    parse(&request.query).ok()?.fields.into_iter().next().map(|field| field.name)
}

/// `POST /api/graphql`: 200 also for errors, which stand beside `data`.
pub(crate) async fn answer(State(shared): State<Shared>, caller: Caller, Body(request): Body<Request>) -> Response {
    if matches!(caller, Caller::Anonymous) {
        return ApiError::new(axum::http::StatusCode::UNAUTHORIZED, "This endpoint requires you to be authenticated.")
            .into_response();
    }
    let operation = match parse(&request.query) {
        Ok(operation) => operation,
        Err(message) => return Json(json!({"errors": [{"message": message}]})).into_response(),
    };
    let (mut data, mut errors) = (Map::new(), Vec::new());
    for field in &operation.fields {
        let result = match resolve(&shared, &caller, operation.mutation, field, &request.variables).await {
            Ok(value) => field.project(&value).map_err(|message| GraphError::new("undefinedField", message)),
            Err(error) => Err(error),
        };
        let value = result.unwrap_or_else(|error| {
            errors.push(json!({
                "type": error.kind, "path": [field.key()], "message": error.message,
                "locations": [{"line": field.line, "column": field.column}],
            }));
            Value::Null
        });
        data.insert(field.key().to_owned(), value);
    }
    let mut body = json!({"data": data});
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    Json(body).into_response()
}

async fn resolve(
    shared: &Shared,
    caller: &Caller,
    mutation: bool,
    field: &Field,
    variables: &Map<String, Value>,
) -> GraphResult {
    let arguments = field.arguments(variables).map_err(|message| GraphError::new("missingVariable", message))?;
    match (mutation, field.name.as_str()) {
        (true, "createCommitOnBranch") => mutations::create_commit_on_branch(shared, caller, &arguments["input"]).await,
        (true, "updateRefs") => mutations::update_refs(shared, caller, &arguments["input"]).await,
        (false, "viewer") => Ok(json!({"login": caller.login()})),
        (false, "repository") => repository(shared, caller, &arguments).await,
        (_, name) => Err(GraphError::new(
            "undefinedField",
            format!("Field '{name}' doesn't exist on type '{}'", if mutation { "Mutation" } else { "Query" }),
        )),
    }
}

async fn repository(shared: &Shared, caller: &Caller, arguments: &Map<String, Value>) -> GraphResult {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = format!("{}/{}", text("owner"), text("name"));
    let found = caller.need(&shared.state(), &name, "metadata", Level::Read);
    let repository = found.map_err(|_| {
        GraphError::new("NOT_FOUND", format!("Could not resolve to a Repository with the name '{name}'."))
    })?;
    let head = repository.git.resolve(&format!("refs/heads/{}", repository.default_branch)).await?;
    Ok(json!({
        "id": repository.node_id(), "name": repository.name, "nameWithOwner": repository.full_name(),
        "isPrivate": repository.private,
        "defaultBranchRef": head.map(|oid| json!({"name": repository.default_branch, "target": {"oid": oid}})),
    }))
}
