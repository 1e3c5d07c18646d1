//! Steps of `.github/workflows/release.yml`, run as a runner runs them: what one program prints and the next one reads.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
};

use heddle_images::{describe_push, image::IMAGES};
use serde_json::Value;
use tempfile::TempDir;

use crate::deploy::read;

fn workflow() -> Value {
    serde_saphyr::from_str(&read(".github/workflows/release.yml")).unwrap()
}

fn script(job: &str, step: &str) -> String {
    let workflow = workflow();
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
    let found = steps.iter().find(|found| found["name"] == step);
    found.unwrap_or_else(|| panic!("{job} has no step `{step}`"))["run"].as_str().unwrap().to_owned()
}

/// A folder in which steps run, with a `bin` before everything else.
struct Runner(TempDir);

impl Runner {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("bin")).unwrap();
        Self(folder)
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.0.path().join(file)
    }

    /// A program, of shell.
    fn add(&self, file: &str, body: &str) {
        let file = self.path(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/bash\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a step as GitHub's reference says of `run` without `shell`: `bash -e FILE`.
    fn run(&self, job: &str, step: &str) -> Output {
        let (file, home) = (self.path("step.sh"), self.0.path());
        fs::write(&file, script(job, step)).unwrap();
        let mut command = Command::new("bash");
        command.arg("-e").arg(file).current_dir(home).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display())).env("HOME", home);
        command.env("RUNNER_TEMP", home).env("GITHUB_OUTPUT", self.path("output")).env("GITHUB_REF_NAME", "v1.2.3");
        command
            .env("HEDDLE_REGISTRY", "ghcr.io/acme")
            .env("COSIGN", "cosign")
            .env("USERNAME", "me")
            .env("PASSWORD", "x");
        command.output().unwrap()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    /// A Go whose installed cosign writes down what it signs.
    fn add_cosign(&self) {
        self.add("bin/go", "[ \"$1\" = env ] && echo \"$HOME/go\" || true");
        self.add(
            "go/bin/cosign",
            "[ \"$1\" = login ] && cat >/dev/null || { shift; echo \"$*\" >> \"$HOME/signed\"; }",
        );
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn digest(number: usize) -> String {
    format!("sha256:{}", number.to_string().repeat(64))
}

#[test]
fn what_a_push_prints_is_what_is_signed_and_named_in_provenance() {
    let runner = Runner::new();
    let names: Vec<String> = IMAGES
        .iter()
        .enumerate()
        .map(|(number, image)| format!("ghcr.io/acme/{}:1.2.3@{}", image.name, digest(number)))
        .collect();
    runner.add("deploy/images.sh", &format!("cat <<END\n{}END", describe_push(&names)));
    runner.add_cosign();

    let pushed = runner.run("images", "Push them");
    assert!(pushed.status.success(), "{}", said(&pushed));
    let outputs: String =
        IMAGES.iter().enumerate().map(|(number, image)| format!("{}={}\n", image.name, digest(number))).collect();
    assert_eq!(runner.read("output"), outputs);
    assert!(!runner.path("password").exists());
    let signed = runner.run("images", "Sign them");
    assert!(signed.status.success(), "{}", said(&signed));
    assert_eq!(runner.read("signed"), names.iter().map(|name| format!("--yes {name}\n")).collect::<String>());

    // And each has a step that says where it comes from.
    let workflow = workflow();
    let steps = workflow["jobs"]["images"]["steps"].as_array().unwrap();
    for image in IMAGES {
        let wanted = format!("${{{{ steps.push.outputs.{} }}}}", image.name);
        assert!(steps.iter().any(|step| step["with"]["subject-digest"] == wanted), "{}", image.name);
    }
}

#[test]
fn an_image_that_was_not_pushed_ends_the_release() {
    let runner = Runner::new();
    runner.add("deploy/images.sh", &format!("cat <<END\n{}END", describe_push(&["a/b:1@sha256:0".to_owned()])));
    assert!(!runner.run("images", "Push them").status.success());
}

#[test]
fn a_chart_that_was_not_pushed_is_not_signed_and_ends_the_release() {
    let runner = Runner::new();
    let helm = |push: &str| {
        runner.add("helm", &format!("[ \"$1\" = push ] || {{ cat >/dev/null; exit 0; }}\n{push}"));
        let _ = fs::remove_file(runner.path("signed"));
        runner.run("publish", "Push and sign the charts")
    };
    runner.add("tests/tools/build.sh", &format!("echo helm {}", runner.path("helm").display()));
    runner.add_cosign();
    for chart in ["heddle-1.2.3.tgz", "heddle-agent-1.2.3.tgz"] {
        fs::create_dir_all(runner.path("out")).unwrap();
        fs::write(runner.path("out").join(chart), "").unwrap();
    }
    let pushed = helm(&format!("echo \"Digest: {}\" >&2", digest(7)));
    assert!(pushed.status.success(), "{}", said(&pushed));
    let signed = ["heddle", "heddle-agent"].map(|name| format!("--yes ghcr.io/acme/charts/{name}@{}\n", digest(7)));
    assert_eq!(runner.read("signed"), signed.concat());

    let refused = helm("echo denied >&2; exit 1");
    assert!(!refused.status.success());
    assert_eq!(runner.read("signed"), "", "{}", said(&refused));
}

/// A version that can be pulled is one whose other parts are made.
#[test]
fn images_are_pushed_after_everything_that_may_fail_before() {
    let workflow = workflow();
    let needs = |job: &str| workflow["jobs"][job]["needs"].clone();
    assert_eq!(needs("images"), serde_json::json!(["check", "command-line"]));
    assert!(needs("publish").as_array().unwrap().iter().any(|job| job == "images"));
}
