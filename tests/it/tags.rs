//! What a tag in the registry leads to, and what it must not lead to.

use heddle_core::{
    pipeline::{End, KnotState, Station},
    policy::VerdictKind,
};
use heddle_testkit::{
    hold::{Fault, Match},
    wait,
};
use heddle_tests::{
    World,
    world::{FIRST_TAG, REPOSITORY},
};
use reqwest::{Method, StatusCode, header::HeaderMap};

#[tokio::test]
async fn an_environment_in_commit_mode_needs_nobody() {
    let world = World::start().await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    let change = world.wait_for_station("staging", "1.4.1", Station::Healthy).await.unwrap();
    assert_eq!(change.line.end, Some(End::Healthy));
    assert_eq!(world.image_in_git("staging").await.unwrap(), "1.4.1");
    world.wait_until_image_runs("staging", "1.4.1").await.unwrap();
    // Prod's part of the repository and of the cluster is as it was.
    assert_eq!(world.image_in_git("prod").await.unwrap(), FIRST_TAG);
    world.wait_until_image_runs("prod", FIRST_TAG).await.unwrap();
}

#[tokio::test]
async fn a_newer_tag_updates_the_open_pull_request_also_when_the_base_has_moved() {
    let world = World::start().await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    let first = world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    world.commit(&[("README.md", Some("# A person was here\n"))], "Write the manual").await.unwrap();
    world.push_tag("1.4.2").await.unwrap();
    let second = world.wait_for_pull_request("prod", "1.4.2").await.unwrap();
    assert_eq!(first.number, second.number);
    assert_eq!(world.github.pulls(REPOSITORY).unwrap().len(), 1);
    world.merge(&second).await.unwrap();
    world.wait_for_station("prod", "1.4.2", Station::Healthy).await.unwrap();
    world.wait_until_image_runs("prod", "1.4.2").await.unwrap();
    assert_eq!(world.image_in_git("prod").await.unwrap(), "1.4.2");
    let readme = world.github.read_file(REPOSITORY, "main", "README.md").await.unwrap();
    assert_eq!(readme.as_deref(), Some("# A person was here\n"));
    let older = world.find_change("prod", "1.4.1").await.unwrap().unwrap();
    assert_eq!(older.line.end, Some(End::Superseded));
}

#[tokio::test]
async fn a_tag_outside_the_range_changes_nothing_and_says_why() {
    let world = World::start().await.unwrap();
    world.push_tag("2.0.0").await.unwrap();
    let reason = world.wait_for_verdict("prod", "2.0.0").await.unwrap();
    assert_eq!(reason.verdict, VerdictKind::PassedOver);
    assert!(reason.reason.contains(">=1.0 <2"), "{}", reason.reason);
    // What is inside the range goes its way afterwards, and the other never did.
    world.push_tag("1.4.1").await.unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Merged).await.unwrap();
    let log = world.github.log(REPOSITORY, "main").await.unwrap();
    assert!(log.iter().all(|commit| !commit.message.contains("2.0.0")), "{:?}", world.subjects().await.unwrap());
}

#[tokio::test]
async fn a_registry_that_fails_or_answers_half_changes_nothing() {
    let world = World::start().await.unwrap();
    let registry = world.proxies.registry.as_ref().unwrap();
    let before = world.github.head(REPOSITORY, "main").await.unwrap();
    let link = |target: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("link", format!("<{target}>; rel=\"next\"").parse().unwrap());
        headers
    };
    let answer = |headers: HeaderMap, tags: &[&str]| Fault::Answer {
        status: StatusCode::OK,
        headers,
        body: serde_json::json!({"name": "acme/api", "tags": tags}).to_string(),
    };
    let halves = [
        Fault::status(StatusCode::INTERNAL_SERVER_ERROR),
        Fault::status(StatusCode::NOT_FOUND),
        Fault::DropAnswer,
        answer(HeaderMap::new(), &[]),
        // A first page whose second leads elsewhere: the list has no end.
        answer(link("http://127.0.0.1:1/v2/acme/api/tags/list?last=1.4.1"), &["1.4.1"]),
    ];
    for (number, half) in halves.into_iter().enumerate() {
        registry.heal();
        registry.fail(Match::new(Method::GET, "/v2/acme/api/tags/list"), half);
        let seen = registry.count(Method::GET, "/tags/list");
        // The notice makes a scan due at once, however often the last ones failed.
        world.push_tag(&format!("1.4.{}", number + 1)).await.unwrap();
        wait::until("a scan of the broken registry", wait::LONG, async || {
            if registry.count(Method::GET, "/tags/list") > seen { Ok(()) } else { Err("no scan") }
        })
        .await
        .unwrap();
    }
    assert_eq!(world.github.head(REPOSITORY, "main").await.unwrap(), before);
    registry.heal();
    world.push_tag("1.4.9").await.unwrap();
    world.wait_for_station("staging", "1.4.9", Station::Merged).await.unwrap();
    world.wait_for_pull_request("prod", "1.4.9").await.unwrap();
    // Nothing in between was ever written.
    assert_eq!(world.bot_commits().await.unwrap(), 1, "{:?}", world.subjects().await.unwrap());
    assert_eq!(world.github.pulls(REPOSITORY).unwrap().len(), 1);
}

#[tokio::test]
async fn a_protected_branch_says_so_in_the_line_and_the_change_goes_on_when_it_may() {
    let world = World::start().await.unwrap();
    world.github.set_protected(REPOSITORY, "main", true);
    world.push_tag("1.4.1").await.unwrap();
    let change = wait::until("the refusal in staging's line", wait::LONG, async || {
        let change = world.find_change("staging", "1.4.1").await.unwrap();
        change.filter(|change| change.line.reason.is_some()).ok_or("nothing is said")
    })
    .await
    .unwrap();
    assert_eq!(change.line.knots[1].state, KnotState::Failed);
    assert_eq!(
        change.line.reason.as_deref().unwrap(),
        "not written: GitHub refuses: Repository rule violations found Changes must be made through a pull request.; \
         write `mode: pull-request`, or let Heddle's GitHub App bypass the branch's rules"
    );
    // What goes by a pull request goes on meanwhile.
    world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    assert_eq!(world.bot_commits().await.unwrap(), 0);
    world.github.set_protected(REPOSITORY, "main", false);
    world.commit(&[("README.md", Some("# Free\n"))], "Write a manual").await.unwrap();
    world.wait_until_healthy("staging", "1.4.1").await.unwrap();
}
