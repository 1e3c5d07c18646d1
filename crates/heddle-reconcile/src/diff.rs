//! What differs between an object as it is wanted and as the cluster has it.
//!
//! Only what is wanted is compared: defaults, status and whatever else the server or another writer added do not show.
//! List elements are matched by their key, as the API server merges them; quantities and numbers that may be texts are
//! compared by value. Values of Secrets never come out: a fingerprint shows that they differ.

mod keys;
mod secret;
mod value;

use serde::Serialize;
use serde_json::Value;

pub use secret::Mask;

/// One place that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where: `spec.template.spec.containers[name=api].image`.
    pub path: String,
    /// What the cluster has; `None` when nothing is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// What is wanted; `None` for an element that is not wanted any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<Value>,
}

/// Members of an object that only the server writes.
const SERVERS_OWN: [&str; 8] = [
    "status",
    "metadata.managedFields",
    "metadata.resourceVersion",
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.generation",
    "metadata.selfLink",
    "metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]",
];

/// Every place where `live` is not as `desired` wants it, in the order of the object. Values of Secrets are masked.
pub fn diff(desired: &Value, live: &Value, mask: &Mask) -> Vec<Difference> {
    let mut differences = Vec::new();
    let (desired, live) = (secret::readable(desired), secret::readable(live));
    compare("", &desired, Some(&live), &mut differences);
    if desired["kind"] == "Secret" {
        differences.iter_mut().for_each(|difference| mask.hide(difference));
    }
    differences
}

/// Every place that an apply would change: `after` is what the API server says that would come of it. Values of Secrets are
/// masked.
pub fn changes(after: &Value, live: &Value, mask: &Mask) -> Vec<Difference> {
    let mut changes = diff(after, live, mask);
    let gone = diff(live, after, mask).into_iter().filter(|difference| difference.live.is_none());
    // What stands in `live` and not in `after` is taken away.
    changes.extend(gone.map(|gone| Difference { path: gone.path, live: gone.desired, desired: None }));
    changes
}

/// Whether two states of an object mean the same, apart from what only the server writes: nothing, and a map or a list
/// without members, are one, since many kinds are kept so that they cannot be told apart. The order of lists counts.
pub fn is_same(a: &Value, b: &Value) -> bool {
    same("", a, b)
}

fn same(path: &str, a: &Value, b: &Value) -> bool {
    if SERVERS_OWN.contains(&path) || value::are_equal(path, a, b) {
        return true;
    }
    let none = Value::Null;
    match (a, b) {
        (Value::Object(first), Value::Object(second)) => first.keys().chain(second.keys()).all(|key| {
            let (a, b) = (first.get(key).unwrap_or(&none), second.get(key).unwrap_or(&none));
            same(&member(path, key), a, b)
        }),
        (Value::Array(first), Value::Array(second)) => {
            let at = |index: usize| format!("{path}[{index}]");
            first.len() == second.len()
                && first.iter().zip(second).enumerate().all(|(index, (a, b))| same(&at(index), a, b))
        }
        // Of a map that is there on one side only it is asked what is in it.
        (Value::Object(members), Value::Null) | (Value::Null, Value::Object(members)) => {
            members.iter().all(|(key, inner)| same(&member(path, key), inner, &none))
        }
        _ => false,
    }
}

fn compare(path: &str, desired: &Value, live: Option<&Value>, differences: &mut Vec<Difference>) {
    if SERVERS_OWN.contains(&path) {
        return;
    }
    let Some(live) = live.filter(|live| !live.is_null()) else {
        if !value::is_nothing(desired) {
            differences.push(Difference { path: path.to_owned(), live: None, desired: Some(desired.clone()) });
        }
        return;
    };
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => {
            for (key, desired) in desired {
                compare(&member(path, key), desired, live.get(key), differences);
            }
        }
        (Value::Array(desired), Value::Array(live)) => compare_lists(path, desired, live, differences),
        _ if value::are_equal(path, desired, live) => {}
        _ => {
            let (live, desired) = (Some(live.clone()), Some(desired.clone()));
            differences.push(Difference { path: path.to_owned(), live, desired });
        }
    }
}

fn compare_lists(path: &str, desired: &[Value], live: &[Value], differences: &mut Vec<Difference>) {
    let Some(key) = keys::find(path, desired, live) else {
        if desired.len() == live.len() {
            for (index, (desired, live)) in desired.iter().zip(live).enumerate() {
                compare(&format!("{path}[{index}]"), desired, Some(live), differences);
            }
        } else {
            let (live, desired) = (Some(live.to_vec().into()), Some(desired.to_vec().into()));
            differences.push(Difference { path: path.to_owned(), live, desired });
        }
        return;
    };
    for element in desired {
        let name = key.name(element);
        let other = live.iter().find(|other| key.name(other) == name);
        compare(&format!("{path}[{name}]"), element, other, differences);
    }
    for element in live.iter().filter(|_| !key.others_may_add()) {
        let name = key.name(element);
        if !desired.iter().any(|other| key.name(other) == name) {
            let (path, live) = (format!("{path}[{name}]"), Some(element.clone()));
            differences.push(Difference { path, live, desired: None });
        }
    }
}

/// `a.b`, and `a[b.c/d]` where the key is no plain word.
pub fn member(path: &str, key: &str) -> String {
    let is_plain = key.chars().all(|char| char.is_alphanumeric() || char == '_' || char == '-');
    match (path, is_plain) {
        ("", _) => key.to_owned(),
        (_, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key}]"),
    }
}

/// Differences as lines for people: `-` is what the cluster has, `+` what is wanted.
pub fn as_text(differences: &[Difference]) -> String {
    let mut text = String::new();
    for difference in differences {
        text.push_str(&format!("  {}\n", difference.path));
        for (sign, value) in [('-', &difference.live), ('+', &difference.desired)] {
            if let Some(value) = value {
                text.push_str(&format!("    {sign} {value}\n"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
