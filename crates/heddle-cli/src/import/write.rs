//! The text of `.heddle.yaml`, and the proof that it means what was wished.

use std::collections::BTreeSet;

use heddle_core::{change::Mode, policy::CompiledPolicy};
use heddle_manifest::config::{self, Config, Rule, Subject};
use serde_json::Value;

use super::{Difference, Imported, Notes, Origin, Places, Setup, Wish};
use crate::files::everything;

/// The keys of which one says how tags are ordered; they stand first.
const KINDS: &[&str] = &["semver", "numerical", "alphabetical", "newest", "digest"];

/// Writes a rule for each wish, reads them again, and tells what they do not do as today.
pub(super) fn write(setup: &Setup<'_>, mut notes: Notes) -> Imported {
    let mut wishes = std::mem::take(&mut notes.wishes);
    wishes.retain(|wish| match CompiledPolicy::new(&wish.policy) {
        Ok(_) => true,
        Err(faults) => {
            let all: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            notes.differs(&wish.origin, format!("{}, so no rule is written for it", all.join("; ")));
            false
        }
    });
    // The first rule that matches governs: those for single containers come before those for whole folders.
    let containers = |wish: &Wish| containers(setup, wish);
    wishes.sort_by_key(|wish| (containers(wish).is_empty(), matches!(wish.places, Places::Below(_))));
    let mut text = String::from("version: 1\n");
    text.push_str(if wishes.is_empty() { "images: []\n" } else { "images:\n" });
    let mut lines = Vec::new();
    for wish in &wishes {
        lines.push(text.matches('\n').count() + 2);
        text.push_str(&rule(setup, wish, &containers(wish)));
    }
    let (config, findings) = config::read(&text);
    for finding in findings {
        let at = lines.iter().rposition(|line| *line <= finding.position.line as usize).map(|at| &wishes[at].origin);
        match at {
            Some(origin) => notes.differs(origin, finding.message),
            None => notes.differs.push(Difference {
                file: finding.file,
                line: finding.position.line,
                message: finding.message,
            }),
        }
    }
    prove(setup, &wishes, &config, &mut notes);
    notes.differs.sort();
    notes.differs.dedup();
    Imported { config: text, rules: wishes.len(), differs: notes.differs }
}

/// The containers to name; empty where every container of the image in these files is meant.
fn containers(setup: &Setup<'_>, wish: &Wish) -> BTreeSet<String> {
    let Places::At(places) = &wish.places else { return BTreeSet::new() };
    let files = files(setup, places);
    let others = setup.occurrences.iter().enumerate().any(|(index, occurrence)| {
        !places.contains(&index) && occurrence.image.repository == wish.image && files.contains(&occurrence.place.file)
    });
    let own = places.iter().filter_map(|index| setup.occurrences[*index].container.clone());
    if others { own.collect() } else { BTreeSet::new() }
}

fn files(setup: &Setup<'_>, places: &BTreeSet<usize>) -> BTreeSet<String> {
    places.iter().map(|index| setup.occurrences[*index].place.file.clone()).collect()
}

fn rule(setup: &Setup<'_>, wish: &Wish, containers: &BTreeSet<String>) -> String {
    let Origin { what, file, line } = &wish.origin;
    let mut text = format!("  # {what} ({file}:{line})\n  - name: {}\n", wish.image);
    let paths: Vec<String> = match &wish.places {
        Places::At(places) => files(setup, places).into_iter().collect(),
        Places::Below(globs) => globs.clone(),
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
fn prove(setup: &Setup<'_>, wishes: &[Wish], config: &Config, notes: &mut Notes) {
    let environment = everything();
    for (index, occurrence) in setup.occurrences.iter().enumerate() {
        let subject = Subject {
            image: &occurrence.image.repository,
            environment: &environment,
            file: &occurrence.place.file,
            container: occurrence.container.as_deref(),
        };
        let rule = config.rule_for(subject).and_then(|rule| position(config, rule));
        let meant: Vec<&Wish> = wishes.iter().filter(|wish| wish.covers(index, occurrence)).collect();
        let what = format!("`{}`", occurrence.image);
        let here = Origin { what, file: occurrence.place.file.clone(), line: occurrence.place.line };
        match rule.map(|rule| &wishes[rule]) {
            Some(wish) if meant.is_empty() => {
                notes.differs(&here, format!("nothing updates it today, and the rule of {} will", wish.origin.what));
            }
            Some(wish) if meant.len() > 1 || !meant.iter().any(|meant| meant.origin == wish.origin) => {
                let named: Vec<&str> = meant.iter().map(|wish| wish.origin.what.as_str()).collect();
                let message = format!("today {} update it; the rule of {} will", named.join(" and "), wish.origin.what);
                notes.differs(&here, message);
            }
            _ => {}
        }
    }
}

fn position(config: &Config, rule: &Rule) -> Option<usize> {
    config.rules.iter().position(|other| std::ptr::eq(other, rule))
}
