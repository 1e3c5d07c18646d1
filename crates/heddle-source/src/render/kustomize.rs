//! Kustomize, through the official program.
//!
//! It runs on a private copy of the directories that the kustomization needs, in an empty environment, with proxies that
//! lead nowhere: its loader would fetch `https://` by itself, and without `PATH` it finds no git. What does not stand in
//! the repository is refused before it runs. The copy asks for `originAnnotations`, from which each object's file is
//! learnt, and which are taken off again.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    path::Path,
    process::Stdio,
};

use heddle_manifest::documents::parse_document;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, process::Command};

use super::{Files, RenderTools, Rendered, RenderedObject, copy::PrivateCopy, plain};
use crate::{FileMode, ReadError, Tree, TreePath};

/// More output than this is refused.
const MAX_OUTPUT_BYTES: u64 = 64 << 20;

/// More than this is not copied.
const MAX_COPY_BYTES: usize = 256 << 20;

const ORIGIN: &str = "config.kubernetes.io/origin";

/// Fields of a kustomization whose entries are files or directories of objects.
const REFERENCES: [&str; 3] = ["resources", "components", "bases"];

/// Fields whose entries may be files, directories or inline text.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// Renders the kustomization of a loaded directory.
///
/// # Errors
/// When the tree cannot be read.
pub(super) async fn render(
    files: &mut Files<'_, impl Tree>,
    directory: &TreePath,
    tools: &RenderTools,
    rendered: &mut Rendered,
) -> Result<(), ReadError> {
    let before = rendered.errors.len();
    let roots = find_roots(files, directory, rendered)?;
    for root in &roots {
        rendered.inputs.note(files.tree, root);
    }
    if rendered.errors.len() > before {
        return Ok(());
    }
    let file = files.kustomization(directory).map_or_else(|| directory.clone(), |(file, _)| file);
    let copy = match copy(files, &file, &roots, rendered) {
        Ok(copy) => copy,
        Err(error) => {
            rendered.fail(&file, None, format!("it could not be copied for rendering: {error}"));
            return Ok(());
        }
    };
    match run(tools, &copy, directory).await {
        Ok(output) => read_output(&output, directory, &file, rendered),
        Err(message) => rendered.fail(&file, None, message),
    }
    Ok(())
}

/// The directories that a kustomization reads: its own, and those of the kustomizations that it refers to.
fn find_roots(
    files: &mut Files<'_, impl Tree>,
    directory: &TreePath,
    rendered: &mut Rendered,
) -> Result<BTreeSet<TreePath>, ReadError> {
    let mut roots = BTreeSet::from([directory.clone()]);
    let mut queue = VecDeque::from([directory.clone()]);
    while let Some(directory) = queue.pop_front() {
        let Some((file, mode)) = files.kustomization(&directory) else { continue };
        if mode == FileMode::Symlink {
            rendered.fail(&file, None, "it is a symbolic link, and links are not followed".to_owned());
            continue;
        }
        let text = match files.tree.read(&file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => {
                rendered.fail(&file, None, error.to_string());
                continue;
            }
        };
        let kustomization = match parse_document(&text) {
            Ok(kustomization) => kustomization,
            Err(error) => {
                rendered.fail(&file, Some(error.line), error.message);
                continue;
            }
        };
        for reference in references(&kustomization) {
            match directory.resolve(&reference) {
                Some(path) if files.has_file(&path)? => {}
                Some(path) if files.load_directory(&path)? && files.kustomization(&path).is_some() => {
                    if roots.insert(path.clone()) {
                        queue.push_back(path);
                    }
                }
                _ => rendered.fail(&file, line_of(&text, &reference), missing(&reference)),
            }
        }
    }
    Ok(roots)
}

fn missing(reference: &str) -> String {
    if reference.contains("://") || reference.contains("?ref=") || reference.starts_with("git@") {
        format!("`{reference}` lies outside of the repository, and nothing is fetched while rendering: copy it in")
    } else {
        format!("`{reference}` is neither a file nor a directory with a kustomization in the repository")
    }
}

pub(crate) fn references(kustomization: &Value) -> Vec<String> {
    let texts = |field: &&str| kustomization[*field].as_array().into_iter().flatten().filter_map(Value::as_str);
    let plugins = PLUGINS.iter().flat_map(texts).filter(|text| !text.contains('\n'));
    REFERENCES.iter().flat_map(texts).chain(plugins).map(str::to_owned).collect()
}

/// The line on which a reference is written.
fn line_of(text: &str, reference: &str) -> Option<u32> {
    (1u32..).zip(text.lines()).find(|(_, line)| line.contains(reference)).map(|(number, _)| number)
}

/// Copies the directories into a private one, and has the unit's kustomization ask for origins.
fn copy(
    files: &Files<'_, impl Tree>,
    kustomization: &TreePath,
    roots: &BTreeSet<TreePath>,
    rendered: &mut Rendered,
) -> io::Result<PrivateCopy> {
    let copy = PrivateCopy::new()?;
    let mut copied = BTreeSet::new();
    let mut bytes_copied = 0;
    for root in roots {
        for (file, mode) in files.under(root) {
            if mode == FileMode::Symlink || !copied.insert(file) {
                continue;
            }
            let content = match files.tree.read(file) {
                Err(error @ ReadError::FileTooLarge { .. }) => {
                    rendered.notes.push(format!("{error}; it was passed over"));
                    continue;
                }
                content => content.map_err(io::Error::other)?,
            };
            bytes_copied += content.len();
            if bytes_copied > MAX_COPY_BYTES {
                return Err(io::Error::other(format!("it needs more than {} MiB of files", MAX_COPY_BYTES >> 20)));
            }
            if file == kustomization {
                copy.write(file, with_origins(&String::from_utf8_lossy(&content)).as_bytes())?;
            } else {
                copy.write(file, &content)?;
            }
        }
    }
    Ok(copy)
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

async fn run(tools: &RenderTools, copy: &PrivateCopy, directory: &TreePath) -> Result<Vec<u8>, String> {
    let mut command = Command::new(&tools.kustomize);
    command
        .arg("build")
        .arg(copy.at(directory))
        .env_clear()
        .env("HOME", copy.path())
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .current_dir(copy.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let program = tools.kustomize.display();
    let mut child = command.spawn().map_err(|error| format!("`{program}` could not be run: {error}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (output, complaint) = tokio::join!(read_bounded(stdout), read_bounded(stderr));
        (output, complaint, child.wait().await)
    };
    let limit = tools.limit;
    let (output, complaint, status) = tokio::time::timeout(limit, work)
        .await
        .map_err(|_| format!("kustomize took longer than {} s", limit.as_secs()))?;
    let output = output.map_err(|error| format!("kustomize could not be read: {error}"))?;
    let complaint = complaint.map_err(|error| format!("kustomize could not be read: {error}"))?;
    match status {
        Ok(status) if status.success() => Ok(output),
        Ok(_) => Err(explain(&String::from_utf8_lossy(&complaint), copy.path())),
        Err(error) => Err(format!("kustomize could not be waited for: {error}")),
    }
}

async fn read_bounded(pipe: Option<impl tokio::io::AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok(bytes) };
    pipe.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(io::Error::other(format!("it gave more than {} MiB", MAX_OUTPUT_BYTES >> 20)));
    }
    Ok(bytes)
}

/// Kustomize's complaint, with paths of the repository instead of those of the copy.
fn explain(complaint: &str, copy: &Path) -> String {
    let prefix = format!("{}/", copy.display());
    let text = complaint.trim().replace(&prefix, "").replace(&copy.display().to_string(), ".");
    format!("kustomize: {}", text.strip_prefix("Error: ").unwrap_or(&text))
}

/// Takes the objects in; each loses its annotation of origin and gets its file.
fn read_output(output: &[u8], directory: &TreePath, kustomization: &TreePath, rendered: &mut Rendered) {
    let mut unit = Rendered::default();
    plain::read_file("kustomize", output, &mut unit);
    for RenderedObject { mut value, .. } in unit.objects {
        let file = take_origin(&mut value, directory).unwrap_or_else(|| kustomization.clone());
        rendered.objects.push(RenderedObject { value, file: Some(file.into()), line: None });
    }
    for error in unit.errors {
        rendered.fail(kustomization, None, error.message);
    }
}

fn take_origin(object: &mut Value, directory: &TreePath) -> Option<TreePath> {
    let metadata = object["metadata"].as_object_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
    let origin = annotations.remove(ORIGIN);
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    let origin = parse_document(origin?.as_str()?).ok()?;
    let file = origin["path"].as_str().or_else(|| origin["configuredIn"].as_str())?;
    directory.resolve(file)
}
