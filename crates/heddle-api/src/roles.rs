//! The page that tells who may do what in an organization, made from the permissions of the routes.

use std::fmt::Write as _;

use heddle_wire::view::Role;
use serde_json::Value;

use crate::{
    openapi,
    permission::{parse_role, role_word},
};

const ROLES: [Role; 4] = [Role::Viewer, Role::Operator, Role::Admin, Role::Owner];

const HEAD: &str = "# Roles

Who may do what in an organization. This page is made from the routes' own permissions, and a test calls each route in each
role; it is written anew by `HEDDLE_UPDATE=1 cargo test -p heddle-api roles`.

- An API token may do what its role says, and never more than the person who made it.
- *with a grant*: an operator may where an owner granted the environment to them, under **Settings, Members**. What is asked
  for touches each environment in which a place that it writes counts, so a base that `staging` and `prod` share takes both
  grants. The set is computed when somebody asks, and again on the head that is written; where it grew, nothing is written.
- An operator without a grant may do what a viewer may. Whoever was operator before there were grants has none.
- Admins and owners need no grant.
- A freeze and its end (`POST …/requests`) take the role admin, and so does what touches no environment that is known yet.
- Whoever leaves an organization takes back what they asked for and was not merged.

";

/// What a role may do with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Call it.
    Yes,
    /// Call it, for environments that were granted.
    WithGrant,
    /// Not call it.
    No,
}

/// A route of an organization, and who may call it.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it does.
    pub action: String,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// Its path, with names in braces.
    pub path: String,
    /// What each role may, the least first.
    pub roles: [(Role, May); 4],
}

/// The routes of an organization, in the order of their paths.
pub fn rows() -> Vec<Row> {
    let document: Value = serde_json::from_str(&openapi::current()).unwrap_or_default();
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.filter_map(move |(method, operation)| row(path, method, operation))
    });
    operations.collect()
}

fn row(path: &str, method: &str, operation: &Value) -> Option<Row> {
    let mut words = operation["x-heddle-permission"].as_str()?.strip_prefix("organization:")?.split(':');
    let least = parse_role(words.next()?).ok()?;
    let needs_grant = words.next() == Some("granted");
    let may = |role: Role| match role {
        _ if role < least => May::No,
        Role::Operator if needs_grant => May::WithGrant,
        _ => May::Yes,
    };
    let summary = operation["summary"].as_str().unwrap_or_default();
    Some(Row {
        action: summary.split(['.', ':', ';']).next().unwrap_or_default().trim().replace('|', "\\|"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        roles: ROLES.map(|role| (role, may(role))),
    })
}

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| May | Route |");
    for role in ROLES {
        // Writing to a string does not fail.
        let _ = write!(page, " {} |", role_word(role));
    }
    page.push_str("\n|---|---|---|---|---|---|\n");
    for Row { action, method, path, roles } in rows() {
        let short = path.replace("/api/v1/organizations/{organization}", "…");
        let _ = write!(page, "| {action} | `{method} {short}` |");
        for (_, may) in roles {
            let word = match may {
                May::Yes => "yes",
                May::WithGrant => "with a grant",
                May::No => "–",
            };
            let _ = write!(page, " {word} |");
        }
        page.push('\n');
    }
    page
}
