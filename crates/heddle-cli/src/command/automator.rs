//! `heddle automator`: automators that the organization runs itself.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use heddle_wire::view::{AUTOMATOR_SILENT, AddOwnAutomator, OwnAutomatorView};

use crate::{
    config::{AutomatorAddArguments, AutomatorCommand, Config},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::ago,
};

pub(crate) async fn run(config: &Config, command: &AutomatorCommand, screen: &mut Screen) -> Result<Exit, Failure> {
    match command {
        AutomatorCommand::List => list(config, screen).await,
        AutomatorCommand::Add(arguments) => add(config, arguments, screen).await,
        AutomatorCommand::Remove { name } => remove(config, name, screen).await,
    }
}

async fn list(config: &Config, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let all = session.client.own_automators(session.organization.id).await?;
    if screen.is_json() {
        screen.json(&all)?;
    } else if all.is_empty() {
        screen.note("none yet; the hosted automators scan every registry");
    } else {
        screen.table(&show(&all, Utc::now()))?;
    }
    Ok(Exit::Done)
}

fn show(all: &[OwnAutomatorView], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["NAME", "REGISTRIES", "IMAGES", "SEEN", "ADDED"]);
    for one in all {
        let silent = now - one.seen_at.unwrap_or(one.added_at) >= AUTOMATOR_SILENT;
        table.row(vec![
            Cell::new(&one.name),
            Cell::new(one.hosts.join(", ")),
            Cell::new(one.images.to_string()),
            Cell::toned(ago(one.seen_at, now), if silent { Tone::Bad } else { Tone::Good }),
            Cell::new(format!("{} by {}", ago(Some(one.added_at), now), one.added_by)),
        ]);
    }
    table
}

async fn add(config: &Config, arguments: &AutomatorAddArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    // Before anything is made whose token would be lost.
    if let Some(path) = arguments.manifest.as_deref().filter(|path| path.exists()) {
        return Err(Failure::wrong(anyhow!("{} exists", path.display())).remedy("name a file that does not exist"));
    }
    let hosts = arguments.registries.iter().map(ToString::to_string).collect();
    let request = AddOwnAutomator { name: arguments.name.clone(), hosts };
    let added = session.client.add_own_automator(session.organization.id, &request).await?;
    if screen.is_json() {
        screen.json(&added)?;
        return Ok(Exit::Done);
    }
    match &arguments.manifest {
        Some(path) => write(path, &added.manifest).with_context(|| format!("could not write {}", path.display()))?,
        None => screen.line(&added.manifest)?,
    }
    screen.note(&format!(
        "{}: added; apply the manifest, and put its logins into the Secret `heddle-registries` in `heddle-automator`",
        added.automator.name
    ));
    Ok(Exit::Done)
}

/// For its owner alone: it holds the token.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

async fn remove(config: &Config, name: &str, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let organization = session.organization.id;
    let found = session.client.own_automators(organization).await?.into_iter().find(|one| one.name == name);
    let found = found.ok_or_else(|| {
        Failure::wrong(anyhow!("there is no automator `{name}`")).remedy("see `heddle automator list`")
    })?;
    session.client.delete_own_automator(organization, found.id).await?;
    screen.note(&format!("{name}: removed; the hosted automators scan its registries from now on"));
    Ok(Exit::Done)
}
