//! `heddle hold`, `resume`, `holds`, `freeze`, `thaw` and `rollback`: what a person keeps back, stops, and takes back.

use std::collections::BTreeSet;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use heddle_core::{
    image::Tag,
    request::{FreezeEntry, HoldEntry},
};
use heddle_wire::view::{
    KeptBack, Wish, WishedFreeze, WishedHold, WishedResume, WishedRollback, WishedRollbackSince, WishedTag, WishedThaw,
};

use super::ask;
use crate::{
    config::{
        BackTo, Config, FreezeArguments, HoldArguments, HoldsArguments, ResumeArguments, RollbackArguments,
        ThawArguments,
    },
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table},
};

/// Says what a hold would do, and asks for it.
pub(crate) async fn hold(config: &Config, arguments: &HoldArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let wish = Wish::Hold(WishedHold {
        repository: ask::find_repository(&session, arguments.rules.repository.as_ref()).await?,
        image: arguments.image.clone(),
        environment: arguments.environment.clone(),
        tag: arguments.tag.clone(),
        until: arguments.until,
    });
    ask::ask(&session, wish, &arguments.rules.how, screen).await
}

/// Says what the end of a hold would do, and asks for it.
pub(crate) async fn resume(config: &Config, arguments: &ResumeArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let wish = Wish::Resume(WishedResume {
        repository: ask::find_repository(&session, arguments.rules.repository.as_ref()).await?,
        image: arguments.image.clone(),
        environment: arguments.environment.clone(),
    });
    ask::ask(&session, wish, &arguments.rules.how, screen).await
}

/// Says what a freeze would do, and asks for it.
pub(crate) async fn freeze(config: &Config, arguments: &FreezeArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let wish = Wish::Freeze(WishedFreeze {
        repository: ask::find_repository(&session, arguments.rules.repository.as_ref()).await?,
        environments: arguments.environments.clone(),
        from: arguments.from.unwrap_or_else(Utc::now),
        to: arguments.to,
    });
    ask::ask(&session, wish, &arguments.rules.how, screen).await
}

/// Says what the end of a freeze would do, and asks for it.
pub(crate) async fn thaw(config: &Config, arguments: &ThawArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let named = ask::find_repository(&session, arguments.rules.repository.as_ref()).await?;
    let all = session.client.holds(session.organization.id).await?;
    let wanted: BTreeSet<_> = arguments.environments.iter().collect();
    let is_meant = |freeze: &&FreezeEntry| {
        freeze.environments.iter().collect::<BTreeSet<_>>() == wanted
            && arguments.from.is_none_or(|from| from == freeze.from)
    };
    let here = all.iter().filter(|one| named.is_none_or(|named| named == one.repository));
    let found: Vec<_> =
        here.flat_map(|one| one.freezes.iter().filter(is_meant).map(|freeze| (one.repository, freeze))).collect();
    match found.as_slice() {
        [(repository, freeze)] => {
            let wish = Wish::Thaw(WishedThaw { repository: Some(*repository), freeze: (*freeze).clone() });
            ask::ask(&session, wish, &arguments.rules.how, screen).await
        }
        [] => Err(Failure::wrong(anyhow!("there is no such freeze; `heddle holds` lists what is frozen"))),
        _ => {
            let names = found.iter().map(|(_, freeze)| freeze.to_string()).collect::<Vec<_>>().join("; ");
            Err(Failure::wrong(anyhow!("there are several: {names}; name its begin with `--from`, or its repository")))
        }
    }
}

/// Says what rolling a change back would do, or everything since an instant, and asks for it.
pub(crate) async fn rollback(config: &Config, arguments: &RollbackArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let wish = match (arguments.change, arguments.since, &arguments.environment) {
        (Some(change), ..) => Wish::Rollback(WishedRollback {
            change,
            to: one_tag(&arguments.to)?,
            by_pull_request: arguments.write.pull_request,
            despite: arguments.write.despite.clone(),
        }),
        (None, Some(since), Some(environment)) => Wish::RollbackSince(WishedRollbackSince {
            repository: ask::find_repository(&session, arguments.repository.as_ref()).await?,
            environment: environment.clone(),
            since,
            to: tags_of_images(&arguments.to)?,
            despite: arguments.write.despite.clone(),
        }),
        (None, ..) => return Err(Failure::wrong(anyhow!("name a change, or `--since` and `--environment`"))),
    };
    ask::ask(&session, wish, &arguments.how, screen).await
}

/// The tag to which one change goes back.
fn one_tag(to: &[BackTo]) -> Result<Option<Tag>, Failure> {
    match to {
        [] => Ok(None),
        [BackTo { image: None, tag }] => Ok(Some(tag.clone())),
        _ => Err(Failure::wrong(anyhow!("a change goes back to one tag: `--to TAG`"))),
    }
}

/// The tags to which images go back.
fn tags_of_images(to: &[BackTo]) -> Result<Vec<WishedTag>, Failure> {
    let of = |BackTo { image, tag }: &BackTo| {
        let missing = || Failure::wrong(anyhow!("of which image is `{tag}`? write `--to IMAGE={tag}`"));
        Ok(WishedTag { image: image.clone().ok_or_else(missing)?, tag: tag.clone() })
    };
    to.iter().map(of).collect()
}

/// Lists what the rules keep back.
pub(crate) async fn list(config: &Config, _: &HoldsArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let all = session.client.holds(session.organization.id).await?;
    if screen.is_json() {
        screen.json(&all)?;
        return Ok(Exit::Done);
    }
    for one in &all {
        if let Some(unknown) = &one.unknown {
            screen.note(&format!("{}: {unknown}", one.repository_name));
        }
    }
    if all.iter().all(|one| one.holds.is_empty() && one.freezes.is_empty()) {
        screen.note("nothing is held or frozen; hold with `heddle hold IMAGE --environment NAME`");
    } else {
        screen.table(&show(&all))?;
    }
    Ok(Exit::Done)
}

fn show(all: &[KeptBack]) -> Table {
    let mut table = Table::new(&["REPOSITORY", "WHAT", "TAG", "UNTIL", "BY", "REASON"]);
    let at = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    for KeptBack { repository_name, holds, freezes, .. } in all {
        for entry in holds {
            let HoldEntry { tag, by, reason, until, .. } = entry;
            table.row(vec![
                Cell::new(repository_name.to_string()),
                Cell::new(format!("hold {entry}")),
                Cell::new(tag.as_ref().map_or("–", |tag| tag.as_str())),
                Cell::new(until.map_or_else(|| "somebody ends it".to_owned(), at)),
                Cell::new(by.as_deref().unwrap_or("–")),
                Cell::new(reason.as_deref().unwrap_or("–")),
            ]);
        }
        for entry in freezes {
            let FreezeEntry { to, reason, .. } = entry;
            table.row(vec![
                Cell::new(repository_name.to_string()),
                Cell::new(format!("freeze {entry}")),
                Cell::new("–"),
                Cell::new(at(*to)),
                Cell::new("–"),
                Cell::new(reason.as_deref().unwrap_or("–")),
            ]);
        }
    }
    table
}
