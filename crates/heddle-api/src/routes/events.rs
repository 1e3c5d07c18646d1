//! The event stream: names what changed, and the page reads again.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    response::sse::{Event as SseEvent, KeepAlive, Sse},
};
use futures::{Stream, stream};
use heddle_core::id::OrganizationId;
use heddle_db::notice::{Notice, NoticeStream, Topic as Told};
use heddle_wire::view::{Event, Role, Topic};
use tokio::time::Instant;
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::{App, Shutdown},
    permission::Permission,
    principal::{Credential, Member},
};

/// Rights may end while a stream is open.
const CHECK_RIGHTS: Duration = Duration::from_secs(60);

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add(Permission::Organization(Role::Viewer), routes!(list_events))
}

/// What changes from now on, as server-sent events named `changed`.
#[utoipa::path(
    get,
    path = "/api/v1/organizations/{organization}/events",
    tag = "events",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Event, content_type = "text/event-stream"))
)]
async fn list_events(
    app: App,
    Extension(Shutdown(shutdown)): Extension<Shutdown>,
    member: Member,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let watch = Watch { notices: app.db.notices(), checked_at: Instant::now(), app, member };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    let ended = futures::StreamExt::take_until(events, shutdown.cancelled_owned());
    Sse::new(ended).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

struct Watch {
    app: App,
    member: Member,
    notices: NoticeStream,
    checked_at: Instant,
}

impl Watch {
    /// The next event for this member; `None` when they may see no more.
    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            let due = self.checked_at + CHECK_RIGHTS;
            let notice = tokio::select! {
                notice = self.notices.next() => notice?,
                () = tokio::time::sleep_until(due) => {
                    if !self.may_still_see().await {
                        return None;
                    }
                    self.checked_at = Instant::now();
                    continue;
                }
            };
            match notice {
                Notice::Changed { organization, topic, id } if organization == self.member.organization => {
                    return Some(changed(Event { topic: shown(topic), id }));
                }
                Notice::SessionEnded { session } if self.is_session(session) => return None,
                // The page reads everything again when it hears of no topic in particular.
                Notice::Missed => return Some(SseEvent::default().event("missed").data("{}")),
                _ => {}
            }
        }
    }

    fn is_session(&self, ended: uuid::Uuid) -> bool {
        matches!(self.member.person.credential, Credential::Session(own) if own == ended)
    }

    async fn may_still_see(&self) -> bool {
        let asked = async {
            let (organization, user) = (self.member.organization, self.member.person.user);
            let mut tx = self.app.db.member(organization, user).await?;
            let membership = heddle_db::organizations::find_membership(&mut *tx, organization, user).await?;
            let alive = match self.member.person.credential {
                Credential::Session(id) => {
                    heddle_db::sessions::list(&mut *tx, user).await?.iter().any(|session| session.id == id)
                }
                Credential::Token { token, .. } => {
                    heddle_db::tokens::list(&mut *tx, user).await?.iter().any(|known| known.id == token)
                }
            };
            tx.commit().await?;
            Ok::<_, heddle_db::DbError>(membership.is_some() && alive)
        };
        asked.await.unwrap_or(false)
    }
}

fn changed(event: Event) -> SseEvent {
    let named = SseEvent::default().event("changed");
    named.json_data(&event).unwrap_or_else(|_| SseEvent::default().event("missed").data("{}"))
}

fn shown(topic: Told) -> Topic {
    match topic {
        Told::Changes => Topic::Changes,
        Told::Workloads => Topic::Workloads,
        Told::Clusters => Topic::Clusters,
        Told::Repositories => Topic::Repositories,
        Told::Status => Topic::Status,
        Told::Drift => Topic::Drift,
    }
}
