//! Objects in local files, as kubectl reads them.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, anyhow};
use heddle_manifest::documents::read_documents;
use serde_json::Value;

/// Reads a file, or stdin where it is `-`.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let context = || format!("could not read {}", path.display());
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("could not read stdin")?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(context)
}

/// Every object of a file; the members of lists stand for themselves.
///
/// # Errors
/// With all documents that are broken, at once, each with its line.
pub(crate) fn read_objects(path: &Path) -> anyhow::Result<Vec<Value>> {
    let mut objects = Vec::new();
    let mut faults = Vec::new();
    for document in read_documents(&read_text(path)?) {
        match document.value {
            Ok(value) => {
                if let Err(fault) = flatten(value, &mut objects) {
                    faults.push(format!("{}:{}: {fault}", path.display(), document.line));
                }
            }
            Err(error) => faults.push(format!("{}:{}: {}", path.display(), error.line, error.message)),
        }
    }
    if !faults.is_empty() {
        return Err(anyhow!("{}", faults.join("; ")));
    }
    if objects.is_empty() {
        return Err(anyhow!("{} holds no objects", path.display()));
    }
    Ok(objects)
}

fn flatten(value: Value, objects: &mut Vec<Value>) -> Result<(), &'static str> {
    match value {
        Value::Null => Ok(()),
        Value::Array(items) => items.into_iter().try_for_each(|item| flatten(item, objects)),
        Value::Object(mut object) => {
            let is_list = object.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
            match object.remove("items") {
                Some(Value::Array(items)) if is_list => items.into_iter().try_for_each(|item| flatten(item, objects)),
                items => {
                    object.extend(items.map(|items| ("items".to_owned(), items)));
                    objects.push(Value::Object(object));
                    Ok(())
                }
            }
        }
        _ => Err("it is no object"),
    }
}
