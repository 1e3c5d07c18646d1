//! A person at the dashboard, in Chromium.

use std::path::PathBuf;

use anyhow::{Result, bail};
use heddle_core::pipeline::Station;
use heddle_testkit::hold::Proxy;
use heddle_tests::{
    World, WorldOptions,
    dashboard::{self, BrowserTest, Errand},
    service::Service,
    world::{EMAIL, Ground, PASSWORD, REPOSITORY},
};

#[tokio::test]
async fn a_newcomer_gets_from_sign_up_to_the_first_pull_request_in_the_browser() {
    let ground = Ground::start(with_dashboard()).await.unwrap();
    let mut installed: Option<(Service, Option<Proxy>)> = None;
    let test = BrowserTest {
        name: "newcomer",
        dashboard: ground.url(),
        settings: &[
            ("HEDDLE_REPOSITORY", REPOSITORY),
            ("HEDDLE_PATH", "clusters/prod"),
            ("HEDDLE_NAMESPACES", "shop-prod"),
            ("HEDDLE_FIRST_PUSH", "1.4.1"),
        ],
        pictures: pictures("newcomer"),
    };
    let outcome = test.run(async |errand| {
        match errand {
            Errand::Push(tag) => drop(ground.push_tag(&tag).await?),
            Errand::Apply(manifest) => installed = Some(ground.install(&manifest).await?),
        }
        Ok(())
    });
    report(outcome.await, &ground.complaints());
    assert!(installed.is_some(), "no manifest was applied");
}

#[tokio::test]
async fn no_page_breaks_a_rule_keys_alone_suffice_and_the_line_moves_live() {
    let world = World::start_with(with_dashboard()).await.unwrap();
    // Something on every page: one change that is healthy, one that waits for its merge.
    world.push_tag("1.4.1").await.unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Healthy).await.unwrap();
    world.wait_for_station("prod", "1.4.1", Station::Proposed).await.unwrap();
    let test = BrowserTest {
        name: "settled",
        dashboard: &world.api_url,
        settings: &[("HEDDLE_EMAIL", EMAIL), ("HEDDLE_PASSWORD", PASSWORD), ("HEDDLE_LIVE_TAG", "1.4.7")],
        pictures: pictures("settled"),
    };
    let outcome = test.run(async |errand| match errand {
        Errand::Push(tag) => world.push_tag(&tag).await.map(drop),
        Errand::Apply(_) => bail!("there is an agent already"),
    });
    report(outcome.await, &world.complaints());
}

pub fn with_dashboard() -> WorldOptions {
    let web_dir = Some(dashboard::built().unwrap());
    WorldOptions { web_dir, proxies: false, ..WorldOptions::default() }
}

/// They outlive the test, for whoever wants to know what a page looked like.
pub fn pictures(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser").join(name)
}

pub fn report(outcome: Result<()>, complaints: &str) {
    if let Err(error) = outcome {
        panic!("{error:#}\n{complaints}");
    }
}
