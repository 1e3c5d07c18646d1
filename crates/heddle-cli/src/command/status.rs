//! `heddle status`: is anything stuck?

use chrono::{DateTime, Utc};
use heddle_client::PageQuery;
use heddle_wire::view::{ChangeCounts, StatusView};
use serde_json::json;

use crate::{
    config::{Config, StatusArguments},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::{ago, count, span},
};

/// Shows how the platform is.
pub(crate) async fn run(config: &Config, arguments: &StatusArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let organization = session.organization.id;
    let status = session.client.status(organization).await?;
    let counts = session.client.changes(organization, &PageQuery::default()).await?.counts;
    let now = Utc::now();
    let fine = is_fine(&status, &counts, now);
    if screen.is_json() {
        let organization = &session.organization;
        screen.json(&json!({
            "api": session.api, "organization": organization, "fine": fine, "changes": counts, "status": status,
        }))?;
    } else {
        screen.table(&show(&session, &status, &counts, now))?;
    }
    Ok(if arguments.check && !fine { Exit::No } else { Exit::Done })
}

fn is_fine(status: &StatusView, counts: &ChangeCounts, now: DateTime<Utc>) -> bool {
    counts.stuck == 0
        && status.failing_images.is_empty()
        && status.blocking_findings == 0
        && status.asking.is_empty()
        && status.silent_automators.is_empty()
        && status.clusters_connected == status.clusters
        && status.has_automator(now)
}

fn show(session: &Session, status: &StatusView, counts: &ChangeCounts, now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["PART", "STATE"]);
    let mut row = |part: &str, fine: bool, text: String| {
        table.row(vec![Cell::new(part), Cell::toned(text, if fine { Tone::Plain } else { Tone::Bad })]);
    };
    row("organization", true, format!("{} at {}", session.organization.name, session.api));
    let ChangeCounts { in_flight, stuck, healthy_today } = counts;
    row("changes", *stuck == 0, format!("{in_flight} in flight, {stuck} stuck, {healthy_today} healthy today"));
    let connected = format!("{} of {} connected", status.clusters_connected, count(status.clusters, "cluster"));
    row("clusters", status.clusters_connected == status.clusters, connected);
    for asked in &status.asking {
        let (cluster, repository) = (&asked.cluster_name, &asked.repository_name);
        let waits = span(now - asked.asked_at);
        row("", false, format!("{cluster} may not read {repository} before an administrator approves it, for {waits}"));
    }
    row("automator", status.has_automator(now), automator(status, now));
    row("registries", status.failing_images.is_empty(), format!("read {}", ago(status.scanned_at, now)));
    for login in &status.unreadable {
        let (names, since) = (login.images.iter().map(ToString::to_string), span(now - login.since));
        let mut names = names.collect::<Vec<_>>().join(", ");
        let more = login.count.saturating_sub(u64::try_from(login.images.len()).unwrap_or(u64::MAX));
        if more > 0 {
            names = format!("{names} and {more} more");
        }
        row("", false, format!("{}: {names}, since {since}", login.message));
    }
    for slow in &status.slow_hosts {
        let until = slow.not_before.map_or_else(String::new, |at| format!(" until {}", at.format("%H:%M:%S UTC")));
        row("", false, format!("{}{until}: {} wait", slow.message, count(slow.images, "image")));
    }
    for silent in &status.silent_automators {
        let (hosts, seen) = (silent.hosts.join(", "), ago(silent.seen_at, now));
        let images = count(silent.images, "image");
        row("", false, format!("automator {} for {hosts} seen {seen}: nobody scans {images}", silent.name));
    }
    for image in status.failing_images.iter().filter(|image| image.fault.is_none()) {
        let since = span(now - image.since);
        row("", false, format!("{}: {}, since {since}", image.image, image.reason));
    }
    let findings = match status.blocking_findings {
        0 => "nothing in them keeps a write back".to_owned(),
        1 => "1 finding keeps a write back".to_owned(),
        findings => format!("{findings} findings keep a write back"),
    };
    row("files", status.blocking_findings == 0, findings);
    table
}

fn automator(status: &StatusView, now: DateTime<Utc>) -> String {
    let seen = format!("seen {}", ago(status.automator_seen_at, now));
    match status.has_automator(now) {
        true => seen,
        false => format!("{seen}: none asks for work, so new tags are not seen and nothing is written"),
    }
}
