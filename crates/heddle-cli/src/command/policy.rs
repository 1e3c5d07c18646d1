//! `heddle policy eval`: which tag would be chosen, and why not the others?

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use heddle_core::{
    image::{Digest, ImageError, Tag},
    policy::{
        CompiledPolicy, Selection, SignatureCheck, Signed, Signer, Situation, Standing, TagInfo, TagList, Verdict,
        VerdictKind,
    },
};
use heddle_manifest::config::{json_schema, read_policy_file};
use serde::{Deserialize, Serialize};

use crate::{
    config::PolicyEvalArguments,
    exit::{Exit, Failure},
    screen::Screen,
    table::{Cell, Table, Tone},
};

/// The answer as one JSON document.
#[derive(Serialize)]
struct Answer<'a> {
    chosen: Option<&'a Tag>,
    tags: &'a [Verdict],
}

/// Chooses among the tags of a file, as an automator would.
pub(crate) fn eval(arguments: &PolicyEvalArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let policy = read_policy(&arguments.policy, screen)?;
    let now = arguments.now.unwrap_or_else(Utc::now);
    let tags = TagList::whole(read_tags(&arguments.tags, policy.signers(), now, screen)?);
    let running = arguments.current.as_ref();
    let tag = running.map(|running| &running.tag);
    let written = running.and_then(|running| running.digest.as_ref());
    if let (Some(written), Some(given)) = (written, &arguments.current_digest)
        && written != given
    {
        let message = "`--current` and `--current-digest` give different digests of what runs: give one of them";
        return Err(Failure::wrong(anyhow!(message)));
    }
    let digest = arguments.current_digest.as_ref().or(written);
    // A digest alone is an image too.
    let current = tag.is_some() || digest.is_some();
    let current = current.then(|| Standing::new(tag, digest));
    let situation = Situation { current, tags: &tags, barred: &[], companions: &[], now };
    let selection = policy.select(&situation);
    if screen.is_json() {
        screen.json(&Answer { chosen: selection.decision.chosen.as_ref(), tags: &selection.verdicts })?;
    } else {
        screen.table(&table(&selection))?;
    }
    if selection.decision.chosen.is_some() {
        return Ok(Exit::Done);
    }
    screen.note(&selection.decision.reason);
    Ok(Exit::Nothing)
}

/// Prints the schema of `.heddle.yaml`.
pub(crate) fn schema(screen: &Screen) -> Result<Exit, Failure> {
    screen.json(&json_schema())?;
    Ok(Exit::Done)
}

fn table(selection: &Selection) -> Table {
    let mut table = Table::new(&["TAG", "VERDICT", "RULE", "REASON"]);
    for verdict in &selection.verdicts {
        let (word, tone) = match verdict.verdict {
            VerdictKind::Chosen => ("chosen", Tone::Good),
            VerdictKind::PassedOver => ("passed over", Tone::Faint),
        };
        let [tag, rule, reason] = [verdict.tag.as_str(), &verdict.rule, &verdict.reason].map(Cell::new);
        table.row(vec![tag, Cell::toned(word, tone), rule, reason]);
    }
    table
}

fn read_policy(path: &Path, screen: &Screen) -> Result<CompiledPolicy, Failure> {
    let (policy, findings) = read_policy_file(&read(path)?);
    let said = findings.iter().map(|finding| {
        let at = finding.position;
        (finding.blocks, format!("{}:{}:{}: {}", path.display(), at.line, at.column, finding.message))
    });
    let (faults, notes): (Vec<_>, Vec<_>) = said.partition(|(blocks, _)| *blocks);
    match policy {
        Some((_, policy)) => {
            notes.iter().for_each(|(_, note)| screen.note(note));
            Ok(policy.with_signers_by_path())
        }
        None => {
            let all: Vec<String> = faults.into_iter().map(|(_, fault)| fault).collect();
            Err(Failure::wrong(anyhow!("{}", all.join("; "))))
        }
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

/// A tag on a line of its own, with more than its name. What no rule looks at, such as `labels`, is passed over.
#[derive(Deserialize)]
struct TagLine {
    tag: String,
    digest: Option<String>,
    created: Option<DateTime<Utc>>,
    first_seen: Option<DateTime<Utc>>,
    platforms: Option<Vec<String>>,
    /// The keys that signed it, by the paths that the policy names; left out where nobody looked.
    signed: Option<Vec<String>>,
}

/// The tags of a file, each once; of a tag that is written twice the last line counts.
fn read_tags(path: &Path, signers: &[Signer], now: DateTime<Utc>, screen: &Screen) -> Result<Vec<TagInfo>, Failure> {
    let text = read(path)?;
    let lines = text.trim_start_matches('\u{feff}').lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let mut tags = BTreeMap::new();
    let mut faults = Vec::new();
    for (line, number) in lines {
        match read_tag(line.trim(), signers, now) {
            Ok((info, note)) => {
                if let Some(note) = note {
                    screen.note(&format!("{}:{number}: {note}, so it counts as not known", path.display()));
                }
                tags.insert(info.tag.clone(), info);
            }
            Err(error) => faults.push(format!("{}:{number}: {error}", path.display())),
        }
    }
    if faults.is_empty() {
        Ok(tags.into_values().collect())
    } else {
        Err(Failure::wrong(anyhow!("{}", faults.join("; "))))
    }
}

/// A tag, and what is wrong with its digest, which no choice looks at. A tag without a time of its own counts as seen when
/// it was created, else now.
fn read_tag(line: &str, signers: &[Signer], now: DateTime<Utc>) -> anyhow::Result<(TagInfo, Option<ImageError>)> {
    if !line.starts_with('{') {
        return Ok((TagInfo::named(Tag::of_list(line)?, now), None));
    }
    let TagLine { tag, digest, created, first_seen, platforms, signed } = serde_json::from_str(line)?;
    let seen = first_seen.or(created).unwrap_or(now);
    let (digest, note) = match digest.map(|text| text.parse::<Digest>()).transpose() {
        Ok(digest) => (digest, None),
        Err(error) => (None, Some(error)),
    };
    let mut info = TagInfo { digest, created_at: created, platforms, ..TagInfo::named(Tag::of_list(&tag)?, seen) };
    if let Some(signed) = signed {
        info.signatures = signers.iter().filter_map(|signer| check(signer, &signed)).collect();
    }
    Ok((info, note))
}

/// Whether a key of the policy is among those that signed.
fn check(signer: &Signer, signed: &[String]) -> Option<SignatureCheck> {
    let outcome = if signed.contains(&signer.key) { Signed::Yes } else { Signed::No };
    Some(SignatureCheck { signer: signer.id.clone()?, outcome })
}
