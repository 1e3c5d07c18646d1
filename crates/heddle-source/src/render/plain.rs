//! Plain YAML and JSON, read as kubectl reads them.

use heddle_manifest::documents::{line_of, read_documents};
use serde_json::Value;

use super::{RenderError, Rendered, RenderedObject, shape};
use crate::limits::MAX_RENDER_VALUES;

/// More documents than this in one file are refused.
const MAX_DOCUMENTS: usize = 20_000;

/// Reads the objects of a file.
pub(super) fn read_file(file: &str, bytes: &[u8], rendered: &mut Rendered) {
    if rendered.is_full() {
        return;
    }
    let fail = |line, message: String| RenderError { file: Some(file.to_owned()), line, message };
    let Ok(text) = std::str::from_utf8(bytes) else {
        rendered.errors.push(fail(None, "it is not UTF-8".to_owned()));
        return;
    };
    let mut found = false;
    let file = File { name: file, text };
    for (count, document) in read_documents(text).enumerate() {
        if count == MAX_DOCUMENTS {
            rendered.errors.push(fail(Some(document.line), format!("it has more than {MAX_DOCUMENTS} documents")));
            return;
        }
        match document.value {
            Ok(Value::Null) => {}
            Ok(value) if !rendered.admit(&value) => {
                let message = format!(
                    "with it the path holds more than {MAX_RENDER_VALUES} values, so it and all behind it are not read: \
                     split the path"
                );
                rendered.errors.push(fail(Some(document.line), message));
                return;
            }
            Ok(value) => {
                found |= take(value, &file, document.line, "", rendered);
            }
            Err(error) => {
                found = true;
                rendered.errors.push(fail(Some(error.line), error.message));
            }
        }
    }
    if !found {
        rendered.notes.push(format!("{} holds no manifests and was passed over", file.name));
    }
}

/// A file that is read.
struct File<'a> {
    name: &'a str,
    text: &'a str,
}

/// Takes an object, or each of a list, in. Says whether it was meant as a manifest. `inner` is the way to it in its document.
fn take(value: Value, file: &File<'_>, line: u32, inner: &str, rendered: &mut Rendered) -> bool {
    let mut fail = |line: u32, message: String| {
        rendered.withhold(&value);
        rendered.errors.push(RenderError { file: Some(file.name.to_owned()), line: Some(line), message });
        true
    };
    match (value["apiVersion"].as_str(), value["kind"].as_str()) {
        (None, None) => return false,
        (Some(_), None) => return fail(line, "it has an `apiVersion` and no `kind`".to_owned()),
        (None, Some(_)) => return fail(line, "it has a `kind` and no `apiVersion`".to_owned()),
        (Some(_), Some(kind)) if kind.ends_with("List") && value["items"].is_array() => {
            let Value::Object(mut list) = value else { return true };
            if let Some(Value::Array(items)) = list.remove("items") {
                for (index, item) in items.into_iter().enumerate() {
                    take(item, file, line, &format!("{inner}items[{index}]."), rendered);
                }
            }
            return true;
        }
        (Some(_), Some(_)) => {}
    }
    let has = |field: &str| value["metadata"][field].as_str().is_some_and(|text| !text.is_empty());
    if !has("name") && !has("generateName") {
        return fail(line, "it has no `metadata.name`".to_owned());
    }
    let faults = shape::faults(&value);
    if !faults.is_empty() {
        for (field, message) in faults {
            fail(line_of(file.text, line, &format!("{inner}{field}")).unwrap_or(line), message);
        }
        return true;
    }
    rendered.objects.push(RenderedObject { value, file: Some(file.name.to_owned()), line: Some(line) });
    true
}
