//! `heddle policy eval`: which tag would be chosen, and why not the others?

use std::{fs, path::Path};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use heddle_core::{
    image::{Digest, Tag},
    policy::{SelectInput, TagInfo, TagList, TagPolicy, VerdictKind, select},
};
use heddle_manifest::config::read_policy_alone;
use serde::Deserialize;
use serde_json::json;

use crate::{
    config::PolicyEvalArguments,
    exit::{Exit, Failure},
    screen::Screen,
    table::{Cell, Table, Tone},
};

/// Chooses among the tags of a file, as an automator would.
pub(crate) fn eval(arguments: &PolicyEvalArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let policy = read_policy(&arguments.policy)?;
    let now = arguments.now.unwrap_or_else(Utc::now);
    let tags = TagList { tags: read_tags(&arguments.tags, now)?, complete: true };
    let current = arguments.current.as_ref();
    let selection = select(&SelectInput { policy: &policy, current, tags: &tags, barred: &[], now });
    if screen.is_json() {
        screen.json(&json!({
            "chosen": selection.chosen, "reason": selection.reason, "tags": selection.verdicts,
        }))?;
    } else {
        let mut table = Table::new(&["TAG", "VERDICT", "RULE", "REASON"]);
        for verdict in &selection.verdicts {
            let (word, tone) = match verdict.verdict {
                VerdictKind::Chosen => ("chosen", Tone::Good),
                VerdictKind::PassedOver => ("passed over", Tone::Faint),
            };
            let cells = [verdict.tag.as_str(), &verdict.rule, &verdict.reason].map(Cell::new);
            let [tag, rule, reason] = cells;
            table.row(vec![tag, Cell::toned(word, tone), rule, reason]);
        }
        screen.table(&table)?;
    }
    if selection.chosen.is_some() {
        return Ok(Exit::Done);
    }
    screen.note(&selection.reason);
    Ok(Exit::Nothing)
}

fn read_policy(path: &Path) -> Result<TagPolicy, Failure> {
    let text = read(path)?;
    let (policy, findings) = read_policy_alone(&text);
    policy.ok_or_else(|| {
        let all: Vec<String> = findings
            .iter()
            .map(|finding| format!("{}:{}: {}", path.display(), finding.position.line, finding.message))
            .collect();
        Failure::wrong(anyhow!("{}", all.join("; ")))
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

/// A tag on a line of its own, with more than its name.
#[derive(Deserialize)]
struct TagLine {
    tag: Tag,
    digest: Option<Digest>,
    first_seen: Option<DateTime<Utc>>,
}

fn read_tags(path: &Path, now: DateTime<Utc>) -> Result<Vec<TagInfo>, Failure> {
    let text = read(path)?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let tags = lines.map(|(line, number)| {
        read_tag(line.trim(), now).with_context(|| format!("{}:{number}", path.display())).map_err(Failure::from)
    });
    tags.collect()
}

fn read_tag(line: &str, now: DateTime<Utc>) -> anyhow::Result<TagInfo> {
    if line.starts_with('{') {
        let TagLine { tag, digest, first_seen } = serde_json::from_str(line)?;
        return Ok(TagInfo { tag, digest, first_seen_at: first_seen.unwrap_or(now) });
    }
    Ok(TagInfo { tag: line.parse()?, digest: None, first_seen_at: now })
}
