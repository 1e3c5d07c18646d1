//! What keeps writes back: settings of all updates, freezes, holds, the schedule. What is broken stops everything.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use heddle_core::{image::Tag, name::EnvironmentName};

use super::{
    Config, Environment, Freeze, Grouping, Hold, RepositoryGlob, Reviewers, Stop, Window,
    calendar::{Twice, to_utc},
    fields::{NOT_BUILT, Report, nearest, shown},
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
                let words =
                    &[("environment", Grouping::Environment), ("none", Grouping::Image), ("all", Grouping::Branch)];
                config.grouping = report.word(value, "group", words).unwrap_or_default();
            }
            "schedule" => stops.extend(read_schedule(value, config, report)),
            "limit" => read_limit(value, config, report),
            "automerge" if report.flag(value, "automerge") == Some(false) => {}
            "labels" => config.labels = read_labels(value, report),
            "reviewers" => config.reviewers = read_reviewers(value, report),
            name @ ("batch_window" | "automerge" | "title") => {
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

/// GitHub takes labels of up to 50 characters.
fn read_labels(node: &Node, report: &mut Report) -> Vec<String> {
    let mut labels = Vec::new();
    for item in report.list(node, "labels") {
        match report.text(item, "labels").map(str::to_owned) {
            Some(label) if label.chars().count() > 50 => {
                report.wrong(item, format!("the label `{}` has more than 50 characters", shown(&label)));
            }
            label => labels.extend(label),
        }
    }
    labels
}

/// `ada`, or `acme/platform` for a team.
fn read_reviewers(node: &Node, report: &mut Report) -> Reviewers {
    let is_name = |text: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !text.is_empty() && text.chars().all(known)
    };
    let mut reviewers = Reviewers::default();
    for item in report.list(node, "reviewers") {
        let Some(text) = report.text(item, "reviewers") else { continue };
        match text.split_once('/') {
            None if is_name(text) => reviewers.users.push(text.to_owned()),
            Some((owner, team)) if is_name(owner) && is_name(team) => reviewers.teams.push(team.to_owned()),
            _ => {
                let message =
                    format!("`{}` is no reviewer: write a login, or a team as `organization/team`", shown(text));
                report.wrong(item, message);
            }
        }
    }
    reviewers
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

pub(super) fn read_freezes(node: &Node, config: &mut Config, report: &mut Report) {
    let read = |item: &Node, report: &mut Report| {
        let known = &["environments", "from", "to", "time_zone", "reason"];
        let before = report.faults();
        let fields = report.fields(item, "an entry of `freezes`", known)?;
        let environments = scope(fields, &config.environments, report)?;
        let time_zone = read_time_zone(fields, report);
        let [from, to] = [("from", Twice::First), ("to", Twice::Second)].map(|(key, twice)| match fields.get(key) {
            Some(value) => read_instant(value, key, time_zone?, twice, report),
            None => {
                report.add(fields.position, "missing-key", format!("the freeze has no `{key}`"));
                None
            }
        });
        let reason = fields.get("reason").and_then(|value| report.text(value, "reason")).map(str::to_owned);
        let freeze =
            Freeze { line: item.position.line, environments, from: from?, to: to?, time_zone: time_zone?, reason };
        if freeze.from >= freeze.to {
            report.wrong(item, "the freeze ends before it begins".into());
        }
        (report.faults() == before).then_some(freeze)
    };
    let (freezes, stops) = read_entries(node, "freezes", report, read);
    config.freezes = freezes;
    config.stops.extend(stops);
}

pub(super) fn read_holds(node: &Node, config: &mut Config, report: &mut Report) {
    let read = |item: &Node, report: &mut Report| {
        let known = &["image", "environment", "tag", "by", "reason", "until"];
        let before = report.faults();
        let fields = report.fields(item, "an entry of `holds`", known)?;
        let environments = scope(fields, &config.environments, report)?;
        let named = fields.get("image").and_then(Node::text).map(str::to_owned);
        let images = match fields.get("image") {
            Some(image) => read_image_glob(image, "image", report)?,
            None => RepositoryGlob::All,
        };
        let words = ["tag", "by", "reason"].map(|key| fields.get(key).and_then(|value| report.text(value, key)));
        let [tag, by, reason] = words.map(|text| text.map(str::to_owned));
        let tag = match tag.map(|tag| tag.parse::<Tag>()).transpose() {
            Ok(tag) => tag,
            Err(error) => {
                report.wrong(fields.get("tag").unwrap_or(item), error.to_string());
                None
            }
        };
        let until = fields.get("until");
        let until = until.and_then(|value| read_instant(value, "until", Tz::UTC, Twice::Second, report));
        let hold = Hold { line: item.position.line, environments, images, named, tag, by, reason, until };
        (report.faults() == before).then_some(hold)
    };
    let (holds, stops) = read_entries(node, "holds", report, read);
    config.holds = holds;
    config.stops.extend(stops);
}

/// The entries that can be read; one that cannot stops everything, because nobody knows what it was to keep.
fn read_entries<T>(
    node: &Node,
    what: &str,
    report: &mut Report,
    read: impl Fn(&Node, &mut Report) -> Option<T>,
) -> (Vec<T>, Vec<Stop>) {
    let before = report.faults();
    let (mut entries, mut stops) = (Vec::new(), Vec::new());
    for item in report.list(node, what) {
        match read(item, report) {
            Some(entry) => entries.push(entry),
            None => stops.push(everywhere(item, &format!("an entry of `{what}` in `.heddle.yaml` is broken"))),
        }
    }
    if entries.is_empty() && stops.is_empty() && report.faults() > before {
        stops.push(everywhere(node, &format!("`{what}` in `.heddle.yaml` cannot be read")));
    }
    (entries, stops)
}

/// The environments that an entry names, by a list or alone; empty where it names none. `None` when one is unknown.
fn scope(fields: &Node, known: &[Environment], report: &mut Report) -> Option<Vec<EnvironmentName>> {
    if let Some(list) = fields.get("environments") {
        return read_environment_list(list, known, report);
    }
    let Some(one) = fields.get("environment") else { return Some(Vec::new()) };
    let text = report.text(one, "environment")?;
    match text.parse::<EnvironmentName>() {
        Ok(name) if known.is_empty() || known.iter().any(|known| known.name == name) => Some(vec![name]),
        _ => {
            report.wrong(one, format!("there is no environment `{}`", shown(text)));
            None
        }
    }
}

/// The windows of `updates.schedule`.
fn read_schedule(node: &Node, config: &mut Config, report: &mut Report) -> Vec<Stop> {
    let read = |item: &Node, report: &mut Report| {
        let before = report.faults();
        let fields = report.fields(item, "an entry of `schedule`", &["days", "from", "to", "time_zone"])?;
        let days = fields.get("days").map_or([true; 7], |days| read_days(days, report));
        let mut minute =
            |key: &str, default: u32| fields.get(key).map_or(Some(default), |at| read_minute(at, key, report));
        let (from, to) = (minute("from", 0), minute("to", 24 * 60));
        let time_zone = read_time_zone(fields, report);
        let window = Window { days, from_minute: from?, to_minute: to?, time_zone: time_zone? };
        if window.from_minute == window.to_minute {
            report.wrong(item, "the window ends when it begins".into());
        }
        (report.faults() == before).then_some(window)
    };
    let (windows, stops) = read_entries(node, "schedule", report, read);
    config.schedule = windows;
    stops
}

const DAYS: &[(&str, usize)] = &[("mon", 0), ("tue", 1), ("wed", 2), ("thu", 3), ("fri", 4), ("sat", 5), ("sun", 6)];

/// `mon`, or `mon-fri`; a range may go over Sunday.
fn read_days(node: &Node, report: &mut Report) -> [bool; 7] {
    let mut days = [false; 7];
    let before = report.faults();
    for item in report.list(node, "days") {
        let Some(text) = report.text(item, "days") else { continue };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let day = |name: &str| DAYS.iter().find(|(day, _)| *day == name).map(|(_, index)| *index);
        match (day(first), day(last)) {
            (Some(first), Some(last)) => (0..=(last + 7 - first) % 7).for_each(|step| days[(first + step) % 7] = true),
            _ => report.wrong(item, format!("`{}` is no day: write for example `mon` or `mon-fri`", shown(text))),
        }
    }
    if !days.contains(&true) && report.faults() == before {
        report.wrong(node, "`days` is empty: leave it out to mean every day".into());
    }
    days
}

fn read_minute(node: &Node, key: &str, report: &mut Report) -> Option<u32> {
    let text = report.text(node, key)?;
    let parts =
        text.split_once(':').and_then(|(hour, minute)| Some((hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?)));
    match parts {
        Some((hour, minute)) if minute < 60 && (hour < 24 || (hour, minute) == (24, 0)) => Some(hour * 60 + minute),
        _ => {
            report.wrong(node, format!("`{}` is no time of day: write for example `\"08:00\"`", shown(text)));
            None
        }
    }
}

/// UTC where none is written.
fn read_time_zone(fields: &Node, report: &mut Report) -> Option<Tz> {
    let Some(node) = fields.get("time_zone") else { return Some(Tz::UTC) };
    let text = report.text(node, "time_zone")?;
    text.parse::<Tz>()
        .map_err(|_| {
            let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
            let word = nearest(text, &names).unwrap_or("Europe/Berlin");
            report.wrong(node, format!("`{}` is no time zone: write `{word}`", shown(text)));
        })
        .ok()
}

/// A time with its offset, or a local one; a date alone is its midnight.
fn read_instant(node: &Node, key: &str, time_zone: Tz, twice: Twice, report: &mut Report) -> Option<DateTime<Utc>> {
    let text = report.text(node, key)?;
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let local = time.or_else(date);
    if local.is_none() {
        let message = format!("`{key}` has no `{}`: write for example `2026-12-20T00:00`", shown(text));
        report.wrong(node, message);
    }
    local.map(|local| to_utc(local, time_zone, twice))
}

fn everywhere(node: &Node, reason: &str) -> Stop {
    Stop {
        line: node.position.line,
        environments: Vec::new(),
        images: RepositoryGlob::All,
        reason: format!("{reason}, so nothing is written"),
    }
}
