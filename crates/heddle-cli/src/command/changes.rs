//! `heddle changes`: where is each change?

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use heddle_client::{ClientError, EventStream, PageQuery};
use heddle_core::id::ChangeId;
use heddle_wire::view::{ChangePage, ChangeView, Topic};
use tokio::{
    signal::ctrl_c,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use crate::{
    config::{ChangesArguments, Config},
    exit::{Exit, Failure},
    screen::Screen,
    session::Session,
    table::{Cell, Table},
    thread,
};

/// Lost events are made good after this long.
const REFRESH: Duration = Duration::from_secs(15);

/// Events that come closer together than this are answered by one read.
const BREATH: Duration = Duration::from_millis(200);

/// The most that the API gives at once.
const LONGEST_PAGE: u16 = 200;

/// Lists changes, once or until Ctrl-C.
pub(crate) async fn run(config: &Config, arguments: &ChangesArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let session = Session::open(config).await?;
    if arguments.watch {
        return tokio::select! {
            result = watch(&session, arguments, screen) => result,
            _ = ctrl_c() => Ok(Exit::Done),
        };
    }
    let page = load(&session, arguments).await?;
    if screen.is_json() {
        screen.json(&page)?;
    } else if page.items.is_empty() {
        screen.note("no change yet; the first one begins when a watched image gets a newer tag");
    } else {
        screen.table(&show(&page.items, Utc::now()))?;
    }
    Ok(Exit::Done)
}

/// As many pages as the limit takes.
async fn load(session: &Session, arguments: &ChangesArguments) -> Result<ChangePage, ClientError> {
    let limit = usize::from(arguments.limit);
    let mut query = PageQuery {
        after: None,
        environment: arguments.environment.clone(),
        limit: Some(arguments.limit.min(LONGEST_PAGE)),
    };
    let mut page = session.client.changes(session.organization.id, &query).await?;
    while page.items.len() < limit
        && let Some(next) = page.next.take()
    {
        query.after = Some(next);
        let more = session.client.changes(session.organization.id, &query).await?;
        page.items.extend(more.items);
        page.next = more.next;
    }
    page.items.truncate(limit);
    Ok(page)
}

fn show(changes: &[ChangeView], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&["LINE", "IMAGE", "ENVIRONMENT", "TAG", "TIME", "STATE"]);
    for change in changes {
        let from = change.from.as_ref().map_or("–", |tag| tag.as_str());
        // Where the tag stays, the digest says what is new.
        let digest = change.to_digest.as_ref().filter(|_| change.from.as_ref() == Some(&change.to));
        let to = digest.map_or_else(|| change.to.as_str(), |digest| digest.short());
        table.row(vec![
            thread::knots(&change.line),
            Cell::new(change.image.short_name()),
            Cell::new(change.environment.as_str()),
            Cell::new(format!("{from} → {to}")),
            Cell::new(thread::time(change, now)),
            thread::state(change, now),
        ]);
    }
    table
}

/// Shows the changes again whenever one moved. An API that is away is waited for; a refusal ends the watch.
async fn watch(session: &Session, arguments: &ChangesArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let mut printed = HashMap::new();
    loop {
        if let Err(error) = follow(session, arguments, screen, &mut printed).await {
            let Interruption::Api(error) = error else { return error.into_failure() };
            if !error.is_transient() {
                return Err(error.into());
            }
            screen.note(&format!("{error}; what stands here is of {}", Utc::now().format("%H:%M:%S UTC")));
            sleep(error.retry_after().unwrap_or(Duration::from_secs(2))).await;
        }
    }
}

enum Interruption {
    Api(ClientError),
    Output(Failure),
}

impl Interruption {
    fn into_failure(self) -> Result<Exit, Failure> {
        match self {
            Self::Api(error) => Err(error.into()),
            Self::Output(failure) => Err(failure),
        }
    }
}

impl From<ClientError> for Interruption {
    fn from(error: ClientError) -> Self {
        Self::Api(error)
    }
}

/// Follows one event stream until it ends.
async fn follow(
    session: &Session,
    arguments: &ChangesArguments,
    screen: &mut Screen,
    printed: &mut HashMap<ChangeId, String>,
) -> Result<(), Interruption> {
    // Opened before the first read, so that nothing falls between the two.
    let mut events = session.client.events(session.organization.id).await?;
    loop {
        let page = load(session, arguments).await?;
        let read_at = Instant::now();
        print(&page, screen, printed).map_err(Interruption::Output)?;
        if !wait(&mut events, read_at + REFRESH).await? {
            return Ok(());
        }
        sleep_until(read_at + BREATH).await;
    }
}

/// Waits for a change to move, at most until `deadline`; false when the stream ended.
async fn wait(events: &mut EventStream, deadline: Instant) -> Result<bool, ClientError> {
    loop {
        match timeout_at(deadline, events.next()).await {
            Err(_) => return Ok(true),
            Ok(event) => match event? {
                None => return Ok(false),
                Some(event) if event.topic == Topic::Changes => return Ok(true),
                Some(_) => {}
            },
        }
    }
}

fn print(page: &ChangePage, screen: &mut Screen, printed: &mut HashMap<ChangeId, String>) -> Result<(), Failure> {
    if screen.can_redraw() {
        let counts = &page.counts;
        let footer = format!("{} in flight, {} stuck. Ctrl-C ends.", counts.in_flight, counts.stuck);
        return screen.redraw(&show(&page.items, Utc::now()), &footer);
    }
    // Oldest first, so that the newest stands last, as in a log.
    for change in page.items.iter().rev() {
        let text = serde_json::to_string(change).map_err(Failure::wrong)?;
        if printed.get(&change.id) == Some(&text) {
            continue;
        }
        if screen.is_json() {
            screen.json_line(change)?;
        } else {
            screen.rows(&show(std::slice::from_ref(change), Utc::now()))?;
        }
        printed.insert(change.id, text);
    }
    Ok(())
}
