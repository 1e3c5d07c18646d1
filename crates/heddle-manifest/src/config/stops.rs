//! What stops writes: holds, freezes, schedules. They are read and not yet followed, so each stops its whole scope.

use heddle_core::name::EnvironmentName;

use super::{
    Config, Environment, RepositoryGlob, Stop,
    fields::{NOT_BUILT, Report},
    images::read_image_glob,
    read::read_environment_list,
};
use crate::yaml::Node;

const UPDATE_KEYS: &[&str] =
    &["group", "batch_window", "limit", "labels", "reviewers", "automerge", "title", "schedule"];

/// Settings of all updates. Those that only shape a proposal and are not built have no effect, and say so; those that
/// keep writes back stop them.
pub(super) fn read_updates(node: &Node, config: &mut Config, report: &mut Report) -> Vec<Stop> {
    let before = report.faults();
    let Some(fields) = report.fields(node, "`updates`", UPDATE_KEYS) else {
        return vec![everywhere(node, "`updates` in `.heddle.yaml` cannot be read")];
    };
    let mut stops = Vec::new();
    for (key, value) in fields.entries() {
        match key.text().unwrap_or_default() {
            "group" => {
                let built = report.word(value, "group", &[("environment", true), ("none", false), ("all", false)]);
                if built == Some(false) {
                    stops.push(not_built(value, "`updates.group` other than `environment`", Vec::new(), report));
                }
            }
            "schedule" => stops.push(not_built(key, "`updates.schedule`", Vec::new(), report)),
            "limit" => read_limit(value, config, report),
            "automerge" if report.flag(value, "automerge") == Some(false) => {}
            name @ ("batch_window" | "labels" | "reviewers" | "automerge" | "title") => {
                report.note(key.position, NOT_BUILT, format!("`updates.{name}` is not built yet and has no effect"));
            }
            _ => {}
        }
    }
    if report.faults() > before {
        stops.push(everywhere(node, "`updates` in `.heddle.yaml` is broken"));
    }
    stops
}

fn read_limit(node: &Node, config: &mut Config, report: &mut Report) {
    let Some(fields) = report.fields(node, "`limit`", &["open", "per_hour"]) else { return };
    if let Some(open) = fields.get("open") {
        match open.text().and_then(|text| text.parse().ok()) {
            Some(limit) => config.open_limit = Some(limit),
            None => report.wrong(open, "`open` must be a whole number".into()),
        }
    }
    if let Some(per_hour) = fields.get("per_hour") {
        let message = "`updates.limit.per_hour` is not built yet and has no effect".to_owned();
        report.note(per_hour.position, NOT_BUILT, message);
    }
}

pub(super) fn read_freezes(node: &Node, environments: &[Environment], report: &mut Report) -> Vec<Stop> {
    let known = &["environments", "from", "to", "time_zone", "reason"];
    read_scopes(node, "freezes", known, environments, report)
}

pub(super) fn read_holds(node: &Node, environments: &[Environment], report: &mut Report) -> Vec<Stop> {
    let known = &["image", "environment", "tag", "by", "reason", "until"];
    read_scopes(node, "holds", known, environments, report)
}

fn read_scopes(
    node: &Node,
    what: &str,
    known: &[&str],
    environments: &[Environment],
    report: &mut Report,
) -> Vec<Stop> {
    let before = report.faults();
    let mut stops = Vec::new();
    for item in report.list(node, what) {
        let scope = read_scope(item, what, known, environments, report);
        let (names, images) = scope.unwrap_or((Vec::new(), RepositoryGlob::All));
        let mut stop = not_built(item, &format!("`{what}`"), names, report);
        stop.images = images;
        stops.push(stop);
    }
    if stops.is_empty() && report.faults() > before {
        stops.push(everywhere(node, &format!("`{what}` in `.heddle.yaml` cannot be read")));
    }
    stops
}

/// The environments and images that an entry names; `None` when any part of it is broken, which widens it to all.
fn read_scope(
    node: &Node,
    what: &str,
    known: &[&str],
    environments: &[Environment],
    report: &mut Report,
) -> Option<(Vec<EnvironmentName>, RepositoryGlob)> {
    let before = report.faults();
    let fields = report.fields(node, &format!("an entry of `{what}`"), known)?;
    let mut names = match fields.get("environments") {
        Some(list) => read_environment_list(list, environments, report)?,
        None => Vec::new(),
    };
    if let Some(one) = fields.get("environment") {
        let text = report.text(one, "environment")?;
        match text.parse::<EnvironmentName>() {
            Ok(name) if environments.is_empty() || environments.iter().any(|known| known.name == name) => {
                names.push(name);
            }
            _ => report.wrong(one, format!("there is no environment `{}`", super::fields::shown(text))),
        }
    }
    let images = match fields.get("image") {
        Some(image) => read_image_glob(image, "image", report)?,
        None => RepositoryGlob::All,
    };
    (report.faults() == before).then_some((names, images))
}

fn not_built(node: &Node, what: &str, environments: Vec<EnvironmentName>, report: &mut Report) -> Stop {
    let scope = match environments.as_slice() {
        [] => "nothing is written".to_owned(),
        names => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("nothing is written in {}", names.join(", "))
        }
    };
    let reason = format!("{what} is not built yet, so {scope}");
    report.add(node.position, NOT_BUILT, reason.clone());
    Stop { line: node.position.line, environments, images: RepositoryGlob::All, reason }
}

fn everywhere(node: &Node, reason: &str) -> Stop {
    Stop {
        line: node.position.line,
        environments: Vec::new(),
        images: RepositoryGlob::All,
        reason: format!("{reason}, so nothing is written"),
    }
}
