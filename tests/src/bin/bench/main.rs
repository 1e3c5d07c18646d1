//! `make bench`: measures on the machine at hand, on the World's real parts, and prints a table.
//!
//! Without arguments every row is measured; with names (`notice`, `poll`, `objects`, `memory`) only these. Nothing here is
//! asserted: a number says what was seen, beside the number to reach.

use std::{
    io::{Write, stderr, stdout},
    sync::Arc,
};

use anyhow::{Result, bail};
use heddle_tests::{World, WorldOptions};

mod latency;
mod memory;
mod objects;
mod table;

use table::Row;

const NAMES: [&str; 4] = ["notice", "poll", "objects", "memory"];

#[tokio::main]
async fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!("there is no row `{unknown}`; there are {}", NAMES.join(", "));
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|row| row == name);
    let mut rows = Vec::new();
    if ["notice", "objects", "memory"].into_iter().any(is_wanted) {
        rows.extend(with_notices(is_wanted).await?);
    }
    if is_wanted("poll") {
        let world = World::start_with(options(false)).await?;
        rows.extend(latency::measure(&world, "poll", "polled each 2 s").await?);
        world.stop().await?;
    }
    Ok(stdout().write_all(table::print(&rows).as_bytes())?)
}

/// The rows that one World with notices and an audit log can give.
async fn with_notices(is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Row>> {
    let world = World::start_with(options(true)).await?;
    let mut rows = Vec::new();
    if is_wanted("memory") {
        rows.extend(memory::measure(&world, "two small Syncs")?);
    }
    if is_wanted("notice") {
        rows.extend(latency::measure(&world, "notice", "told by the registry").await?);
    }
    if is_wanted("objects") || is_wanted("memory") {
        rows.extend(objects::measure(&world).await?);
    }
    if is_wanted("memory") {
        rows.extend(memory::measure(&world, "1,000 objects more")?);
    }
    world.stop().await?;
    Ok(rows)
}

fn options(notices: bool) -> WorldOptions {
    WorldOptions { notices, audit: notices, proxies: false, tell: Arc::new(tell), ..WorldOptions::default() }
}

/// Progress, for who waits.
fn tell(step: &str) {
    // Nobody waits when stderr is closed.
    let _ = writeln!(stderr(), "bench: {step}");
}
