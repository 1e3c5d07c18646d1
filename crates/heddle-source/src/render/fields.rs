//! What a kustomization refers to: files, directories and addresses, by the field that they stand in.

use serde_json::Value;

/// Fields of a kustomization whose entries are files or directories of objects.
const REFERENCES: [&str; 3] = ["resources", "components", "bases"];

/// Fields whose entries may be files, directories or inline text; what these hold configures a step of kustomize.
pub(super) const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// Every field, at any depth, in which kustomize's types and its own plugins take a file, a directory or an address:
/// `api/types/kustomization.go`, `generatorargs.go`, `patch.go`, `replacement.go`, `helmchartargs.go`, and the fields of
/// `plugin/builtin`.
const TAKE_FILES: [&str; 19] = [
    "additionalValuesFiles",
    "bases",
    "chartHome",
    "components",
    "configHome",
    "configurations",
    "crds",
    "env",
    "envs",
    "files",
    "generators",
    "patchesStrategicMerge",
    "path",
    "paths",
    "repo",
    "resources",
    "transformers",
    "validators",
    "valuesFile",
];

/// Fields whose content is a person's own, whatever its keys are called.
const OWN_CONTENT: [&str; 8] =
    ["annotations", "commonAnnotations", "commonLabels", "labels", "literals", "options", "patch", "valuesInline"];

/// The files and directories of objects that a kustomization refers to.
pub(crate) fn references(kustomization: &Value) -> Vec<String> {
    let plugins = plugins(kustomization).filter(|text| !is_inline(text));
    REFERENCES.iter().flat_map(|field| texts(kustomization, field)).chain(plugins).map(str::to_owned).collect()
}

/// What a kustomization names as its plugins: files, directories, or their text.
pub(super) fn plugins(kustomization: &Value) -> impl Iterator<Item = &str> {
    PLUGINS.iter().flat_map(|field| texts(kustomization, field))
}

/// Whether an entry is its own text and no file.
pub(super) fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.trim_start().starts_with('{')
}

fn texts<'a>(kustomization: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    kustomization[field].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Every address of another host that stands where a file is wanted, with its field. Kustomize would fetch it.
pub(super) fn remote(value: &Value) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    search(value, None, &mut found);
    found.into_iter().map(|(field, text)| (field, file_in(field, text))).filter(|(_, text)| is_remote(text)).collect()
}

/// Whether what stands in a field may be a directory.
pub(super) fn takes_directories(field: &str) -> bool {
    REFERENCES.contains(&field)
}

/// Whether what stands in a field may come from elsewhere. What configures a step of kustomize names files of whoever uses
/// it, so it has to stand in their own repository; a repository of charts is no file.
pub(super) fn takes_addresses(field: &str) -> bool {
    field != "repo" && !PLUGINS.contains(&field)
}

/// Every path of the same repository that stands where a file is wanted.
pub(crate) fn files(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    search(value, None, &mut found);
    found.into_iter().filter(|(_, text)| is_path(text)).map(|(field, text)| file_in(field, text)).collect()
}

/// Puts other paths in the place of those, and of addresses, where a file is wanted; `other` gives none where it is to stay.
pub(super) fn redirect(value: &mut Value, other: &mut dyn FnMut(&str) -> Option<String>) {
    redirect_in(value, None, other);
}

fn redirect_in(value: &mut Value, field: Option<&str>, other: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            let Some(field) = field.filter(|_| !is_inline(text)) else { return };
            let file = file_in(field, text);
            if is_remote(file) && !takes_addresses(field) {
                return;
            }
            if let Some(path) = other(file) {
                *text = format!("{}{path}", &text[..text.len() - file.len()]);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redirect_in(item, field, other)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut().filter(|(name, _)| !OWN_CONTENT.contains(&name.as_str())) {
                redirect_in(value, Some(name.as_str()).filter(|name| TAKE_FILES.contains(name)), other);
            }
        }
        _ => {}
    }
}

/// Every text that stands where a file is wanted, with its field.
fn search<'a>(value: &'a Value, field: Option<&'a str>, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::String(text) => found.extend(field.map(|field| (field, text.as_str()))),
        Value::Array(items) => items.iter().for_each(|item| search(item, field, found)),
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !OWN_CONTENT.contains(&name.as_str())) {
                search(value, Some(name.as_str()).filter(|name| TAKE_FILES.contains(name)), found);
            }
        }
        _ => {}
    }
}

fn is_path(text: &str) -> bool {
    !is_remote(text) && !is_inline(text)
}

/// The file that an entry names: one of a generator's `files` may say the key before it. An address may have a `=` too.
pub(super) fn file_in<'a>(field: &str, entry: &'a str) -> &'a str {
    match entry.split_once('=') {
        Some((key, file)) if field == "files" && !key.contains("://") => file,
        _ => entry,
    }
}

/// Whether kustomize, or a git that it runs, would take this for an address.
pub(super) fn is_remote(text: &str) -> bool {
    if is_inline(text) {
        return false;
    }
    let text = text.to_ascii_lowercase();
    let is_scp = text.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    text.contains("://") || text.contains("::") || text.contains("?ref=") || text.starts_with("github.com") || is_scp
}

#[cfg(test)]
mod tests;
