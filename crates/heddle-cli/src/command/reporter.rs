//! `heddle reporter`: who may report drift.

use chrono::{DateTime, Utc};
use heddle_wire::view::{CreateReporter, ReporterView};

use crate::{
    config::{Config, ReporterAddArguments, ReporterCommand},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::ago,
};

pub(crate) async fn run(config: &Config, command: &ReporterCommand, screen: &mut Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    match command {
        ReporterCommand::List => list(&session, screen).await,
        ReporterCommand::Add(arguments) => add(&session, arguments, screen).await,
        ReporterCommand::Revoke { reporter } => {
            session.client.revoke_reporter(session.organization.id, *reporter).await?;
            screen.note("revoked; what it said last is marked as by a revoked reporter");
            Ok(Exit::Done)
        }
    }
}

async fn list(session: &Session, screen: &Screen) -> Result<Exit, Failure> {
    let all = session.client.reporters(session.organization.id).await?;
    if screen.is_json() {
        screen.json(&all)?;
    } else if all.is_empty() {
        screen.note("no reporter yet; make one with `heddle reporter add`");
    } else {
        screen.table(&show(&all, Utc::now()))?;
    }
    Ok(Exit::Done)
}

fn show(reporters: &[ReporterView], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["ID", "ENVIRONMENT", "TOOL", "REPOSITORY", "SOURCE", "STATE", "REPORTED", "NAME"]);
    for one in reporters {
        let (state, tone) = match one.revoked_at {
            Some(at) => (format!("revoked {}", ago(Some(at), now)), Tone::Faint),
            None => ("in use".to_owned(), Tone::Plain),
        };
        table.row(vec![
            Cell::new(one.id.to_string()),
            Cell::new(one.environment.as_str()),
            Cell::new(one.tool.as_str()),
            Cell::new(one.repository.as_ref().map_or("any", |name| name.as_str())),
            Cell::new(one.source.as_str()),
            Cell::toned(state, tone),
            Cell::new(ago(one.reported_at, now)),
            Cell::new(&one.name),
        ]);
    }
    table
}

async fn add(session: &Session, arguments: &ReporterAddArguments, screen: &Screen) -> Result<Exit, Failure> {
    let request = CreateReporter {
        name: arguments.name.clone(),
        repository: arguments.repository.clone(),
        environment: arguments.environment.clone(),
        tool: arguments.tool,
        source: arguments.source.clone(),
    };
    let made = session.client.create_reporter(session.organization.id, &request).await?;
    if screen.is_json() {
        screen.json(&made)?;
        return Ok(Exit::Done);
    }
    screen.line(made.token.expose())?;
    screen.note("the token is shown this once; it goes into HEDDLE_REPORT_TOKEN, and the address into HEDDLE_API_URL");
    screen.note(&format!("then: {}", made.command));
    Ok(Exit::Done)
}
