//! `make attacks`: what strangers, tenants, registries and commits can do to a running World, and what it costs.
//!
//! Each attack goes against the real programs while somebody of another organization uses the dashboard. It holds when
//! what it asks for is refused in words, the program under attack stays below its limit of memory, and the other person
//! is served. Without arguments every attack is tried; with names (`strangers`, `tenants`, `registries`, `commits`) only
//! these. Ends with 1 when one does not hold.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Result, bail};
use heddle_tests::{World, WorldOptions};

mod bystander;
mod commits;
mod registries;
mod siege;
mod strangers;
mod tenants;

use registries::Hostile;
use siege::Siege;

const NAMES: [&str; 4] = ["strangers", "tenants", "registries", "commits"];

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!("there are no attacks `{unknown}`; there are {}", NAMES.join(", "));
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let hostile = Hostile::start().await?;
    let options = WorldOptions {
        proxies: false,
        poll: "1m",
        registries: vec![hostile.host.clone()],
        tell: Arc::new(tell),
        ..WorldOptions::default()
    };
    let world = World::start_with(options).await?;
    let mut siege = Siege::begin(&world).await?;
    if is_wanted("strangers") {
        strangers::attack(&mut siege).await?;
    }
    if is_wanted("tenants") {
        tenants::attack(&mut siege).await?;
    }
    if is_wanted("registries") {
        registries::attack(&mut siege, &hostile).await?;
    }
    if is_wanted("commits") {
        commits::attack(&mut siege).await?;
    }
    let (table, all_held) = siege.end();
    stdout().write_all(table.as_bytes())?;
    world.stop().await?;
    Ok(if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Progress, for who waits.
fn tell(step: &str) {
    // Nobody waits when stderr is closed.
    let _ = writeln!(stderr(), "attacks: {step}");
}
