//! The file as a whole, and its environments.

use chrono::TimeDelta;
use heddle_core::{git::BranchName, name::EnvironmentName, policy::parse_age};

use super::{
    Config, Environment, MAX_CONFIG_BYTES, Promotion, RepositoryGlob, Stop,
    expectations::read_expectations,
    fields::{Report, shown},
    images::{Kind, read_rules},
    resources::read_resources,
    stops::{read_freezes, read_holds, read_updates},
};
use crate::{
    Finding,
    yaml::{Documents, Node, Position},
};

const KEYS: &[&str] =
    &["version", "environments", "images", "charts", "resources", "drift", "updates", "freezes", "holds"];

/// What counts where `.heddle.yaml` has more than [`MAX_CONFIG_BYTES`] and is not read: nothing is written.
pub fn too_large() -> (Config, Vec<Finding>) {
    let (mut config, mut report) = (Config::default(), Report::default());
    let message = format!(
        "`.heddle.yaml` is larger than {} KiB and is not read, so nothing is written: write fewer, broader rules",
        MAX_CONFIG_BYTES >> 10
    );
    report.add(Position { line: 1, column: 1 }, "too-large", message);
    config.stop_all(1, "`.heddle.yaml` is too large to be read");
    (config, report.into_findings())
}

/// Reads `.heddle.yaml`; all that is wrong comes as findings, and stops what it might have stopped.
pub fn read(text: &str) -> (Config, Vec<Finding>) {
    if text.len() as u64 > MAX_CONFIG_BYTES {
        return too_large();
    }
    let mut report = Report::default();
    let mut config = Config::default();
    let documents = Documents::read(text);
    if let Some(error) = &documents.error {
        let message = format!("this is no YAML, so nothing is written: {}", error.message);
        report.add(error.position, "broken-yaml", message);
    }
    if let Some(second) = documents.roots.get(1) {
        report.add(second.position, "wrong-value", "the file must be one document, so nothing is written".into());
    }
    if let Some(root) = documents.roots.first() {
        read_root(root, &mut config, &mut report);
    }
    if documents.error.is_some() || documents.roots.len() > 1 {
        config.stop_all(1, "`.heddle.yaml` cannot be read");
    }
    (config, report.into_findings())
}

fn read_root(root: &Node, config: &mut Config, report: &mut Report) {
    let known = report.faults();
    let Some(root) = report.fields(root, "`.heddle.yaml`", KEYS) else {
        return config.stop_all(1, "`.heddle.yaml` cannot be read");
    };
    read_version(root, report);
    if report.faults() > known {
        // An unknown key may be a misspelt freeze or hold.
        config.stop_all(root.position.line, "`.heddle.yaml` holds a key or a version that is not known");
    }
    if let Some(environments) = root.get("environments") {
        read_environments(environments, config, report);
    }
    if let Some(images) = root.get("images") {
        config.rules = read_rules(images, Kind::Images, &config.environments, report);
    }
    if let Some(charts) = root.get("charts") {
        config.charts = read_rules(charts, Kind::Charts, &config.environments, report);
    }
    if let Some(resources) = root.get("resources") {
        config.resources = read_resources(resources, report);
    }
    if let Some(drift) = root.get("drift") {
        config.expectations = read_expectations(drift, &config.environments, report);
    }
    if let Some(updates) = root.get("updates") {
        let stops = read_updates(updates, config, report);
        config.stops.extend(stops);
    }
    if let Some(freezes) = root.get("freezes") {
        read_freezes(freezes, config, report);
    }
    if let Some(holds) = root.get("holds") {
        read_holds(holds, config, report);
    }
}

fn read_version(root: &Node, report: &mut Report) {
    match root.get("version") {
        Some(version) if version.text() == Some("1") => {}
        Some(version) => report.wrong(version, "`version` must be `1`, so nothing is written".into()),
        None => report.add(root.position, "missing-key", "`version: 1` is missing, so nothing is written".into()),
    }
}

fn read_environments(node: &Node, config: &mut Config, report: &mut Report) {
    let before = report.faults();
    for item in report.list(node, "environments") {
        let Some(environment) = read_environment(item, &config.environments, report) else { continue };
        if config.environments.iter().any(|other| other.name == environment.name) {
            report.wrong(item, format!("the environment `{}` stands twice", environment.name));
        }
        let same_place = |other: &&Environment| other.path == environment.path && other.branch == environment.branch;
        if let Some(other) = config.environments.iter().find(same_place) {
            report.wrong(item, format!("`{}` and `{}` have the same path", environment.name, other.name));
        }
        config.environments.push(environment);
    }
    if report.faults() > before {
        // What the broken environment was to keep apart is not known.
        config.stop_all(node.position.line, "an environment in `.heddle.yaml` is broken");
    }
}

fn read_environment(node: &Node, before: &[Environment], report: &mut Report) -> Option<Environment> {
    let fields = report.fields(node, "an environment", &["name", "path", "branch", "promote"])?;
    let name = match fields.get("name") {
        Some(name) => read_name(name, report),
        None => missing(fields.position, "name", report),
    };
    let path = match fields.get("path") {
        Some(path) => read_path(path, report),
        None => missing(fields.position, "path", report),
    };
    let branch = match fields.get("branch") {
        None => None,
        Some(node) => {
            let branch = report.text(node, "branch")?.parse::<BranchName>();
            Some(branch.map_err(|error| report.wrong(node, error.to_string())).ok()?)
        }
    };
    let promote = match fields.get("promote") {
        None => None,
        Some(node) => Some(read_promotion(node, before, report)?),
    };
    Some(Environment { name: name?, path: path?, branch, promote })
}

/// Only an environment that stands above can go before, so that none waits for itself.
fn read_promotion(node: &Node, before: &[Environment], report: &mut Report) -> Option<Promotion> {
    let fields = report.fields(node, "`promote`", &["from", "after"])?;
    let after = match fields.get("after") {
        None => Some(TimeDelta::zero()),
        Some(after) => {
            let text = report.text(after, "after")?;
            let age = parse_age(text);
            if age.is_none() {
                report.wrong(after, format!("`{}` is no length of time: write for example `30m` or `2d`", shown(text)));
            }
            age
        }
    };
    let Some(from) = fields.get("from") else {
        report.add(fields.position, "missing-key", "`promote` has no `from`: name the environment before".into());
        return None;
    };
    let text = report.text(from, "from")?;
    let Some(first) = before.iter().find(|environment| environment.name.as_str() == text) else {
        report.wrong(from, format!("no environment `{}` stands above this one", shown(text)));
        return None;
    };
    Some(Promotion { line: node.position.line, from: first.name.clone(), after: after? })
}

fn missing<T>(position: Position, key: &str, report: &mut Report) -> Option<T> {
    report.add(position, "missing-key", format!("the environment has no `{key}`"));
    None
}

fn read_name(node: &Node, report: &mut Report) -> Option<EnvironmentName> {
    let name = report.text(node, "name")?.parse::<EnvironmentName>();
    name.map_err(|error| report.wrong(node, error.to_string())).ok()
}

fn read_path(node: &Node, report: &mut Report) -> Option<String> {
    let text = report.text(node, "path")?;
    let path = text.trim_start_matches("./").trim_matches('/');
    let path = if path == "." { "" } else { path };
    if path.split('/').any(|part| part == ".." || part == ".") || (path.contains("//")) {
        report.wrong(node, format!("`{}` must be a path within the repository", shown(text)));
        return None;
    }
    Some(path.to_owned())
}

impl Config {
    /// Stops every write.
    fn stop_all(&mut self, line: u32, reason: &str) {
        self.stops.push(Stop {
            line,
            environments: Vec::new(),
            images: RepositoryGlob::All,
            reason: format!("{reason}, so nothing is written"),
        });
    }
}

/// Environments that a list names. `None` when one is unknown or the list cannot be read.
pub(super) fn read_environment_list(
    node: &Node,
    known: &[Environment],
    report: &mut Report,
) -> Option<Vec<EnvironmentName>> {
    let before = report.faults();
    let mut names = Vec::new();
    for item in report.list(node, "environments") {
        let Some(text) = report.text(item, "environments") else { continue };
        match known.iter().find(|environment| environment.name.as_str() == text) {
            Some(environment) => names.push(environment.name.clone()),
            None => {
                // Environments that only a Sync's path names can be meant too.
                let implicit = text.parse::<EnvironmentName>().ok();
                if known.is_empty()
                    && let Some(name) = implicit
                {
                    names.push(name);
                    continue;
                }
                report.wrong(item, format!("there is no environment `{}`", shown(text)));
            }
        }
    }
    if names.is_empty() && report.faults() == before {
        report.wrong(node, "`environments` is empty: leave it out to mean all".into());
    }
    (report.faults() == before).then_some(names)
}
