//! The description of the API that the web client, the tests and other people's programs are made from.

use utoipa::{
    PartialSchema,
    openapi::{
        Components, InfoBuilder, OpenApi,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{permission::SESSION_COOKIE, routes};

/// The text that is committed as `web/openapi.json`.
pub fn current() -> String {
    text(&complete(routes::all().split().1))
}

/// Adds what no single route knows.
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Heddle")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Moves each new image from the registry, through Git, into the cluster."))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.schemas.insert("Problem".to_owned(), heddle_wire::problem::Problem::schema());
    components.schemas.insert("FieldProblem".to_owned(), heddle_wire::problem::FieldProblem::schema());
    let bearer = |what: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build())
    };
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
    components.add_security_scheme("session", cookie);
    components.add_security_scheme("token", bearer("An API token."));
    components.add_security_scheme("agent", bearer("A token that the cluster's key signed (EdDSA)."));
    components.add_security_scheme("automator", bearer("The automator token."));
    components.add_security_scheme("reporter", bearer("A reporter's token."));
    document
}

/// The document as text.
pub fn text(document: &OpenApi) -> String {
    let mut text = document.to_pretty_json().expect("a document of strings, maps and numbers is JSON");
    text.push('\n');
    text
}
