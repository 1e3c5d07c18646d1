//! Holds the effective images of every kustomization of some folders against what `kustomize build` makes of it, as sets of
//! name, tag and digest: `cargo run -p heddle-manifest --example effective_images -- KUSTOMIZE FOLDER...`
//!
//! A root that does not build offline is named with the reason; one that Heddle cannot read in full, and says so, is
//! counted by itself. Ends with 1 where a root differs.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use heddle_core::name::EnvironmentName;
use heddle_manifest::{
    Files, Found,
    documents::read_documents,
    find,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment, is_kustomization},
};
use serde_json::Value;

/// The kinds whose containers kustomize's people mean by images.
const WORKLOADS: [&str; 9] = [
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "PodTemplate",
];

#[derive(Default)]
struct Count {
    same: usize,
    differs: usize,
    told: usize,
    unbuilt: usize,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(kustomize) = arguments.next() else {
        eprintln!("effective_images KUSTOMIZE FOLDER...");
        return ExitCode::from(2);
    };
    let mut all = Count::default();
    for folder in arguments {
        let count = compare(&kustomize, Path::new(&folder));
        let Count { same, differs, told, unbuilt } = count;
        println!("{folder}: {same} the same, {differs} differ, {told} differ and say so, {unbuilt} do not build");
        all.same += same;
        all.differs += differs;
        all.told += told;
        all.unbuilt += unbuilt;
    }
    let Count { same, differs, told, unbuilt } = all;
    println!("all: {same} the same, {differs} differ, {told} differ and say so, {unbuilt} do not build");
    if differs == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compare(kustomize: &str, folder: &Path) -> Count {
    let mut files = Files::default();
    read(folder, "", &mut files);
    let units: BTreeSet<String> = files
        .paths()
        .filter(|path| is_kustomization(path))
        .map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned())
        .collect();
    let mut count = Count::default();
    for root in units {
        let built = match build(kustomize, &folder.join(&root)) {
            Ok(built) => built,
            Err(why) => {
                println!("  does not build: {root}: {why}");
                count.unbuilt += 1;
                continue;
            }
        };
        let name = EnvironmentName::implicit_for(&root);
        let environment = FoundEnvironment::new(name, root.clone(), EnvironmentOrigin::Folder);
        let found = find(&FindInput { files: &files, environments: std::slice::from_ref(&environment) });
        let (more, less) = difference(&found, &built);
        if more.is_empty() && less.is_empty() {
            count.same += 1;
        } else if found.findings.iter().any(|finding| finding.code != "placeholder") {
            let codes: BTreeSet<&str> = found.findings.iter().map(|finding| finding.code).collect();
            println!("  told: {root}: {codes:?}; only Heddle {more:?}, only kustomize {less:?}");
            count.told += 1;
        } else {
            println!("  DIFFERS: {root}: only Heddle {more:?}, only kustomize {less:?}");
            count.differs += 1;
        }
    }
    count
}

fn read(root: &Path, inner: &str, files: &mut Files) {
    let Ok(entries) = fs::read_dir(root.join(inner)) else { return };
    for entry in entries.flatten() {
        let (Ok(kind), Some(name)) = (entry.file_type(), entry.file_name().to_str().map(str::to_owned)) else {
            continue;
        };
        let path = if inner.is_empty() { name.clone() } else { format!("{inner}/{name}") };
        if kind.is_dir() && name != ".git" {
            read(root, &path, files);
        } else if kind.is_file() && Files::wants(&name) {
            match fs::read(entry.path()) {
                Ok(bytes) => files.insert_bytes(path, without_followers(bytes)),
                Err(_) => files.insert_unreadable(path),
            }
        }
    }
}

/// A file in which nothing follows a path: kustomize does not know of that.
fn without_followers(bytes: Vec<u8>) -> Vec<u8> {
    const GROUPS: [&str; 3] = ["kustomize.toolkit.fluxcd.io/", "argoproj.io/v1alpha1", "heddle.dev/"];
    match String::from_utf8(bytes) {
        Ok(text) => GROUPS.iter().fold(text, |text, group| text.replace(group, &group.replace('.', "-"))).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

/// The images of all containers that kustomize makes.
fn build(kustomize: &str, root: &Path) -> Result<BTreeSet<String>, String> {
    let mut command = Command::new(kustomize);
    command.args(["build", "--load-restrictor", "LoadRestrictionsNone"]).arg(root);
    // Nothing is fetched.
    command.env("GIT_ALLOW_PROTOCOL", "none").env("HTTPS_PROXY", "http://127.0.0.1:9");
    let done = command.output().map_err(|error| error.to_string())?;
    if !done.status.success() {
        let words = String::from_utf8_lossy(&done.stderr);
        let last = words.lines().last().unwrap_or("no word");
        return Err(last.chars().rev().take(160).collect::<Vec<_>>().into_iter().rev().collect());
    }
    let mut images = BTreeSet::new();
    for document in read_documents(&String::from_utf8_lossy(&done.stdout)) {
        let object = document.value.map_err(|error| error.message)?;
        if WORKLOADS.contains(&object["kind"].as_str().unwrap_or_default()) {
            containers(&object, &mut images);
        }
    }
    Ok(images)
}

fn containers(value: &Value, images: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                if let (true, Value::Array(items)) = (key.to_lowercase().ends_with("containers"), inner) {
                    let own = items.iter().filter_map(|item| item["image"].as_str()).filter(|image| !image.is_empty());
                    images.extend(own.map(str::to_owned));
                }
                containers(inner, images);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| containers(item, images)),
        _ => {}
    }
}

/// What only Heddle has, and what only kustomize has. An entry of `images` that no object has runs nowhere.
fn difference(found: &Found, built: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let is_entry = |object: &str| ["Kustomization", "ImageTagTransformer"].contains(&object);
    let is_container = |object: &str| WORKLOADS.contains(&object.split(' ').next().unwrap_or_default());
    let of = |wanted: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        let places = found.occurrences.iter().filter(|place| !place.is_chart && wanted(&place.place.object));
        places.map(|place| place.written.clone()).collect()
    };
    let (own, entries) = (of(&is_container), of(&is_entry));
    let more = own.difference(built).filter(|image| !image.contains('$')).cloned().collect();
    let less = built.iter().filter(|image| !own.contains(*image) && !entries.contains(*image)).cloned().collect();
    (more, less)
}
