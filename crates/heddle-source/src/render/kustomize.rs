//! Kustomize, through the official program.
//!
//! It runs on a private copy of the files that the kustomization needs, in an empty environment, without `PATH` and
//! without sockets: its loader would fetch addresses by itself. What does not stand in the repository is refused before it
//! runs, by the field that names it ([`super::reach`]). The copy asks for `originAnnotations`, from which each object's file is learnt, and
//! which are taken off again.

use std::{io, path::Path, process::Command};

use heddle_manifest::documents::parse_document;
use serde_json::{Value, json};

use super::{
    Files, RenderTools, Rendered, Run,
    chart::Inflations,
    copy::PrivateCopy,
    disguise::Disguise,
    encrypted::{self, Sources},
    plain,
    process::{self, ProcessFault},
    reach::{Reach, StandIn},
    secrets::{self, Secrets},
    unread::WhyUnread,
};
use crate::{FileMode, ReadError, Tree, TreePath, limits::CHILD_HEAP_BYTES};

const ORIGIN: &str = "config.kubernetes.io/origin";

/// What is built.
pub(super) struct Unit<'a> {
    /// A directory that is loaded.
    pub(super) directory: &'a TreePath,
    /// Its kustomization, where it has none of its own.
    pub(super) generated: Option<Value>,
    /// What is made of charts, and is more resources.
    pub(super) inflations: &'a mut Inflations,
}

/// Renders a kustomization, with what is added to it.
///
/// # Errors
/// When the tree cannot be read, or the path holds too much with what is kept of its kustomizations or what kustomize wrote.
pub(super) fn render(
    files: &mut Files<'_, impl Tree>,
    unit: Unit<'_>,
    run: Run<'_>,
    rendered: &mut Rendered,
) -> Result<(), ReadError> {
    if rendered.is_full() {
        return Ok(());
    }
    let Run { tools, until, .. } = run;
    let Unit { directory, generated, inflations } = unit;
    let before = rendered.errors.len();
    let reach = Reach::find(files, (directory, generated), inflations, run, rendered)?;
    for path in reach.roots.iter().chain(reach.stand_ins.iter().map(|stand_in| &stand_in.file)) {
        rendered.inputs.note(files.tree, path);
    }
    let Some(tools) = tools else { return Ok(()) };
    if rendered.errors.len() > before || rendered.is_cut_short || inflations.is_waiting {
        return Ok(());
    }
    let file = files.kustomization(directory).map_or_else(|| directory.clone(), |(file, _)| file);
    let sources = encrypted::sources(files, &reach, run, rendered)?;
    let Ok(memory) = encrypted::memory_for(&sources, tools, &file, rendered) else { return Ok(()) };
    if rendered.errors.len() > before || rendered.is_cut_short {
        return Ok(());
    }
    let mut disguise = Disguise::new(tools.decryption.as_ref());
    let copy = match copy(files, (&reach, &sources), (&mut disguise, memory), rendered) {
        Ok(copy) => copy,
        Err(error) => {
            rendered.fail(&file, None, format!("it could not be copied for rendering: {error}"));
            return Ok(());
        }
    };
    match process::run(command(tools, &copy, directory), None, tools.limit, until, &tools.slots) {
        Ok(output) => {
            rendered.admit_bytes(&output)?;
            let before = (rendered.objects.len(), rendered.errors.len());
            let opened = encrypted::opened(files, &reach, (&sources, &output, &disguise), run, rendered)?;
            let source = plain::Source::Built { disguise: &disguise, directory, kustomization: &file, reach: &reach };
            plain::read(source, &output, &opened, rendered);
            if (rendered.objects.len(), rendered.errors.len()) == before {
                rendered.pass_over(directory, WhyUnread::NothingBuilt);
            }
        }
        Err(ProcessFault::Failed(complaint)) => {
            let text = reach.in_names_of_the_repository(&explain(&complaint.0, &copy));
            tell_failure(&text, files, (&reach, &sources), directory, rendered)?;
        }
        Err(ProcessFault::Ended) => rendered.cut_short(until),
        Err(fault) => rendered.fail(&file, None, format!("`{}` {fault}", tools.kustomize.display())),
    }
    Ok(())
}

/// Copies what is needed into a private directory, in `folder` where there is one, and has the kustomization ask for origins.
fn copy(
    files: &Files<'_, impl Tree>,
    (reach, sources): (&Reach, &Sources),
    (disguise, folder): (&mut Disguise<'_>, Option<&Path>),
    rendered: &mut Rendered,
) -> io::Result<PrivateCopy> {
    let copy = PrivateCopy::new(folder)?;
    let mut write =
        |at: &TreePath, file: &TreePath, content: Vec<u8>| copy.write(at, &disguise.of_file(files, file, content));
    let as_it_is =
        |(file, mode): &(&TreePath, FileMode)| *mode != FileMode::Symlink && !reach.edited.contains_key(*file);
    for (file, _) in reach.files(files).filter(as_it_is) {
        let Some(content) = read(files, file, sources, rendered)? else { continue };
        if *file == reach.kustomization {
            write(file, file, with_origins(&String::from_utf8_lossy(&content)).into_bytes())?;
        } else {
            write(file, file, content)?;
        }
    }
    for (file, kustomization) in &reach.edited {
        let text = kustomization.to_string();
        let text = if *file == reach.kustomization { with_origins(&text) } else { text };
        write(file, file, text.into_bytes())?;
    }
    for StandIn { at, file, text, .. } in &reach.stand_ins {
        let content = match text {
            Some(text) => Some(text.clone().into_bytes()),
            None => read(files, file, sources, rendered)?,
        };
        if let Some(content) = content {
            write(at, file, content)?;
        }
    }
    Ok(copy)
}

/// The content of a file, opened where a generator is to read it; none of one that is too large, which is noted.
fn read(
    files: &Files<'_, impl Tree>,
    file: &TreePath,
    sources: &Sources,
    rendered: &mut Rendered,
) -> io::Result<Option<Vec<u8>>> {
    if let Some(opened) = sources.get(file) {
        return Ok(Some(opened.clone()));
    }
    match files.tree.read(file) {
        Err(error @ ReadError::FileTooLarge { .. }) => {
            rendered.notes.push(format!("{error}; it was passed over"));
            Ok(None)
        }
        content => content.map(Some).map_err(io::Error::other),
    }
}

/// The kustomization with `originAnnotations` in its build metadata.
fn with_origins(text: &str) -> String {
    let mut kustomization = parse_document(text).unwrap_or_default();
    let is_block = kustomization["buildMetadata"].is_null() && !text.trim_start().starts_with('{');
    if is_block {
        return format!("{}\nbuildMetadata: [originAnnotations]\n", text.trim_end());
    }
    let mut wanted = vec![json!("originAnnotations")];
    let others = kustomization["buildMetadata"].as_array().into_iter().flatten();
    wanted.extend(others.filter(|other| **other != "originAnnotations").cloned());
    if let Some(fields) = kustomization.as_object_mut() {
        fields.insert("buildMetadata".to_owned(), Value::Array(wanted));
    }
    kustomization.to_string()
}

/// The renderer over a directory of the copy. Its proxies lead nowhere, should it ever get a socket.
fn command(tools: &RenderTools, copy: &PrivateCopy, directory: &TreePath) -> Command {
    let mut command = Command::new(&tools.kustomize);
    command
        .arg("build")
        .arg(copy.at(directory))
        .env_clear()
        .env("HOME", copy.path())
        .env("TMPDIR", copy.path())
        .env("GOMEMLIMIT", CHILD_HEAP_BYTES.to_string())
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .current_dir(copy.path());
    command
}

/// Kustomize's complaint, with paths of the repository instead of those of the copy.
fn explain(complaint: &str, copy: &PrivateCopy) -> String {
    let prefix = format!("{}/", copy.path().display());
    let text = complaint.trim().replace(&prefix, "").replace(&copy.path().display().to_string(), ".");
    text.strip_prefix("Error: ").unwrap_or(&text).to_owned()
}

/// Tells why kustomize failed: in its words, unless these may hold what a Secret holds.
fn tell_failure(
    complaint: &str,
    files: &Files<'_, impl Tree>,
    (reach, sources): (&Reach, &Sources),
    directory: &TreePath,
    rendered: &mut Rendered,
) -> Result<(), ReadError> {
    if complaint.contains("must specify --enable-helm") {
        let file = files.kustomization(directory).map_or_else(|| directory.clone(), |(file, _)| file);
        let message = "a chart is named by `HelmChartInflationGenerator` or `helmChartInflationGenerator`, which kustomize would \
                       have to carry out itself: write it as an entry of `helmCharts`";
        rendered.fail(&file, None, message.to_owned());
        return Ok(());
    }
    let mut secrets = Secrets { in_reach: !sources.is_empty(), ..Secrets::default() };
    let made = reach.stand_ins.iter().filter_map(|stand_in| stand_in.text.as_deref());
    made.for_each(|text| secrets.take_file(text.as_bytes()));
    let as_they_are = reach.files(files).filter(|(_, mode)| *mode != FileMode::Symlink).map(|(file, _)| file);
    let copied: Vec<&TreePath> = as_they_are.chain(reach.stand_ins.iter().map(|stand_in| &stand_in.file)).collect();
    for file in &copied {
        match files.tree.read(file) {
            Ok(content) => secrets.take_file(&content),
            Err(ReadError::FileTooLarge { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    reach.edited.values().for_each(|kustomization| secrets.take(kustomization.clone()));
    for root in &reach.roots {
        let kustomization = files.kustomization(root).map(|(file, _)| files.tree.read(&file)).transpose()?;
        let text = String::from_utf8_lossy(&kustomization.unwrap_or_default()).into_owned();
        for source in secrets::sources(&parse_document(&text).unwrap_or_default()) {
            // One that is missing may be what kustomize complains about.
            let content = files.target(root, &source).ok().and_then(|path| files.tree.read(&path).ok());
            secrets.take_source(&content.unwrap_or_default());
        }
    }
    let file = files.kustomization(directory).map_or_else(|| directory.clone(), |(file, _)| file);
    if secrets.in_reach {
        let named = secrets::named(complaint, copied.iter().copied()).unwrap_or(&file);
        let told = format!(
            "kustomize fails: {}. Its words are not told, because they may hold what a Secret holds; `kustomize build \
             {directory}` says them to you",
            secrets::class(complaint)
        );
        rendered.fail(named, None, told);
    } else {
        rendered.fail(&file, None, format!("kustomize: {complaint}"));
    }
    rendered.withheld.append(&mut secrets.objects);
    Ok(())
}

/// The file that an object comes from; its annotation of origin is taken off.
pub(super) fn take_origin(object: &mut Value, directory: &TreePath) -> Option<TreePath> {
    let metadata = object["metadata"].as_object_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
    let origin = annotations.remove(ORIGIN);
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    let origin = parse_document(origin?.as_str()?).ok()?;
    let file = origin["path"].as_str().or_else(|| origin["configuredIn"].as_str())?;
    directory.resolve(file).ok()
}
