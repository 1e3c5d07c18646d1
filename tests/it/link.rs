//! The link between a cluster and the API: the cluster lives without it, and who is put out stays out.

use chrono::Utc;
use heddle_core::pipeline::{KnotState, Station};
use heddle_testkit::{
    hold::{Match, When},
    wait,
};
use heddle_tests::{
    World,
    config_repository::ENVIRONMENTS,
    world::{Place, REPOSITORY},
};
use heddle_wire::view::Link;
use reqwest::{Method, StatusCode};

async fn scale_in_git(world: &World, replicas: u8) {
    let file = "base/deployment.yaml";
    let text = world.github.read_file(REPOSITORY, "main", file).await.unwrap().unwrap();
    let text = text.replace("replicas: 2", &format!("replicas: {replicas}"));
    world.commit(&[(file, Some(&text))], &format!("Run {replicas}")).await.unwrap();
}

async fn wait_for_replicas(world: &World, namespace: &str, wanted: &str) {
    wait::until(format!("{wanted} replicas in {namespace}"), wait::LONG, async || {
        let args = ["get", "deployment", "api", "-n", namespace, "-o", "jsonpath={.status.availableReplicas}"];
        match world.cluster.kubectl(&args, "").await {
            Ok(seen) if seen == wanted => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn while_the_api_is_down_the_cluster_follows_git_and_the_reports_arrive_later_once_and_in_order() {
    let mut world = World::start().await.unwrap();
    let name = world.sync_name("clusters/prod").await.unwrap();
    // Nobody gives hints while the API is down.
    let often =
        ["patch", "sync", &name, "-n", "heddle-system", "--type", "merge", "-p", r#"{"spec":{"interval":"1s"}}"#];
    world.cluster.kubectl(&often, "").await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    let pull = world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    world.wait_for_station("prod", "1.4.1", Station::Proposed).await.unwrap();
    world.wait_until_healthy("staging", "1.4.1").await.unwrap();

    world.api.kill().await.unwrap();
    let away_at = Utc::now();
    let merged = world.merge(&pull).await.unwrap();
    world.wait_until_image_runs("prod", "1.4.1").await.unwrap();
    scale_in_git(&world, 3).await;
    wait_for_replicas(&world, "shop-prod", "3").await;
    let back_at = Utc::now();
    world.api.start().await.unwrap();

    world.wait_until_healthy("prod", "1.4.1").await.unwrap();
    let change = world.find_change("prod", "1.4.1").await.unwrap().unwrap();
    let applied = change.line.knots.iter().find(|knot| knot.station == Station::Applied).unwrap();
    assert!(applied.state == KnotState::Done && !applied.inferred, "{applied:?}");
    let applied_at = applied.at.unwrap();
    assert!(away_at < applied_at && applied_at < back_at, "{applied_at} is not between {away_at} and {back_at}");

    // What happened in prod, as the store took it.
    let second = world.github.head(REPOSITORY, "main").await.unwrap().unwrap();
    let applied = wait::until("both deploys in the store", wait::LONG, async || {
        let applied = applied_revisions(&world, &name).await;
        if applied.contains(&second) { Ok(applied) } else { Err(format!("{applied:?}")) }
    })
    .await
    .unwrap();
    let since = applied.iter().position(|revision| *revision == merged).expect("the first deploy was not reported");
    assert_eq!(applied[since..], [merged, second], "once, and in order");
}

/// The revisions that a Sync reported as applied, in the order in which the API took them.
async fn applied_revisions(world: &World, sync: &str) -> Vec<String> {
    let mut deploys = world.database().unwrap().dump().await.unwrap().remove("deploys").unwrap();
    deploys.retain(|row| row["sync_name"] == sync && row["what"]["what"] == "applied");
    deploys.sort_by_key(|row| row["id"].as_i64());
    deploys.iter().map(|row| row["revision"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_revoked_agent_is_out_until_a_person_applies_a_new_manifest_and_what_runs_goes_on() {
    let mut world = World::start().await.unwrap();
    let proxy = world.proxies.agent.as_ref().unwrap();
    let polls = |status: StatusCode| {
        proxy.answers(Method::GET, "/agent/v1/hints").into_iter().filter(|seen| *seen == status).count()
    };
    wait::until("its poll to be open", wait::LONG, async || {
        let (asked, told) = (proxy.count(Method::GET, "/agent/v1/hints"), polls(StatusCode::OK));
        if asked > told { Ok(()) } else { Err(format!("{asked} polls, {told} answers")) }
    })
    .await
    .unwrap();
    world.user.revoke_cluster(world.organization, world.cluster_id).await.unwrap();
    wait::until("its poll to end", wait::LONG, async || match polls(StatusCode::UNAUTHORIZED) {
        0 => Err("it goes on"),
        _ => Ok(()),
    })
    .await
    .unwrap();

    // Its next report is refused, and the cluster goes on without: what somebody changes is put back.
    world.cluster.kubectl(&["scale", "deployment", "api", "-n", "shop-prod", "--replicas=5"], "").await.unwrap();
    wait::until("its report to be refused", wait::LONG, async || {
        let told = proxy.answers(Method::POST, "/agent/v1/report");
        if told.last() == Some(&StatusCode::UNAUTHORIZED) { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await
    .unwrap();
    wait_for_replicas(&world, "shop-prod", "2").await;
    assert!(world.syncs().await.unwrap().iter().all(|sync| sync.drifts.is_empty()), "nothing it says is taken");
    let cluster = world.user.cluster(world.organization, world.cluster_id).await.unwrap();
    assert_eq!(cluster.link, Link::Revoked);

    let renewed = world.user.renew_cluster_manifest(world.organization, world.cluster_id).await.unwrap();
    world.cluster.kubectl(&["apply", "-f", "-"], renewed.manifest.expose()).await.unwrap();
    world.agent.kill().await.unwrap();
    world.agent.start().await.unwrap();
    scale_in_git(&world, 3).await;
    for (_, namespace) in ENVIRONMENTS {
        wait_for_replicas(&world, namespace, "3").await;
    }
    let head = world.github.head(REPOSITORY, "main").await.unwrap();
    wait::until("reports to be taken again", wait::LONG, async || {
        let syncs = world.syncs().await.map_err(|error| format!("{error:#}"))?;
        let applied = |sync: &heddle_wire::view::SyncView| sync.applied_revision.as_ref().map(ToString::to_string);
        if syncs.iter().all(|sync| applied(sync) == head) { Ok(()) } else { Err(format!("{syncs:?}")) }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_agent_replaces_its_key_also_when_it_is_killed_half_way() {
    let mut world = World::start().await.unwrap();
    let keys = async |world: &World| world.user.cluster(world.organization, world.cluster_id).await.unwrap().keys;
    let first = keys(&world).await[0].id;

    // Killed when the API knows the next key and the agent has not heard so.
    let known = Place::ApiOfAgent(Match::new(Method::POST, "/agent/v1/keys"), When::BeforeAnswer);
    let mut gate = world.stop_at(known).await.unwrap();
    world.agent.kill().await.unwrap();
    world.agent.set("HEDDLE_KEY_LIFE", "1s");
    world.agent.spawn().unwrap();
    gate.reached().await.unwrap();
    let second = keys(&world).await[0].id;
    assert_ne!(second, first);
    world.agent.kill().await.unwrap();
    gate.cut().await.unwrap();
    // From here on it keeps the key that it has.
    world.agent.set("HEDDLE_KEY_LIFE", "720h");
    world.agent.start().await.unwrap();

    wait::until("the first key to be ended by the second", wait::LONG, async || {
        let keys = keys(&world).await;
        let alive: Vec<_> = keys.iter().filter(|key| key.revoked_at.is_none()).map(|key| key.id).collect();
        if alive == [second] { Ok(()) } else { Err(format!("{alive:?} are alive")) }
    })
    .await
    .unwrap();
    assert_eq!(keys(&world).await.len(), 2, "the key that was kept is the one that was offered again");
    world.push_tag("1.4.1").await.unwrap();
    world.wait_until_healthy("staging", "1.4.1").await.unwrap();
}
