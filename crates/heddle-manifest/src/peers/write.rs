//! The text of `.heddle.yaml`, and the proof that it means what was wished.

use std::collections::BTreeSet;

use heddle_core::{change::Mode, name::EnvironmentName, policy::CompiledPolicy};
use serde_json::Value;

use super::{
    Brought, Difference, Imported, Origin, Places, Wish,
    stages::{self, Stage},
};
use crate::{
    config::{self, Config, Ruling, Subject},
    occurrence::Occurrence,
};

/// The keys of which one says how tags are ordered; they stand first.
const KINDS: &[&str] = &["semver", "numerical", "alphabetical", "newest", "digest"];

/// Writes a rule for each wish, reads them again, and tells what they do not do as today.
pub(super) fn write(places: &[Occurrence], brought: Brought, stages: &[Stage]) -> Imported {
    let Brought { mut wishes, mut differs, faults, updates } = brought;
    let unwritten = |fault: Difference| Difference { message: unwritten(&fault.message), ..fault };
    differs.extend(faults.into_iter().map(unwritten));
    wishes.retain(|wish| match CompiledPolicy::new(&wish.policy) {
        Ok(_) => true,
        Err(faults) => {
            let all: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            differs.push(wish.origin.said(self::unwritten(&all.join("; "))));
            false
        }
    });
    // The first rule that matches governs: those for single containers come before those for whole folders.
    let containers = |wish: &Wish| containers(places, wish);
    wishes.sort_by_key(|wish| (wish.is_chart, containers(wish).is_empty(), matches!(wish.places, Places::Below(_))));
    let mut text = format!("version: 1\n{}", stages::environments(stages));
    if !wishes.is_empty() {
        text.push_str(&updates.text());
    }
    let images = wishes.iter().filter(|wish| !wish.is_chart).count();
    text.push_str(if images == 0 { "images: []\n" } else { "images:\n" });
    let mut lines = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        if index == images {
            text.push_str("charts:\n");
        }
        lines.push(text.matches('\n').count() + 2);
        text.push_str(&rule(places, wish, &containers(wish)));
    }
    let (config, findings) = config::read(&text);
    for finding in findings {
        let at = lines.iter().rposition(|line| *line <= finding.position.line as usize).map(|at| &wishes[at].origin);
        match at {
            Some(origin) => differs.push(origin.said(finding.message)),
            None => {
                differs.push(Difference { file: finding.file, line: finding.position.line, message: finding.message })
            }
        }
    }
    prove(places, &wishes, &config, &mut differs);
    differs.sort();
    differs.dedup();
    Imported { config: text, rules: wishes.len(), differs, syncs: stages::syncs(stages) }
}

fn unwritten(why: &str) -> String {
    format!("{why}, so no rule is written for it")
}

/// The containers to name; empty where every container of the image in these files is meant.
fn containers(all: &[Occurrence], wish: &Wish) -> BTreeSet<String> {
    let Places::At(places) = &wish.places else { return BTreeSet::new() };
    let files = files(all, places);
    let others = all.iter().enumerate().any(|(index, occurrence)| {
        let is_it = occurrence.is_chart == wish.is_chart && occurrence.image.repository == wish.image;
        !places.contains(&index) && is_it && files.contains(&occurrence.place.file)
    });
    let own = places.iter().filter_map(|index| all[*index].container.clone());
    if others { own.collect() } else { BTreeSet::new() }
}

fn files(all: &[Occurrence], places: &BTreeSet<usize>) -> BTreeSet<String> {
    places.iter().map(|index| all[*index].place.file.clone()).collect()
}

fn rule(all: &[Occurrence], wish: &Wish, containers: &BTreeSet<String>) -> String {
    let Origin { what, file, line } = &wish.origin;
    let mut text = format!("  # {what} ({file}:{line})\n  - name: {}\n", wish.name());
    let paths: Vec<String> = match &wish.places {
        Places::At(places) => files(all, places).into_iter().collect(),
        Places::Below(globs) => globs.iter().map(|glob| glob.as_str().to_owned()).collect(),
    };
    for (key, list) in [("paths", paths), ("containers", containers.iter().cloned().collect())] {
        if !list.is_empty() {
            let quoted: Vec<String> = list.iter().map(|item| quoted(item)).collect();
            text.push_str(&format!("    {key}: [{}]\n", quoted.join(", ")));
        }
    }
    text.push_str("    policy:\n");
    for (key, value) in policy_entries(wish) {
        text.push_str(&format!("      {key}: {}\n", scalar(&value)));
    }
    let mode = match wish.mode {
        Mode::Commit => "commit",
        Mode::PullRequest => "pull-request",
        Mode::Observe => "observe",
    };
    text + &format!("    mode: {mode}\n")
}

/// What the policy says, its kind first.
fn policy_entries(wish: &Wish) -> Vec<(String, Value)> {
    let Ok(Value::Object(policy)) = serde_json::to_value(&wish.policy) else { return Vec::new() };
    let mut entries: Vec<(String, Value)> = policy.into_iter().collect();
    entries.sort_by_key(|(key, _)| !KINDS.contains(&key.as_str()));
    entries
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(scalar).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Plain where that reads as the same text everywhere, else in single quotes, in which no character but `'` is special.
pub(super) fn quoted(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b'/' | b'.'))
        && !matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    if is_word {
        return text.to_owned();
    }
    if text.contains(char::is_control) { format!("{text:?}") } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Tells where the rules govern an image that nothing updates today, or govern one otherwise.
fn prove(all: &[Occurrence], wishes: &[Wish], config: &Config, differs: &mut Vec<Difference>) {
    // The rules name no environment, so any will do.
    let environment = EnvironmentName::implicit_for("");
    for (index, occurrence) in all.iter().enumerate() {
        let rule = config.rule_for(Subject::of(occurrence, &environment)).and_then(|ruling| position(config, ruling));
        let meant: Vec<&Wish> = wishes.iter().filter(|wish| wish.covers(index, occurrence)).collect();
        let what = format!("`{}`", occurrence.image);
        let here = Origin { what, file: occurrence.place.file.clone(), line: occurrence.place.line };
        match rule.map(|rule| &wishes[rule]) {
            Some(wish) if meant.is_empty() => {
                differs.push(here.said(format!("nothing updates it today, and the rule of {} will", wish.origin.what)));
            }
            Some(wish) if meant.len() > 1 || !meant.iter().any(|meant| meant.origin == wish.origin) => {
                let named: Vec<&str> = meant.iter().map(|wish| wish.origin.what.as_str()).collect();
                let message = format!("today {} update it; the rule of {} will", named.join(" and "), wish.origin.what);
                differs.push(here.said(message));
            }
            _ => {}
        }
    }
}

/// The place of a rule among all, those for charts behind those for images.
fn position(config: &Config, ruling: &Ruling) -> Option<usize> {
    config.rules.iter().chain(&config.charts).position(|rule| std::ptr::eq(&rule.ruling, ruling))
}
