//! GraphQL requests against GitHub's schema: arguments, input objects, selections.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::github::graphql::{Field, parse};

/// Types by name, as introspection answers them.
#[derive(Debug)]
pub(super) struct Types(HashMap<String, Value>);

impl From<&Value> for Types {
    fn from(introspection: &Value) -> Self {
        let types = introspection["__schema"]["types"].as_array().cloned().unwrap_or_default();
        Self(types.into_iter().filter_map(|t| Some((t["name"].as_str()?.to_owned(), t))).collect())
    }
}

impl Types {
    /// What does not fit in a request.
    pub fn check(&self, request: &Value) -> Vec<String> {
        let operation = match parse(request["query"].as_str().unwrap_or_default()) {
            Ok(operation) => operation,
            Err(error) => return vec![format!("graphql: {error}")],
        };
        let root = if operation.mutation { "Mutation" } else { "Query" };
        let none = Map::new();
        let variables = request["variables"].as_object().unwrap_or(&none);
        let mut faults = Vec::new();
        for field in &operation.fields {
            self.field(root, field, variables, &mut faults);
        }
        faults
    }

    fn field(&self, owner: &str, field: &Field, variables: &Map<String, Value>, faults: &mut Vec<String>) {
        let name = &field.name;
        let Some(known) = find(&self.0[owner]["fields"], name) else {
            faults.push(format!("graphql: `{owner}` has no field `{name}`"));
            return;
        };
        match field.arguments(variables) {
            Ok(arguments) => self.inputs(&format!("{owner}.{name}"), &known["args"], &arguments, faults),
            Err(error) => faults.push(format!("graphql: {error}")),
        }
        let inner = named(&known["type"]);
        for part in &field.fields {
            self.field(inner, part, variables, faults);
        }
    }

    /// Checks the values given for arguments or for an input object's fields.
    fn inputs(&self, place: &str, known: &Value, given: &Map<String, Value>, faults: &mut Vec<String>) {
        for name in given.keys().filter(|name| find(known, name).is_none()) {
            faults.push(format!("graphql: `{place}` takes no `{name}`"));
        }
        for input in known.as_array().into_iter().flatten() {
            let name = input["name"].as_str().unwrap_or_default();
            self.input(&format!("{place}.{name}"), &input["type"], given.get(name).unwrap_or(&Value::Null), faults);
        }
    }

    fn input(&self, place: &str, kind: &Value, given: &Value, faults: &mut Vec<String>) {
        if kind["kind"] == "NON_NULL" {
            if given.is_null() {
                faults.push(format!("graphql: `{place}` is missing"));
                return;
            }
            return self.input(place, &kind["ofType"], given, faults);
        }
        match (kind["kind"].as_str(), given) {
            (_, Value::Null) => {}
            (Some("LIST"), Value::Array(items)) => {
                items.iter().for_each(|item| self.input(place, &kind["ofType"], item, faults));
            }
            (Some("INPUT_OBJECT"), Value::Object(object)) => {
                self.inputs(place, &self.0[named(kind)]["inputFields"], object, faults);
            }
            (Some("SCALAR"), given) => {
                let fits = match named(kind) {
                    "Boolean" => given.is_boolean(),
                    "Int" => given.is_i64(),
                    "GitObjectID" => given.as_str().is_some_and(|id| id.len() == 40),
                    _ => given.is_string(),
                };
                if !fits {
                    faults.push(format!("graphql: `{place}` is no {}", named(kind)));
                }
            }
            (Some("ENUM"), Value::String(_)) => {}
            _ => faults.push(format!("graphql: `{place}` has another form")),
        }
    }
}

fn find<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|item| item["name"] == name)
}

/// The name of the type within lists and "not null".
fn named(kind: &Value) -> &str {
    let mut kind = kind;
    while kind["ofType"].is_object() {
        kind = &kind["ofType"];
    }
    kind["name"].as_str().unwrap_or_default()
}
