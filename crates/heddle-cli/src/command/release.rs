//! `heddle release`, `promote`, `requests` and `withdraw`: what a person asks to be written.

use chrono::Utc;
use heddle_client::PageQuery;
use heddle_core::request::RequestState;
use heddle_wire::view::{RequestView, Wish, WishedPromotion, WishedRelease};

use super::ask;
use crate::{
    config::{Config, PromoteArguments, ReleaseArguments, RequestsArguments, WithdrawArguments},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table, Tone},
    words::ago,
};

/// Says what a release would do, and asks for it.
pub(crate) async fn run(config: &Config, arguments: &ReleaseArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let wish = Wish::Release(WishedRelease {
        repository: ask::find_repository(&session, arguments.repository.as_ref()).await?,
        environment: arguments.environment.clone(),
        image: arguments.image.clone(),
        tag: Some(arguments.tag.clone()),
        by_pull_request: arguments.write.pull_request,
        hold: arguments.hold,
        hold_until: arguments.until,
        despite: arguments.write.despite.clone(),
    });
    ask::ask(&session, wish, &arguments.how, screen).await
}

/// Says what promoting now would do, and asks for it.
pub(crate) async fn promote(config: &Config, arguments: &PromoteArguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    let wish = Wish::Promote(WishedPromotion {
        repository: ask::find_repository(&session, arguments.repository.as_ref()).await?,
        environment: arguments.environment.clone(),
        from: arguments.from.clone(),
        images: arguments.images.clone(),
        by_pull_request: arguments.write.pull_request,
        despite: arguments.write.despite.clone(),
    });
    ask::ask(&session, wish, &arguments.how, screen).await
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
    let mut table = Table::new(&["REQUEST", "WHAT", "ASKED", "STATE", "WHY"]);
    for request in requests {
        table.row(vec![
            Cell::new(request.id.to_string()),
            Cell::new(&request.title),
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
