//! Reads bodies, after it is known who sends them, within what memory there is for all bodies together.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use bytes::BytesMut;
use futures::StreamExt as _;
use heddle_core::id::OrganizationId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    address::ClientAddress,
    keyed::Keyed,
    problem::{ApiError, ApiResult},
};

/// The first bytes of each body are not counted: so much the cap of connections bounds already.
pub const UNCOUNTED_BYTES: usize = 16 << 10;

/// Bodies of people and strangers together, in memory at once.
pub const PEOPLE_BYTES: usize = 8 << 20;
/// Push notices of receivers together.
pub const SENDERS_BYTES: usize = 4 << 20;
/// Webhooks of GitHub together. Whose they are is known once they are read, so strangers may send here.
pub const WEBHOOKS_BYTES: usize = 8 << 20;
/// Of these, from one address (IPv6: one network of 64 bits), as far as addresses are known.
pub const WEBHOOKS_OF_AN_ADDRESS_BYTES: usize = 2 << 20;
/// Reports of agents together.
pub const AGENTS_BYTES: usize = 32 << 20;
/// Of these, from one organization's agents.
pub const AGENTS_OF_AN_ORGANIZATION_BYTES: usize = 8 << 20;
/// Looks of reporters together.
pub const REPORTERS_BYTES: usize = 8 << 20;
/// Of these, of one organization's reporters.
pub const REPORTERS_OF_AN_ORGANIZATION_BYTES: usize = 3 << 20;
/// Reports of automators together.
pub const AUTOMATORS_BYTES: usize = 64 << 20;
/// Reports of automators that organizations run themselves together.
pub const OWN_AUTOMATORS_BYTES: usize = 64 << 20;
/// Of these, from one organization's.
pub const OWN_AUTOMATORS_OF_AN_ORGANIZATION_BYTES: usize = 32 << 20;

/// How long a body may take to arrive.
pub const LONGEST: Duration = Duration::from_secs(60);

/// How long a body waits for memory that others hold.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Memory is counted in blocks.
const BLOCK_BYTES: usize = 1 << 10;

/// The memory for bodies, by kind of sender: none takes what the others need.
pub struct Rooms {
    people: Arc<Semaphore>,
    senders: Arc<Semaphore>,
    webhooks: Arc<Semaphore>,
    webhooks_of: Keyed<String>,
    agents: Arc<Semaphore>,
    agents_of: Keyed<Uuid>,
    reporters: Arc<Semaphore>,
    reporters_of: Keyed<Uuid>,
    automators: Arc<Semaphore>,
    own_automators: Arc<Semaphore>,
    own_automators_of: Keyed<Uuid>,
}

/// Who sends a body.
#[derive(Debug, Clone)]
pub enum Sender {
    /// People and strangers.
    Person,
    /// A registry that showed a receiver's secret.
    Receiver,
    /// Whoever claims to be GitHub, from this address.
    GitHub(ClientAddress),
    /// An agent of this organization.
    Agent(OrganizationId),
    /// A reporter of drift of this organization.
    Reporter(OrganizationId),
    /// An automator.
    Automator,
    /// An automator that this organization runs itself.
    OwnAutomator(OrganizationId),
}

/// A body, and the memory that is counted for it until its request is done.
#[derive(Debug)]
pub struct Taken {
    /// The whole body.
    pub bytes: Bytes,
    _held: Vec<Held>,
}

/// Blocks of one room that are held.
#[derive(Debug)]
struct Held {
    room: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Taken {
    /// No body.
    pub fn nothing() -> Self {
        Self { bytes: Bytes::new(), _held: Vec::new() }
    }
}

impl Rooms {
    /// All of it free.
    pub fn new() -> Self {
        let room = |bytes: usize| Arc::new(Semaphore::new(bytes / BLOCK_BYTES));
        Self {
            people: room(PEOPLE_BYTES),
            senders: room(SENDERS_BYTES),
            webhooks: room(WEBHOOKS_BYTES),
            webhooks_of: Keyed::new(WEBHOOKS_OF_AN_ADDRESS_BYTES / BLOCK_BYTES),
            agents: room(AGENTS_BYTES),
            agents_of: Keyed::new(AGENTS_OF_AN_ORGANIZATION_BYTES / BLOCK_BYTES),
            reporters: room(REPORTERS_BYTES),
            reporters_of: Keyed::new(REPORTERS_OF_AN_ORGANIZATION_BYTES / BLOCK_BYTES),
            automators: room(AUTOMATORS_BYTES),
            own_automators: room(OWN_AUTOMATORS_BYTES),
            own_automators_of: Keyed::new(OWN_AUTOMATORS_OF_AN_ORGANIZATION_BYTES / BLOCK_BYTES),
        }
    }

    /// Reads a body of at most `limit_bytes`.
    ///
    /// # Errors
    /// 413 when it is larger, 408 when it does not come, 503 when there is no memory for it now.
    pub async fn take(&self, sender: Sender, limit_bytes: usize, headers: &HeaderMap, body: Body) -> ApiResult<Taken> {
        let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if told.is_some_and(|bytes| bytes > limit_bytes) {
            return Err(too_large(limit_bytes));
        }
        // The narrowest room first: who waits there holds nobody up elsewhere.
        let rooms = match sender {
            Sender::Agent(organization) => vec![self.agents_of.of(organization.0), Arc::clone(&self.agents)],
            Sender::Reporter(organization) => vec![self.reporters_of.of(organization.0), Arc::clone(&self.reporters)],
            Sender::Automator => vec![Arc::clone(&self.automators)],
            Sender::OwnAutomator(organization) => {
                vec![self.own_automators_of.of(organization.0), Arc::clone(&self.own_automators)]
            }
            Sender::Receiver => vec![Arc::clone(&self.senders)],
            Sender::GitHub(ClientAddress(address)) => vec![self.webhooks_of.of(address), Arc::clone(&self.webhooks)],
            Sender::Person => vec![Arc::clone(&self.people)],
        };
        timeout(LONGEST, read(rooms, limit_bytes, body)).await.map_err(|_| {
            ApiError::new(
                StatusCode::REQUEST_TIMEOUT,
                "body-too-slow",
                format!("the body did not arrive within {} s", LONGEST.as_secs()),
            )
        })?
    }
}

impl Default for Rooms {
    fn default() -> Self {
        Self::new()
    }
}

async fn read(rooms: Vec<Arc<Semaphore>>, limit_bytes: usize, body: Body) -> ApiResult<Taken> {
    let mut stream = body.into_data_stream();
    let mut read = BytesMut::new();
    let mut held: Vec<Held> = rooms.into_iter().map(|room| Held { room, permit: None }).collect();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(unreadable)?;
        let bytes = read.len() + chunk.len();
        if bytes > limit_bytes {
            return Err(too_large(limit_bytes));
        }
        let needed = bytes.saturating_sub(UNCOUNTED_BYTES).div_ceil(BLOCK_BYTES);
        for held in &mut held {
            held.grow(needed).await?;
        }
        read.extend_from_slice(&chunk);
    }
    Ok(Taken { bytes: read.freeze(), _held: held })
}

impl Held {
    /// Holds so many blocks in all.
    async fn grow(&mut self, blocks: usize) -> ApiResult<()> {
        let missing = blocks.saturating_sub(self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if missing > 0 {
            let more = wait(&self.room, missing).await?;
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                None => self.permit = Some(more),
            }
        }
        Ok(())
    }
}

async fn wait(room: &Arc<Semaphore>, blocks: usize) -> ApiResult<OwnedSemaphorePermit> {
    let blocks = u32::try_from(blocks).map_err(ApiError::internal)?;
    match timeout(LONGEST_WAIT, Arc::clone(room).acquire_many_owned(blocks)).await {
        Ok(Ok(held)) => Ok(held),
        _ => Err(ApiError::unavailable("busy", "there are too many large requests at the moment; try again")),
    }
}

fn too_large(limit_bytes: usize) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body-too-large",
        format!("the body is larger than the {limit_bytes} bytes that this route takes; send less at once"),
    )
}

/// The sender went away, or its encoding is broken.
fn unreadable(_: axum::Error) -> ApiError {
    ApiError::bad_request("bad-body", "the body cannot be read: it ended early, or its encoding is broken")
}
