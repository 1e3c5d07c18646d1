//! `heddle release`, `requests` and `withdraw`: what a person asks to be written.

use std::time::Duration;

use anyhow::anyhow;
use chrono::Utc;
use heddle_client::{PageQuery, ReleaseQuery};
use heddle_core::{
    change::ProposalRef,
    id::RepositoryId,
    request::{RequestState, ShownPlace},
};
use heddle_wire::view::{NewRequest, ReleasePreview, RequestView, Wish, WishedRelease};
use tokio::time::{Instant, sleep};

use crate::{
    config::{Config, ReleaseArguments, RequestsArguments, WithdrawArguments},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::ago,
};

/// How long an automator may take until it is written, and how often we look.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);
const WRITE_LOOK: Duration = Duration::from_millis(500);

/// Says what a release would do, and asks for it.
pub(crate) async fn run(config: &Config, arguments: &ReleaseArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let organization = session.organization.id;
    let query = ReleaseQuery {
        environment: arguments.environment.clone(),
        image: arguments.image.clone(),
        tag: Some(arguments.tag.clone()),
        repository: find_repository(&session, arguments).await?,
        by_pull_request: arguments.pull_request,
    };
    let preview = session.client.release_preview(organization, &query).await?;
    if arguments.dry_run && screen.is_json() {
        screen.json(&preview)?;
        return Ok(Exit::Done);
    }
    tell(&preview, screen)?;
    if let Some(refusal) = &preview.refusal {
        return Err(Failure::wrong(anyhow!("{refusal}")));
    }
    if arguments.dry_run {
        screen.note("nothing was asked for; run it again without --dry-run");
        return Ok(Exit::Done);
    }
    let request = NewRequest {
        wish: Wish::Release(WishedRelease {
            repository: Some(preview.repository),
            environment: arguments.environment.clone(),
            image: arguments.image.clone(),
            tag: arguments.tag.clone(),
            by_pull_request: arguments.pull_request,
            despite: arguments.despite.clone(),
        }),
        reason: arguments.reason.clone(),
        shown: preview.shown,
    };
    let asked = session.client.create_request(organization, &request).await?;
    let seen = if arguments.no_wait { asked } else { follow(&session, asked).await? };
    if screen.is_json() {
        screen.json(&seen)?;
    } else {
        screen.line(&in_words(&seen))?;
    }
    match seen.state {
        RequestState::Refused => Err(Failure::wrong(anyhow!("it was not written: {}", seen.message))),
        _ => Ok(Exit::Done),
    }
}

async fn find_repository(session: &Session, arguments: &ReleaseArguments) -> Result<Option<RepositoryId>, Failure> {
    let Some(name) = &arguments.repository else { return Ok(None) };
    let known = session.client.repositories(session.organization.id).await?;
    let found = known.iter().find(|one| one.name == *name);
    let names = || known.iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(", ");
    let found = found.ok_or_else(|| Failure::wrong(anyhow!("{name} is not connected; connected are: {}", names())))?;
    Ok(Some(found.id))
}

/// What would be done, on stdout where that is no JSON, and what is to be known about it.
fn tell(preview: &ReleasePreview, screen: &Screen) -> Result<(), Failure> {
    if !screen.is_json() {
        screen.line(&format!("{}:", preview.does))?;
        screen.table(&places(preview))?;
    }
    if let Some(verdict) = &preview.passed_over {
        screen.note(&format!("the rule passes {} over (`{}`): {}", verdict.tag, verdict.rule, verdict.reason));
    }
    if let Some(unknown) = &preview.unknown {
        screen.note(unknown);
    }
    if let Some(afterwards) = &preview.afterwards {
        screen.note(&format!(
            "afterwards the rule brings {afterwards}; to keep {}, write a hold into `.heddle.yaml`",
            preview.to
        ));
    }
    Ok(())
}

fn places(preview: &ReleasePreview) -> Table {
    let mut table = Table::new(&["PLACE", "ENVIRONMENT", "FROM", "TO"]);
    for ShownPlace { place, tag, digest, environments } in &preview.places {
        let names: Vec<&str> = environments.iter().map(|name| name.as_str()).collect();
        let from = tag.as_ref().map(|tag| tag.as_str()).or(digest.as_ref().map(|digest| digest.short()));
        table.row(vec![
            Cell::new(format!("{}:{}", place.file, place.line)),
            Cell::new(names.join(", ")),
            Cell::new(from.unwrap_or("–")),
            Cell::new(preview.to.as_str()),
        ]);
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

/// Lists what people asked for.
pub(crate) async fn list(config: &Config, arguments: &RequestsArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let page = PageQuery { limit: Some(arguments.limit), ..PageQuery::default() };
    let found = session.client.requests(session.organization.id, !arguments.all, &page).await?;
    if screen.is_json() {
        screen.json(&found)?;
    } else if found.items.is_empty() {
        screen.note("nobody asks for anything; ask with `heddle release IMAGE TAG --environment NAME`");
    } else {
        screen.table(&show(&found.items))?;
    }
    Ok(Exit::Done)
}

fn show(requests: &[RequestView]) -> Table {
    let now = Utc::now();
    let mut table = Table::new(&["REQUEST", "IMAGE", "ENVIRONMENT", "TAG", "ASKED", "STATE", "WHY"]);
    for request in requests {
        table.row(vec![
            Cell::new(request.id.to_string()),
            Cell::new(request.image.short_name()),
            Cell::new(request.environment.as_str()),
            Cell::new(request.to.as_str()),
            Cell::new(format!("{} by {}", ago(Some(request.created_at), now), request.requested_by)),
            Cell::toned(request.state.word(), tone(request.state)),
            Cell::new(&request.message),
        ]);
    }
    table
}

fn tone(state: RequestState) -> Tone {
    match state {
        RequestState::Waiting | RequestState::Writing => Tone::Moving,
        RequestState::Proposed => Tone::Waiting,
        RequestState::Merged => Tone::Good,
        RequestState::Refused => Tone::Bad,
        RequestState::Declined | RequestState::Withdrawn => Tone::Faint,
    }
}

/// Takes a request back.
pub(crate) async fn withdraw(config: &Config, arguments: &WithdrawArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    session.client.withdraw_request(session.organization.id, arguments.request).await?;
    screen.note("taken back; its pull request is closed if one was open");
    Ok(Exit::Done)
}
