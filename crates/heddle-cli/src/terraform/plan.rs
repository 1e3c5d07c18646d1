//! What a plan says: `terraform show -json FILE`.
//!
//! Rules: "JSON Output Format" of Terraform and OpenTofu, `format_version` 1. Within a major version members are only added,
//! so unknown ones are passed over, and an unknown action counts as a change.

use std::collections::BTreeMap;

use heddle_core::drift::Deviation;
use heddle_reconcile::diff::Mask;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::{Side, differences, marked};
use crate::{secrets::Secrets, told::Told};

/// What a plan says, with everything hidden that it calls secret.
pub(crate) struct Look {
    /// The version of the program that made it.
    pub(crate) version: String,
    /// What somebody changed outside.
    pub(crate) drift: Vec<Told>,
    /// What the configuration wants and is not there yet.
    pub(crate) changes: Vec<Told>,
    /// Outputs that an apply would change.
    pub(crate) outputs: Vec<Told>,
    /// Data sources that only an apply reads.
    pub(crate) data: Vec<String>,
    /// Objects that get another address.
    pub(crate) moves: Vec<Move>,
    /// Objects that are taken over.
    pub(crate) imports: Vec<Import>,
    /// What the program put off, and so nobody looked at.
    pub(crate) not_looked_at: Vec<String>,
    /// Whether planning failed on the way, so that the plan is not whole.
    pub(crate) is_errored: bool,
    /// All that the plan calls secret.
    pub(crate) secrets: Secrets,
    /// Whether there is any.
    pub(crate) has_secrets: bool,
}

/// An object that gets another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Move {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// An object that is taken over as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Import {
    pub(crate) object: String,
    /// The id by which its provider knows it.
    pub(crate) id: String,
}

impl Look {
    /// Whether an apply would do anything.
    pub(crate) fn wants_apply(&self) -> bool {
        !(self.changes.is_empty() && self.outputs.is_empty() && self.moves.is_empty() && self.imports.is_empty())
    }

    /// Whether all is as the configuration says.
    pub(crate) fn is_same(&self) -> bool {
        self.drift.is_empty() && !self.wants_apply() && self.not_looked_at.is_empty()
    }
}

/// Why a plan cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// Another program, or one that is too new.
    #[error("the plan has format_version `{0}`, and 1 is understood: update `heddle`")]
    Format(String),
    /// It is no plan. The fault may repeat a value of it, so only its place is told.
    #[error("what `show -json` printed is no plan: line {0}, column {1}")]
    NoPlan(usize, usize),
}

#[derive(Deserialize)]
struct PlanJson {
    format_version: String,
    #[serde(default)]
    terraform_version: String,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default)]
    planned_values: Value,
    #[serde(default)]
    resource_drift: Vec<ResourceChange>,
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    deferred_changes: Vec<DeferredChange>,
    #[serde(default)]
    output_changes: BTreeMap<String, Change>,
    #[serde(default)]
    prior_state: Value,
    #[serde(default)]
    configuration: Value,
    #[serde(default)]
    errored: bool,
    /// Terraform says since 1.8 whether a plan is of everything.
    #[serde(default = "yes")]
    complete: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Variable {
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct DeferredChange {
    resource_change: ResourceChange,
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    previous_address: Option<String>,
    #[serde(default)]
    mode: String,
    deposed: Option<String>,
    change: Change,
    action_reason: Option<String>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    before_sensitive: Value,
    #[serde(default)]
    after_sensitive: Value,
    importing: Option<Importing>,
}

#[derive(Deserialize)]
struct Importing {
    #[serde(default)]
    id: String,
}

/// What stands for objects that a plan does not name.
pub(crate) const REST: &str = "whatever the plan leaves out";

/// Reads a plan. Secret values get fingerprints of `mask`.
///
/// # Errors
/// When the text is no plan, or of a format that is not known.
pub(crate) fn read_plan(text: &[u8], mask: Mask) -> Result<Look, PlanError> {
    let plan: PlanJson =
        serde_json::from_slice(text).map_err(|error| PlanError::NoPlan(error.line(), error.column()))?;
    if plan.format_version.split('.').next() != Some("1") {
        return Err(PlanError::Format(plan.format_version.chars().take(20).collect()));
    }
    let found = secret_values(&plan);
    let has_secrets = !found.is_empty();
    let secrets = Secrets::of(found, mask);
    let mut look = Look {
        version: secrets.hide(&plan.terraform_version),
        drift: plan.resource_drift.iter().filter_map(|one| drifted(one, &secrets)).collect(),
        changes: Vec::new(),
        outputs: plan.output_changes.iter().filter_map(|(name, change)| output(name, change, &secrets)).collect(),
        data: Vec::new(),
        moves: Vec::new(),
        imports: Vec::new(),
        not_looked_at: plan.deferred_changes.iter().map(|one| secrets.hide(&one.resource_change.name())).collect(),
        is_errored: plan.errored,
        secrets,
        has_secrets,
    };
    plan.resource_changes.iter().for_each(|one| look.take(one));
    if !plan.complete && look.not_looked_at.is_empty() {
        look.not_looked_at.push(REST.to_owned());
    }
    Ok(look)
}

impl Look {
    fn take(&mut self, one: &ResourceChange) {
        let (name, secrets) = (self.secrets.hide(&one.name()), &self.secrets);
        if let Some(from) = one.previous_address.as_ref().filter(|from| **from != one.address) {
            self.moves.push(Move { from: secrets.hide(from), to: name.clone() });
        }
        if let Some(importing) = &one.change.importing {
            self.imports.push(Import { object: name.clone(), id: secrets.hide(&importing.id) });
        }
        match one.change.state() {
            Some(_) if one.mode == "data" => self.data.push(name),
            Some(state) => self.changes.push(Told {
                object: name,
                state,
                reason: one.action_reason.as_ref().map(|reason| secrets.hide(&why(reason))),
                differences: one.change.wanted(state, secrets),
            }),
            None if one.change.actions == ["read"] => self.data.push(name),
            None => {}
        }
    }
}

fn drifted(one: &ResourceChange, secrets: &Secrets) -> Option<Told> {
    // What is there came after; what is wanted is what stood there when it was last looked at.
    let state = match one.change.state()? {
        Deviation::Unwanted | Deviation::Forgotten => Deviation::Missing,
        _ => Deviation::Changed,
    };
    let (wanted, found) = one.change.sides();
    let differences = if state == Deviation::Missing { Vec::new() } else { differences(wanted, found, secrets) };
    Some(Told { object: secrets.hide(&one.name()), state, reason: None, differences })
}

fn output(name: &str, change: &Change, secrets: &Secrets) -> Option<Told> {
    let state = change.state()?;
    let mut differences = change.wanted(state, secrets);
    // An output is a value itself; a path into it begins with its only member.
    for one in &mut differences {
        let joint = if one.path.is_empty() || one.path.starts_with('[') { "" } else { "." };
        one.path = format!("value{joint}{}", one.path);
    }
    Some(Told { object: secrets.hide(&format!("output.{name}")), state, reason: None, differences })
}

/// `replace_because_cannot_update` in words; what is done stands beside it.
fn why(reason: &str) -> String {
    let reason = reason.split_once("_because_").map_or(reason, |(_, reason)| reason);
    reason.replace('_', " ")
}

impl ResourceChange {
    fn name(&self) -> String {
        self.deposed.as_ref().map_or_else(|| self.address.clone(), |key| format!("{} (deposed {key})", self.address))
    }
}

impl Change {
    /// What the actions come to; `None` when nothing changes.
    fn state(&self) -> Option<Deviation> {
        let actions: Vec<&str> = self.actions.iter().map(String::as_str).collect();
        match actions[..] {
            [] | ["no-op" | "read"] => None,
            ["create"] => Some(Deviation::Missing),
            ["delete"] => Some(Deviation::Unwanted),
            ["forget"] => Some(Deviation::Forgotten),
            [_, _, ..] => Some(Deviation::Replaced),
            _ => Some(Deviation::Changed),
        }
    }

    /// Before and after.
    fn sides(&self) -> (Side<'_>, Side<'_>) {
        let before = Side { value: &self.before, secret: &self.before_sensitive, unknown: &Value::Null };
        (before, Side { value: &self.after, secret: &self.after_sensitive, unknown: &self.after_unknown })
    }

    fn wanted(&self, state: Deviation, secrets: &Secrets) -> Vec<heddle_reconcile::diff::Difference> {
        let (before, after) = self.sides();
        match state {
            Deviation::Unwanted | Deviation::Forgotten => Vec::new(),
            _ => differences(after, before, secrets),
        }
    }
}

/// Every value that the plan calls secret, wherever it stands.
fn secret_values(plan: &PlanJson) -> Vec<&Value> {
    let mut found = Vec::new();
    for (name, variable) in &plan.variables {
        if plan.configuration["root_module"]["variables"][name]["sensitive"] == true {
            found.push(&variable.value);
        }
    }
    given_to_modules(&plan.configuration["root_module"], &mut found);
    let resources = plan.resource_drift.iter().chain(&plan.resource_changes);
    let deferred = plan.deferred_changes.iter().map(|one| &one.resource_change);
    let changes = resources.chain(deferred).map(|one| &one.change).chain(plan.output_changes.values());
    for change in changes {
        marked(&change.before, &change.before_sensitive, &mut found);
        marked(&change.after, &change.after_sensitive, &mut found);
    }
    for values in [&plan.planned_values, &plan.prior_state["values"]] {
        for output in values["outputs"].as_object().into_iter().flat_map(|outputs| outputs.values()) {
            if output["sensitive"] == true {
                found.push(&output["value"]);
            }
        }
        marked_in_module(&values["root_module"], &mut found);
    }
    found.retain(|value| !value.is_null());
    found
}

/// What the configuration itself gives to secret variables of modules.
fn given_to_modules<'a>(module: &'a Value, found: &mut Vec<&'a Value>) {
    for call in module["module_calls"].as_object().into_iter().flat_map(|calls| calls.values()) {
        for (name, variable) in call["module"]["variables"].as_object().into_iter().flatten() {
            if variable["sensitive"] == true {
                found.extend([&call["expressions"][name]["constant_value"], &variable["default"]]);
            }
        }
        given_to_modules(&call["module"], found);
    }
}

fn marked_in_module<'a>(module: &'a Value, found: &mut Vec<&'a Value>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        marked(&resource["values"], &resource["sensitive_values"], found);
    }
    module["child_modules"].as_array().into_iter().flatten().for_each(|child| marked_in_module(child, found));
}

#[cfg(test)]
mod tests;
