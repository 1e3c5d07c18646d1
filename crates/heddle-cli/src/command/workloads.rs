//! `heddle workloads`: what runs, what could run, why not?

use heddle_client::PageQuery;
use heddle_core::health::HealthStatus;
use heddle_wire::view::{WorkloadPage, WorkloadView};

use crate::{
    config::{Config, WorkloadsArguments},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
};

/// Lists all workloads.
pub(crate) async fn run(config: &Config, arguments: &WorkloadsArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let page = load(&session, arguments).await?;
    if screen.is_json() {
        screen.json(&page)?;
    } else if page.items.is_empty() {
        screen.note("no workload was seen yet; `heddle clusters` says whether an agent is connected");
    } else {
        screen.table(&show(&page.items))?;
    }
    Ok(Exit::Done)
}

async fn load(session: &Session, arguments: &WorkloadsArguments) -> Result<WorkloadPage, Failure> {
    let mut query = PageQuery { after: None, environment: arguments.environment.clone(), limit: Some(200) };
    let mut page = session.client.workloads(session.organization.id, &query).await?;
    while let Some(next) = page.next.take() {
        query.after = Some(next);
        let more = session.client.workloads(session.organization.id, &query).await?;
        page.items.extend(more.items);
        page.next = more.next;
    }
    Ok(page)
}

fn show(workloads: &[WorkloadView]) -> Table {
    let mut table = Table::new(&["CLUSTER", "ENVIRONMENT", "WORKLOAD", "HEALTH", "RUNS", "NEWEST", "STATE"]);
    for workload in workloads {
        let mut runs = Vec::new();
        let mut newest = Vec::new();
        for image in &workload.images {
            let running = &image.running.image;
            let tag = running.tag.as_ref().map(|tag| tag.as_str()).unwrap_or("by digest");
            runs.push(format!("{} {tag}", running.repository.short_name()));
            newest.push(image.newest.as_ref().map_or("–", |tag| tag.as_str()));
        }
        table.row(vec![
            Cell::new(&workload.cluster_name),
            Cell::new(workload.environment.as_ref().map_or("–", |name| name.as_str())),
            Cell::new(format!("{}/{} ({})", workload.namespace, workload.name, workload.kind)),
            Cell::toned(workload.health.as_str(), tone(workload.health)),
            Cell::new(runs.join(", ")),
            Cell::new(newest.join(", ")),
            Cell::new(workload.reason.as_ref().unwrap_or(&workload.state)),
        ]);
    }
    table
}

/// The tone of a verdict.
pub(crate) fn tone(health: HealthStatus) -> Tone {
    match health {
        HealthStatus::Healthy => Tone::Good,
        HealthStatus::Progressing | HealthStatus::Terminating => Tone::Moving,
        HealthStatus::Suspended => Tone::Waiting,
        HealthStatus::Unknown => Tone::Faint,
        HealthStatus::Missing | HealthStatus::Degraded => Tone::Bad,
    }
}
