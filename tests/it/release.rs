//! What a release is made of beside its images: `deploy/release.sh` on a program that stands for the real one,
//! `deploy/install.sh` against a server of files, and steps of the workflow with tools that stand for the real ones.

mod workflow;

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use tempfile::TempDir;

use crate::deploy::{read, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn run(script: &str, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(root().join("deploy").join(script));
    command.args(args).env("SOURCE_DATE_EPOCH", "1700000000").envs(environment.iter().copied());
    command.output().unwrap()
}

fn release(args: &[&str]) -> String {
    let output = run("release.sh", args, &[]);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}

/// A program that says what `heddle` says where a release asks it.
fn program(folder: &Path) -> String {
    let file = folder.join("program");
    fs::write(&file, format!("#!/bin/sh\n[ \"$1\" = --version ] && echo heddle {VERSION} || echo \"$*\"\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Archives, packages, charts and what names them, as the workflow makes them.
fn whole_release() -> TempDir {
    let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = program(scratch.path());
    for architecture in ["amd64", "arm64"] {
        release(&["archive", &program, architecture, text(&folder)]);
        release(&["package", &program, architecture, text(&folder)]);
    }
    release(&["charts", text(&folder)]);
    release(&["finish", text(&folder)]);
    folder
}

fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_release_made_twice_is_the_same_and_whole() {
    let (first, second) = (whole_release(), whole_release());
    let mut names: Vec<String> =
        fs::read_dir(&first).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected = [
        "SHA256SUMS".to_owned(),
        "VERSION".to_owned(),
        format!("heddle-{VERSION}-linux-amd64.tar.gz"),
        format!("heddle-{VERSION}-linux-arm64.tar.gz"),
        format!("heddle-{VERSION}.tgz"),
        format!("heddle-agent-{VERSION}.tgz"),
        "heddle.rb".to_owned(),
        format!("heddle_{VERSION}_amd64.deb"),
        format!("heddle_{VERSION}_arm64.deb"),
        "install.sh".to_owned(),
    ];
    assert_eq!(names, expected);
    for name in &names {
        let bytes = |folder: &TempDir| fs::read(folder.path().join(name)).unwrap();
        assert!(bytes(&first) == bytes(&second), "{name} differs");
    }
    let sums = fs::read_to_string(first.path().join("SHA256SUMS")).unwrap();
    let summed: Vec<&str> = sums.lines().map(|line| line.split("  ").nth(1).unwrap()).collect();
    assert_eq!(summed, names.iter().filter(|name| *name != "SHA256SUMS").collect::<Vec<_>>());

    let formula = fs::read_to_string(first.path().join("heddle.rb")).unwrap();
    for line in sums.lines().filter(|line| line.contains("linux")) {
        let (sum, name) = line.split_once("  ").unwrap();
        assert!(formula.contains(&format!("/v{VERSION}/{name}\"\n    sha256 \"{sum}\"")), "{formula}");
    }
}

#[test]
fn a_debian_package_holds_program_and_completions_and_nobodys_files() {
    let folder = tempfile::tempdir().unwrap();
    release(&["package", &program(folder.path()), "arm64", text(&folder)]);
    let package = folder.path().join(format!("heddle_{VERSION}_arm64.deb"));
    let package = package.to_str().unwrap();
    for (field, value) in [("Package", "heddle"), ("Version", VERSION), ("Architecture", "arm64")] {
        assert_eq!(said_by("dpkg-deb", &["--field", package, field]).trim(), value);
    }
    let listed = said_by("dpkg-deb", &["--contents", package]);
    for file in [
        "./usr/bin/heddle",
        "./usr/share/doc/heddle/copyright",
        "./usr/share/bash-completion/completions/heddle",
        "./usr/share/zsh/vendor-completions/_heddle",
        "./usr/share/fish/vendor_completions.d/heddle.fish",
    ] {
        assert!(listed.lines().any(|line| line.ends_with(file)), "{file} is not in {listed}");
    }
    assert!(listed.lines().all(|line| line.contains(" root/root ")), "{listed}");
}

#[test]
fn a_tag_names_the_version_of_the_sources_or_nothing_is_released() {
    for tag in ["v9.9.9", VERSION, "main"] {
        let output = run("release.sh", &["version", tag], &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(&format!("the sources are {VERSION}")), "{tag}: {said}");
    }
    let output = run("release.sh", &["archive", "/bin/true", "riscv64", "/nowhere"], &[]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("there are amd64 and arm64"));
}

#[test]
fn a_fork_changes_two_settings_and_all_names_follow() {
    let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let names = [
        ("HEDDLE_REGISTRY", "registry.example.com/fork"),
        ("HEDDLE_REPOSITORY", "https://git.example.com/fork/heddle"),
    ];
    let program = program(scratch.path());
    for args in [
        ["archive", &program, "amd64", text(&folder)].as_slice(),
        &["archive", &program, "arm64", text(&folder)],
        &["charts", text(&folder)],
        &["finish", text(&folder)],
    ] {
        let output = run("release.sh", args, &names);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for chart in ["heddle", "heddle-agent"] {
        let archive = folder.path().join(format!("{chart}-{VERSION}.tgz"));
        let values = said_by("tar", &["-xzOf", archive.to_str().unwrap(), &format!("{chart}/values.yaml")]);
        assert!(values.contains(": registry.example.com/fork") && !values.contains("heddle-dev"), "{chart}");
    }
    for file in ["install.sh", "heddle.rb"] {
        let made = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(made.contains("https://git.example.com/fork/heddle") && !made.contains("heddle-dev"), "{file}: {made}");
    }
}

/// The names stand in one place, and what cannot read it says the same.
#[test]
fn the_names_of_registry_and_repository_are_the_same_everywhere() {
    let names = read("deploy/names.sh");
    let of = |name: &str| {
        let (_, rest) = names.split_once(&format!("{name}:-")).unwrap();
        rest.split_once('}').unwrap().0.to_owned()
    };
    let (registry, repository) = (of("HEDDLE_REGISTRY"), of("HEDDLE_REPOSITORY"));
    for (file, said) in [
        ("deploy/helm/heddle/values.yaml", format!("  registry: {registry}\n")),
        ("deploy/helm/heddle-agent/values.yaml", format!("  repository: {registry}/heddle-synchronizer\n")),
        ("crates/heddle-api/src/config/settings.rs", format!("\"{registry}/heddle-synchronizer:\"")),
        ("crates/heddle-api/src/config/settings.rs", format!("\"{registry}/heddle-automator:{VERSION}\"")),
        ("deploy/install.sh", format!("repository={repository}\n")),
    ] {
        assert!(read(file).contains(&said), "{file} does not say {said}");
    }
}

/// The scripts with another version in the sources.
fn sources_of(version: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("deploy")).unwrap();
    for file in ["deploy/release.sh", "deploy/names.sh", "LICENSE"] {
        fs::copy(root().join(file), copy.path().join(file)).unwrap();
    }
    let manifest =
        read("Cargo.toml").replacen(&format!("version = \"{VERSION}\""), &format!("version = \"{version}\""), 1);
    fs::write(copy.path().join("Cargo.toml"), manifest).unwrap();
    copy
}

fn release_of(version: &str, args: &[&str], environment: &[(&str, &str)], input: &str) -> Result<String, String> {
    let sources = sources_of(version);
    let mut command = Command::new(sources.path().join("deploy/release.sh"));
    command.args(args).env("SOURCE_DATE_EPOCH", "1700000000").envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn debian_takes_a_candidate_for_older_than_its_release() {
    let folder = tempfile::tempdir().unwrap();
    release_of("1.2.0-rc.1", &["package", &program(folder.path()), "amd64", text(&folder)], &[], "").unwrap();
    let package = folder.path().join("heddle_1.2.0-rc.1_amd64.deb");
    let version = said_by("dpkg-deb", &["--field", package.to_str().unwrap(), "Version"]);
    said_by("dpkg", &["--compare-versions", version.trim(), "lt", "1.2.0"]);
    said_by("dpkg", &["--compare-versions", version.trim(), "gt", "1.1.9"]);
}

#[test]
fn who_asks_for_the_newest_gets_no_candidate_and_no_patch_of_an_older_line() {
    for (version, tags, flag) in [
        ("0.3.0", "", "--latest"),
        ("0.3.0", "v0.2.9\nv0.10.0-rc.1\nnightly\n", "--latest"),
        ("0.10.0", "v0.9.0\n", "--latest"),
        ("0.2.1", "v0.3.0\nv0.2.0\n", "--latest=false"),
        ("0.3.0-rc.1", "v0.2.0\n", "--prerelease"),
    ] {
        assert_eq!(release_of(version, &["rank"], &[], tags).as_deref(), Ok(flag), "{version}");
    }
}

#[test]
fn a_registry_is_written_as_registries_write_it_or_refused() {
    let registry = |name| release_of(VERSION, &["registry"], &[("HEDDLE_REGISTRY", name)], "");
    assert_eq!(registry("ghcr.io/Acme-Corp").as_deref(), Ok("ghcr.io/acme-corp"));
    assert_eq!(registry("registry.example.com:5000/a/b").as_deref(), Ok("registry.example.com:5000/a/b"));
    for wrong in ["ghcr.io", "https://ghcr.io/acme", "ghcr.io/acme/", "ghcr.io/-acme"] {
        assert!(registry(wrong).is_err_and(|said| said.contains("no host with a path")), "{wrong}");
    }
}

/// Serves a folder's files as a release has them: below `/download/vVERSION/` and `/latest/download/`.
fn serve(folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder.to_owned();
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let name = path
                .strip_prefix(&format!("/download/v{VERSION}/"))
                .or_else(|| path.strip_prefix("/latest/download/"))
                .unwrap_or("none");
            let answer = match fs::read(folder.join(name)) {
                Ok(body) => {
                    [format!("HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes(), body].concat()
                }
                Err(_) => b"HTTP/1.0 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
            };
            stream.write_all(&answer).unwrap();
        }
    });
    address
}

fn install(releases: &str, folder: &Path, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new("sh");
    command.arg(root().join("deploy/install.sh"));
    // The PATH of a machine without cosign.
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    command.env("HEDDLE_RELEASES", releases).env("HEDDLE_BIN", folder).envs(environment.iter().copied());
    command.output().unwrap()
}

#[test]
fn the_script_installs_the_latest_release_and_none_that_was_changed() {
    let made = whole_release();
    let address = serve(made.path());
    let bin = tempfile::tempdir().unwrap();
    for environment in
        [&[][..], &[("HEDDLE_VERSION", VERSION)], &[("HEDDLE_VERSION", concat!("v", env!("CARGO_PKG_VERSION")))]]
    {
        let output = install(&address, bin.path(), environment);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8(output.stdout).unwrap().contains(&format!("installed heddle {VERSION} as ")));
        fs::remove_file(bin.path().join("heddle")).unwrap();
    }

    let refused = |environment: &[(&str, &str)], said: &str| {
        let output = install(&address, bin.path(), environment);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(said), "{error}");
        assert_eq!(fs::read_dir(bin.path()).unwrap().count(), 0);
    };
    refused(&[("HEDDLE_VERSION", "9.9.9")], "cannot be fetched");
    refused(&[("HEDDLE_VERSION", "../x")], "is no version");
    refused(&[("HEDDLE_RELEASES", "http://example.com")], "is no https address");
    for architecture in ["amd64", "arm64"] {
        let archive = made.path().join(format!("heddle-{VERSION}-linux-{architecture}.tar.gz"));
        fs::write(archive, "something else").unwrap();
    }
    refused(&[], "is not what SHA256SUMS says");
}
