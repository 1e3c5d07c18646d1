//! What an issue or a pull request says of a record, as Markdown.
//!
//! Texts of tools are foreign: they stand in code alone, where nothing is a link, a mention or an image.

use heddle_core::drift::DriftState;
use heddle_wire::{
    drift::{DriftItem, ItemDifference},
    view::{DriftIssue, DriftRecordView, SpellDetail},
};
use url::Url;

/// Longest text of an issue, in bytes: GitHub takes 65,536 characters.
pub const MOST_BYTES: usize = 60_000;

/// Longest address that begins an issue, in bytes: servers before GitHub's own refuse longer ones.
pub const MOST_URL_BYTES: usize = 7_500;

/// What is to be said of a record. `page` is its page in the dashboard, `host` the address of the Git host.
pub fn write(record: &DriftRecordView, shown: Option<&SpellDetail>, page: &str, host: Option<&Url>) -> DriftIssue {
    let title = title(record);
    let url = host.and_then(|host| address(host, record, shown, page, &title));
    DriftIssue { body: body(record, shown, page, MOST_BYTES), title, url }
}

fn title(record: &DriftRecordView) -> String {
    let what = match (record.state, record.differences) {
        (DriftState::Differs, 1..) => format!("differs in {}", record.differences),
        (DriftState::Differs, _) => "differs".to_owned(),
        (DriftState::NotLookedAt, _) => "is not looked at".to_owned(),
        (DriftState::Unknown, _) => "is not known".to_owned(),
        (DriftState::Same, _) => "is the same".to_owned(),
    };
    let environment = record.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    format!("Drift: {} {}{environment} {what}", record.tool, record.source)
}

/// The address at which an issue with this text begins, cut until it fits.
fn address(
    host: &Url,
    record: &DriftRecordView,
    shown: Option<&SpellDetail>,
    page: &str,
    title: &str,
) -> Option<String> {
    let repository = record.repository.as_ref()?;
    let base = format!("{}/{repository}/issues/new", host.as_str().trim_end_matches('/'));
    let of = |most_bytes: usize| {
        let body = body(record, shown, page, most_bytes);
        Url::parse_with_params(&base, [("title", title), ("body", &body)]).ok().map(String::from)
    };
    let lengths = std::iter::successors(Some(MOST_URL_BYTES), |most| Some(most / 2).filter(|most| *most > 0));
    lengths.filter_map(of).find(|url| url.len() <= MOST_URL_BYTES)
}

/// Whole things while there is room; the rest is counted.
fn body(record: &DriftRecordView, shown: Option<&SpellDetail>, page: &str, most_bytes: usize) -> String {
    // The things first: a reason that is as long as the whole room leaves none.
    let mut text = head(record, most_bytes / 4);
    let tail = tail(record, shown, page);
    let Some(shown) = shown else { return text + &tail };
    let room = most_bytes.saturating_sub(tail.len());
    let differing = shown.items.iter().map(item);
    let missed = shown
        .not_looked_at
        .iter()
        .map(|one| format!("- {} was not looked at: {}\n", code(one.object.as_str()), code(one.reason.as_str())));
    let (total, mut told) = (shown.items.len() + shown.not_looked_at.len(), 0);
    for part in differing.chain(missed) {
        if text.len() + part.len() > room {
            break;
        }
        text.push_str(&part);
        told += 1;
    }
    let left = (total - told) as i64 + shown.more + shown.more_not_looked_at;
    if left > 0 {
        text.push_str(&format!("\nand {left} more\n"));
    }
    text + &tail
}

fn head(record: &DriftRecordView, most_bytes: usize) -> String {
    let looked = match (&record.looked_at, &record.looked_by) {
        (Some(at), Some(by)) => format!("Looked at {} by {}", at.format("%Y-%m-%d %H:%M UTC"), code(by)),
        _ => "Nobody has looked yet".to_owned(),
    };
    let commit = record.commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
    let reason = record.reason.as_ref().map(|reason| format!("{}\n\n", code(&cut(reason.as_str(), most_bytes))));
    let reason = reason.unwrap_or_default();
    format!("{looked}{commit}.\n\n{reason}")
}

fn tail(record: &DriftRecordView, shown: Option<&SpellDetail>, page: &str) -> String {
    let hash = shown.and_then(|shown| shown.plan_hash.as_ref());
    let apply = hash.map(|hash| {
        let command = format!("heddle sync terraform {} --approve {hash}", super::shell_word(&record.source));
        format!("\nTo apply exactly this, where the logins are:\n\n{}", block("sh", &command))
    });
    format!("{}\n[In Heddle]({page})\n", apply.unwrap_or_default())
}

fn item(item: &DriftItem) -> String {
    let reason = item.reason.as_ref().map(|reason| format!(" ({})", code(reason.as_str()))).unwrap_or_default();
    let mut text = format!("- {} {}{reason}\n", code(item.object.as_str()), item.words());
    if !item.differences.is_empty() {
        let places: String = item.differences.iter().map(place).collect();
        text.push_str(&format!("\n{}\n", block("diff", places.trim_end())));
    }
    if item.more > 0 {
        text.push_str(&format!("  and {} places more\n", item.more));
    }
    text
}

fn place(one: &ItemDifference) -> String {
    let side = |sign: char, text: Option<&str>| -> String {
        text.into_iter().flat_map(str::lines).map(|line| format!("{sign} {line}\n")).collect()
    };
    let (live, desired) = (one.live.as_ref().map(|text| text.as_str()), one.desired.as_ref().map(|text| text.as_str()));
    format!("# {}\n{}{}", one.path, side('-', live), side('+', desired))
}

fn cut(text: &str, most_bytes: usize) -> String {
    if text.len() <= most_bytes {
        text.to_owned()
    } else {
        format!("{}…", &text[..text.floor_char_boundary(most_bytes)])
    }
}

/// A run of backticks that the text does not hold.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat((longest + 1).max(least))
}

/// On one line, in code. Rules: CommonMark 0.31.2, section 6.1.
fn code(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fence = fence(&line, 1);
    let pad = if line.starts_with('`') || line.ends_with('`') || line.is_empty() { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// A block of code. Rules: CommonMark 0.31.2, section 4.5.
fn block(language: &str, text: &str) -> String {
    let fence = fence(text, 3);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests;
