//! What a person asks for: a tag that the rules would not choose, by command line, API and dashboard.

use heddle_core::{pipeline::Station, request::RequestState};
use heddle_testkit::{github::Pull, wait};
use heddle_tests::{
    World,
    config_repository::{overlay, rules},
    dashboard::BrowserTest,
    world::{EMAIL, FIRST_TAG, PASSWORD, REPOSITORY, WorldOptions},
};
use heddle_wire::view::{NewRequest, PreviewRequest, RequestView, Wish, WishedRelease};
use serde_json::Value;

use crate::browser::{pictures, report, with_dashboard};

#[tokio::test]
async fn a_person_releases_a_tag_that_the_rule_passes_over_and_follows_it_to_healthy() {
    let world = World::start().await.unwrap();
    world.push_tag("2.0.0").await.unwrap();
    let verdict = world.wait_for_verdict("prod", "2.0.0").await.unwrap();
    assert_eq!(verdict.rule, "semver");
    let image = world.image();
    let asked = ["release", &image, "2.0.0", "--environment", "prod", "--reason", "Try version two", "-o", "json"];

    let dry = world.heddle(&[&asked[..], &["--dry-run"]].concat()).await.unwrap();
    assert!(dry.status.success(), "{dry:?}");
    let preview: Value = serde_json::from_slice(&dry.stdout).unwrap();
    assert_eq!((&preview["passed_over"]["rule"], &preview["mode"]), (&"semver".into(), &"pull-request".into()));
    assert!(world.github.pulls(REPOSITORY).unwrap().is_empty(), "a dry run writes nothing");

    let told = world.heddle(&asked).await.unwrap();
    assert!(told.status.success(), "{told:?}");
    let request: RequestView = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(request.state, RequestState::Proposed, "{request:?}");
    let pull = world.wait_for_pull_request("prod", "2.0.0").await.unwrap();
    assert!(pull.body.starts_with("**Asked for** by `Ada`: `Try version two`"), "{}", pull.body);
    let log = world.github.log(REPOSITORY, &pull.head).await.unwrap();
    let trailers: Vec<&str> = log[0].message.lines().rev().take(3).collect();
    let me = world.user.me().await.unwrap().id;
    assert!(trailers[0].starts_with("Heddle-Intent: "), "{}", log[0].message);
    assert_eq!(trailers[1..], ["Reason: Try version two", &format!("Requested-by: Ada (heddle:{me})")]);

    world.merge(&pull).await.unwrap();
    world.wait_until_healthy("prod", "2.0.0").await.unwrap();
    ended(&world, &request, RequestState::Merged).await;
    assert_eq!(world.image_in_git("staging").await.unwrap(), FIRST_TAG);
}

#[tokio::test]
async fn a_request_follows_the_rule_of_its_place_and_ends_where_something_else_stands_by_then() {
    let world = World::start().await.unwrap();
    world.push_tag("2.0.0").await.unwrap();
    world.wait_for_verdict("staging", "2.0.0").await.unwrap();
    let request = release(&world, "staging", "2.0.0").await;
    // Staging commits, and its line goes on as any other.
    world.wait_for_station("staging", "2.0.0", Station::Healthy).await.unwrap();
    ended(&world, &request, RequestState::Merged).await;
    assert!(world.github.pulls(REPOSITORY).unwrap().is_empty());

    // In prod somebody else is quicker.
    let request = release(&world, "prod", "2.0.0").await;
    let pull = world.wait_for_pull_request("prod", "2.0.0").await.unwrap();
    let changed = overlay("shop-prod", &world.image(), "1.2.9");
    let file = "clusters/prod/kustomization.yaml";
    world.commit(&[(file, Some(&changed))], "Set prod by hand").await.unwrap();
    let refused = ended(&world, &request, RequestState::Refused).await;
    assert!(refused.message.contains("says `1.2.9` by now"), "{}", refused.message);
    wait::until("its pull request to be closed", wait::LONG, async || {
        let pulls = world.github.pulls(REPOSITORY).map_err(|error| format!("{error:#}"))?;
        let own = pulls.iter().find(|one| one.number == pull.number).ok_or("it is gone")?;
        if own.open { Err("it is open".to_owned()) } else { Ok(()) }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_image_that_waits_for_a_decision_is_released_by_a_button() {
    let world = World::start_with(with_dashboard()).await.unwrap();
    let floating = overlay("shop-prod", &world.image(), "latest");
    let file = "clusters/prod/kustomization.yaml";
    world.commit(&[(file, Some(&floating))], "Follow latest in prod").await.unwrap();
    wait::until("the finding that nothing places `latest`", wait::LONG, async || {
        let findings = world.user.findings(world.organization).await.map_err(|error| format!("{error:#}"))?;
        let found = findings.iter().any(|finding| finding.code == "current" && !finding.subjects.is_empty());
        if found { Ok(()) } else { Err(format!("{findings:?}")) }
    })
    .await
    .unwrap();
    let test = BrowserTest {
        name: "hands",
        dashboard: &world.api_url,
        settings: &[("HEDDLE_EMAIL", EMAIL), ("HEDDLE_PASSWORD", PASSWORD), ("HEDDLE_RELEASED", FIRST_TAG)],
        pictures: pictures("hands"),
    };
    let outcome = test.run(async |errand| anyhow::bail!("nobody asked for {errand:?}")).await;
    report(outcome, &world.complaints());
    let pull = world.wait_for_pull_request("prod", FIRST_TAG).await.unwrap();
    assert!(pull.body.contains("Leave latest behind"), "{}", pull.body);
}

/// Asks as a program does, for what it was shown.
async fn release(world: &World, environment: &str, tag: &str) -> RequestView {
    let wish = Wish::Release(WishedRelease {
        repository: None,
        environment: environment.parse().unwrap(),
        image: world.image().parse().unwrap(),
        tag: Some(tag.parse().unwrap()),
        by_pull_request: false,
        hold: false,
        hold_until: None,
        despite: Vec::new(),
    });
    let asked = PreviewRequest { wish: wish.clone(), reason: None };
    let preview = world.user.preview_request(world.organization, &asked).await.unwrap();
    let request = NewRequest { wish, reason: None, shown: preview.shown };
    world.user.create_request(world.organization, &request).await.unwrap()
}

async fn ended(world: &World, request: &RequestView, state: RequestState) -> RequestView {
    wait::until(format!("the request to be {state:?}"), wait::LONG, async || {
        let seen = world.user.request(world.organization, request.id).await.map_err(|error| format!("{error:#}"))?;
        if seen.state == state { Ok(seen) } else { Err(format!("{seen:?}; {}", world.describe_changes().await)) }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_release_below_the_rules_choice_stays_by_its_hold_until_a_person_resumes() {
    let world = World::start().await.unwrap();
    // Staging commits what its rule chooses.
    world.push_tag("1.5.0").await.unwrap();
    world.wait_until_healthy("staging", "1.5.0").await.unwrap();
    let image = world.image();
    let release = ["release", &image, FIRST_TAG, "--environment", "staging", "--hold", "--reason", "1.5.0 leaks"];
    let told = world.heddle(&release).await.unwrap();
    assert!(told.status.success(), "{told:?}");
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(said.contains("+holds:") && said.contains("opens a pull request"), "{said}");
    let holding = format!("hold {image} in staging at {FIRST_TAG}");
    let pull = wait::until("a pull request that holds", wait::LONG, async || {
        let pulls = world.github.pulls(REPOSITORY).map_err(|error| format!("{error:#}"))?;
        pulls.into_iter().find(|one| one.open && one.body.contains(&holding)).ok_or("none is open yet".to_owned())
    });
    let pull = pull.await.unwrap();
    world.merge(&pull).await.unwrap();
    world.wait_until_healthy("staging", FIRST_TAG).await.unwrap();

    // The next scan finds something newer, and leaves it.
    world.push_tag("1.6.0").await.unwrap();
    let waiting = wait::until("1.6.0 to wait for the hold", wait::LONG, async || {
        let change = world.find_change("staging", "1.6.0").await.map_err(|error| format!("{error:#}"))?;
        let change = change.ok_or("no such change")?;
        let reason = change.line.reason.clone().unwrap_or_default();
        if reason.contains("held at") { Ok(reason) } else { Err(format!("{change:?}")) }
    });
    assert!(waiting.await.unwrap().contains("by Ada: 1.5.0 leaks"));
    assert_eq!(world.image_in_git("staging").await.unwrap(), FIRST_TAG);
    let listed = world.heddle(&["holds", "-o", "json"]).await.unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["holds"][0]["tag"], &listed[0]["holds"][0]["by"]), (&FIRST_TAG.into(), &"Ada".into()));
    let before = world.github.read_file(REPOSITORY, "main", ".heddle.yaml").await.unwrap().unwrap();

    let resume = world.heddle(&["resume", &image, "--environment", "staging"]).await.unwrap();
    assert!(resume.status.success(), "{resume:?}");
    let pull = pull_titled(&world, "Resume ").await;
    world.merge(&pull).await.unwrap();
    world.wait_until_healthy("staging", "1.6.0").await.unwrap();
    let after = world.github.read_file(REPOSITORY, "main", ".heddle.yaml").await.unwrap().unwrap();
    assert_eq!(before.split_once("holds:").unwrap().0, after, "every other byte stays");
    // There is nothing to resume any more, and that is no success.
    let again = world.heddle(&["resume", &image, "--environment", "staging"]).await.unwrap();
    assert_eq!(again.status.code(), Some(2), "{again:?}");
}

#[tokio::test]
async fn a_change_is_rolled_back_and_its_tag_stays_back_until_something_newer() {
    let world = World::start().await.unwrap();
    world.push_tag("1.5.0").await.unwrap();
    world.wait_until_healthy("staging", "1.5.0").await.unwrap();
    world.push_tag("1.6.0").await.unwrap();
    world.wait_until_healthy("staging", "1.6.0").await.unwrap();
    let change = world.find_change("staging", "1.6.0").await.unwrap().unwrap().id.to_string();

    let other = world.find_change("staging", "1.5.0").await.unwrap().unwrap().id.to_string();
    let stale = world.heddle(&["rollback", &other, "--dry-run"]).await.unwrap();
    assert_eq!(stale.status.code(), Some(2), "{stale:?}");
    let said = String::from_utf8_lossy(&stale.stderr);
    assert!(said.contains("says `1.6.0` by now, and the change wrote `1.5.0`"), "{said}");

    let back = world.heddle(&["rollback", &change, "--reason", "1.6.0 leaks", "-o", "json"]).await.unwrap();
    assert!(back.status.success(), "{back:?}");
    let request: RequestView = serde_json::from_slice(&back.stdout).unwrap();
    ended(&world, &request, RequestState::Merged).await;
    assert_eq!(world.image_in_git("staging").await.unwrap(), "1.5.0");
    world.wait_until_image_runs("staging", "1.5.0").await.unwrap();
    let log = world.github.log(REPOSITORY, "main").await.unwrap();
    assert!(log[0].message.contains("Reason: 1.6.0 leaks"), "{}", log[0].message);
    let verdict = wait::until("1.6.0 to be barred", wait::LONG, async || {
        let verdict = world.wait_for_verdict("staging", "1.6.0").await.map_err(|error| format!("{error:#}"))?;
        if verdict.rule == "barred" { Ok(verdict) } else { Err(format!("{verdict:?}")) }
    });
    verdict.await.unwrap();

    world.push_tag("1.7.0").await.unwrap();
    world.wait_until_healthy("staging", "1.7.0").await.unwrap();
}

#[tokio::test]
async fn everything_since_an_instant_goes_back_as_one_pull_request() {
    let world = World::start().await.unwrap();
    for tag in ["1.5.0", "1.6.0", "1.7.0"] {
        world.push_tag(tag).await.unwrap();
        world.wait_until_healthy("staging", tag).await.unwrap();
    }
    // "Since the deployment at two o'clock": the second of the three.
    let second = world.find_change("staging", "1.6.0").await.unwrap().unwrap();
    let merged = second.line.knots.iter().find(|knot| knot.station == Station::Merged).unwrap();
    let since = merged.at.unwrap().to_rfc3339();
    let back =
        ["rollback", "--since", &since, "--environment", "staging", "--reason", "it leaks since then", "-o", "json"];
    let dry = world.heddle(&[&back[..], &["--dry-run"]].concat()).await.unwrap();
    assert!(dry.status.success(), "{dry:?}");
    let preview: Value = serde_json::from_slice(&dry.stdout).unwrap();
    assert_eq!((&preview["steps"][0]["to"], &preview["mode"]), (&"1.5.0".into(), &"pull-request".into()), "{preview}");

    let told = world.heddle(&back).await.unwrap();
    assert!(told.status.success(), "{told:?}");
    let request: RequestView = serde_json::from_slice(&told.stdout).unwrap();
    let pull = world.wait_for_pull_request("staging", "1.5.0").await.unwrap();
    world.merge(&pull).await.unwrap();
    ended(&world, &request, RequestState::Merged).await;
    assert_eq!(world.image_in_git("staging").await.unwrap(), "1.5.0");
    world.wait_until_image_runs("staging", "1.5.0").await.unwrap();
    for tag in ["1.6.0", "1.7.0"] {
        let taken = wait::until(format!("{tag} to be taken back"), wait::LONG, async || {
            let change = world.find_change("staging", tag).await.map_err(|error| format!("{error:#}"))?;
            let verdict = world.wait_for_verdict("staging", tag).await.map_err(|error| format!("{error:#}"))?;
            if verdict.rule == "barred" { Ok(()) } else { Err(format!("{verdict:?}; {change:?}")) }
        });
        taken.await.unwrap();
    }
    world.push_tag("1.8.0").await.unwrap();
    world.wait_until_healthy("staging", "1.8.0").await.unwrap();
}

#[tokio::test]
async fn what_is_healthy_before_is_promoted_now_and_not_a_day_later() {
    let follows = "{name: prod, path: clusters/prod, promote: {from: staging, after: 24h}}";
    let rules = rules("IMAGE").replace("{name: prod, path: clusters/prod}", follows);
    let options = WorldOptions { files: vec![(".heddle.yaml".into(), rules)], ..WorldOptions::default() };
    let world = World::start_with(options).await.unwrap();
    world.push_tag("1.5.0").await.unwrap();
    world.wait_until_healthy("staging", "1.5.0").await.unwrap();
    let waits = wait::until("prod to wait for a day", wait::LONG, async || {
        let change = world.find_change("prod", "1.5.0").await.map_err(|error| format!("{error:#}"))?;
        let reason = change.and_then(|change| change.line.reason).unwrap_or_default();
        if reason.contains("was healthy with it for 1 d") { Ok(()) } else { Err(reason) }
    });
    waits.await.unwrap();

    let promote = ["promote", "--environment", "prod", "--reason", "The fix cannot wait", "-o", "json"];
    let told = world.heddle(&promote).await.unwrap();
    assert!(told.status.success(), "{told:?}");
    let request: RequestView = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(request.title, format!("promote {} 1.5.0 from staging to prod", world.image()));
    let pull = world.wait_for_pull_request("prod", "1.5.0").await.unwrap();
    assert!(pull.body.starts_with("**Asked for** by `Ada`: `The fix cannot wait`"), "{}", pull.body);
    world.merge(&pull).await.unwrap();
    world.wait_until_healthy("prod", "1.5.0").await.unwrap();
    ended(&world, &request, RequestState::Merged).await;
    assert_eq!(world.image_in_git("prod").await.unwrap(), "1.5.0");
    // There is nothing to promote any more.
    let again = world.heddle(&["promote", "--environment", "prod"]).await.unwrap();
    assert_eq!(again.status.code(), Some(3), "{again:?}");
}

/// An open pull request by the begin of its title.
async fn pull_titled(world: &World, begin: &str) -> Pull {
    wait::until(format!("a pull request `{begin}…`"), wait::LONG, async || {
        let pulls = world.github.pulls(REPOSITORY).map_err(|error| format!("{error:#}"))?;
        let titles: Vec<String> = pulls.iter().map(|one| one.title.clone()).collect();
        let found = pulls.into_iter().find(|one| one.open && one.title.starts_with(begin));
        found.ok_or_else(|| format!("{titles:?}"))
    })
    .await
    .unwrap()
}
