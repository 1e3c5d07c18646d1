//! What clusters follow today: Flux's `Kustomization`s and Argo CD's `Application`s, as environments and `Sync`s.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::name::EnvironmentName;
use serde_json::Value;

use super::{
    Brought, Origin,
    objects::{for_each_of, origin, word},
    write::quoted,
};
use crate::{
    Files,
    documents::{read_documents, write_document},
    find::covers,
    yaml::Node,
};

/// A path that a cluster follows.
pub(super) struct Stage {
    name: String,
    path: String,
    repository: Option<String>,
    branch: String,
    prune: bool,
    suspend: bool,
    interval: String,
    namespace: String,
    account: String,
    depends_on: Vec<String>,
    values: Vec<(String, String)>,
    from: Vec<(String, String, bool)>,
    /// What it says alike, as YAML.
    alike: String,
    origin: Origin,
}

/// Fields of a `Kustomization` that a `Sync` has nothing for.
const FLUX_ONLY: [&str; 6] =
    ["decryption", "patchesStrategicMerge", "patchesJson6902", "ignoreMissingComponents", "kubeConfig", "healthChecks"];

/// Fields of a `Kustomization` that a `Sync` has under the same name and with the same meaning.
const ALIKE: [&str; 7] =
    ["components", "targetNamespace", "namePrefix", "nameSuffix", "patches", "images", "commonMetadata"];

/// Reads them, and tells what has no counterpart.
pub(super) fn read(files: &Files, brought: &mut Brought) -> Vec<Stage> {
    let mut repositories: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    for_each_of(files, "source.toolkit.fluxcd.io/", |_, object| {
        if word(object, &["kind"]) == "GitRepository" {
            let key =
                (word(object, &["metadata", "namespace"]).to_owned(), word(object, &["metadata", "name"]).to_owned());
            let at = (word(object, &["spec", "url"]).to_owned(), word(object, &["spec", "ref", "branch"]).to_owned());
            repositories.insert(key, at);
        }
    });
    let mut stages = Vec::new();
    for_each_of(files, "kustomize.toolkit.fluxcd.io/", |file, object| {
        if word(object, &["kind"]) == "Kustomization" {
            stages.extend(flux(files, &repositories, file, object, brought));
        }
    });
    for_each_of(files, "argoproj.io/", |file, object| match word(object, &["kind"]) {
        "Application" => stages.extend(argo(files, file, object, brought)),
        "ApplicationSet" => brought.differs(
            &origin(file, object),
            "its Applications are made from a template, so no `Sync` is written for them",
        ),
        _ => {}
    });
    for stage in stages.iter().filter(|stage| stage.repository.is_none()) {
        let message = "nothing says which `https://host/owner/name` it follows, so no `Sync` is written for it";
        brought.differs(&stage.origin, message);
    }
    stages
}

fn is_there(files: &Files, path: &str) -> bool {
    path.is_empty() || files.paths().any(|file| covers(path, file) && file != path)
}

/// A path without `.` and slashes at its ends.
pub(crate) fn plain_path(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}

fn flux(
    files: &Files,
    repositories: &BTreeMap<(String, String), (String, String)>,
    file: &str,
    object: &Node,
    brought: &mut Brought,
) -> Option<Stage> {
    let origin = origin(file, object);
    let spec = |path: &[&str]| object.get("spec").map_or("", |spec| word(spec, path));
    let path = plain_path(spec(&["path"]));
    let source = spec(&["sourceRef", "kind"]);
    if !matches!(source, "" | "GitRepository") {
        brought.differs(&origin, format!("it follows a `{source}`, so no `Sync` is written for it"));
        return None;
    }
    if path.contains("${") || path.starts_with("..") || !is_there(files, &path) {
        brought.differs(&origin, format!("its path `{path}` is no folder here, so no `Sync` is written for it"));
        return None;
    }
    if covers(&path, file) {
        brought.differs(&origin, "it applies itself, as Flux's own set-up does, so no `Sync` is written for it");
        return None;
    }
    for (key, _) in object.get("spec").map(Node::entries).unwrap_or_default() {
        if let Some(key) = key.text().filter(|key| FLUX_ONLY.contains(key)) {
            brought
                .differs(&origin, format!("a `Sync` has no `{key}`: write it into the kustomization, or do without"));
        }
    }
    let own = word(object, &["metadata", "namespace"]);
    let namespace = Some(spec(&["sourceRef", "namespace"])).filter(|text| !text.is_empty()).unwrap_or(own);
    let named = (namespace.to_owned(), spec(&["sourceRef", "name"]).to_owned());
    let nameless =
        repositories.iter().filter(|((space, name), _)| *name == named.1 && (space.is_empty() || named.0.is_empty()));
    let source = repositories.get(&named).or_else(|| nameless.map(|(_, at)| at).next());
    let (url, branch) = source.cloned().unwrap_or_default();
    let list = |path: &[&str]| object.get("spec").and_then(|spec| spec.at(path)).map(Node::items).unwrap_or_default();
    let values = object.at(&["spec", "postBuild", "substitute"]).map(Node::entries).unwrap_or_default();
    Some(Stage {
        name: word(object, &["metadata", "name"]).to_owned(),
        repository: https(&url),
        branch,
        path,
        prune: spec(&["prune"]) == "true",
        suspend: spec(&["suspend"]) == "true",
        interval: spec(&["interval"]).to_owned(),
        namespace: String::new(),
        account: spec(&["serviceAccountName"]).to_owned(),
        depends_on: list(&["dependsOn"]).iter().map(|one| word(one, &["name"]).to_owned()).collect(),
        values: values
            .iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), value.text()?.to_owned())))
            .collect(),
        from: list(&["postBuild", "substituteFrom"])
            .iter()
            .map(|one| {
                (word(one, &["kind"]).to_owned(), word(one, &["name"]).to_owned(), word(one, &["optional"]) == "true")
            })
            .collect(),
        alike: alike(files, file, object),
        origin,
    })
}

/// The fields that a `Sync` has too, as they stand in a file.
fn alike(files: &Files, file: &str, object: &Node) -> String {
    let text = files.get(file).unwrap_or_default();
    let documents = read_documents(text).filter_map(|document| document.value.ok());
    let mut objects = documents.flat_map(|mut document| match document["items"].take() {
        Value::Array(items) => items,
        _ => vec![document],
    });
    let is_it = |other: &Value| {
        ["kind", "metadata/name", "metadata/namespace"].iter().all(|way| {
            let path: Vec<&str> = way.split('/').collect();
            other.pointer(&format!("/{way}")).and_then(Value::as_str).unwrap_or_default() == word(object, &path)
        })
    };
    let Some(Value::Object(mut spec)) = objects.find(is_it).map(|mut object| object["spec"].take()) else {
        return String::new();
    };
    spec.retain(|field, value| ALIKE.contains(&field.as_str()) && !value.is_null());
    if spec.is_empty() { String::new() } else { write_document(&Value::Object(spec)) }
}

fn argo(files: &Files, file: &str, object: &Node, brought: &mut Brought) -> Option<Stage> {
    let origin = origin(file, object);
    let spec = |path: &[&str]| object.get("spec").map_or("", |spec| word(spec, path));
    let has = |path: &[&str]| object.get("spec").and_then(|spec| spec.at(path)).is_some();
    let path = plain_path(spec(&["source", "path"]));
    let reason = if has(&["sources"]) {
        Some("it has several sources")
    } else if has(&["source", "chart"]) || has(&["source", "helm"]) {
        Some("it installs a chart, which is not rendered")
    } else if path.contains("{{") || path.is_empty() || !is_there(files, &path) {
        Some("its path is no folder here")
    } else if covers(&path, file) {
        Some("it applies itself")
    } else {
        None
    };
    if let Some(reason) = reason {
        brought.differs(&origin, format!("{reason}, so no `Sync` is written for it"));
        return None;
    }
    for key in ["kustomize", "directory", "plugin"].iter().filter(|key| has(&["source", key])) {
        brought.differs(&origin, format!("a `Sync` has no `source.{key}`: write it into the kustomization"));
    }
    if has(&["ignoreDifferences"]) {
        brought.differs(&origin, "`ignoreDifferences` is not taken over: see `ignore` of a `Sync`");
    }
    let is_automated = has(&["syncPolicy", "automated"]);
    if !is_automated {
        brought.differs(&origin, "it is synced by hand, so its `Sync` is suspended");
    }
    let revision = spec(&["source", "targetRevision"]);
    Some(Stage {
        name: word(object, &["metadata", "name"]).to_owned(),
        repository: https(spec(&["source", "repoURL"])),
        branch: if revision == "HEAD" { String::new() } else { revision.to_owned() },
        path,
        prune: spec(&["syncPolicy", "automated", "prune"]) == "true",
        suspend: !is_automated,
        interval: String::new(),
        namespace: spec(&["destination", "namespace"]).to_owned(),
        account: String::new(),
        depends_on: Vec::new(),
        values: Vec::new(),
        from: Vec::new(),
        alike: String::new(),
        origin,
    })
}

/// The address of a repository without a login, as a `Sync` has it; `None` where it is none.
fn https(url: &str) -> Option<String> {
    let rest =
        url.strip_prefix("https://").or_else(|| url.strip_prefix("ssh://")).or_else(|| url.strip_prefix("git@"))?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let (host, path) = rest.split_once(['/', ':'])?;
    let path = path.trim_start_matches(|c: char| c.is_ascii_digit()).trim_matches('/').trim_end_matches(".git");
    let is_whole = path.split('/').count() == 2 && path.split('/').all(|part| !part.is_empty());
    is_whole.then(|| format!("https://{host}/{path}"))
}

/// `environments` of `.heddle.yaml`: each path that no other covers.
pub(super) fn environments(stages: &[Stage]) -> String {
    let paths: BTreeSet<&str> =
        stages.iter().map(|stage| stage.path.as_str()).filter(|path| !path.is_empty()).collect();
    let outer: Vec<&str> =
        paths.iter().filter(|path| !paths.iter().any(|other| other != *path && covers(other, path))).copied().collect();
    if outer.is_empty() {
        return String::new();
    }
    let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let mut text = String::from("environments:\n");
    for path in &outer {
        let short = last(path);
        let is_own = outer.iter().filter(|other| last(other) == short).count() == 1;
        let short = is_own.then(|| short.parse::<EnvironmentName>().ok()).flatten();
        let name = short.unwrap_or_else(|| EnvironmentName::implicit_for(path));
        let branches: BTreeSet<&str> =
            stages.iter().filter(|stage| covers(path, &stage.path)).map(|stage| stage.branch.as_str()).collect();
        let branch = branches.iter().find(|branch| !matches!(**branch, "" | "main" | "master"));
        let branch = branch.map(|branch| format!("    branch: {}\n", quoted(branch))).unwrap_or_default();
        text.push_str(&format!("  - name: {name}\n    path: {}\n{branch}", quoted(path)));
    }
    text
}

/// The `Sync`s, each behind a comment that says what it stands for.
pub(super) fn syncs(stages: &[Stage]) -> String {
    let all = stages.iter().filter(|stage| stage.repository.is_some()).map(Stage::sync);
    all.collect::<Vec<_>>().join("---\n")
}

impl Stage {
    fn sync(&self) -> String {
        let Origin { what, file, line } = &self.origin;
        let mut text = format!(
            "# {what} ({file}:{line})\napiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata:\n  name: {}\n  namespace: heddle-system\nspec:\n",
            quoted(&self.name)
        );
        let mut entry = |key: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("  {key}: {}\n", quoted(value)));
            }
        };
        entry("repository", self.repository.as_deref().unwrap_or_default());
        entry("branch", &self.branch);
        entry("path", &self.path);
        entry("interval", &self.interval);
        entry("serviceAccountName", &self.account);
        text.push_str(&format!("  prune: {}\n", self.prune));
        if self.suspend {
            text.push_str("  suspend: true\n");
        }
        if !self.namespace.is_empty() {
            text.push_str(&format!("  namespaces: [{}]\n", quoted(&self.namespace)));
        }
        if !self.depends_on.is_empty() {
            let names: Vec<String> = self.depends_on.iter().map(|name| format!("{{name: {}}}", quoted(name))).collect();
            text.push_str(&format!("  dependsOn: [{}]\n", names.join(", ")));
        }
        for line in self.alike.lines() {
            text.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") });
        }
        self.substitute(&mut text);
        text
    }

    fn substitute(&self, text: &mut String) {
        if self.values.is_empty() && self.from.is_empty() {
            return;
        }
        text.push_str("  substitute:\n");
        if !self.values.is_empty() {
            text.push_str("    values:\n");
            for (key, value) in &self.values {
                text.push_str(&format!("      {key}: {}\n", quoted(value)));
            }
        }
        if !self.from.is_empty() {
            text.push_str("    from:\n");
            for (kind, name, optional) in &self.from {
                let optional = if *optional { ", optional: true" } else { "" };
                text.push_str(&format!("      - {{kind: {kind}, name: {}{optional}}}\n", quoted(name)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
