//! How many of the store's connections each kind of asker may hold.
//!
//! The pool is shared by people, agents, automators and strangers. Each waits its turn before the pool, among its own
//! kind and within its own organization, so that none of them takes what the others need: at least a fifth of the pool is
//! for signed-in people alone.

use std::sync::Arc;

use heddle_core::id::{ClusterId, OrganizationId, UserId};
use heddle_db::Db;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::keyed::Keyed;

/// Connections that one cluster holds at once, and an automator that an organization runs itself: a long poll and a report. More would only wait for each other's rows.
pub const MOST_OF_A_CLUSTER: usize = 2;

/// Connections that one receiver of push notices holds at once.
pub const MOST_OF_A_RECEIVER: usize = 1;

/// Connections that one reporter of drift holds at once.
pub const MOST_OF_A_REPORTER: usize = 1;

/// Who asks, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub enum Lane {
    /// A route that anybody may call.
    Stranger,
    /// Somebody whose session or token is looked up.
    Unproved,
    /// A signed-in person.
    Session(UserId),
    /// A program with a person's token.
    Token(OrganizationId),
    /// An agent whose signature is checked.
    UnprovedAgent,
    /// An agent.
    Agent(OrganizationId, ClusterId),
    /// An automator.
    Automator,
    /// An automator that this organization runs itself.
    OwnAutomator(OrganizationId, Uuid),
    /// GitHub, or a registry or a reporter whose secret is checked.
    Sender,
    /// A registry that sends notices.
    Receiver(OrganizationId, Uuid),
    /// Whoever reports drift.
    Reporter(OrganizationId, Uuid),
}

/// The turns of all lanes. One set for each replica.
pub struct Lanes {
    strangers: Arc<Semaphore>,
    unproved: Arc<Semaphore>,
    machines: Arc<Semaphore>,
    tokens: Arc<Semaphore>,
    agents: Arc<Semaphore>,
    automators: Arc<Semaphore>,
    senders: Arc<Semaphore>,
    users: Keyed<Uuid>,
    organizations: Keyed<Uuid>,
    clusters: Keyed<Uuid>,
    receivers: Keyed<Uuid>,
    reporters: Keyed<Uuid>,
}

/// Parts of a pool, in tenths of it, and at least one connection.
#[derive(Debug, Clone, Copy)]
pub struct Shares(u32);

impl Shares {
    /// The parts of a pool of this many connections.
    pub const fn of(connections: u32) -> Self {
        Self(connections)
    }

    const fn tenths(self, tenths: u32) -> usize {
        let share = self.0 * tenths / 10;
        if share == 0 { 1 } else { share as usize }
    }

    /// All programs together: agents, automators, receivers and whoever shows a token.
    pub const fn machines(self) -> usize {
        self.tenths(6)
    }

    /// Agents together.
    pub const fn agents(self) -> usize {
        self.tenths(4)
    }

    /// Automators together.
    pub const fn automators(self) -> usize {
        self.tenths(4)
    }

    /// Programs with people's tokens together.
    pub const fn tokens(self) -> usize {
        self.tenths(2)
    }

    /// Receivers of push notices, reporters of drift and GitHub's webhooks together.
    pub const fn senders(self) -> usize {
        self.tenths(2)
    }

    /// Log-ins, sign-ups and enrollments together; likewise credentials that are looked up.
    pub const fn strangers(self) -> usize {
        self.tenths(1)
    }

    /// One organization's agents, receivers and tokens together; likewise one person.
    pub const fn tenant(self) -> usize {
        let share = self.tenths(2);
        if share < 2 { 2 } else { share }
    }
}

impl Lanes {
    /// The lanes of a pool of this many connections.
    pub fn new(connections: u32) -> Self {
        let shares = Shares::of(connections);
        let all = |width: usize| Arc::new(Semaphore::new(width));
        Self {
            strangers: all(shares.strangers()),
            unproved: all(shares.strangers()),
            machines: all(shares.machines()),
            tokens: all(shares.tokens()),
            agents: all(shares.agents()),
            automators: all(shares.automators()),
            senders: all(shares.senders()),
            users: Keyed::new(shares.tenant()),
            organizations: Keyed::new(shares.tenant()),
            clusters: Keyed::new(MOST_OF_A_CLUSTER),
            receivers: Keyed::new(MOST_OF_A_RECEIVER),
            reporters: Keyed::new(MOST_OF_A_REPORTER),
        }
    }

    /// The store as `lane` reaches it. The narrowest turn is taken first: who waits there holds nobody up elsewhere.
    pub fn of(&self, db: &Db, lane: Lane) -> Db {
        let shared = |turn: &Arc<Semaphore>| vec![Arc::clone(turn), Arc::clone(&self.machines)];
        let behind = |mut narrow: Vec<Arc<Semaphore>>, turn| {
            narrow.extend(shared(turn));
            narrow
        };
        db.behind(match lane {
            Lane::Stranger => vec![Arc::clone(&self.strangers)],
            Lane::Unproved => vec![Arc::clone(&self.unproved)],
            Lane::Session(user) => vec![self.users.of(user.0)],
            Lane::Token(organization) => behind(vec![self.organizations.of(organization.0)], &self.tokens),
            Lane::UnprovedAgent => shared(&self.agents),
            Lane::Agent(organization, cluster) => {
                behind(vec![self.clusters.of(cluster.0), self.organizations.of(organization.0)], &self.agents)
            }
            Lane::Automator => shared(&self.automators),
            Lane::OwnAutomator(organization, automator) => {
                behind(vec![self.clusters.of(automator), self.organizations.of(organization.0)], &self.agents)
            }
            Lane::Sender => shared(&self.senders),
            Lane::Receiver(organization, receiver) => {
                behind(vec![self.receivers.of(receiver), self.organizations.of(organization.0)], &self.senders)
            }
            Lane::Reporter(organization, reporter) => {
                behind(vec![self.reporters.of(reporter), self.organizations.of(organization.0)], &self.senders)
            }
        })
    }
}
