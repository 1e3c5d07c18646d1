//! Health of a kind by CEL expressions, in the form of Flux's `healthCheckExprs`.
//!
//! A generation that its controller has not observed is progress. Then `inProgress`, `failed` and `current` are asked in
//! this order, and the first that is true decides; none is progress too. The members of the object at its top are the
//! variables. Source: `fluxcd/pkg/runtime/cel`.

use std::collections::HashMap;

use cel::{Context, ExecutionError, Program, objects::Key};
use serde::Deserialize;
use serde_json::Value;

use super::{Verdict, conditions};

/// The expressions of one kind, as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthExpressions {
    /// The `apiVersion` of the objects.
    #[serde(default)]
    pub api_version: String,
    /// Their kind; empty for every kind of the version.
    #[serde(default)]
    pub kind: String,
    /// True while there is work to do.
    #[serde(default)]
    pub in_progress: Option<String>,
    /// True when it will not get well by itself.
    #[serde(default)]
    pub failed: Option<String>,
    /// True when it is as it should be.
    pub current: String,
}

/// Expressions that were read.
pub struct Expressions {
    api_version: String,
    kind: String,
    in_progress: Option<Expression>,
    failed: Option<Expression>,
    current: Expression,
}

struct Expression {
    text: String,
    program: Program,
}

/// Why expressions gave no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is no CEL.
    #[error("`{text}` cannot be read: {fault}")]
    Syntax {
        /// The expression.
        text: String,
        /// What is wrong with it.
        fault: String,
    },
    /// It failed on this object.
    #[error("`{text}` cannot be evaluated: {fault}")]
    Evaluation {
        /// The expression.
        text: String,
        /// What went wrong.
        fault: String,
    },
}

impl Expressions {
    /// Reads the expressions of a kind.
    ///
    /// # Errors
    /// When one of them is no CEL.
    pub fn read(written: &HealthExpressions) -> Result<Self, ExpressionError> {
        let optional = |text: &Option<String>| text.as_deref().map(Expression::read).transpose();
        Ok(Self {
            api_version: written.api_version.clone(),
            kind: written.kind.clone(),
            in_progress: optional(&written.in_progress)?,
            failed: optional(&written.failed)?,
            current: Expression::read(&written.current)?,
        })
    }

    /// Whether they are meant for this object.
    pub fn fit(&self, object: &Value) -> bool {
        object["apiVersion"] == self.api_version.as_str() && (self.kind.is_empty() || object["kind"] == *self.kind)
    }

    /// Judges an object.
    ///
    /// # Errors
    /// When an expression that had to be asked fails or is neither true nor false.
    pub fn judge(&self, object: &Value) -> Result<Verdict, ExpressionError> {
        if let Some(verdict) = conditions::generation(object) {
            return Ok(verdict);
        }
        let mut context = Context::default();
        for (name, value) in object.as_object().into_iter().flatten() {
            context.add_variable_from_value(name.as_str(), as_cel(value));
        }
        let holds = |expression: &Expression| match expression.absent_root(object) {
            Some(path) => Err(expression.fault(format!("no such attribute(s): {path}"))),
            None => expression.holds(&context),
        };
        let asks = |expression: &Option<Expression>| expression.as_ref().map_or(Ok(false), holds);
        if asks(&self.in_progress)? {
            return Ok(Verdict::progressing("InProgress", "its expression `inProgress` is true"));
        }
        if asks(&self.failed)? {
            return Ok(Verdict::degraded("Failed", "its expression `failed` is true"));
        }
        if holds(&self.current)? {
            return Ok(Verdict::healthy("Current"));
        }
        Ok(Verdict::progressing("NotCurrent", "its expression `current` is not true"))
    }
}

impl Expression {
    fn read(text: &str) -> Result<Self, ExpressionError> {
        let fault = |fault: String| ExpressionError::Syntax { text: text.to_owned(), fault };
        let program = Program::compile(text).map_err(|error| fault(error.to_string()))?;
        Ok(Self { text: text.to_owned(), program })
    }

    fn fault(&self, fault: String) -> ExpressionError {
        ExpressionError::Evaluation { text: self.text.clone(), fault }
    }

    /// The path in a `has(…)` that begins with a member which the object does not have. CEL counts that as an error,
    /// because only the end of a path is asked for.
    fn absent_root(&self, object: &Value) -> Option<String> {
        let asked = self.text.split("has(").skip(1).filter_map(|rest| rest.split(['.', ')']).next()).map(str::trim);
        let absent = |name: &&str| !self.text.contains(&format!("({name},")) && object.get(*name).is_none();
        asked.into_iter().find(absent).map(|name| self.attribute(name))
    }

    fn holds(&self, context: &Context<'_, '_>) -> Result<bool, ExpressionError> {
        let fault = |fault: String| self.fault(fault);
        match self.program.execute(context) {
            Ok(cel::Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err(fault("it is neither true nor false".to_owned())),
            Err(ExecutionError::NoSuchKey(key)) => Err(fault(format!("no such key: {key}"))),
            Err(ExecutionError::UndeclaredReference(name)) => {
                Err(fault(format!("no such attribute(s): {}", self.attribute(&name))))
            }
            Err(error) => Err(fault(error.to_string())),
        }
    }

    /// The whole path in the expression that begins with a name, without a method that is called on it.
    fn attribute(&self, name: &str) -> String {
        let is_path = |char: char| char.is_alphanumeric() || char == '_' || char == '.';
        let starts = self.text.match_indices(name).map(|(start, _)| start);
        let start = starts.into_iter().find(|start| !self.text[..*start].ends_with(is_path));
        let rest = start.map_or(name, |start| &self.text[start..]);
        let end = rest.find(|char| !is_path(char)).unwrap_or(rest.len());
        let path = &rest[..end];
        match path.rsplit_once('.') {
            Some((owner, _)) if rest[end..].starts_with('(') => owner.to_owned(),
            _ => path.to_owned(),
        }
    }
}

/// Whole numbers are `int`, as they are when Kubernetes evaluates CEL.
fn as_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => cel::Value::Int(value),
            (None, Some(value)) => cel::Value::UInt(value),
            (None, None) => cel::Value::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => cel::Value::String(text.clone().into()),
        Value::Array(items) => cel::Value::List(items.iter().map(as_cel).collect::<Vec<_>>().into()),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| (Key::String(key.clone().into()), as_cel(value)));
            cel::Value::Map(members.collect::<HashMap<_, _>>().into())
        }
    }
}
