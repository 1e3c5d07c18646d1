//! From a pushed tag to the commit, and to healthy pods.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use heddle_core::pipeline::Station;
use heddle_tests::{World, world::has_reached};
use tokio::time::sleep;

use crate::{
    table::{Row, percentile, seconds},
    tell,
};

const RUNS: usize = 20;

/// How often Git and the API are looked at; small beside what is measured.
const GLANCE: Duration = Duration::from_millis(5);

const PATIENCE: Duration = Duration::from_secs(120);

/// Pushes one tag after the other and waits until each is healthy in `staging`, which commits at once.
pub async fn measure(world: &World, name: &'static str, how: &str) -> Result<Vec<Row>> {
    let mut committed = Vec::new();
    let mut healthy = Vec::new();
    for run in 1..=RUNS {
        let tag = format!("1.5.{run}");
        world.push_tag(&tag).await?;
        let pushed_at = Instant::now();
        wait(&format!("the commit of {tag}"), async || Ok(world.image_in_git("staging").await? == tag)).await?;
        committed.push(pushed_at.elapsed());
        let is_healthy = async || {
            let change = world.find_change("staging", &tag).await?;
            Ok(change.is_some_and(|change| has_reached(&change, Station::Healthy)))
        };
        wait(&format!("{tag} to be healthy"), is_healthy).await.with_context(|| world.complaints())?;
        healthy.push(pushed_at.elapsed());
        tell(&format!("{name}: {run} of {RUNS}"));
    }
    let row = |what: &str, spans: &mut [Duration], target| Row {
        what: format!("push → {what}, {how}, {RUNS} runs: p50, p95"),
        heddle: format!("{}, {}", seconds(percentile(spans, 50)), seconds(percentile(spans, 95))),
        beside: String::new(),
        target,
        name,
    };
    let is_told = name == "notice";
    Ok(vec![
        row("commit", &mut committed, if is_told { "0.20 s, 0.50 s" } else { "" }),
        row("healthy, pods ready in 1 s", &mut healthy, if is_told { "p95 4.00 s" } else { "" }),
    ])
}

/// Looks until it is so.
async fn wait(what: &str, mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let began_at = Instant::now();
    while !is_so().await? {
        if began_at.elapsed() > PATIENCE {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        sleep(GLANCE).await;
    }
    Ok(())
}
