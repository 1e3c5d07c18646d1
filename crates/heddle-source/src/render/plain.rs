//! Plain YAML and JSON, read as kubectl reads them.

use heddle_manifest::documents::read_documents;
use serde_json::Value;

use super::{RenderError, Rendered, RenderedObject};

/// More documents than this in one file are refused.
const MAX_DOCUMENTS: usize = 20_000;

/// Reads the objects of a file.
pub(super) fn read_file(file: &str, bytes: &[u8], rendered: &mut Rendered) {
    let fail = |line, message: String| RenderError { file: Some(file.to_owned()), line, message };
    let Ok(text) = std::str::from_utf8(bytes) else {
        rendered.errors.push(fail(None, "it is not UTF-8".to_owned()));
        return;
    };
    let mut found = false;
    for (count, document) in read_documents(text).enumerate() {
        if count == MAX_DOCUMENTS {
            rendered.errors.push(fail(Some(document.line), format!("it has more than {MAX_DOCUMENTS} documents")));
            return;
        }
        match document.value {
            Ok(Value::Null) => {}
            Ok(value) => {
                found |= take(value, file, document.line, rendered);
            }
            Err(error) => {
                found = true;
                rendered.errors.push(fail(Some(error.line), error.message));
            }
        }
    }
    if !found {
        rendered.notes.push(format!("{file} holds no manifests and was passed over"));
    }
}

/// Takes an object, or each of a list, in. Says whether it was meant as a manifest.
fn take(value: Value, file: &str, line: u32, rendered: &mut Rendered) -> bool {
    let mut fail = |message: &str| {
        let (file, message) = (Some(file.to_owned()), message.to_owned());
        rendered.errors.push(RenderError { file, line: Some(line), message });
        true
    };
    match (value["apiVersion"].as_str(), value["kind"].as_str()) {
        (None, None) => return false,
        (Some(_), None) => return fail("it has an `apiVersion` and no `kind`"),
        (None, Some(_)) => return fail("it has a `kind` and no `apiVersion`"),
        (Some(_), Some(kind)) if kind.ends_with("List") && value["items"].is_array() => {
            let Value::Object(mut list) = value else { return true };
            if let Some(Value::Array(items)) = list.remove("items") {
                for item in items {
                    take(item, file, line, rendered);
                }
            }
            return true;
        }
        (Some(_), Some(_)) => {}
    }
    if value["metadata"]["name"].as_str().is_none_or(str::is_empty) {
        return fail("it has no `metadata.name`");
    }
    rendered.objects.push(RenderedObject { value, file: Some(file.to_owned()), line: Some(line) });
    true
}
