//! Stopping time at the far end of a request, so that a program can be killed exactly there.

use anyhow::{Context, Result};
use heddle_testkit::{
    github,
    hold::{self, Match, Proxy},
    postgres::HeldTable,
    wait,
};

use super::World;

/// Where time stops: the far end of a request, and which request.
pub enum Place {
    /// GitHub.
    GitHub(github::Matcher, github::When),
    /// The registry.
    Registry(Match, hold::When),
    /// The API, asked by the automator.
    ApiOfAutomator(Match, hold::When),
    /// The API, asked by the agent.
    ApiOfAgent(Match, hold::When),
    /// The Kubernetes API, asked by the agent.
    Cluster(Match, hold::When),
    /// The store, in the middle of a transaction that writes to this table.
    Store(&'static str),
}

/// A place where time will stop, or has stopped.
pub struct Gate(Held);

enum Held {
    GitHub(github::Hold),
    Proxy(hold::Held),
    Store(HeldTable),
}

impl World {
    /// Stops the next request that comes to this place.
    pub async fn stop_at(&self, place: Place) -> Result<Gate> {
        let at = |proxy: &Option<Proxy>, which, when| -> Result<Held> {
            let proxy = proxy.as_ref().context("this World was made without proxies")?;
            Ok(Held::Proxy(proxy.hold(which, when)))
        };
        let held = match place {
            Place::GitHub(which, when) => Held::GitHub(self.github.hold(which, when)),
            Place::Registry(which, when) => at(&self.proxies.registry, which, when)?,
            Place::ApiOfAutomator(which, when) => at(&self.proxies.automator, which, when)?,
            Place::ApiOfAgent(which, when) => at(&self.proxies.agent, which, when)?,
            Place::Cluster(which, when) => at(&self.proxies.cluster, which, when)?,
            Place::Store(table) => {
                let database = self.database().context("the API keeps its own store")?;
                Held::Store(database.hold_writes(table).await?)
            }
        };
        Ok(Gate(held))
    }
}

impl Gate {
    /// Waits until a request stands here.
    pub async fn reached(&mut self) -> Result<()> {
        match &mut self.0 {
            Held::GitHub(hold) => {
                tokio::time::timeout(wait::LONG, hold.reached()).await.context("no request came to GitHub to be held")
            }
            Held::Proxy(held) => held.reached(wait::LONG).await,
            Held::Store(held) => held.reached().await,
        }
    }

    /// Lets time go on: the request and its answer are passed on.
    pub async fn open(self) -> Result<()> {
        match self.0 {
            Held::GitHub(hold) => hold.release(),
            Held::Proxy(held) => held.release(),
            Held::Store(held) => held.release().await?,
        }
        Ok(())
    }

    /// Lets time go on after the program that asked is dead: nobody hears the answer, and what was not begun never is.
    pub async fn cut(self) -> Result<()> {
        match self.0 {
            Held::GitHub(hold) => hold.drop_connection(),
            Held::Proxy(held) => held.cut(),
            Held::Store(held) => held.release().await?,
        }
        Ok(())
    }
}
