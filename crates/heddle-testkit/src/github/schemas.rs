//! GitHub's published descriptions of its API, against which the stand-in's answers and a client's requests are checked.

mod graphql;
mod openapi;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::{Context, anyhow, bail};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Exchange, GitHub};

/// The descriptions of REST, GraphQL and webhooks.
#[derive(Debug)]
pub struct Schemas {
    openapi: Value,
    graphql: graphql::Types,
    webhooks: Value,
    validators: Validators,
}

impl Schemas {
    /// Reads them once a process; `tests/tools/github-schemas.sh` fetches them where they are missing.
    ///
    /// # Errors
    /// When they cannot be fetched or read.
    pub fn load() -> anyhow::Result<&'static Self> {
        static LOADED: OnceLock<Result<Schemas, String>> = OnceLock::new();
        let loaded = LOADED.get_or_init(|| Self::read().map_err(|error| format!("{error:#}")));
        loaded.as_ref().map_err(|error| anyhow!("{error}"))
    }

    fn read() -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools/github-schemas.sh");
        let output = Command::new(&script).stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("could not run {}", script.display()))?;
        if !output.status.success() {
            bail!("{} failed ({}); what it needs stands above", script.display(), output.status);
        }
        let dir = PathBuf::from(String::from_utf8(output.stdout)?.trim());
        let read =
            |name: &str| -> anyhow::Result<Value> { Ok(serde_json::from_slice(&std::fs::read(dir.join(name))?)?) };
        let graphql = graphql::Types::from(&read("graphql.json")?);
        let (openapi, webhooks) = (read("openapi.json")?, read("webhooks.json")?);
        Ok(Self { openapi, graphql, webhooks, validators: Validators::default() })
    }

    /// Checks everything that a stand-in was asked, answered and told so far. Answers what does not fit, none if all does.
    pub fn check(&self, github: &GitHub) -> Vec<String> {
        let mut faults: Vec<String> =
            github.exchanges().iter().flat_map(|exchange| self.check_exchange(exchange)).collect();
        faults.extend(github.deliveries().iter().flat_map(|(event, payload)| self.check_webhook(event, payload)));
        faults.sort();
        faults.dedup();
        faults
    }

    fn check_exchange(&self, exchange: &Exchange) -> Vec<String> {
        if exchange.path == "/api/graphql" {
            return self.graphql.check(&exchange.request);
        }
        openapi::check(&self.openapi, &self.validators, exchange)
    }

    fn check_webhook(&self, event: &str, payload: &Value) -> Vec<String> {
        let name =
            payload["action"].as_str().map_or_else(|| format!("{event}$event"), |action| format!("{event}${action}"));
        if self.webhooks["definitions"].get(&name).is_none() {
            return vec![format!("webhook {name}: GitHub knows no such event")];
        }
        let definition = &self.webhooks["definitions"][&name];
        let schema = || {
            json!({
                "$schema": "http://json-schema.org/draft-07/schema#", "$ref": format!("#/definitions/{name}"),
                "definitions": openapi::reachable(&self.webhooks, "definitions", definition, &name),
            })
        };
        self.validators.violations(&format!("webhook {name}"), schema, payload)
    }
}

/// Compiled schemas by name: compiling one takes longer than a hundred checks.
#[derive(Debug, Default)]
struct Validators(Mutex<HashMap<String, Arc<Validator>>>);

impl Validators {
    /// What does not fit, each with its place.
    fn violations(&self, what: &str, schema: impl FnOnce() -> Value, value: &Value) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(what).cloned();
        let validator = match known {
            Some(validator) => validator,
            None => match jsonschema::options().should_validate_formats(true).build(&schema()) {
                Ok(validator) => {
                    let validator = Arc::new(validator);
                    let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                    all.insert(what.to_owned(), Arc::clone(&validator));
                    validator
                }
                Err(error) => return vec![format!("{what}: the schema cannot be read: {error}")],
            },
        };
        validator.iter_errors(value).map(|error| format!("{what} at `{}`: {error}", error.instance_path())).collect()
    }
}
