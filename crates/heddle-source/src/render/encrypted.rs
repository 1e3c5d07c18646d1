//! Encrypted files among those that are rendered. Only those of the Sync's own repository are opened.
//!
//! An encrypted value stays what it is until its file is read, or kustomize has built, and is put in in the objects that come
//! out, so that nothing of it is on a disk. What kustomize has to understand is open before, in a folder in memory: what
//! generators read, since it decides about names, and manifests in which even the kind or the name is encrypted.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use heddle_manifest::documents::{parse_document, parts_of, read_documents};
use serde_json::{Value, json};

use super::{
    Files, RenderTools, Rendered, Run,
    cipher::{cipher_texts, has_metadata, is_cipher_text},
    decrypt::{Closed, Decryption, Format, Opened},
    disguise::Disguise,
    fields,
    reach::Reach,
    until::Until,
};
use crate::{ReadError, Tree, TreePath};

/// Shorter values occur in other texts by chance.
const MIN_TOLD_BYTES: usize = 4;

/// Files that kustomize has to understand, as they are opened.
#[derive(Default)]
pub(super) struct Sources {
    texts: BTreeMap<TreePath, Vec<u8>>,
    /// The kustomizations whose generators read some of them.
    generators: BTreeSet<TreePath>,
}

impl Sources {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// One of them.
    pub(super) fn get(&self, file: &TreePath) -> Option<&Vec<u8>> {
        self.texts.get(file)
    }
}

/// What opens files, and until when.
#[derive(Clone, Copy)]
struct Opener<'a> {
    decryption: &'a Decryption,
    tools: &'a RenderTools,
    until: &'a Until,
}

impl<'a> Opener<'a> {
    fn of(Run { tools, until, .. }: Run<'a>) -> Option<Self> {
        let tools = tools?;
        Some(Self { decryption: tools.decryption.as_ref()?, tools, until })
    }

    /// Opens a content of a file. What is wrong is told.
    fn open(self, file: &TreePath, content: &[u8], format: Format, rendered: &mut Rendered) -> Option<Vec<u8>> {
        match self.decryption.open(content, format, (self.tools, self.until)) {
            Ok(opened) => return Some(opened),
            Err(Closed::Fault(message)) => rendered.fail(file, None, message),
            Err(Closed::Ended) => rendered.cut_short(self.until),
        }
        None
    }

    /// Opens a file of manifests, and learns what its values are, by what stands for them. What is wrong is told, once.
    fn learn(
        self,
        file: &TreePath,
        (text, format): (&str, Format),
        stands_for: impl Fn(&str) -> String,
        opened: &mut Opened,
        rendered: &mut Rendered,
    ) {
        let parts: Vec<String> =
            segments(text, format).into_iter().filter_map(|segment| segment.encrypted_text()).collect();
        for (index, part) in parts.iter().enumerate() {
            let Some(content) = self.open(file, part.as_bytes(), format, rendered) else {
                parts[index..].iter().for_each(|part| opened.give_up(&stands_for(part)));
                return;
            };
            let part = stands_for(part);
            if !opened.learn(&part, &content) {
                opened.give_up(&part);
                let message = "what sops makes of it does not fit it: write it without anchors and aliases";
                rendered.fail(file, None, message.to_owned());
            }
        }
    }

    /// Opens a file of manifests as a whole, with what is in clear in it. What is wrong is told.
    fn open_manifests(self, file: &TreePath, text: &str, format: Format, rendered: &mut Rendered) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        for segment in segments(text, format) {
            if !whole.is_empty() {
                whole.extend_from_slice(b"\n---\n");
            }
            match segment {
                Segment::Clear(text) => whole.extend_from_slice(text.as_bytes()),
                Segment::Encrypted { text, .. } => {
                    whole.extend(self.open(file, text.as_bytes(), format, rendered)?);
                }
            }
        }
        Some(whole)
    }
}

/// What encrypted values in a file of manifests are. What is wrong is told.
pub(super) fn opened_of(
    file: &TreePath,
    text: &[u8],
    tree: &impl Tree,
    run: Run<'_>,
    rendered: &mut Rendered,
) -> Opened {
    let mut opened = Opened::default();
    let (Some(opener), Ok(text)) = (Opener::of(run), std::str::from_utf8(text)) else { return opened };
    if let Some(format) = manifests(file, text.as_bytes()).filter(|_| tree.border(file).is_root()) {
        opener.learn(file, (text, format), str::to_owned, &mut opened, rendered);
        rendered.withheld.push(opened.as_secret());
    }
    opened
}

/// What encrypted values in the output of kustomize are, from the files that they come from. What is wrong is told; an object
/// whose values are not known keeps its cipher text, and is refused for it.
///
/// # Errors
/// When the tree cannot be read.
pub(super) fn opened(
    files: &Files<'_, impl Tree>,
    reach: &Reach,
    (sources, output, disguise): (&Sources, &[u8], &Disguise<'_>),
    run: Run<'_>,
    rendered: &mut Rendered,
) -> Result<Opened, ReadError> {
    let mut opened = Opened::default();
    sources.texts.keys().chain(&sources.generators).for_each(|file| opened.note_file(file.clone()));
    let output = String::from_utf8_lossy(output);
    let wanted: BTreeSet<&str> = cipher_texts(&output).collect();
    let Some(opener) = Opener::of(run).filter(|_| !wanted.is_empty()) else { return Ok(opened) };
    let mut named = BTreeSet::new();
    for root in &reach.roots {
        let Some((_, value)) = reach.kustomization_of(files, root)? else { continue };
        let paths = fields::files(&value).into_iter().filter_map(|named| files.target(root, named).ok());
        named.extend(paths.map(|path| reach.origin_of(path).0));
    }
    // What nothing names is not opened, so that its fault is nobody's.
    for file in named.iter().filter(|file| files.tree.border(file).is_root() && sources.get(file).is_none()) {
        if !files.has_file(file)? {
            continue;
        }
        let content = match files.tree.read(file) {
            Ok(content) => content,
            Err(ReadError::FileTooLarge { .. }) => continue,
            Err(error) => return Err(error),
        };
        let Ok(text) = std::str::from_utf8(&content) else { continue };
        if cipher_texts(&disguise.put_on(text)).any(|value| wanted.contains(value))
            && let Some(format) = manifests(file, &content)
        {
            opener.learn(file, (text, format), |text| disguise.put_on(text), &mut opened, rendered);
        }
    }
    rendered.withheld.push(opened.as_secret());
    Ok(opened)
}

/// Opens what a kustomization, and those that it is built from, make kustomize understand. What is wrong is told.
///
/// # Errors
/// When the tree cannot be read.
pub(super) fn sources(
    files: &Files<'_, impl Tree>,
    reach: &Reach,
    run: Run<'_>,
    rendered: &mut Rendered,
) -> Result<Sources, ReadError> {
    let mut sources = Sources::default();
    let Some(opener) = Opener::of(run) else { return Ok(sources) };
    for root in &reach.roots {
        let Some((file, value)) = reach.kustomization_of(files, root)? else { continue };
        let of_generators = generator_sources(&value);
        for named in fields::files(&value) {
            // One that is missing is kustomize's to complain about.
            let Ok(path) = files.target(root, named) else { continue };
            let (path, _) = reach.origin_of(path);
            let is_of_generator = of_generators.iter().any(|source| source == named);
            if is_of_generator && sources.texts.contains_key(&path) {
                sources.generators.insert(file.clone());
            }
            if sources.texts.contains_key(&path) || !files.tree.border(&path).is_root() {
                continue;
            }
            let Ok(content) = files.tree.read(&path) else { continue };
            let Some(format) = Format::of(&path, &content) else { continue };
            let opened = match std::str::from_utf8(&content).ok().filter(|_| !is_of_generator) {
                None => opener.open(&path, &content, format, rendered),
                Some(text) if hides_its_name(text, format) => opener.open_manifests(&path, text, format, rendered),
                Some(_) => None,
            };
            if let Some(opened) = opened {
                rendered.withheld.extend(as_secrets(&content, &opened, is_of_generator));
                sources.generators.extend(Some(file.clone()).filter(|_| is_of_generator));
                sources.texts.insert(path, opened);
            }
        }
    }
    Ok(sources)
}

/// That no folder in memory is there, which was told.
pub(super) struct NoMemory;

/// The folder in memory in which kustomize may read what was opened; `None` where nothing was.
///
/// # Errors
/// When something was, and there is no such folder. It is told.
pub(super) fn memory_for<'a>(
    sources: &Sources,
    tools: &'a RenderTools,
    kustomization: &TreePath,
    rendered: &mut Rendered,
) -> Result<Option<&'a Path>, NoMemory> {
    let Some(source) = sources.texts.keys().next() else { return Ok(None) };
    let memory = tools.decryption.as_ref().and_then(Decryption::memory_dir);
    memory.map(Some).ok_or_else(|| {
        let message = format!(
            "kustomize has to read what is encrypted in `{source}`, and what was opened is never written to a disk: set \
             HEDDLE_MEMORY_DIR to a folder in memory, or make it a Secret among `resources` of which the values alone are \
             encrypted (`--encrypted-regex '^(data|stringData)$'`)"
        );
        rendered.fail(kustomization, None, message);
        NoMemory
    })
}

/// The format of an encrypted file of manifests; none of any other.
fn manifests(file: &str, content: &[u8]) -> Option<Format> {
    Format::of(file, content).filter(|format| matches!(format, Format::Yaml | Format::Json))
}

/// A part of a file of manifests: one or more documents.
enum Segment {
    Clear(String),
    /// Documents that were encrypted at once, under one MAC.
    Encrypted {
        seal: String,
        text: String,
    },
}

impl Segment {
    fn encrypted_text(self) -> Option<String> {
        match self {
            Self::Clear(_) => None,
            Self::Encrypted { text, .. } => Some(text).filter(|text| is_cipher_text(text)),
        }
    }
}

/// The parts of a text, each of which is in clear or was encrypted at once. sops writes the same metadata into each document of
/// a file; files that were joined afterwards keep their own.
fn segments(text: &str, format: Format) -> Vec<Segment> {
    if format != Format::Yaml {
        return vec![Segment::Encrypted { seal: String::new(), text: text.to_owned() }];
    }
    let mut segments: Vec<Segment> = Vec::new();
    for document in parts_of(text).into_iter().map(|range| &text[range]) {
        let value = parse_document(document).unwrap_or_default();
        let seal = Some(&value).filter(|value| has_metadata(value)).and_then(|value| value["sops"]["mac"].as_str());
        match (segments.last_mut(), seal) {
            (Some(Segment::Encrypted { seal: last, text }), Some(seal)) if last == seal => {
                *text = format!("{}\n---\n{document}", text.trim_end());
            }
            (_, Some(seal)) => segments.push(Segment::Encrypted { seal: seal.to_owned(), text: document.to_owned() }),
            (_, None) if document.trim().is_empty() => {}
            (_, None) => segments.push(Segment::Clear(document.to_owned())),
        }
    }
    segments
}

/// Whether what kustomize knows an object by is encrypted in a file of manifests.
fn hides_its_name(text: &str, format: Format) -> bool {
    let is_hidden = |value: &Value| {
        [&value["apiVersion"], &value["kind"], &value["metadata"]["name"], &value["metadata"]["namespace"]]
            .into_iter()
            .any(|field| field.as_str().is_some_and(is_cipher_text))
    };
    matches!(format, Format::Yaml | Format::Json)
        && read_documents(text).any(|document| document.value.as_ref().is_ok_and(is_hidden))
}

/// Marks the objects that hold what was encrypted, however a step of kustomize has brought it there.
pub(super) fn mark(rendered: &mut Rendered) {
    let mut texts = BTreeSet::new();
    rendered.withheld.iter().for_each(|secret| note_texts(&secret["stringData"], &mut texts));
    for object in rendered.objects.iter_mut().filter(|object| !object.is_opened) {
        object.is_opened = holds_any(&object.value, &texts);
    }
}

fn note_texts(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(texts.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| note_texts(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| note_texts(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a text in a value is one of these, or has one of them in it that is no common word.
fn holds_any(value: &Value, texts: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => {
            texts.contains(text) || texts.iter().any(|one| one.len() >= MIN_TOLD_BYTES && text.contains(one.as_str()))
        }
        Value::Array(items) => items.iter().any(|item| holds_any(item, texts)),
        Value::Object(fields) => fields.values().any(|field| holds_any(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The files that generators of a kustomization read.
fn generator_sources(kustomization: &Value) -> Vec<String> {
    let generators =
        ["secretGenerator", "configMapGenerator"].iter().flat_map(|field| kustomization[*field].as_array()).flatten();
    let listed = generators.flat_map(|generator| {
        let one = generator["env"].as_str();
        let many = ["files", "envs"].into_iter().flat_map(|field| generator[field].as_array()).flatten();
        many.filter_map(Value::as_str).chain(one)
    });
    listed.map(|file| fields::file_in("files", file).to_owned()).collect()
}

/// What must not be told of an opened file: of manifests what was encrypted, wherever it stands, of anything else all of it, as a
/// whole and line by line as `KEY=value`.
fn as_secrets(encrypted: &[u8], content: &[u8], is_of_generator: bool) -> Vec<Value> {
    let text = String::from_utf8_lossy(content);
    if is_of_generator {
        let lines: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.1)).collect();
        return vec![json!({"kind": "Secret", "stringData": {"file": text, "lines": lines}})];
    }
    let mut known = Opened::default();
    if known.learn(&String::from_utf8_lossy(encrypted), content) {
        return vec![known.as_secret()];
    }
    let held = |object: &Value| -> Vec<Value> {
        let fields = object.as_object().into_iter().flatten();
        let held = fields.filter(|(field, _)| !["apiVersion", "kind", "metadata"].contains(&field.as_str()));
        held.map(|(_, value)| value.clone()).collect()
    };
    let objects = read_documents(&text).filter_map(|document| document.value.ok());
    objects.map(|object| json!({"kind": "Secret", "stringData": held(&object)})).collect()
}

#[cfg(test)]
mod tests;
