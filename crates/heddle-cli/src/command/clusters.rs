//! `heddle clusters`: is each one alive, and true to Git?

use chrono::{DateTime, Utc};
use heddle_wire::{
    agent::Rejected,
    view::{ClusterView, FaultySyncView, Link, SyncView},
};

use super::workloads::tone;
use crate::{
    config::Config,
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::ago,
};

/// Lists all clusters, one row a Sync.
pub(crate) async fn run(config: &Config, screen: &mut Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let clusters = session.client.clusters(session.organization.id).await?;
    if screen.is_json() {
        screen.json(&clusters)?;
    } else if clusters.is_empty() {
        screen.note("no cluster yet; add one in the dashboard under Clusters");
    } else {
        screen.table(&show(&clusters, Utc::now()))?;
    }
    Ok(Exit::Done)
}

fn show(clusters: &[ClusterView], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["CLUSTER", "AGENT", "SEEN", "SYNC", "REVISION", "HEALTH", "OBJECTS", "MESSAGE"]);
    for cluster in clusters {
        let (word, link_tone) = link(cluster.link);
        let own = [Cell::new(&cluster.name), Cell::toned(word, link_tone), Cell::new(ago(cluster.last_seen_at, now))];
        let mut rows: Vec<[Cell; 5]> = cluster.rejected.iter().map(rejected).collect();
        rows.extend(cluster.faulty_syncs.iter().map(faulty));
        let is_faulty = |sync: &&SyncView| cluster.faulty_syncs.iter().any(|faulty| faulty.sync == sync.sync);
        rows.extend(cluster.syncs.iter().filter(|one| !is_faulty(one)).map(|one| sync(one, now)));
        if rows.is_empty() {
            rows.push(["–", "–", "–", "0", "no Sync was reported"].map(Cell::new));
        }
        rows.into_iter().for_each(|cells| table.row(own.iter().cloned().chain(cells).collect()));
    }
    table
}

fn sync(sync: &SyncView, now: DateTime<Utc>) -> [Cell; 5] {
    let health = match sync.unseen_since {
        Some(since) => Cell::toned(format!("not seen since {}", ago(Some(since), now)), Tone::Faint),
        None => Cell::toned(sync.health.as_str(), tone(sync.health)),
    };
    [
        Cell::new(sync.sync.to_string()),
        Cell::new(sync.applied_revision.as_ref().map_or("–", |revision| revision.short())),
        health,
        Cell::new(sync.objects.to_string()),
        message(sync),
    ]
}

/// A Sync of which nothing is applied until its spec is mended.
fn faulty(faulty: &FaultySyncView) -> [Cell; 5] {
    let dash = || Cell::new("–");
    [Cell::new(faulty.sync.to_string()), dash(), dash(), dash(), Cell::toned(faulty.message.to_string(), Tone::Bad)]
}

/// What the agent could not tell.
fn rejected(rejected: &Rejected) -> [Cell; 5] {
    let dash = || Cell::new("–");
    let message = format!("{} facts of the agent were lost, the last because {}", rejected.facts, rejected.reason);
    [dash(), dash(), dash(), dash(), Cell::toned(message, Tone::Bad)]
}

/// What is wrong with a Sync, the worst thing first.
fn message(sync: &SyncView) -> Cell {
    if let Some(error) = sync.errors.first() {
        let place = match (&error.file, error.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            _ => String::new(),
        };
        let more = match sync.errors.len() {
            1 => String::new(),
            errors => format!(" (and {} more)", errors - 1),
        };
        return Cell::toned(format!("{place}{}{more}", error.message), Tone::Bad);
    }
    if let Some(prune) = &sync.stopped_prune {
        return Cell::toned(format!("would delete {} objects and asks: {}", prune.count, prune.reason), Tone::Waiting);
    }
    if sync.suspended {
        return Cell::toned("suspended", Tone::Waiting);
    }
    let failed = sync.conditions.iter().find(|condition| condition.status == "False");
    match failed {
        Some(condition) => Cell::toned(format!("{}: {}", condition.reason, condition.message), Tone::Bad),
        None => Cell::new(""),
    }
}

fn link(link: Link) -> (&'static str, Tone) {
    match link {
        Link::NeverConnected => ("never connected", Tone::Waiting),
        Link::Connected => ("connected", Tone::Good),
        Link::Silent => ("not reporting", Tone::Bad),
        Link::Late => ("late", Tone::Waiting),
        Link::Offline => ("offline", Tone::Bad),
        Link::Revoked => ("revoked", Tone::Faint),
    }
}
