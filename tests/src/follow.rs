//! Watching a change go along its line, for a terminal.

#![allow(clippy::print_stdout, reason = "its one purpose is to print")]

use std::{
    io::Write,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use heddle_core::pipeline::{End, KnotState, Station};
use heddle_testkit::wait;
use heddle_wire::view::ChangeView;
use serde_json::{Value, json};

use crate::{
    World,
    world::{describe, has_reached},
};

const STATIONS: [(Station, &str); 5] = [
    (Station::Pushed, "pushed"),
    (Station::Proposed, "proposed"),
    (Station::Merged, "merged"),
    (Station::Applied, "applied"),
    (Station::Healthy, "healthy"),
];

/// Prints the line of one change as it grows.
pub struct Follow<'a> {
    world: &'a World,
    environment: &'a str,
    tag: &'a str,
    limit: Option<Duration>,
}

impl<'a> Follow<'a> {
    /// Follows the change that brings an environment to a tag.
    pub fn new(world: &'a World, environment: &'a str, tag: &'a str) -> Self {
        Self { world, environment, tag, limit: Some(wait::LONG) }
    }

    /// Waits for a person, who may take their time.
    pub fn without_limit(mut self) -> Self {
        self.limit = None;
        self
    }

    /// Prints each station when it is reached, up to the end of the change.
    ///
    /// # Errors
    /// With the station where it stuck, and why.
    pub async fn print_until_end(self) -> Result<ChangeView> {
        print!("{:8} {}: ", self.environment, self.tag);
        flush();
        let began = Instant::now();
        let mut shown = 0;
        loop {
            let change = self.world.find_change(self.environment, self.tag).await?;
            if let Some(change) = &change {
                while shown < STATIONS.len() && has_reached(change, STATIONS[shown].0) {
                    print_station(change, shown);
                    shown += 1;
                }
                if change.line.end.is_some() {
                    println!();
                    return self.ended(change);
                }
            }
            if self.limit.is_some_and(|limit| began.elapsed() > limit) {
                println!();
                let at = STATIONS.get(shown).map_or("the end", |(_, name)| name);
                let why = change.as_ref().map_or_else(|| "there is no such change".to_owned(), describe);
                bail!("stuck before {at}: {why}\n{}", self.world.complaints());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn ended(&self, change: &ChangeView) -> Result<ChangeView> {
        match change.line.end {
            Some(End::Healthy) => Ok(change.clone()),
            _ => bail!("it ended otherwise: {}", describe(change)),
        }
    }
}

fn print_station(change: &ChangeView, index: usize) {
    let (station, name) = STATIONS[index];
    let arrow = if index == 0 { "" } else { " → " };
    match seconds(change, station) {
        Some(seconds) => print!("{arrow}{name} {seconds:.1} s"),
        None => print!("{arrow}{name}"),
    }
    flush();
}

fn flush() {
    // A terminal that is gone is no reason to stop.
    let _ = std::io::stdout().flush();
}

/// Seconds from the push to a station.
fn seconds(change: &ChangeView, station: Station) -> Option<f64> {
    let took = reached_at(change, station)? - reached_at(change, Station::Pushed)?;
    Some(took.as_seconds_f64())
}

fn reached_at(change: &ChangeView, station: Station) -> Option<DateTime<Utc>> {
    let done = |knot: &&heddle_core::pipeline::Knot| knot.station == station && knot.state == KnotState::Done;
    change.line.knots.iter().find(done)?.at
}

/// A change that became healthy, as one JSON object.
///
/// # Errors
/// When a station has no time.
pub fn outcome(world: &World, change: &ChangeView) -> Result<Value> {
    let at = |station, name| -> Result<f64> {
        let seconds = seconds(change, station).with_context(|| format!("`{name}` has no time"))?;
        Ok((seconds * 1000.0).round() / 1000.0)
    };
    Ok(json!({
        "image": format!("{}:{}", world.image(), change.to),
        "pushed_at": reached_at(change, Station::Pushed),
        "proposed_s": at(Station::Proposed, "proposed")?,
        "merged_s": at(Station::Merged, "merged")?,
        "applied_s": at(Station::Applied, "applied")?,
        "healthy_s": at(Station::Healthy, "healthy")?,
    }))
}
