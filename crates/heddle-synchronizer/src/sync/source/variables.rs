//! The values that a Sync puts in for variables.

use heddle_kube::sync::{Substitute, VariableKind};
use heddle_manifest::substitute::{Unset, Variables};
use serde_json::{Map, Value, json};

use super::Asker;

/// Values for variables, and what of them must not be told.
#[derive(Clone, PartialEq)]
pub(super) struct Given {
    pub variables: Variables,
    /// The values that come from Secrets, as a Secret.
    pub secrets: Value,
}

/// Reads the values as they are now; none where the Sync asks for no substitution. A fault comes as a sentence.
pub(super) async fn read(asker: &Asker) -> Result<Option<Given>, String> {
    let Some(Substitute { values, from, lenient }) = &asker.sync.spec.substitute else { return Ok(None) };
    let mut variables = Variables::new(if *lenient { Unset::Empty } else { Unset::Refused });
    let mut secrets = Map::new();
    for source in from {
        let name = format!("the {:?} `{}` of `spec.substitute`", source.kind, source.name);
        let found = asker.client.find_texts(asker.ctx.own.namespace(), source).await;
        let Some(texts) = found.map_err(|error| format!("{name} cannot be read: {error}"))? else {
            if source.optional {
                continue;
            }
            return Err(format!("{name} does not exist"));
        };
        for (key, value) in texts {
            variables.set(&key, &value).map_err(|error| format!("{name}: {error}"))?;
            if source.kind == VariableKind::Secret {
                secrets.insert(format!("{}/{key}", source.name), value.into());
            }
        }
    }
    for (key, value) in values {
        variables.set(key, value).map_err(|error| format!("`spec.substitute.values`: {error}"))?;
    }
    Ok(Some(Given { variables, secrets: json!({"kind": "Secret", "stringData": secrets}) }))
}
