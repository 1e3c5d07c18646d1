//! How long it takes to find and edit images. `make bench` runs it.
#![allow(clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use heddle_core::name::EnvironmentName;
use heddle_manifest::{
    Files, Found, Target, edit, find,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment},
};

const MANIFESTS: usize = 10_000;
const RUNS: usize = 7;
const VALUES_BYTES: usize = 5 << 20;

fn main() {
    println!("find and edit, median of {RUNS} runs");
    let texts: Vec<(String, String)> = (0..MANIFESTS).map(|index| (path(index), manifest(index, "1.0.0"))).collect();
    measure("10,000 manifests, cold", || {
        let mut files = Files::default();
        for (path, text) in &texts {
            files.insert(path.clone(), text.clone());
        }
        bump(&files, "ghcr.io/acme/app-77")
    });
    let mut files = Files::default();
    texts.into_iter().for_each(|(path, text)| files.insert(path, text));
    bump(&files, "ghcr.io/acme/app-77");
    let mut round = 0;
    measure("10,000 manifests, one changed", || {
        round += 1;
        files.insert(path(4_711), manifest(4_711, &format!("1.0.{round}")));
        bump(&files, "ghcr.io/acme/app-77")
    });
    let values = values();
    measure("a values file of 5 MB", || {
        let mut files = Files::default();
        files.insert("values.yaml".to_owned(), values.clone());
        bump(&files, "ghcr.io/acme/part-500")
    });
    println!("  {:<32} {:>7} MiB", "peak memory", peak_mebibytes());
}

fn path(index: usize) -> String {
    format!("apps/{}/app-{index}.yaml", index % 100)
}

fn manifest(index: usize, tag: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{index}\n  namespace: shop\n  labels: {{app: app-{index}}}\n\
         spec:\n  replicas: 2\n  selector:\n    matchLabels: {{app: app-{index}}}\n  template:\n    metadata:\n      labels: {{app: app-{index}}}\n    \
         spec:\n      containers:\n        - name: app\n          image: ghcr.io/acme/app-{index}:{tag} # kept\n          ports:\n            \
         - containerPort: 8080\n          env:\n            - name: LOG\n              value: \"info\"\n"
    )
}

fn values() -> String {
    let mut text = String::new();
    let mut index = 0;
    while text.len() < VALUES_BYTES {
        text.push_str(&format!(
            "part-{index}:\n  image: {{repository: ghcr.io/acme/part-{index}, tag: v1}}\n  notes: |\n    {}\n",
            "words ".repeat(100)
        ));
        index += 1;
    }
    text
}

/// Finds everything, and writes another tag at the places of one image.
fn bump(files: &Files, repository: &str) -> usize {
    let name = EnvironmentName::implicit_for("");
    let environments = [FoundEnvironment::new(name, String::new(), EnvironmentOrigin::Folder)];
    let found: Found = find(&FindInput { files, environments: &environments });
    let target = Target::tag("2.0.0".parse().expect("it is a tag"));
    let repository = repository.parse().expect("it is a repository");
    let places = found.occurrences.iter().filter(|place| place.image.repository == repository);
    let edited = places.map(|place| {
        let edits = place.edits(&target).expect("it can be edited");
        edit(files.get(&place.place.file).unwrap_or_default(), &edits).expect("it can be edited").len()
    });
    edited.sum()
}

fn measure(name: &str, mut work: impl FnMut() -> usize) {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            assert!(black_box(work()) > 0, "{name}: nothing was edited");
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("  {name:<32} {:>7.1} ms", times[RUNS / 2]);
}

fn peak_mebibytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) / 1_024
}
