//! What differs between two values of a plan, with what is secret and what is not known yet.

use heddle_reconcile::diff::{Difference, member};
use serde_json::{Map, Value};

use crate::secrets::Secrets;

/// What stands in the place of a value that only the apply makes.
const UNKNOWN: &str = "(known after apply)";

/// A value with its marks: values of the same form in which `true` stands for a leaf, or for all below it, that is secret or
/// not known yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) value: &'a Value,
    pub(super) secret: &'a Value,
    pub(super) unknown: &'a Value,
}

impl<'a> Side<'a> {
    fn member(self, name: &str) -> Self {
        Self { value: &self.value[name], secret: below(self.secret, name), unknown: below(self.unknown, name) }
    }

    fn item(self, index: usize) -> Self {
        Self { value: &self.value[index], secret: below(self.secret, index), unknown: below(self.unknown, index) }
    }

    fn is_nothing(self) -> bool {
        self.value.is_null() && !holds_mark(self.unknown)
    }

    fn is_object(self) -> bool {
        self.value.is_object() || (self.value.is_null() && self.unknown.is_object())
    }

    fn is_leaf(self) -> bool {
        self.secret == &Value::Bool(true) || self.unknown == &Value::Bool(true)
    }

    /// The names of its members, also of those that are not known yet.
    fn names(self) -> impl Iterator<Item = &'a String> {
        [self.value, self.unknown].into_iter().filter_map(Value::as_object).flat_map(Map::keys)
    }

    /// The value as it may be told; `None` for nothing.
    fn told(self, secrets: &Secrets) -> Option<Value> {
        (!self.is_nothing()).then(|| self.shown(secrets))
    }

    fn shown(self, secrets: &Secrets) -> Value {
        if self.unknown == &Value::Bool(true) {
            return Value::String(UNKNOWN.to_owned());
        }
        if self.secret == &Value::Bool(true) {
            return secrets.fingerprint(self.value);
        }
        match self.value {
            Value::Array(items) => (0..items.len()).map(|index| self.item(index).shown(secrets)).collect(),
            _ if self.is_object() => {
                self.names().map(|name| (secrets.hide(name), self.member(name).shown(secrets))).collect()
            }
            value => secrets.hide_in(value),
        }
    }
}

/// The mark of what is below a mark: one of all is one of each part.
fn below<I: serde_json::value::Index>(mark: &Value, index: I) -> &Value {
    if mark == &Value::Bool(true) { mark } else { &mark[index] }
}

fn holds_mark(mark: &Value) -> bool {
    match mark {
        Value::Bool(mark) => *mark,
        Value::Array(items) => items.iter().any(holds_mark),
        Value::Object(members) => members.values().any(holds_mark),
        _ => false,
    }
}

/// Every place in which `live` is not as `desired`, masked.
pub(super) fn differences(desired: Side<'_>, live: Side<'_>, secrets: &Secrets) -> Vec<Difference> {
    let mut differences = Vec::new();
    compare("", desired, live, secrets, &mut differences);
    differences
}

fn compare(path: &str, desired: Side<'_>, live: Side<'_>, secrets: &Secrets, differences: &mut Vec<Difference>) {
    let are_equal = desired.value == live.value && !holds_mark(desired.unknown) && !holds_mark(live.unknown);
    if are_equal || (desired.is_nothing() && live.is_nothing()) {
        return;
    }
    // Below the top, something against nothing is told as a whole.
    let one_is_nothing = !path.is_empty() && (desired.is_nothing() || live.is_nothing());
    if !(desired.is_leaf() || live.is_leaf() || one_is_nothing) {
        let as_object = |side: Side<'_>| side.is_object() || side.is_nothing();
        if as_object(desired) && as_object(live) {
            let names: std::collections::BTreeSet<&String> = desired.names().chain(live.names()).collect();
            for name in names {
                let path = member(path, &secrets.hide(name));
                compare(&path, desired.member(name), live.member(name), secrets, differences);
            }
            return;
        }
        if let (Value::Array(wanted), Value::Array(there)) = (desired.value, live.value) {
            for index in 0..wanted.len().max(there.len()) {
                let path = format!("{path}[{index}]");
                compare(&path, desired.item(index), live.item(index), secrets, differences);
            }
            return;
        }
    }
    let path = path.to_owned();
    // What is secret on one side is on the other: the mark comes with the value.
    let is_secret = [desired, live].iter().any(|side| side.secret == &Value::Bool(true));
    let told = |side: Side<'_>| {
        let secret = if is_secret { &Value::Bool(true) } else { side.secret };
        Side { secret, ..side }.told(secrets)
    };
    differences.push(Difference { path, live: told(live), desired: told(desired) });
}

/// Every value of `value` that its marks call secret.
pub(super) fn marked<'a>(value: &'a Value, marks: &Value, found: &mut Vec<&'a Value>) {
    match (value, marks) {
        (value, Value::Bool(true)) => found.push(value),
        (Value::Object(members), Value::Object(marks)) => {
            for (name, mark) in marks {
                members.get(name).into_iter().for_each(|value| marked(value, mark, found));
            }
        }
        (Value::Array(items), Value::Array(marks)) => {
            items.iter().zip(marks).for_each(|(value, mark)| marked(value, mark, found));
        }
        _ => {}
    }
}
