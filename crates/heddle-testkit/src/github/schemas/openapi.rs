//! REST against GitHub's OpenAPI 3.0 description.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Validators;
use crate::github::Exchange;

/// Errors that every operation may answer, whether it lists them or not.
const COMMON_ERRORS: [u16; 4] = [401, 403, 404, 422];

pub(super) fn check(openapi: &Value, validators: &Validators, exchange: &Exchange) -> Vec<String> {
    let path = exchange.path.trim_start_matches("/api/v3");
    let method = exchange.method.to_lowercase();
    let Some((template, operation)) = operation(openapi, &method, path) else {
        // What GitHub does not know, the stand-in must not know either.
        return if exchange.status == 404 {
            Vec::new()
        } else {
            vec![format!("{method} {path}: GitHub has no such operation")]
        };
    };
    let what = format!("{method} {template} {}", exchange.status);
    let fits =
        |what: &str, schema: &Value, value: &Value| validators.violations(what, || closed(openapi, schema), value);
    let mut faults = Vec::new();
    let success = (200..300).contains(&exchange.status);
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if success && schema.is_object() && !exchange.request.is_null() {
        faults.extend(
            unknown_fields(schema, &exchange.request).into_iter().map(|f| format!("{what}: unknown field `{f}`")),
        );
        faults.extend(fits(&format!("{what} request"), schema, &exchange.request));
    }
    let responses = &operation["responses"];
    let listed = &responses[exchange.status.to_string()];
    let response = match (listed, listed["$ref"].as_str()) {
        (Value::Null, _) if exchange.status == 304 => return faults,
        (Value::Null, _) if COMMON_ERRORS.contains(&exchange.status) => {
            let error = json!({"$ref": "#/components/schemas/basic-error"});
            faults.extend(fits(&what, &error, &exchange.response));
            return faults;
        }
        (Value::Null, _) => {
            faults.push(format!("{what}: GitHub does not answer with this status"));
            return faults;
        }
        (_, Some(reference)) => openapi.pointer(&reference[1..]).unwrap_or(&Value::Null),
        (response, None) => response,
    };
    match response["content"]["application/json"].get("schema") {
        Some(schema) => faults.extend(fits(&what, &mended(template, schema), &exchange.response)),
        None if success && !exchange.response.is_null() => faults.push(format!("{what}: GitHub answers no body")),
        None => {}
    }
    faults
}

/// The operation of the template with the most literal segments. The last placeholder may stand for several segments.
fn operation<'a>(openapi: &'a Value, method: &str, path: &str) -> Option<(&'a str, &'a Value)> {
    let segments: Vec<&str> = path.split('/').collect();
    let literal = |template: &str| -> Option<usize> {
        let template: Vec<&str> = template.split('/').collect();
        let open_ended = template.last().is_some_and(|last| last.starts_with('{'));
        if template.len() != segments.len() && !(open_ended && template.len() < segments.len()) {
            return None;
        }
        let pairs = template.iter().zip(&segments);
        let fits = pairs.clone().all(|(want, have)| want.starts_with('{') || want == have);
        fits.then(|| pairs.filter(|(want, have)| want == have).count())
    };
    let paths = openapi["paths"].as_object()?;
    let best = paths
        .iter()
        .filter(|(_, item)| item.get(method).is_some())
        .filter_map(|(template, item)| Some((literal(template)?, template, item)))
        .max_by_key(|(literal, template, _)| (*literal, template.split('/').count()))?;
    Some((best.1, &best.2[method]))
}

/// The description of this one list asks that an account be a user and an enterprise at once, which none is; that of a
/// single installation is right.
fn mended(template: &str, schema: &Value) -> Value {
    match template {
        "/app/installations" => json!({"type": "array", "items": {"$ref": "#/components/schemas/installation"}}),
        _ => schema.clone(),
    }
}

/// GitHub ignores unknown fields, so a misspelt one would go unseen.
fn unknown_fields(schema: &Value, request: &Value) -> Vec<String> {
    let (Some(known), Some(sent)) = (schema["properties"].as_object(), request.as_object()) else { return Vec::new() };
    sent.keys().filter(|field| !known.contains_key(*field)).cloned().collect()
}

/// A schema with everything that it refers to.
fn closed(openapi: &Value, schema: &Value) -> Value {
    let schemas: Value = reachable(&openapi["components"], "schemas", schema, "")
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.clone(), nullable(schema)))
        .collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "allOf": [nullable(schema)],
        "components": {"schemas": schemas},
    })
}

/// The part of `root[folder]` that `start` refers to, directly or not: compiling all of it takes seconds.
pub(super) fn reachable(root: &Value, folder: &str, start: &Value, name: &str) -> Value {
    let (mut found, mut open) = (BTreeSet::new(), vec![start]);
    if !name.is_empty() {
        found.insert(name.to_owned());
    }
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                let target = object.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next());
                if let Some(target) = target.filter(|target| found.insert((*target).to_owned())) {
                    open.extend(root[folder].get(target));
                }
                open.extend(object.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    let kept: Map<String, Value> =
        found.into_iter().filter_map(|name| Some((name.clone(), root[folder].get(&name)?.clone()))).collect();
    Value::Object(kept)
}

/// OpenAPI 3.0 says `nullable` where JSON Schema says "or null".
fn nullable(schema: &Value) -> Value {
    let inner = match schema {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), nullable(value))).collect(),
        Value::Array(items) => return items.iter().map(nullable).collect(),
        other => return other.clone(),
    };
    if schema["nullable"] == true {
        json!({"anyOf": [Value::Object(inner), {"type": "null"}]})
    } else {
        Value::Object(inner)
    }
}
