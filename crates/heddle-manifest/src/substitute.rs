//! Variables in objects, in the dialect that Flux reads: `${name}`, defaults, and what a shell can do with a value.
//!
//! An object is read as if it stood in a file without quotes where YAML needs none: a whole value `${port}` becomes what
//! its text is to a YAML reader, so that a number may come from a variable; within a longer or quoted text the value is
//! put in as it is. It must not know where values come from.

mod expression;
mod operation;

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use self::expression::Part;
use crate::documents::parse_document;

/// An object with one of these labels or annotations, set to `disabled`, is left as it is.
const SWITCHES: [&str; 2] = ["heddle.dev/substitute", "kustomize.toolkit.fluxcd.io/substitute"];

/// What happens where a variable has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// It is empty.
    Empty,
    /// It is an error, unless a default stands there.
    Refused,
}

/// Variables with their values, which may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
    unset: Unset,
}

/// Why a text was left as it is. No message holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    /// A variable has no value, and no default stands there.
    #[error("the variable `{0}` is not set, and `${{{0}:=…}}` gives no default")]
    NotSet(String),
    /// It is no expression.
    #[error("`{text}` is no substitution: {reason}; write `$${{` for a `${{` that stays")]
    Malformed {
        /// The expression, from its `${` on.
        text: String,
        /// Why.
        reason: &'static str,
    },
    /// What came out is no value.
    #[error("it is no YAML once variables are put in")]
    NotYaml,
    /// It is no name of a variable.
    #[error("`{0}` is no name of a variable: write letters, digits and `_`, a digit not first")]
    BadName(String),
}

/// A value of an object that could not be substituted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {error}")]
pub struct SubstituteFault {
    /// The way to the value: `spec.replicas`.
    pub field: String,
    /// Why.
    pub error: SubstituteError,
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variables({} values, unset: {:?})", self.values.len(), self.unset)
    }
}

impl Variables {
    /// No variables yet.
    pub fn new(unset: Unset) -> Self {
        Self { values: BTreeMap::new(), unset }
    }

    /// Gives a variable a value, in the place of an earlier one. Line feeds are taken out, as Flux does.
    ///
    /// # Errors
    /// When it is no name of a variable.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SubstituteError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_word) {
            return Err(SubstituteError::BadName(name.to_owned()));
        }
        self.values.insert(name.to_owned(), value.replace('\n', ""));
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Puts values into a text.
    ///
    /// # Errors
    /// When an expression in it cannot be read, or a variable is not set and has to be.
    pub fn expand(&self, text: &str) -> Result<String, SubstituteError> {
        if !text.contains('$') {
            return Ok(text.to_owned());
        }
        let mut expanded = String::with_capacity(text.len());
        for part in expression::read(text)? {
            self.write(&part, &mut expanded)?;
        }
        Ok(expanded)
    }

    /// Puts values into an object, unless a label or annotation of it forbids that.
    ///
    /// # Errors
    /// With all values that could not be substituted; the object is then half done and must not be used.
    pub fn substitute(&self, object: &mut Value) -> Result<(), Vec<SubstituteFault>> {
        if is_switched_off(object) {
            return Ok(());
        }
        let mut faults = Vec::new();
        self.value(object, "", &mut faults);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn value(&self, value: &mut Value, field: &str, faults: &mut Vec<SubstituteFault>) {
        match value {
            Value::String(text) if text.contains('$') => match self.scalar(text) {
                Ok(new) => *value = new,
                Err(error) => faults.push(SubstituteFault { field: field.to_owned(), error }),
            },
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(item, &format!("{field}[{index}]"), faults);
                }
            }
            Value::Object(fields) => {
                let dot = if field.is_empty() { "" } else { "." };
                for (key, value) in fields.iter_mut() {
                    self.value(value, &format!("{field}{dot}{key}"), faults);
                }
                if fields.keys().any(|key| key.contains('$')) {
                    let renamed = std::mem::take(fields).into_iter().map(|(key, value)| match self.expand(&key) {
                        Ok(key) => (key, value),
                        Err(error) => {
                            faults.push(SubstituteFault { field: format!("{field}{dot}{key}"), error });
                            (key, value)
                        }
                    });
                    *fields = renamed.collect();
                }
            }
            _ => {}
        }
    }

    /// A text that needs no quotes is read again with its values in it.
    fn scalar(&self, text: &str) -> Result<Value, SubstituteError> {
        let expanded = self.expand(text)?;
        let read = |text: &str| parse_document(&format!("value: {text}\n")).ok().map(|mut read| read["value"].take());
        let is_plain = read(text).is_some_and(|read| read == *text);
        if is_plain { read(&expanded).ok_or(SubstituteError::NotYaml) } else { Ok(Value::String(expanded)) }
    }

    fn write(&self, part: &Part, to: &mut String) -> Result<(), SubstituteError> {
        let expression = match part {
            Part::Text(text) => {
                to.push_str(text);
                return Ok(());
            }
            Part::Expression(expression) => expression,
        };
        let value = self.values.get(&expression.name).map(String::as_str);
        if value.is_none() && self.unset == Unset::Refused && !expression.operation.has_default() {
            return Err(SubstituteError::NotSet(expression.name.clone()));
        }
        let mut arguments = Vec::new();
        for argument in &expression.arguments {
            let mut text = String::new();
            self.write(argument, &mut text)?;
            arguments.push(text);
        }
        to.push_str(&expression.operation.apply(value.unwrap_or_default(), &arguments));
        Ok(())
    }
}

fn is_switched_off(object: &Value) -> bool {
    ["labels", "annotations"]
        .iter()
        .any(|place| SWITCHES.iter().any(|switch| object["metadata"][*place][*switch] == "disabled"))
}

#[cfg(test)]
mod tests;
