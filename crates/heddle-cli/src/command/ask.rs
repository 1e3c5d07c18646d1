//! Asks for something to be written: says before what it would do, and follows it until it is in Git.

use std::time::Duration;

use anyhow::anyhow;
use heddle_client::ClientError;
use heddle_core::{
    change::ProposalRef,
    git::RepoName,
    id::RepositoryId,
    request::{RequestState, ShownPlace},
};
use heddle_wire::view::{NewRequest, PreviewRequest, RequestPreview, RequestView, Wish};
use tokio::time::{Instant, sleep};

use crate::{
    config::AskArguments,
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table},
};

/// How long an automator may take until it is written, and how often we look.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);
const WRITE_LOOK: Duration = Duration::from_millis(500);

/// Says what a wish would do, and asks for it.
pub(crate) async fn ask(session: &Session, wish: Wish, how: &AskArguments, screen: &Screen) -> Result<Exit, Failure> {
    let organization = session.organization.id;
    let asked = PreviewRequest { wish, reason: how.reason.clone() };
    let preview = session.client.preview_request(organization, &asked).await.map_err(nothing_is_no_mistake)?;
    if how.dry_run && screen.is_json() {
        screen.json(&preview)?;
        return Ok(Exit::Done);
    }
    tell(&preview, screen)?;
    if let Some(refusal) = &preview.refusal {
        return Err(Failure::wrong(anyhow!("{refusal}")));
    }
    if how.dry_run {
        screen.note("nothing was asked for; run it again without --dry-run");
        return Ok(Exit::Done);
    }
    let request = NewRequest { wish: asked.wish, reason: asked.reason, shown: preview.shown };
    let created = session.client.create_request(organization, &request).await?;
    let seen = if how.no_wait { created } else { follow(session, created).await? };
    if screen.is_json() {
        screen.json(&seen)?;
    } else {
        screen.line(&in_words(&seen))?;
    }
    match seen.state {
        RequestState::Refused => Err(Failure::wrong(anyhow!("it was not written: {}", seen.message))),
        RequestState::Declined | RequestState::Withdrawn => {
            Err(Failure::wrong(anyhow!("it ended unwritten: {}", seen.message)))
        }
        RequestState::Waiting | RequestState::Writing if !how.no_wait => {
            screen.note("it is not written yet; `heddle requests` shows where it is");
            Ok(Exit::Nothing)
        }
        RequestState::Waiting | RequestState::Writing | RequestState::Proposed | RequestState::Merged => Ok(Exit::Done),
    }
}

/// What stands already needs nothing to be written: that is said by an exit code of its own.
fn nothing_is_no_mistake(error: ClientError) -> Failure {
    let is_nothing = error.code() == Some("nothing-to-write");
    let failure = Failure::from(error);
    if is_nothing { Failure { exit: Exit::Nothing, ..failure } } else { failure }
}

/// The repository of a name.
pub(crate) async fn find_repository(
    session: &Session,
    name: Option<&RepoName>,
) -> Result<Option<RepositoryId>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let known = session.client.repositories(session.organization.id).await?;
    let found = known.iter().find(|one| one.name == *name);
    let names = || known.iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(", ");
    let found = found.ok_or_else(|| Failure::wrong(anyhow!("{name} is not connected; connected are: {}", names())))?;
    Ok(Some(found.id))
}

/// What would be done, on stdout where that is no JSON, and what is to be known about it.
fn tell(preview: &RequestPreview, screen: &Screen) -> Result<(), Failure> {
    if !screen.is_json() {
        screen.line(&format!("{}:", preview.does))?;
        if !preview.steps.is_empty() {
            screen.table(&places(preview))?;
        }
        if let Some(diff) = &preview.rules_diff {
            screen.line(diff.trim_end())?;
        }
    }
    for left in &preview.left {
        screen.note(&format!("left as it is: {left}"));
    }
    if let Some(verdict) = &preview.passed_over {
        screen.note(&format!("the rule passes {} over (`{}`): {}", verdict.tag, verdict.rule, verdict.reason));
    }
    for gate in &preview.gates {
        let remedy = gate.despite.map_or_else(
            || "mend that first".to_owned(),
            |named| format!("to write it all the same, name it: `--despite {}`", named.word()),
        );
        screen.note(&format!("{}; {remedy}", gate.reason));
    }
    for note in &preview.notes {
        screen.note(note);
    }
    if let Some(afterwards) = &preview.afterwards {
        screen.note(&format!("afterwards the rule brings {afterwards}; to keep what is written, ask with `--hold`"));
    }
    Ok(())
}

fn places(preview: &RequestPreview) -> Table {
    let mut table = Table::new(&["PLACE", "ENVIRONMENT", "IMAGE", "FROM", "TO"]);
    for step in &preview.steps {
        for ShownPlace { place, tag, digest, environments } in &step.places {
            let names: Vec<&str> = environments.iter().map(|name| name.as_str()).collect();
            // Where the tag stays, the digest says what is new.
            let moves = step.to_digest.as_ref().filter(|_| tag.as_ref() == Some(&step.to));
            let from = match (tag, digest) {
                (Some(tag), Some(digest)) if moves.is_some() => Some(format!("{tag}@{}", digest.short())),
                (Some(tag), _) => Some(tag.to_string()),
                (None, digest) => digest.as_ref().map(|digest| digest.short().to_owned()),
            };
            let to = moves.map_or_else(|| step.to.to_string(), |digest| format!("{}@{}", step.to, digest.short()));
            table.row(vec![
                Cell::new(format!("{}:{}", place.file, place.line)),
                Cell::new(names.join(", ")),
                Cell::new(step.image.short_name()),
                Cell::new(from.as_deref().unwrap_or("–")),
                Cell::new(to),
            ]);
        }
    }
    table
}

/// Looks until it is written or ended, for a while.
async fn follow(session: &Session, asked: RequestView) -> Result<RequestView, Failure> {
    let until = Instant::now() + WRITE_DEADLINE;
    let mut seen = asked;
    while matches!(seen.state, RequestState::Waiting | RequestState::Writing) && Instant::now() < until {
        sleep(WRITE_LOOK).await;
        seen = session.client.request(session.organization.id, seen.id).await?;
    }
    Ok(seen)
}

fn in_words(request: &RequestView) -> String {
    let url = match &request.proposal {
        Some(ProposalRef::PullRequest { url, .. }) => format!("  {url}"),
        Some(ProposalRef::Commit { url: Some(url), .. }) => format!("  {url}"),
        Some(ProposalRef::Commit { .. }) | None => String::new(),
    };
    format!("{}: {}{url}", request.state.word(), request.message)
}
