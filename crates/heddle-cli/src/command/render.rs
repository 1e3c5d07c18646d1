//! `heddle render`: the objects that a folder holds, as the agent would apply them.

use std::path::Path;

use anyhow::anyhow;
use base64::{Engine, prelude::BASE64_STANDARD};
use heddle_manifest::{
    documents::write_document,
    substitute::{Unset, Variables},
};
use heddle_source::{Folder, RenderError, RenderTools, Rendered, RenderedObject, Until, render};
use serde_json::{Value, json};

use crate::{
    config::RenderArguments,
    exit::{Exit, Failure},
    objects::read_objects,
    screen::Screen,
};

/// How many files that give no objects are named.
const MAX_UNREAD: usize = 20;

/// Renders, and prints the objects; or everything that is wrong.
pub(crate) async fn run(arguments: &RenderArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let variables = variables(arguments)?;
    let path = &arguments.path;
    let folder = Folder::open(path).map_err(|error| Failure::wrong(error_of(path, &error)))?;
    let mut rendered =
        render(&folder, folder.path(), &RenderTools::new(&arguments.programs.kustomize), &Until::default());
    if !variables.is_empty() {
        rendered.substitute(&variables);
    }
    show(&folder, &rendered, screen)
}

/// The objects that a folder holds.
///
/// # Errors
/// With everything that is wrong in it.
pub(crate) async fn render_folder(path: &Path, kustomize: &Path) -> Result<Vec<Value>, Failure> {
    let folder = Folder::open(path).map_err(|error| Failure::wrong(error_of(path, &error)))?;
    let rendered = render(&folder, folder.path(), &RenderTools::new(kustomize), &Until::default());
    if !rendered.errors.is_empty() {
        let faults: Vec<String> = rendered.errors.iter().map(|error| words(&folder, error)).collect();
        return Err(Failure::wrong(anyhow!("{}", faults.join("; "))));
    }
    Ok(rendered.objects.into_iter().map(|object| object.value).collect())
}

fn error_of(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow!("could not read {}: {error}", path.display())
}

fn show(folder: &Folder, rendered: &Rendered, screen: &Screen) -> Result<Exit, Failure> {
    rendered.notes.iter().for_each(|note| screen.note(note));
    note_unread(folder, rendered, screen);
    if !rendered.errors.is_empty() {
        rendered.errors.iter().for_each(|error| screen.note(&words(folder, error)));
        return Ok(Exit::Wrong);
    }
    if screen.is_json() {
        let all: Vec<Value> = rendered
            .objects
            .iter()
            .map(|object| {
                let file = object.file.as_deref().map(|file| folder.name(file));
                json!({"file": file, "line": object.line, "object": object.value})
            })
            .collect();
        screen.json(&all)?;
        return Ok(Exit::Done);
    }
    for object in &rendered.objects {
        screen.text(&format!("---\n# {}\n{}", place(folder, object), write_document(&object.value)))?;
    }
    Ok(Exit::Done)
}

/// What gives no objects, what looks as if it held some first.
fn note_unread(folder: &Folder, rendered: &Rendered, screen: &Screen) {
    let mut unread: Vec<_> = rendered.unread.iter().collect();
    unread.sort_by_key(|unread| !unread.is_likely);
    for unread in unread.iter().take(MAX_UNREAD) {
        screen.note(&format!("{} gives no objects: {}", folder.name(&unread.path), unread.why));
    }
    if unread.len() > MAX_UNREAD {
        screen.note(&format!("{} more files give no objects", unread.len() - MAX_UNREAD));
    }
}

fn place(folder: &Folder, object: &RenderedObject) -> String {
    let file = object.file.as_deref().map(|file| folder.name(file)).unwrap_or_default();
    object.line.map_or(file.clone(), |line| format!("{file}:{line}"))
}

fn words(folder: &Folder, error: &RenderError) -> String {
    let file = error.file.as_deref().map(|file| folder.name(file));
    match (file, error.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: {}", error.message),
        (Some(file), None) => format!("{file}: {}", error.message),
        (None, _) => error.message.clone(),
    }
}

/// The variables of all files in their order, then those of the command line, which are the strongest.
fn variables(arguments: &RenderArguments) -> Result<Variables, Failure> {
    let mut variables = Variables::new(if arguments.lenient { Unset::Empty } else { Unset::Refused });
    for file in &arguments.substitute_from {
        for object in read_objects(file)? {
            for (name, value) in values_of(&object, file)? {
                variables.set(&name, &value).map_err(|error| anyhow!("{}: {error}", file.display()))?;
            }
        }
    }
    for (name, value) in &arguments.substitute {
        variables.set(name, value).map_err(|error| anyhow!("--substitute: {error}"))?;
    }
    Ok(variables)
}

/// What a ConfigMap or a Secret holds.
fn values_of(object: &Value, file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let wrong = |reason: &str| Failure::wrong(anyhow!("{}: `{name}` {reason}", file.display()));
    let texts = |field: &str| -> Vec<(String, String)> {
        let entries = object[field].as_object().into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    };
    match object["kind"].as_str() {
        Some("ConfigMap") => Ok(texts("data")),
        Some("Secret") => {
            let decoded = texts("data").into_iter().map(|(key, value)| {
                let bytes = BASE64_STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                bytes.map(|value| (key.clone(), value)).ok_or_else(|| wrong(&format!("holds no text under `{key}`")))
            });
            let mut all = decoded.collect::<Result<Vec<_>, _>>()?;
            all.extend(texts("stringData"));
            Ok(all)
        }
        _ => Err(wrong("is neither a ConfigMap nor a Secret")),
    }
}
