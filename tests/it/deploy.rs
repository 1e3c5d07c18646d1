//! What people run Heddle with, checked without a container engine: the Dockerfile against the tree and against the images
//! that are made without it, the compose file against the Dockerfile, the install manifest against both, and the settings
//! that they name against the programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use heddle_images::image::{IMAGES, Image, Part, USER};
use serde_json::Value;

/// The images' user, as the install manifest has it too.
fn user() -> String {
    format!("{USER}:{USER}")
}

/// The target of the Dockerfile for an image.
fn target(image: &Image) -> &'static str {
    image.name.strip_prefix("heddle-").unwrap()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An instruction of a Dockerfile with its arguments on one line.
#[derive(Debug)]
struct Instruction {
    word: String,
    arguments: String,
}

/// A stage of a Dockerfile.
#[derive(Debug)]
struct Stage {
    from: String,
    instructions: Vec<Instruction>,
}

impl Stage {
    fn all<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.instructions.iter().filter(move |i| i.word == word).map(|i| i.arguments.as_str())
    }
}

/// The stages by name. Comments are dropped and continued lines joined, as the reference of the format says.
fn dockerfile() -> BTreeMap<String, Stage> {
    let text = read("deploy/Dockerfile");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let mut stages: BTreeMap<String, Stage> = BTreeMap::new();
    let mut current = String::new();
    for line in lines.join("\n").replace("\\\n", " ").lines().filter(|line| !line.trim().is_empty()) {
        let (word, arguments) = line.split_once(' ').unwrap();
        if word == "FROM" {
            let (from, name) = arguments.split_once(" AS ").expect("each stage has a name");
            current = name.to_owned();
            stages.insert(current.clone(), Stage { from: from.to_owned(), instructions: Vec::new() });
        } else {
            let arguments = arguments.split_whitespace().collect::<Vec<_>>().join(" ");
            stages.get_mut(&current).unwrap().instructions.push(Instruction { word: word.to_owned(), arguments });
        }
    }
    stages
}

fn compose() -> Value {
    serde_saphyr::from_str(&read("docker-compose.yml")).unwrap()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The variables that a program's only reader of the environment knows: its `config.rs`, and what lies below.
pub(crate) fn known_variables(program: &str) -> BTreeSet<String> {
    let config = format!("crates/{program}/src/config");
    let below = fs::read_dir(root().join(&config)).into_iter().flatten().map(|entry| entry.unwrap().path());
    let below = below.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let text = below.fold(read(&format!("{config}.rs")), |text, part| text + &part);
    let named = text.split("env = \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    named.filter(|name| name.starts_with("HEDDLE_") || *name == "DATABASE_URL").map(str::to_owned).collect()
}

#[test]
fn every_path_that_is_copied_exists() {
    let stages = dockerfile();
    let ignored = read(".dockerignore");
    for (name, stage) in &stages {
        for copy in stage.all("COPY") {
            let mut words: Vec<&str> = copy.split(' ').collect();
            let target = words.pop().unwrap();
            if let Some(from) = words[0].strip_prefix("--from=") {
                assert!(stages.contains_key(from), "{name}: no stage is called {from}");
                continue;
            }
            for source in words {
                assert!(root().join(source).exists(), "{name}: {source} (to {target}) is not in the tree");
                assert!(!ignored.lines().any(|line| line == source), "{name}: .dockerignore leaves {source} out");
            }
        }
        assert!(
            stages.contains_key(&stage.from) || stage.from == "scratch" || stage.from.starts_with("docker.io/"),
            "{name}: {} is neither a stage nor a full image name",
            stage.from
        );
    }
}

#[test]
fn the_build_has_all_members_and_all_programs() {
    let stages = dockerfile();
    let copied: BTreeSet<&str> = stages["build"].all("COPY").flat_map(|copy| copy.split(' ')).collect();
    for needed in ["Cargo.toml", "Cargo.lock", "crates", "tests", "migrations", ".sqlx"] {
        assert!(copied.contains(needed), "the build lacks {needed}");
    }
    let built: BTreeSet<String> =
        stages["build"].all("RUN").flat_map(|run| run.split("--bin ").skip(1)).map(first_word).collect();
    for image in &IMAGES {
        assert!(built.contains(image.program), "{} is not built", image.program);
    }
    let metadata = cargo_metadata::MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap();
    let binaries: BTreeSet<String> = metadata
        .packages
        .iter()
        .flat_map(|package| &package.targets)
        .filter(|target| target.is_bin())
        .map(|target| target.name.clone())
        .collect();
    assert!(built.is_subset(&binaries), "{built:?} of {binaries:?}");
}

fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap().to_owned()
}

#[test]
fn targets_are_the_images_that_are_made_without_an_engine() {
    let stages = dockerfile();
    assert_eq!(stages["base"].from, "scratch");
    assert_eq!(stages["base"].all("USER").collect::<Vec<_>>(), [user()]);
    for image in &IMAGES {
        let (target, stage) = (target(image), &stages[target(image)]);
        assert_eq!(stage.from, "base", "{target}");
        assert_eq!((stage.all("USER").count(), stage.all("ENTRYPOINT").count()), (0, 0), "{target}");
        let command: Vec<String> = serde_json::from_str(stage.all("CMD").next().unwrap()).unwrap();
        assert_eq!(command, image.command, "{target}");
        assert_eq!(stage.all("COPY").collect::<Vec<_>>(), [format!("--from=roots /roots/{} /", image.name)]);
        let set: Vec<&str> = stage.all("ENV").flat_map(|env| env.split(' ')).collect();
        let environment: Vec<String> =
            image.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(set, environment, "{target}");
        let open: Vec<&str> = stage.all("EXPOSE").flat_map(|ports| ports.split(' ')).collect();
        assert_eq!(open, image.ports.iter().map(ToString::to_string).collect::<Vec<_>>(), "{target}");
    }
}

#[test]
fn the_synchronizer_has_kustomize_helm_and_sops_and_no_git() {
    let stages = dockerfile();
    let agent = IMAGES.iter().find(|image| target(image) == "synchronizer").unwrap();
    assert_eq!(agent.parts, [Part::Kustomize, Part::Helm, Part::Sops]);
    let installed: Vec<&str> = stages["roots"].all("RUN").chain(stages["synchronizer"].all("RUN")).collect();
    assert!(installed.iter().all(|run| !run.contains("git") && !run.contains("curl")), "{installed:?}");
    let version = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("go ")).unwrap().to_owned();
        line.trim_start_matches("go ").rsplit_once('.').unwrap().0.to_owned()
    };
    for tool in ["kustomize", "helm", "sops"] {
        let go = version(&read(&format!("tests/tools/{tool}/go.mod")));
        assert!(stages[tool].from.contains(&format!("golang:{go}-")), "{} is not Go {go}", stages[tool].from);
    }
}

#[test]
fn each_service_is_a_target_and_names_what_exists() {
    let (compose, stages) = (compose(), dockerfile());
    let services = &compose["services"];
    for (name, service) in members(services) {
        if let Some(target) = service["build"]["target"].as_str() {
            assert!(stages.contains_key(target), "{name}: no target {target}");
            assert_eq!(service["build"]["dockerfile"], "deploy/Dockerfile");
            assert_eq!(service["read_only"], true, "{name}");
        }
        for (other, _) in members(&service["depends_on"]) {
            assert!(services.get(other).is_some(), "{name}: no service {other}");
        }
        if let Some(other) = service["network_mode"].as_str().and_then(|mode| mode.strip_prefix("service:")) {
            assert!(services.get(other).is_some(), "{name}: no service {other}");
        }
        for volume in texts(&service["volumes"]).map(|volume| volume.split(':').next().unwrap()) {
            assert!(compose["volumes"].get(volume).is_some(), "{name}: no volume {volume}");
        }
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to the network without TLS");
        }
    }
}

#[test]
fn secrets_come_as_files_and_only_to_who_needs_them() {
    let compose = compose();
    for (name, service) in members(&compose["services"]) {
        let granted: BTreeSet<&str> = texts(&service["secrets"]).collect();
        let used: BTreeSet<&str> = members(&service["environment"])
            .filter_map(|(_, value)| value.as_str()?.strip_prefix("/run/secrets/"))
            .collect();
        assert_eq!(granted, used, "{name}");
        for (variable, value) in members(&service["environment"]) {
            // Without a value it is that of `.env`.
            let value = value.as_str().unwrap_or_default();
            let names_a_file = variable.ends_with("_FILE");
            assert!(!variable.contains("PASSWORD") && !variable.contains("SECRET") || names_a_file, "{variable}");
            assert!(!value.contains('@'), "{variable} holds a login");
        }
        for secret in granted {
            let file = compose["secrets"][secret]["file"].as_str().unwrap();
            assert!(file.starts_with("./secrets/"), "{secret}");
        }
    }
    assert!(read(".gitignore").lines().any(|line| line == "/secrets"), "secrets could be committed");
    assert!(read(".dockerignore").lines().any(|line| line == "secrets"), "secrets could get into an image");
}

#[test]
fn every_setting_is_one_that_its_program_reads_and_the_manual_explains() {
    let compose = compose();
    let manual = read("docs/self-hosting.md");
    for (service, target, program) in [
        (Some("api"), "api", "heddle-api"),
        (Some("automator"), "automator", "heddle-automator"),
        (None, "synchronizer", "heddle-synchronizer"),
    ] {
        let known = known_variables(program);
        let named = service.map(|service| members(&compose["services"][service]["environment"])).into_iter().flatten();
        let stage = &dockerfile()[target];
        let set = stage.all("ENV").flat_map(|env| env.split(' ')).map(|pair| pair.split('=').next().unwrap());
        for variable in named.map(|(variable, _)| variable).chain(set) {
            assert!(known.contains(variable), "{program} does not read {variable}");
        }
        for variable in &known {
            assert!(manual.contains(&format!("`{variable}`")), "docs/self-hosting.md lacks {variable} of {program}");
        }
    }
}

#[test]
fn the_install_manifest_runs_what_the_image_holds() {
    let manifest = read("deploy/agent/install.yaml");
    let values = |key: &str| -> BTreeSet<String> {
        let lines = manifest.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(values("args"), BTreeSet::from(["[heddle-synchronizer]".to_owned()]));
    assert_eq!(values("runAsUser"), BTreeSet::from([USER.to_string()]));
    assert_eq!(values("runAsGroup"), BTreeSet::from([USER.to_string()]));
    let known = known_variables("heddle-synchronizer");
    for variable in values("- name").iter().filter(|name| name.starts_with("HEDDLE_")) {
        assert!(known.contains(variable), "heddle-synchronizer does not read {variable}");
    }
}
