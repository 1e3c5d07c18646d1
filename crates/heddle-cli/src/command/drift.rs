//! `heddle drift`: is the world as Git says?

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use heddle_client::{DriftQuery, PageQuery};
use heddle_core::drift::{DriftSource, DriftState, Found};
use heddle_wire::{
    drift::DriftItem,
    view::{DriftPage, DriftRecordDetail, DriftRecordView, DriftSpell, DriftSync, SpellDetail},
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
    page.items.retain(|row| match (&arguments.repository, &row.repository) {
        (Some(wanted), Some(own)) => wanted.is_same(own),
        (wanted, _) => wanted.is_none(),
    });
    let Some(source) = &arguments.source else {
        show_list(&page, screen)?;
        return Ok(ended(arguments, page.items.iter(), page.counts.not_judged));
    };
    page.items.retain(|row| row.source == source.as_str());
    let row = match page.items.as_slice() {
        [row] => row,
        [] => return Err(nobody_looks(source, page.counts.not_judged)),
        _ => {
            return Err(Failure::wrong(anyhow!("several are called `{source}`"))
                .remedy("name one with --environment, --tool and --repository"));
        }
    };
    match row.id {
        Some(id) => {
            let detail = session.client.drift_record(session.organization.id, id, None).await?;
            match arguments.markdown {
                true => screen.text(&detail.issue.body)?,
                false => show_detail(&detail, screen)?,
            }
        }
        None if arguments.markdown => {
            return Err(Failure::wrong(anyhow!("`{source}` is a Sync, and `--markdown` is for folders and playbooks"))
                .remedy("the agent heals a Sync; `heddle drift` with its name says what was changed"));
        }
        None => show_list(&DriftPage { items: vec![row.clone()], ..page.clone() }, screen)?,
    }
    if let Some(sync) = row.sync.as_ref().filter(|_| !screen.is_json()) {
        show_sync(&session, sync, screen).await?;
    }
    Ok(ended(arguments, std::iter::once(row), 0))
}

/// What is above the limit of one list may be looked at.
fn nobody_looks(source: &DriftSource, not_judged: i64) -> Failure {
    if not_judged == 0 {
        return Failure::wrong(anyhow!("nobody looks at `{source}`")).remedy("see `heddle drift` for what there is");
    }
    let more = count(not_judged, "more thing");
    Failure::wrong(anyhow!("`{source}` is not among what is listed, and of {more} nothing is said"))
        .remedy("name an --environment or a --tool")
}

/// What others changed in a Sync, which stands with its cluster: who, when, and whether it was put back.
async fn show_sync(session: &Session, sync: &DriftSync, screen: &Screen) -> Result<(), Failure> {
    let cluster = session.client.cluster(session.organization.id, sync.cluster).await?;
    let now = Utc::now();
    for drift in cluster.syncs.iter().filter(|one| one.sync == sync.sync).flat_map(|one| &one.drifts) {
        let by = drift.manager.as_ref().map(|by| format!(" by {}", plain(by))).unwrap_or_default();
        let healed = drift.healed_at.map(|at| format!(", put back {}", ago(Some(at), now))).unwrap_or_default();
        let words = if drift.fields.is_empty() { "was deleted" } else { "was changed" };
        screen.line(&format!("{} {words}{by} {}{healed}", plain(&drift.object), ago(Some(drift.at), now)))?;
        drift.fields.iter().try_for_each(|field| screen.line(&format!("  {}", plain(field))))?;
    }
    Ok(())
}

/// What is not judged is not the same.
fn ended<'a>(arguments: &DriftArguments, mut rows: impl Iterator<Item = &'a DriftRecordView>, not_judged: i64) -> Exit {
    let is_no = not_judged > 0 || rows.any(|row| row.state != DriftState::Same);
    if arguments.check && is_no { Exit::No } else { Exit::Done }
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
    if page.counts.not_judged > 0 {
        let more = count(page.counts.not_judged, "more thing");
        screen.note(&format!(
            "there are too many for one list: of {more} nothing is said; name an --environment or a --tool"
        ));
    }
    if page.items.is_empty() {
        screen.note("nobody looks at anything yet; see `heddle reporter add`, and `drift:` in .heddle.yaml");
        return Ok(());
    }
    screen.table(&table(&page.items, Utc::now()))
}

fn table(rows: &[DriftRecordView], now: DateTime<Utc>) -> Table {
    let mut table =
        Table::new(&["ENVIRONMENT", "TOOL", "REPOSITORY", "SOURCE", "STATE", "SINCE", "LOOKED", "BY", "REASON"]);
    for row in rows {
        let since = row.since.map_or_else(String::new, |since| span(now - since));
        let by = row.looked_by.clone().unwrap_or_default();
        table.row(vec![
            Cell::new(row.environment.as_ref().map_or("", |name| name.as_str())),
            Cell::new(row.tool.as_str()),
            Cell::new(row.repository.as_ref().map_or("", |name| name.as_str())),
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
    screen.line(&format!("{} {}{by}{reason}", plain(&item.object), item.words()))?;
    for one in &item.differences {
        screen.line(&format!("  {}", plain(&one.path)))?;
        let sides = [('-', &one.live), ('+', &one.desired)];
        for (sign, text) in sides.into_iter().filter_map(|(sign, value)| Some((sign, value.as_ref()?))) {
            text.lines().try_for_each(|line| screen.line(&format!("    {sign} {}", plain(line))))?;
        }
    }
    if item.more > 0 { screen.line(&format!("  and {} places more", item.more)) } else { Ok(()) }
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
