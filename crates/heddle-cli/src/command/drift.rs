//! `heddle drift`: is the world as Git says?

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use heddle_client::{DriftQuery, PageQuery};
use heddle_core::drift::{Cause, Deviation, DriftState, Found};
use heddle_wire::{
    drift::DriftItem,
    view::{DriftPage, DriftRecordDetail, DriftRecordView, DriftSpell, SpellDetail},
};

use crate::{
    config::{Config, DriftArguments},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::{ago, count, plain, span},
};

/// How many records one call asks for.
const PAGE: u16 = 200;

/// Lists everything that is looked at, or shows one record.
pub(crate) async fn run(config: &Config, arguments: &DriftArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let mut page = all(&session, arguments).await?;
    let Some(source) = &arguments.source else {
        show_list(&page, screen)?;
        return Ok(ended(arguments, page.items.iter()));
    };
    page.items.retain(|row| row.source == source.as_str());
    let row = match page.items.as_slice() {
        [row] => row,
        [] => {
            return Err(
                Failure::wrong(anyhow!("nobody looks at `{source}`")).remedy("see `heddle drift` for what there is")
            );
        }
        _ => {
            return Err(Failure::wrong(anyhow!("several are called `{source}`"))
                .remedy("name one with --environment and --tool"));
        }
    };
    match row.id {
        Some(id) => {
            let detail = session.client.drift_record(session.organization.id, id, None).await?;
            show_detail(&detail, screen)?;
        }
        // What an agent looks at stands with its cluster.
        None => show_list(&DriftPage { items: vec![row.clone()], ..page.clone() }, screen)?,
    }
    Ok(ended(arguments, std::iter::once(row)))
}

fn ended<'a>(arguments: &DriftArguments, mut rows: impl Iterator<Item = &'a DriftRecordView>) -> Exit {
    if arguments.check && rows.any(|row| row.state != DriftState::Same) { Exit::No } else { Exit::Done }
}

/// The whole list, page by page.
async fn all(session: &Session, arguments: &DriftArguments) -> Result<DriftPage, Failure> {
    let environment = arguments.environment.clone();
    let page = PageQuery { environment, limit: Some(PAGE), after: None };
    let mut query = DriftQuery { page, tool: arguments.tool, state: None };
    let mut all = session.client.drift(session.organization.id, &query).await?;
    while let Some(next) = all.next.take() {
        query.page.after = Some(next);
        let more = session.client.drift(session.organization.id, &query).await?;
        all.items.extend(more.items);
        all.next = more.next;
    }
    Ok(all)
}

fn show_list(page: &DriftPage, screen: &Screen) -> Result<(), Failure> {
    if screen.is_json() {
        return screen.json(page);
    }
    if page.items.is_empty() {
        screen.note("nobody looks at anything yet; see `heddle reporter add`, and `drift:` in .heddle.yaml");
        return Ok(());
    }
    screen.table(&table(&page.items, Utc::now()))
}

fn table(rows: &[DriftRecordView], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["ENVIRONMENT", "TOOL", "SOURCE", "STATE", "SINCE", "LOOKED", "BY", "REASON"]);
    for row in rows {
        let since = row.since.map_or_else(String::new, |since| span(now - since));
        let by = row.looked_by.clone().unwrap_or_default();
        table.row(vec![
            Cell::new(row.environment.as_ref().map_or("", |name| name.as_str())),
            Cell::new(row.tool.as_str()),
            Cell::new(&row.source),
            Cell::toned(state_words(row), tone(row.state)),
            Cell::new(since),
            Cell::new(ago(row.looked_at, now)),
            Cell::new(if row.by_revoked { format!("{by}, revoked") } else { by }),
            Cell::new(row.reason.as_ref().map_or("", |reason| reason.as_str())),
        ]);
    }
    table
}

/// `differs in 3`, `same`, `not looked at`.
fn state_words(row: &DriftRecordView) -> String {
    match (row.state, row.differences) {
        (DriftState::Differs, 1..) => format!("differs in {}", row.differences),
        (DriftState::NotLookedAt, _) => "not looked at".to_owned(),
        (state, _) => state.to_string(),
    }
}

fn tone(state: DriftState) -> Tone {
    match state {
        DriftState::Same => Tone::Good,
        DriftState::Differs => Tone::Bad,
        DriftState::Unknown => Tone::Waiting,
        DriftState::NotLookedAt => Tone::Faint,
    }
}

fn show_detail(detail: &DriftRecordDetail, screen: &Screen) -> Result<(), Failure> {
    if screen.is_json() {
        return screen.json(detail);
    }
    let now = Utc::now();
    screen.table(&table(std::slice::from_ref(&detail.record), now))?;
    if let Some(shown) = &detail.shown {
        show_spell(shown, screen)?;
    }
    if !detail.history.is_empty() {
        screen.line("")?;
        screen.table(&history(&detail.history, now))?;
    }
    Ok(())
}

fn show_spell(shown: &SpellDetail, screen: &Screen) -> Result<(), Failure> {
    for item in &shown.items {
        show_item(item, screen)?;
    }
    if shown.more > 0 {
        screen.line(&format!("and {} more", count(shown.more, "thing")))?;
    }
    for one in &shown.not_looked_at {
        screen.line(&format!("{} was not looked at: {}", plain(&one.object), plain(&one.reason)))?;
    }
    if shown.more_not_looked_at > 0 {
        screen.line(&format!("and {} more not looked at", count(shown.more_not_looked_at, "thing")))?;
    }
    if let Some(hash) = &shown.plan_hash {
        screen.line(&format!("plan hash: {}", hash))?;
    }
    Ok(())
}

fn show_item(item: &DriftItem, screen: &Screen) -> Result<(), Failure> {
    let reason = item.reason.as_ref().map(|reason| format!(" ({})", plain(reason))).unwrap_or_default();
    let by = item.by.as_ref().map(|by| format!(" by {}", plain(by))).unwrap_or_default();
    screen.line(&format!("{} {}{by}{reason}", plain(&item.object), item_words(item)))?;
    for one in &item.differences {
        screen.line(&format!("  {}", plain(&one.path)))?;
        let sides = [('-', &one.live), ('+', &one.desired)];
        for (sign, text) in sides.into_iter().filter_map(|(sign, value)| Some((sign, value.as_ref()?))) {
            text.lines().try_for_each(|line| screen.line(&format!("    {sign} {}", plain(line))))?;
        }
    }
    if item.more > 0 { screen.line(&format!("  and {} places more", item.more)) } else { Ok(()) }
}

/// How it differs, in the words of `heddle diff`.
fn item_words(item: &DriftItem) -> &'static str {
    match (item.cause, item.deviation) {
        (Cause::Outside, Deviation::Missing) => "was removed outside",
        (Cause::Outside, _) => "was changed outside",
        (Cause::Either, Deviation::Missing) => "is not there",
        (Cause::Either, _) => "would change",
        (Cause::Git, Deviation::Missing) => "is to be made",
        (Cause::Git, Deviation::Changed) => "is to be changed",
        (Cause::Git, Deviation::Replaced) => "is to be replaced",
        (Cause::Git, Deviation::Unwanted) => "is to be removed",
        (Cause::Git, Deviation::Forgotten) => "is to be forgotten",
        (Cause::Git, Deviation::Moved) => "is to be moved",
        (Cause::Git, Deviation::Imported) => "is to be imported",
    }
}

fn history(spells: &[DriftSpell], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["FOUND", "FROM", "TO", "LOOKS", "COMMIT", "BY"]);
    for spell in spells {
        let tone = match spell.found {
            Found::Same => Tone::Good,
            Found::Differs => Tone::Bad,
            Found::Unknown => Tone::Waiting,
        };
        let commit = spell.commit.as_ref().map_or("", |commit| &commit.as_str()[..7.min(commit.as_str().len())]);
        table.row(vec![
            Cell::toned(spell.found.as_str(), tone),
            Cell::new(ago(Some(spell.first_at), now)),
            Cell::new(ago(Some(spell.last_at), now)),
            Cell::new(spell.looks.to_string()),
            Cell::new(commit),
            Cell::new(if spell.by_revoked { format!("{}, revoked", spell.reporter) } else { spell.reporter.clone() }),
        ]);
    }
    table
}
