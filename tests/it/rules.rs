//! What the tree promises (docs/ARCHITECTURE.md), read from the dependency graph and from the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use cargo_metadata::{Metadata, MetadataCommand, Package};
use spdx::{Expression, Licensee, ParseMode};

const PURE: [&str; 5] = ["heddle-core", "heddle-manifest", "heddle-reconcile", "heddle-signature", "heddle-wire"];
const EDGES: [&str; 8] = [
    "heddle-egress",
    "heddle-registry",
    "heddle-github",
    "heddle-source",
    "heddle-kube",
    "heddle-db",
    "heddle-client",
    "heddle-service",
];
const PROGRAMS: [&str; 5] = ["heddle-api", "heddle-automator", "heddle-synchronizer", "heddle-cli", "heddle-images"];
const TESTS: [&str; 2] = ["heddle-testkit", "heddle-tests"];

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let mut command = MetadataCommand::new();
    // What other platforms would need is neither built nor shipped.
    let options = ["--locked", "--offline", "--filter-platform", "x86_64-unknown-linux-gnu"];
    command.current_dir(root()).other_options(options.map(str::to_owned));
    command.exec().unwrap()
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn ours() -> impl Iterator<Item = &'static Package> {
    METADATA.packages.iter().filter(|package| METADATA.workspace_members.contains(&package.id))
}

/// Everything that ends up in the build of a crate, dev-dependencies aside, each with the way that leads to it.
///
/// `cargo metadata` unites the features of all members, so that the agent would seem to hold what only the API turns on.
/// `cargo tree` of one package resolves that package alone, as its release is built.
fn reach(name: &str) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "depth",
            "--format",
            " {p}",
            "-p",
            name,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let mut way: Vec<String> = Vec::new();
    let mut ways = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut words = line.split_whitespace();
        let depth: usize = words.next().unwrap().parse().unwrap();
        way.truncate(depth);
        way.push(words.next().unwrap().to_owned());
        ways.entry(way[depth].clone()).or_insert_with(|| way.join(" → "));
    }
    ways
}

fn check_without(crate_name: &str, banned: &[&str]) {
    let ways = reach(crate_name);
    let broken: Vec<_> = banned.iter().filter_map(|name| ways.get(*name)).collect();
    assert!(broken.is_empty(), "{crate_name} must not reach these: {broken:#?}");
}

#[test]
fn every_crate_has_a_rank() {
    let named: BTreeSet<&str> = [&PURE[..], &EDGES, &PROGRAMS, &TESTS].concat().into_iter().collect();
    let there: BTreeSet<&str> = ours().map(|package| package.name.as_str()).collect();
    assert_eq!(there, named);
}

#[test]
fn pure_crates_reach_no_io() {
    for name in PURE {
        check_without(name, &["tokio", "reqwest", "hyper", "kube", "sqlx", "axum"]);
        check_without(name, &EDGES);
    }
}

#[test]
fn nothing_but_tests_depends_on_a_program() {
    for name in [&PURE[..], &EDGES, &PROGRAMS].concat() {
        let others: Vec<_> = PROGRAMS.into_iter().chain(TESTS).filter(|other| *other != name).collect();
        check_without(name, &others);
    }
}

#[test]
fn only_the_api_reaches_the_database() {
    for name in PROGRAMS.into_iter().chain(EDGES).filter(|name| !["heddle-api", "heddle-db"].contains(name)) {
        check_without(name, &["heddle-db", "sqlx"]);
    }
}

#[test]
fn the_agent_holds_no_router_no_sql_and_no_openapi_generator() {
    check_without("heddle-synchronizer", &["axum", "sqlx", "utoipa", "heddle-github"]);
}

#[test]
fn the_api_speaks_to_no_registry_and_no_cluster() {
    check_without("heddle-api", &["heddle-registry", "heddle-kube", "heddle-source", "kube", "gix", "oci-client"]);
}

#[test]
fn there_is_one_crypto_provider() {
    for name in PROGRAMS {
        check_without(name, &["ring", "openssl-sys", "native-tls", "rsa"]);
    }
}

#[test]
fn every_dependency_has_a_license_that_we_may_ship() {
    let allowed = allowed_licenses();
    let ours: BTreeSet<_> = METADATA.workspace_members.iter().collect();
    let faults: Vec<String> = METADATA
        .packages
        .iter()
        .filter(|package| !ours.contains(&package.id))
        .filter(|package| !package.license.as_deref().is_some_and(|license| may_ship(license, &allowed)))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert!(faults.is_empty(), "none of deny.toml's licenses: {faults:#?}");
}

/// `licenses.allow` of `deny.toml`, the one list of what may enter the tree.
fn allowed_licenses() -> Vec<Licensee> {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let rules: toml::Table = text.parse().unwrap();
    let names = rules["licenses"]["allow"].as_array().unwrap();
    names.iter().map(|name| Licensee::parse(name.as_str().unwrap()).unwrap()).collect()
}

/// Whether an SPDX expression, also in the older form with `/`, leaves a choice of allowed licenses.
fn may_ship(expression: &str, allowed: &[Licensee]) -> bool {
    Expression::parse_mode(expression, ParseMode::LAX)
        .is_ok_and(|parsed| parsed.evaluate(|asked| allowed.iter().any(|license| license.satisfies(asked))))
}

#[test]
fn license_expressions_are_held_against_the_list() {
    let allowed = allowed_licenses();
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only AND MIT", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
        ("no license at all", false),
    ] {
        assert_eq!(may_ship(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_dependency_of_the_workspace_is_used_by_a_member() {
    let table = |path: &Path| -> toml::Table { fs::read_to_string(path).unwrap().parse().unwrap() };
    let workspace = table(&root().join("Cargo.toml"));
    let mut unused: BTreeSet<String> =
        workspace["workspace"]["dependencies"].as_table().unwrap().keys().cloned().collect();
    for package in ours() {
        let manifest = table(package.manifest_path.as_std_path());
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for name in manifest.get(section).and_then(toml::Value::as_table).into_iter().flat_map(|names| names.keys())
            {
                unused.remove(name);
            }
        }
    }
    assert!(unused.is_empty(), "in Cargo.toml, and used by no crate: {unused:?}");
}

#[test]
fn tests_stand_beside_their_modules() {
    let mut faults = Vec::new();
    for package in ours() {
        for file in rust_files(package.manifest_path.parent().unwrap().join("src").as_std_path()) {
            let text = fs::read_to_string(&file).unwrap();
            if text.lines().any(|line| line.starts_with("mod tests {")) {
                faults.push(file.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    assert!(faults.is_empty(), "their tests belong into tests.rs beside them: {faults:#?}");
}

#[test]
fn the_environment_is_read_in_config_alone() {
    let mut faults = Vec::new();
    for package in ours().filter(|package| !TESTS.contains(&package.name.as_str())) {
        let sources = package.manifest_path.parent().unwrap().join("src");
        for file in rust_files(sources.as_std_path()) {
            let path = file.strip_prefix(root()).unwrap().display().to_string();
            let in_config = path.contains("/src/config.rs") || path.contains("/src/config/");
            let in_tests = path.ends_with("/tests.rs") || path.contains("/tests/");
            let text = fs::read_to_string(&file).unwrap();
            let reads = |line: &&str| {
                let code = line.split("//").next().unwrap_or_default();
                ["env::var", "env::vars", "env::set_var", "option_env!", "env = \""]
                    .iter()
                    .any(|call| code.contains(call))
            };
            if !in_config && !in_tests {
                faults.extend(text.lines().filter(reads).map(|line| format!("{path}: {}", line.trim())));
            }
        }
    }
    assert!(faults.is_empty(), "only a program's config.rs reads the environment: {faults:#?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// A crate's limits stand on the page, and its own test holds them there.
#[test]
fn the_page_of_limits_has_every_crate_that_has_some() {
    let page = fs::read_to_string(root().join("docs/reference/limits.md")).unwrap();
    let mut faults = Vec::new();
    for package in ours() {
        let folder = package.manifest_path.parent().unwrap();
        let has = rust_files(folder.join("src").as_std_path())
            .iter()
            .any(|file| fs::read_to_string(file).unwrap().lines().any(|line| line.starts_with("pub const LIMITS: &[")));
        let told = page.contains(&format!("<!-- limits of {} -->", package.name));
        let held = folder.join("tests/it/limits.rs").exists();
        if [told, held] != [has; 2] {
            faults.push(format!("{}: has limits {has}, on the page {told}, tests/it/limits.rs {held}", package.name));
        }
    }
    assert!(faults.is_empty(), "see crates/heddle-core/src/limit.rs: {faults:#?}");
}

/// What `docs/drift.md` shows is what the tools print: each block is run by `make test-drift`, or by a case of this package.
#[test]
fn every_example_of_the_page_on_drift_is_run() {
    let page = fs::read_to_string(root().join("docs/drift.md")).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    let opens = |at: &usize| lines[*at].starts_with("```") && lines[*at].len() > 3;
    let examples: BTreeSet<&str> = (0..lines.len())
        .filter(opens)
        .map(|at| {
            let mark =
                lines[at.saturating_sub(1)].strip_prefix("<!-- tried: ").and_then(|mark| mark.strip_suffix(" -->"));
            mark.unwrap_or_else(|| panic!("line {} of docs/drift.md begins an example that nothing tries", at + 1))
        })
        .collect();
    let rung = rust_files(&root().join("crates/heddle-cli/tests/drift"));
    let own = fs::read_to_string(root().join("tests/it/drift.rs")).unwrap();
    let sources = rung.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<String>() + &own;
    let untried: Vec<_> = examples.iter().filter(|name| !sources.contains(&format!("example(\"{name}\")"))).collect();
    assert!(untried.is_empty() && examples.len() >= 5, "no test runs {untried:?} of {examples:?}");
}
