//! `heddle render`: the objects that a folder holds, as the agent would apply them.

mod charts;
mod remote;

pub(crate) use self::charts::Around;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::anyhow;
use base64::{Engine, prelude::BASE64_STANDARD};
use heddle_kube::sync::{CommonMetadata, SyncSpec};
use heddle_manifest::{
    documents::write_document,
    substitute::{Unset, Variables},
};
use heddle_reconcile::generated_paths;
use heddle_source::{
    Bases, Charts, ClusterView, Decryption, Folder, Identities, Overlay, RenderError, RenderTools, Rendered,
    RenderedObject, Until, WithBases, memory_dir, render,
};
use serde_json::{Value, json};

use crate::{
    config::{Programs, RenderArguments, SyncFields},
    exit::{Exit, Failure},
    objects::read_objects,
    screen::Screen,
};

/// How many files that give no objects are named.
const MAX_UNREAD: usize = 20;

/// Renders, and prints the objects; or everything that is wrong.
pub(crate) async fn run(arguments: &RenderArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let given = Given { values: &arguments.substitute, files: &arguments.substitute_from, lenient: arguments.lenient };
    let wanted =
        Wanted::read(&arguments.path, &arguments.fields, arguments.namespace.as_deref(), given, screen).await?;
    let tools = tools(&arguments.programs)?;
    let rendered = wanted.render(&tools, Around::default());
    show(&wanted.folder, &rendered, screen)
}

/// The objects that a folder holds, for a cluster of which `ask` tells where that is needed.
///
/// # Errors
/// With everything that is wrong in it.
pub(crate) async fn render_folder(
    path: &Path,
    (fields, namespace): (&SyncFields, Option<&str>),
    programs: &Programs,
    screen: &Screen,
    ask: impl AsyncFnOnce() -> Result<Around, Failure>,
) -> Result<Vec<RenderedObject>, Failure> {
    let wanted = Wanted::read(path, fields, namespace, Given::default(), screen).await?;
    let tools = tools(programs)?;
    let mut rendered = wanted.render(&tools, Around { cluster: ClusterView::Unknown, ..Around::default() });
    if rendered.needs_cluster {
        rendered = wanted.render(&tools, ask().await?);
    }
    if !rendered.errors.is_empty() {
        let faults: Vec<String> = rendered.errors.iter().map(|error| words(&wanted.folder, error)).collect();
        return Err(Failure::wrong(anyhow!("{}", faults.join("; "))));
    }
    Ok(rendered.objects)
}

/// Values for variables on the command line.
#[derive(Clone, Copy, Default)]
struct Given<'a> {
    values: &'a [(String, String)],
    files: &'a [PathBuf],
    lenient: bool,
}

/// A folder, and what is done to everything in it.
struct Wanted {
    folder: Arc<Folder>,
    /// What its kustomizations name by an address.
    bases: Bases,
    overlay: Overlay,
    /// What the command line says of the cluster.
    said: ClusterView,
    /// Nothing is put in where there are none.
    variables: Option<Variables>,
    metadata: CommonMetadata,
}

impl Wanted {
    /// Reads a folder's fields, as those of a Sync.
    async fn read(
        path: &Path,
        fields: &SyncFields,
        namespace: Option<&str>,
        given: Given<'_>,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        let folder = Arc::new(Folder::open(path).map_err(|error| Failure::wrong(error_of(path, &error)))?);
        let (name, spec) = sync_of(fields, folder.path())?;
        let variables = variables(&spec, given, screen)?;
        let variables = Some(variables).filter(|variables| spec.substitute.is_some() || !variables.is_empty());
        let charts = charts::of(&spec, name, &fields.chart, namespace)?;
        let overlay = Overlay { kustomization: spec.kustomization(), charts };
        let bases = remote::fetch(&fields.remote, &spec, &folder, &overlay, screen).await?;
        Ok(Self {
            folder,
            bases,
            overlay,
            said: charts::cluster_of(&fields.chart),
            variables,
            metadata: spec.common_metadata.unwrap_or_default(),
        })
    }

    /// Renders as an agent does. What the command line says comes before what is `around`.
    fn render(&self, tools: &RenderTools, around: Around) -> Rendered {
        let says_cluster = self.said != ClusterView::Helms && around.cluster != ClusterView::Unknown;
        let cluster = if says_cluster { self.said.clone() } else { around.cluster };
        let namespace = self.overlay.charts.namespace.clone().or(Some(around.namespace));
        let charts = Charts { cluster, namespace, ..self.overlay.charts.clone() };
        let overlay = Overlay { kustomization: self.overlay.kustomization.clone(), charts };
        let tree = WithBases::new(&*self.folder, &self.bases);
        let mut rendered = render(&tree, self.folder.path(), &overlay, tools, &Until::default());
        if let Some(variables) = &self.variables {
            rendered.substitute(variables);
        }
        rendered.set_metadata(&self.metadata.labels, &self.metadata.annotations);
        rendered
    }
}

/// The programs that render, with what opens encrypted files where a key is named.
fn tools(programs: &Programs) -> Result<RenderTools, Failure> {
    let tools = RenderTools::new(&programs.kustomize, &programs.helm);
    let Some(file) = &programs.age_key_file else { return Ok(tools) };
    let text = std::fs::read_to_string(file).map_err(|error| Failure::wrong(error_of(file, &error)))?;
    let identities = Identities::parse(&text);
    let identities = identities.map_err(|error| Failure::wrong(anyhow!("{}: {error}", file.display())))?;
    let memory_dir = memory_dir(programs.memory_dir.clone());
    let memory_dir =
        memory_dir.map_err(|error| Failure::wrong(anyhow!("--memory-dir: {error}; name a folder on a tmpfs")))?;
    Ok(tools.decrypting(Some(Decryption::new(programs.sops.clone(), identities, memory_dir))))
}

fn error_of(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow!("could not read {}: {error}", path.display())
}

fn show(folder: &Folder, rendered: &Rendered, screen: &Screen) -> Result<Exit, Failure> {
    rendered.notes.iter().for_each(|note| screen.note(note));
    note_unread(folder, rendered, screen);
    note_generated(folder, rendered, screen);
    if !rendered.errors.is_empty() {
        rendered.errors.iter().for_each(|error| screen.note(&words(folder, error)));
        if !folder.is_in_repository() {
            screen.note(
                "the folder lies in no git repository, so only what its kustomizations lead to by folders is read",
            );
        }
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

/// What a chart makes anew each time, which an agent writes once.
fn note_generated(folder: &Folder, rendered: &Rendered, screen: &Screen) {
    for object in rendered.objects.iter().filter(|object| !object.generated.fields.is_empty()) {
        let fields = generated_paths(&object.value, &object.generated.fields).join(", ");
        let values = object.generated.values.join("`, `");
        let remedy =
            if values.is_empty() { String::new() } else { format!("; `{values}` of its values make it fixed") };
        let place = place(folder, object);
        screen.note(&format!("{place}: {fields} is another one each time, so an agent writes it once{remedy}"));
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

/// The variables of the Sync, then those of all files in their order, then those of the command line, which are the
/// strongest.
fn variables(spec: &SyncSpec, given: Given<'_>, screen: &Screen) -> Result<Variables, Failure> {
    let own = spec.substitute.clone().unwrap_or_default();
    let mut variables = Variables::new(if given.lenient || own.lenient { Unset::Empty } else { Unset::Refused });
    for (name, value) in &own.values {
        variables.set(name, value).map_err(|error| anyhow!("`spec.substitute.values`: {error}"))?;
    }
    for source in own.from {
        screen.note(&format!(
            "the {:?} `{}` of `spec.substitute` is in the cluster alone: give it with --substitute-from",
            source.kind, source.name
        ));
    }
    for file in given.files {
        for object in read_objects(file)? {
            for (name, value) in values_of(&object, file)? {
                variables.set(&name, &value).map_err(|error| anyhow!("{}: {error}", file.display()))?;
            }
        }
    }
    for (name, value) in given.values {
        variables.set(name, value).map_err(|error| anyhow!("--substitute: {error}"))?;
    }
    Ok(variables)
}

/// The spec that the fields stand for, with the name of its Sync: that of a file, with what the command line says on top.
fn sync_of(fields: &SyncFields, folder: &str) -> Result<(Option<String>, SyncSpec), Failure> {
    let (name, mut spec): (_, SyncSpec) = match &fields.sync {
        Some(file) => read_sync(file, folder)?,
        None => (None, serde_json::from_value(json!({"repository": ""})).map_err(anyhow::Error::new)?),
    };
    spec.components.extend(fields.components.iter().cloned());
    for (own, given) in [
        (&mut spec.target_namespace, &fields.target_namespace),
        (&mut spec.name_prefix, &fields.name_prefix),
        (&mut spec.name_suffix, &fields.name_suffix),
    ] {
        *own = given.clone().or(own.take());
    }
    let metadata = spec.common_metadata.get_or_insert_default();
    metadata.labels.extend(fields.labels.iter().cloned());
    metadata.annotations.extend(fields.annotations.iter().cloned());
    Ok((name, spec))
}

/// The one Sync of a file; of several, that of the folder.
fn read_sync(file: &Path, folder: &str) -> Result<(Option<String>, SyncSpec), Failure> {
    let wrong = |words: String| Failure::wrong(anyhow!("{}: {words}", file.display()));
    let is_sync = |object: &Value| {
        object["kind"] == "Sync"
            && object["apiVersion"].as_str().is_some_and(|version| version.starts_with("heddle.dev/"))
    };
    let mut syncs: Vec<Value> = read_objects(file)?.into_iter().filter(is_sync).collect();
    if syncs.len() > 1 {
        let path = |sync: &Value| sync["spec"]["path"].as_str().unwrap_or_default().trim_matches('/').to_owned();
        syncs.retain(|sync| path(sync) == folder);
    }
    match syncs.as_slice() {
        [sync] => {
            let name = sync["metadata"]["name"].as_str();
            let spec = serde_json::from_value(sync["spec"].clone());
            let spec = spec.map_err(|error| wrong(format!("the Sync `{}`: {error}", name.unwrap_or_default())))?;
            Ok((name.map(str::to_owned), spec))
        }
        [] => Err(wrong(format!("it holds no Sync, or several and none of `{folder}`"))),
        _ => Err(wrong(format!("it holds {} Syncs of `{folder}`: keep one", syncs.len()))),
    }
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
