//! Images of small programs, made, held against the specification, and pushed to a real registry.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use chrono::DateTime;
use heddle_images::{
    build::{SPDX_TYPE, VERSION, build, write_roots},
    config::{Build, Command, Config, Inputs, Push, Roots},
    image::{AGENT, API, IMAGES, NAMED_BY_API},
    layout::{Descriptor, Layout},
    run,
};
use heddle_registry::{Access, Session};
use heddle_testkit::registry::Registry;
use serde_json::Value;

const CREATED: i64 = 1_790_000_000;

/// Made once: what only looks at a layout looks at this one.
static MADE: LazyLock<(Bench, Layout)> = LazyLock::new(|| {
    let bench = Bench::new("made");
    let layout = bench.build("out");
    (bench, layout)
});

/// Programs of this system stand for ours, which take long to build.
struct Bench(PathBuf);

impl Bench {
    /// In the build's folder, where one run takes the place of the one before.
    fn new(name: &str) -> Self {
        let bench = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join("images").join(name));
        if bench.0.exists() {
            fs::remove_dir_all(&bench.0).unwrap();
        }
        let programs = bench.path("programs");
        fs::create_dir_all(&programs).unwrap();
        for image in &IMAGES {
            fs::copy("/bin/true", programs.join(image.program)).unwrap();
        }
        fs::copy("/bin/ls", programs.join("kustomize")).unwrap();
        fs::copy("/bin/ls", programs.join("helm")).unwrap();
        fs::copy("/bin/ls", programs.join("sops")).unwrap();
        fs::create_dir_all(bench.path("dashboard/assets")).unwrap();
        fs::write(bench.path("dashboard/index.html"), "<!doctype html>").unwrap();
        fs::write(bench.path("dashboard/assets/main.js"), "0").unwrap();
        fs::write(bench.path("authorities.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn inputs(&self) -> Inputs {
        Inputs {
            programs: self.path("programs"),
            dashboard: self.path("dashboard"),
            kustomize: self.path("programs/kustomize"),
            helm: self.path("programs/helm"),
            sops: self.path("programs/sops"),
            authorities: self.path("authorities.pem"),
            sources: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
        }
    }

    fn build(&self, out: &str) -> Layout {
        let arguments = Build {
            inputs: self.inputs(),
            out: self.path(out),
            registry: "registry.example.com/heddle".to_owned(),
            revision: "4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned(),
            created: DateTime::from_timestamp(CREATED, 0).unwrap(),
        };
        build(&arguments).unwrap();
        Layout::open(&arguments.out).unwrap()
    }
}

/// The manifest of an image in a layout.
fn named<'a>(layout: &'a Layout, name: &str) -> &'a Descriptor {
    let reference = format!("{name}:{VERSION}");
    layout.manifests().iter().find(|one| one.annotations.values().any(|value| *value == reference)).unwrap()
}

fn config(layout: &Layout, name: &str) -> Value {
    let manifest = layout.manifest(named(layout, name)).unwrap();
    serde_json::from_slice(&layout.blob(&manifest.config).unwrap()).unwrap()
}

#[test]
fn the_same_input_gives_the_same_images() {
    let first = &MADE.1;
    let bench = Bench::new("same");
    let second = bench.build("second");
    assert_eq!(first.manifests(), second.manifests());
    fs::write(bench.path("programs/heddle"), fs::read("/bin/ls").unwrap()).unwrap();
    let third = bench.build("second");
    assert_ne!(named(&third, "heddle-cli").digest, named(first, "heddle-cli").digest);
    assert_eq!(named(&third, API).digest, named(first, API).digest, "the other programs are the same");
}

#[test]
fn a_layout_is_whole_and_its_images_run_as_nobody() {
    let layout = &MADE.1;
    assert_eq!(layout.manifests().len(), 2 * IMAGES.len());
    for listed in layout.manifests() {
        let manifest = layout.manifest(listed).unwrap();
        for blob in [&manifest.config].into_iter().chain(&manifest.layers) {
            assert_eq!(layout.blob(blob).unwrap().len() as u64, blob.size);
        }
    }
    for image in &IMAGES {
        let config = config(layout, image.name);
        assert_eq!(config["config"]["User"], "65532:65532", "{}", image.name);
        assert_eq!(config["config"]["Cmd"][0], image.program);
        assert!(config["config"].get("Entrypoint").is_none());
        let labels = &config["config"]["Labels"];
        assert_eq!(labels["org.opencontainers.image.revision"], "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        assert_eq!(labels["org.opencontainers.image.created"], "2026-09-21T14:13:20Z");
        assert_eq!(labels["org.opencontainers.image.licenses"], "Apache-2.0");
        let manifest = layout.manifest(named(layout, image.name)).unwrap();
        assert_eq!(manifest.layers.len(), config["rootfs"]["diff_ids"].as_array().unwrap().len());
    }
}

#[test]
fn the_api_names_the_agent_and_the_automator_that_were_made_with_it() {
    let layout = &MADE.1;
    let config = config(layout, API);
    for (name, setting) in NAMED_BY_API {
        let digest = &named(layout, name).digest;
        let expected = format!("{setting}=registry.example.com/heddle/{name}:{VERSION}@{digest}");
        assert!(config["config"]["Env"].as_array().unwrap().contains(&expected.into()), "{config:#}");
    }
}

#[test]
fn the_list_of_contents_has_what_was_built_in_and_belongs_to_its_image() {
    let layout = &MADE.1;
    let lists = layout.manifests().iter().filter(|one| one.artifact_type.as_deref() == Some(SPDX_TYPE));
    let of = |name: &str| {
        let image = named(layout, name);
        let mut lists = lists.clone().map(|list| layout.manifest(list).unwrap());
        let list = lists.find(|list| list.subject.as_ref().unwrap().digest == image.digest).unwrap();
        serde_json::from_slice::<Value>(&layout.blob(&list.layers[0]).unwrap()).unwrap()
    };
    let names = |document: &Value| -> Vec<String> {
        let packages = document["packages"].as_array().unwrap();
        packages.iter().map(|package| package["name"].as_str().unwrap().to_owned()).collect()
    };
    let api = of(API);
    assert_eq!((&api["spdxVersion"], &api["dataLicense"]), (&"SPDX-2.3".into(), &"CC0-1.0".into()));
    let relations = api["relationships"].as_array().unwrap();
    assert_eq!(relations.len(), api["packages"].as_array().unwrap().len());
    let api = names(&api);
    for needed in ["heddle-api", "sqlx", "react", "libc6", "ca-certificates"] {
        assert!(api.iter().any(|name| name == needed), "{needed}");
    }
    let agent = names(&of(AGENT));
    for tool in ["sigs.k8s.io/kustomize/kustomize/v5", "helm.sh/helm/v4", "github.com/getsops/sops/v3"] {
        assert!(agent.iter().any(|name| name == tool), "{tool}");
    }
    assert!(agent.iter().all(|name| name != "sqlx" && name != "react"), "the agent has no database and no dashboard");
}

#[tokio::test]
async fn what_is_pushed_is_what_our_own_client_pulls() {
    let (bench, layout) = &*MADE;
    let registry = Registry::start().await.unwrap();
    let to = format!("{}/heddle", registry.host());
    let push =
        || Push { layout: bench.path("out"), to: to.clone(), username: None, password_file: None, plain_http: true };
    let told = run(Config { command: Command::Push(push()) }).await.unwrap();
    assert_eq!(told.lines().count(), IMAGES.len(), "{told}");
    run(Config { command: Command::Push(push()) }).await.unwrap();
    let access = Access::new(&[registry.host()], None).unwrap();
    let session = Session::new(access, &registry.host(), None);
    for image in &IMAGES {
        let repository = format!("{to}/{}", image.name).parse().unwrap();
        let seen = session.describe(&repository, &VERSION.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(seen.digest.as_str(), named(layout, image.name).digest);
        assert_eq!(seen.created_at.unwrap().timestamp(), CREATED);
        assert_eq!(seen.platforms.len(), 1, "{:?}", seen.platforms);
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let bench = Bench::new("missing");
    fs::remove_file(bench.path("programs/heddle-automator")).unwrap();
    let roots = || Command::Roots(Roots { inputs: bench.inputs(), out: bench.path("roots") });
    let fault = run(Config { command: roots() }).await.unwrap_err();
    assert!(fault.to_string().ends_with("programs/heddle-automator cannot be read"), "{fault}");
    fs::copy("/bin/true", bench.path("programs/heddle-automator")).unwrap();
    fs::remove_file(bench.path("dashboard/index.html")).unwrap();
    let fault = run(Config { command: roots() }).await.unwrap_err();
    assert!(fault.to_string().ends_with("build the dashboard"), "{fault}");
}

#[test]
fn a_folder_that_holds_something_else_is_left_alone() {
    let bench = Bench::new("something-else");
    let fault = Layout::create(&bench.path("programs")).unwrap_err();
    assert!(fault.to_string().ends_with("name another folder"), "{fault}");
    assert!(bench.path("programs/heddle").exists());
}

#[test]
fn roots_for_an_engine_have_the_same_files() {
    let bench = Bench::new("roots");
    write_roots(&Roots { inputs: bench.inputs(), out: bench.path("roots") }).unwrap();
    let root = bench.path("roots/heddle-api");
    for file in ["usr/local/bin/heddle-api", "usr/share/heddle/web/assets/main.js", "etc/passwd"] {
        assert!(root.join(file).is_file(), "{file}");
    }
    assert_eq!(fs::metadata(root.join("tmp")).unwrap().mode() & 0o7777, 0o1777);
    assert!(!root.join("var/lib/heddle").exists(), "it has another owner, and is copied by itself");
    let home = fs::metadata(bench.path("roots/home/var/lib/heddle")).unwrap();
    assert_eq!(home.mode() & 0o7777, 0o700);
}
