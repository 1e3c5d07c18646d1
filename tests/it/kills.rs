//! Every program is killed with SIGKILL, held at the far end of a request, and started again: what is in Git and in the
//! cluster is the same as without, and each write is there once.

use anyhow::Result;
use heddle_testkit::{
    github::{self, Matcher},
    hold::{Match, When},
};
use heddle_tests::{
    Place, World,
    service::Service,
    world::{IMAGE_PATH, REPOSITORY},
};
use reqwest::Method;

/// Which program is killed.
#[derive(Clone, Copy)]
enum Victim {
    Api,
    Automator,
    Agent,
}

impl Victim {
    fn of(self, world: &mut World) -> &mut Service {
        match self {
            Self::Api => &mut world.api,
            Self::Automator => &mut world.automator,
            Self::Agent => &mut world.agent,
        }
    }
}

/// Kills the program once for each of `points`, each with a tag of its own on the way.
async fn check(victim: Victim, points: Vec<(&str, Place)>) {
    let mut world = World::start().await.unwrap();
    let count = points.len();
    for (number, (what, place)) in points.into_iter().enumerate() {
        let tag = format!("1.4.{}", number + 1);
        if let Err(error) = kill_at(&mut world, victim, place, &tag).await {
            panic!("killed while {what}: {error:#}\n{}", world.complaints());
        }
    }
    // What waited in prod meanwhile is one pull request, and the last tag goes its way.
    let last = format!("1.4.{count}");
    let pull = world.wait_for_pull_request("prod", &last).await.unwrap();
    world.merge(&pull).await.unwrap();
    world.wait_until_healthy("prod", &last).await.unwrap();
    assert_eq!(world.github.pulls(REPOSITORY).unwrap().len(), 1);
    assert_eq!(world.bot_commits().await.unwrap(), count + 1, "{:?}", world.subjects().await.unwrap());
}

async fn kill_at(world: &mut World, victim: Victim, place: Place, tag: &str) -> Result<()> {
    if matches!(victim, Victim::Api) {
        // One that has just been started has nothing at hand yet, no token of GitHub's either.
        world.api.kill().await?;
    }
    let mut gate = world.stop_at(place).await?;
    if matches!(victim, Victim::Api) {
        world.api.start().await?;
    }
    world.push_tag(tag).await?;
    gate.reached().await?;
    victim.of(world).kill().await?;
    gate.cut().await?;
    victim.of(world).start().await?;
    world.wait_until_healthy("staging", tag).await
}

#[tokio::test]
async fn an_automator_killed_anywhere_writes_each_tag_once() {
    let commit = || Matcher::graphql("createCommitOnBranch");
    let points = vec![
        (
            "its pull request is made and it has not heard so",
            Place::GitHub(Matcher::rest("POST", "/repos/*/*/pulls"), github::When::After),
        ),
        ("a list of tags comes back", {
            Place::Registry(Match::new(Method::GET, &format!("/v2/{IMAGE_PATH}/tags/list")), When::BeforeAnswer)
        }),
        ("it has announced a commit and not made it", Place::GitHub(commit(), github::When::Before)),
        ("its commit is made and it has not heard so", Place::GitHub(commit(), github::When::After)),
        ("it confirms what it wrote", {
            Place::ApiOfAutomator(Match::new(Method::POST, "/outcome"), When::BeforeRequest)
        }),
        ("it moves the pull request's branch", Place::GitHub(Matcher::graphql("updateRefs"), github::When::After)),
    ];
    check(Victim::Automator, points).await;
}

#[tokio::test]
async fn an_api_killed_anywhere_forgets_nothing_and_counts_nothing_twice() {
    let minting = Matcher::rest("POST", "/app/installations/*/access_tokens");
    let points = vec![
        ("it stores an intent", Place::Store("intents")),
        ("its store has the outcome and the automator has not heard so", {
            Place::ApiOfAutomator(Match::new(Method::POST, "/outcome"), When::BeforeAnswer)
        }),
        ("GitHub makes a token for it", Place::GitHub(minting, github::When::After)),
        ("it takes a webhook", Place::Store("deliveries")),
        ("its store has a report and the agent has not heard so", {
            Place::ApiOfAgent(Match::new(Method::POST, "/agent/v1/report"), When::BeforeAnswer)
        }),
    ];
    check(Victim::Api, points).await;
}

#[tokio::test]
async fn an_agent_killed_anywhere_brings_the_cluster_to_what_git_says() {
    let patch = |path: &str| Match::new(Method::PATCH, path);
    let deployment = "/namespaces/shop-staging/deployments/api";
    let points = vec![
        ("its inventory is written and nothing is applied", {
            Place::Cluster(patch("/namespaces/heddle-system/configmaps/"), When::BeforeAnswer)
        }),
        ("it applies", Place::Cluster(patch(deployment), When::BeforeRequest)),
        ("what it applied is there and it has not heard so", Place::Cluster(patch(deployment), When::BeforeAnswer)),
        ("it says how its Sync is", Place::Cluster(patch("/syncs/staging/status"), When::BeforeRequest)),
        ("it reports", Place::ApiOfAgent(Match::new(Method::POST, "/agent/v1/report"), When::BeforeRequest)),
    ];
    check(Victim::Agent, points).await;
}
