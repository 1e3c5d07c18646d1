//! `heddle where`: where is my commit? `heddle at`: what ran then?

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use heddle_client::PageQuery;
use heddle_core::pipeline::{KnotState, RevisionEnd, RevisionLine, RevisionSyncLine};
use heddle_core::pull_request::PullRequestFate;
use heddle_wire::view::{
    LookForRevision, PastPage, PastSync, RevisionSyncView, RevisionView, UnplacedRevision, WhereView,
};
use tokio::time::{Instant, sleep};

use crate::{
    config::{AtArguments, Config, WhereArguments},
    exit::{Exit, Failure},
    limits::LOOK_LIMIT,
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    thread,
    words::{count, span},
};

/// How often it is asked what a look came to.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Says where a commit is. One that is on no branch is looked for anew, since it may have come to one; so is one of which
/// nobody asked by which pull request it came.
pub(crate) async fn find(config: &Config, arguments: &WhereArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let mut found = ask(&session, arguments).await?;
    let is_told = |one: &RevisionView| one.branch.is_some() && one.pull_request_known;
    // What stands elsewhere is looked for in vain; what a connected repository should have is not.
    let is_elsewhere = !found.unplaced.is_empty() && found.unplaced.iter().all(|one| one.repository.is_none());
    if !found.found.iter().any(is_told) && !is_elsewhere {
        let look = LookForRevision { repository: arguments.repository.clone() };
        session.client.look_for_revision(session.organization.id, &arguments.revision, &look).await?;
        let until = Instant::now() + LOOK_LIMIT;
        found = ask(&session, arguments).await?;
        while !found.looking.is_empty() && Instant::now() < until {
            sleep(ASK_AGAIN).await;
            found = ask(&session, arguments).await?;
        }
    }
    if screen.is_json() {
        screen.json(&found)?;
    } else {
        show(&found, &arguments.revision, screen, Utc::now())?;
    }
    Ok(exit(&found))
}

/// Nothing is said to be nothing only where all of it was looked through.
fn exit(found: &WhereView) -> Exit {
    let is_known = !found.found.is_empty() || !found.unplaced.is_empty();
    match (is_known, found.looking.is_empty() && found.unasked.is_empty()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Nothing,
        (false, false) => Exit::Away,
    }
}

async fn ask(session: &Session, arguments: &WhereArguments) -> Result<WhereView, Failure> {
    let (client, organization) = (&session.client, session.organization.id);
    Ok(client.find_revision(organization, &arguments.revision, arguments.repository.as_ref()).await?)
}

fn show(found: &WhereView, asked: &str, screen: &Screen, now: DateTime<Utc>) -> Result<(), Failure> {
    for (index, one) in found.found.iter().enumerate() {
        if index > 0 {
            screen.line("")?;
        }
        screen.table(&summary(one, now))?;
        if !one.syncs.is_empty() {
            screen.line("")?;
            screen.table(&syncs(&one.syncs))?;
        }
    }
    for (index, one) in found.unplaced.iter().enumerate() {
        if index > 0 || !found.found.is_empty() {
            screen.line("")?;
        }
        screen.table(&unplaced(one))?;
        screen.line("")?;
        screen.table(&syncs(&one.syncs))?;
    }
    let is_known = !found.found.is_empty() || !found.unplaced.is_empty();
    let names = |names: &[heddle_core::git::RepoName]| {
        names.iter().map(ToString::to_string).collect::<Vec<String>>().join(", ")
    };
    if !found.looking.is_empty() {
        screen.note(&format!("it is still looked for in {}; ask again", names(&found.looking)));
    }
    if !is_known && !found.absent.is_empty() {
        screen.note(&format!("no commit of {} begins with {asked}, or several do", names(&found.absent)));
    }
    if !is_known && !found.unasked.is_empty() {
        screen.note(&format!("it could not be looked for in {}; ask again later", names(&found.unasked)));
    } else if !is_known && found.looking.is_empty() && found.absent.is_empty() {
        screen.note("no repository is connected in which it could be looked for");
    }
    Ok(())
}

/// What was applied and no read has placed.
fn unplaced(one: &UnplacedRevision) -> Table {
    let mut table = Table::new(&["COMMIT", one.revision.short()]);
    let mut row = |name: &str, cell: Cell| table.row(vec![Cell::toned(name, Tone::Faint), cell]);
    row("where", Cell::new(format!("{}, branch {}", one.repository_url, one.branch)));
    row("note", Cell::new(&one.note));
    table
}

/// What it is, and where.
fn summary(one: &RevisionView, now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["COMMIT", one.revision.short()]);
    let mut row = |name: &str, cell: Cell| table.row(vec![Cell::toned(name, Tone::Faint), cell]);
    let branch = one.branch.as_ref().map_or(String::new(), |branch| format!(", branch {branch}"));
    row("where", Cell::new(format!("{}{branch}", one.repository)));
    if let Some(subject) = &one.subject {
        row("subject", Cell::new(subject));
    }
    if let Some(author) = &one.author {
        row("author", Cell::new(author));
    }
    if let Some(pull) = &one.pull_request {
        let fate = match &pull.end {
            PullRequestFate::Open => "open",
            PullRequestFate::Merged { .. } => "merged",
            PullRequestFate::Closed { .. } => "closed, not merged",
        };
        row("brought by", Cell::new(format!("#{} {} by {} ({fate})", pull.number, pull.title, pull.author)));
    }
    if one.branch.is_some() && !one.pull_request_known && one.pull_request.is_none() {
        row("brought by", Cell::toned("by which pull request it came, if by one, is not known yet", Tone::Faint));
    }
    if let Some(by) = &one.carried_by {
        row("carried by", Cell::new(by.short()));
    }
    row("line", thread::of_knots(&one.line.knots));
    row("state", state(&one.line, now));
    if let Some(note) = one.note.as_ref().filter(|note| one.line.reason.as_ref() != Some(*note)) {
        row("note", Cell::new(note));
    }
    row("page", Cell::new(&one.url));
    table
}

/// Where a line is, in words.
fn state(line: &RevisionLine, now: DateTime<Utc>) -> Cell {
    if let Some(end) = line.end {
        return match end {
            RevisionEnd::Healthy => Cell::toned("healthy", Tone::Good),
            RevisionEnd::Unchanged if line.syncs.iter().any(|sync| sync.contained_in.is_some()) => {
                Cell::toned("applied; together with what came with it, it changes nothing in any Sync", Tone::Good)
            }
            RevisionEnd::Unchanged => Cell::toned("applied; it changes nothing in any Sync", Tone::Good),
            RevisionEnd::Left => {
                Cell::toned("applied; every Sync in which it changed something left it since", Tone::Faint)
            }
            RevisionEnd::NoSync => Cell::toned("merged; no Sync follows this branch", Tone::Faint),
            RevisionEnd::Declined => Cell::toned("not merged; its pull request was closed", Tone::Faint),
        };
    }
    let knot = line.knots.iter().find(|knot| knot.state != KnotState::Done);
    let tone = match knot.map(|knot| knot.state) {
        Some(KnotState::Failed) => Tone::Bad,
        Some(KnotState::Waiting) => Tone::Waiting,
        _ => Tone::Plain,
    };
    let on_its_way = || knot.map_or_else(String::new, |knot| format!("on its way to {}", thread::word(knot.station)));
    let text = line.reason.clone().unwrap_or_else(on_its_way);
    let since = line.since.map_or_else(String::new, |since| format!(", since {}", span(now - since)));
    Cell::toned(format!("{text}{since}"), tone)
}

fn syncs(syncs: &[RevisionSyncView]) -> Table {
    let mut table = Table::new(&["CLUSTER", "ENVIRONMENT", "SYNC", "APPLIED", "HEALTHY", "CHANGES", "STATE"]);
    for sync in syncs {
        let line = &sync.line;
        table.row(vec![
            Cell::new(if sync.cluster_name.is_empty() { "–" } else { &sync.cluster_name }),
            Cell::new(sync.environment.as_ref().map_or("–", |name| name.as_str())),
            Cell::new(line.sync.sync.to_string()),
            Cell::new(instant(line.applied.at)),
            Cell::new(instant(line.healthy.at)),
            Cell::new(changes(line)),
            sync_state(line),
        ]);
    }
    table
}

fn changes(line: &RevisionSyncLine) -> String {
    let objects = match line.changed {
        _ if line.applied.at.is_none() => return "–".to_owned(),
        None => return "not known".to_owned(),
        Some(0) => "nothing".to_owned(),
        Some(objects) => count(i64::try_from(objects).unwrap_or(i64::MAX), "object"),
    };
    // What was counted is all that came at once.
    if line.contained_in.is_some() { format!("{objects}, with what came with it") } else { objects }
}

fn sync_state(line: &RevisionSyncLine) -> Cell {
    let contained = line.contained_in.as_ref().map(|by| format!("contained in {}", by.short()));
    let text = [contained, line.reason.clone()].into_iter().flatten().collect::<Vec<String>>().join("; ");
    match (line.left_out, text.is_empty()) {
        (true, _) => Cell::toned(text, Tone::Faint),
        (false, true) => Cell::new(thread::doing(&line.applied, &line.healthy)),
        (false, false) => Cell::new(text),
    }
}

fn instant(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Says what ran at an instant.
pub(crate) async fn at(config: &Config, arguments: &AtArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let mut query = PageQuery { after: None, environment: arguments.environment.clone(), limit: None };
    let mut page = session.client.past(session.organization.id, arguments.time, &query).await?;
    while let Some(next) = page.next.take() {
        query.after = Some(next);
        let more = session.client.past(session.organization.id, arguments.time, &query).await?;
        page.items.extend(more.items);
        page.next = more.next;
    }
    if screen.is_json() {
        screen.json(&page)?;
    } else if page.items.is_empty() {
        screen.note(&nothing(&page));
    } else {
        screen.table(&ran(&page.items))?;
    }
    Ok(if page.items.is_empty() { Exit::Nothing } else { Exit::Done })
}

fn nothing(page: &PastPage) -> String {
    let at = page.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    match page.known_since {
        None => "nothing was applied yet".to_owned(),
        Some(since) if since > page.at => {
            format!("what ran at {at} is not known; the first that is known was applied at {}", instant(Some(since)))
        }
        Some(_) => format!("nothing ran there at {at} that a Sync had applied"),
    }
}

fn ran(syncs: &[PastSync]) -> Table {
    let mut table =
        Table::new(&["ENVIRONMENT", "CLUSTER", "SYNC", "REVISION", "SINCE", "UNTIL", "HEALTHY", "IMAGES", "SUBJECT"]);
    for one in syncs {
        let images: Vec<String> = one.images.iter().map(ToString::to_string).collect();
        table.row(vec![
            Cell::new(one.environment.as_str()),
            Cell::new(&one.cluster_name),
            Cell::new(one.sync.to_string()),
            Cell::new(one.revision.short()),
            Cell::new(instant(Some(one.applied_at))),
            Cell::new(one.until.map_or_else(|| "now".to_owned(), |until| instant(Some(until)))),
            match one.healthy_at {
                Some(_) => Cell::toned("yes", Tone::Good),
                None if one.health_known => Cell::toned("not seen so", Tone::Waiting),
                None => Cell::toned("not kept then", Tone::Faint),
            },
            Cell::new(images.join(", ")),
            Cell::new(one.subject.as_deref().unwrap_or("–")),
        ]);
    }
    table
}

#[cfg(test)]
mod tests;
