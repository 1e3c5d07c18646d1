//! The routes, one module a concern, and the only way to add one: with its permission.

use axum::{Extension, Router, extract::DefaultBodyLimit, middleware::from_fn, routing::MethodRouter};
use utoipa::openapi::{
    Content, OpenApi, Ref, ResponseBuilder,
    extensions::Extensions,
    path::{Operation, PathItem},
    security::SecurityRequirement,
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::{
    guard::{self, Gate},
    permission::Permission,
};

pub mod accounts;
pub mod agent;
pub mod automator;
pub mod changes;
pub mod clusters;
pub mod drift;
pub mod events;
pub mod github;
pub mod identity;
pub mod insight;
pub mod installation;
pub mod invitations;
pub mod members;
pub mod meta;
pub mod organizations;
pub mod own_automators;
pub mod receivers;
pub mod registries;
pub mod reporters;
pub mod repositories;
pub mod requests;
pub mod revisions;
pub mod webhooks;
pub mod workloads;

/// All routes of the API.
pub fn all() -> Routes {
    Routes::new()
        .merge(meta::routes())
        .merge(installation::routes())
        .merge(accounts::routes())
        .merge(organizations::routes())
        .merge(members::routes())
        .merge(invitations::routes())
        .merge(github::routes())
        .merge(repositories::routes())
        .merge(receivers::routes())
        .merge(registries::routes())
        .merge(own_automators::routes())
        .merge(clusters::routes())
        .merge(drift::routes())
        .merge(reporters::routes())
        .merge(identity::routes())
        .merge(events::routes())
        .merge(workloads::routes())
        .merge(insight::routes())
        .merge(changes::routes())
        .merge(requests::routes())
        .merge(revisions::routes())
        .merge(agent::routes())
        .merge(automator::routes())
        .merge(webhooks::routes())
}

/// Routes with their permissions and their part of the OpenAPI document.
pub struct Routes(OpenApiRouter);

impl Routes {
    /// No routes yet.
    pub fn new() -> Self {
        Self(OpenApiRouter::new())
    }

    /// Adds what `routes!(handler)` made, for those who have `permission`. A body is as large as
    /// [`Permission::body_limit_bytes`] says.
    #[must_use]
    pub fn add(self, permission: Permission, route: UtoipaMethodRouter) -> Self {
        self.add_large(permission, permission.body_limit_bytes(), route)
    }

    /// As [`Routes::add`], for a route that takes bodies of up to `limit_bytes`.
    #[must_use]
    pub fn add_large(self, permission: Permission, limit_bytes: usize, route: UtoipaMethodRouter) -> Self {
        let (schemas, mut paths, router) = route;
        let mut takes_body = false;
        for item in paths.paths.values_mut() {
            for operation in operations(item) {
                declare(operation, permission);
                takes_body |= operation.request_body.is_some();
            }
        }
        let gate = Gate { permission, body_limit_bytes: if takes_body { limit_bytes } else { 0 } };
        // The guard has read the body within its limit.
        let router = router.layer(DefaultBodyLimit::disable());
        // Only calls of a method that the route has are asked for a permission; another method is 405 for anybody.
        let router: MethodRouter = router.route_layer(from_fn(guard::guard)).route_layer(Extension(gate));
        Self(self.0.routes((schemas, paths, router)))
    }

    /// Adds the routes of a module.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self(self.0.merge(other.0))
    }

    /// The router, and the paths and schemas for the document.
    pub fn split(self) -> (Router, OpenApi) {
        self.0.split_for_parts()
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

/// The operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// Writes into the document who may call the operation, and how it fails.
fn declare(operation: &mut Operation, permission: Permission) {
    operation.security = Some(match permission.schemes() {
        [] => Vec::new(),
        schemes => schemes.iter().map(|scheme| SecurityRequirement::new(*scheme, Vec::<String>::new())).collect(),
    });
    // One alone: several have no order of their own, and the document would differ from run to run.
    operation
        .extensions
        .get_or_insert_default()
        .merge(Extensions::from_iter([("x-heddle-permission", permission.word())]));
    let problem = ResponseBuilder::new()
        .description("Why it was not done.")
        .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))))
        .build();
    operation.responses.responses.entry("default".to_owned()).or_insert_with(|| problem.into());
}
