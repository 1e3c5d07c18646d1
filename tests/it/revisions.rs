//! "Where is my commit?" and "what ran then?", as somebody asks it who changed a file and no image.

use chrono::{SecondsFormat, Utc};
use heddle_core::pipeline::{KnotState, RevisionEnd};
use heddle_testkit::wait;
use heddle_tests::{
    World,
    world::{FIRST_TAG, REPOSITORY},
};
use heddle_wire::view::{PastPage, RevisionView, WhereView};

const SETTINGS: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop-staging}\ndata: {limit: \"7\"}\n";

#[tokio::test]
async fn a_commit_is_followed_from_its_pull_request_to_the_cluster() {
    let world = World::start().await.unwrap();
    for environment in ["staging", "prod"] {
        world.wait_until_image_runs(environment, FIRST_TAG).await.unwrap();
    }
    let (kustomization, settings) = ("clusters/staging/kustomization.yaml", "clusters/staging/settings.yaml");
    let text = world.github.read_file(REPOSITORY, "main", kustomization).await.unwrap().unwrap();
    let text = text.replacen("  - ../../base\n", "  - ../../base\n  - settings.yaml\n", 1);
    let files = [(kustomization, Some(text.as_str())), (settings, Some(SETTINGS))];
    let commit = world.github.push_files(REPOSITORY, "settings", &files, "Raise the limit", "ada").await.unwrap();
    let number = world.github.open_pull(REPOSITORY, "settings", "main", "Raise the limit", "ada").await.unwrap();

    let waiting = find(&world, &commit[..10]).await;
    assert_eq!((waiting.revision.as_str(), &waiting.branch), (commit.as_str(), &None));
    assert_eq!(waiting.line.reason, Some(format!("waits for #{number} to be merged")));

    let squash = world.github.squash(REPOSITORY, number, "ada").await.unwrap();
    let healthy = wait::until("the commit to be healthy", wait::LONG, async || {
        let one = find(&world, &commit).await;
        if one.line.end == Some(RevisionEnd::Healthy) { Ok(one) } else { Err(format!("{:?}", one.line)) }
    })
    .await
    .unwrap();
    assert_eq!(healthy.carried_by.as_ref().map(|by| by.as_str()), Some(squash.as_str()));
    assert!(healthy.line.knots.iter().all(|knot| knot.state == KnotState::Done), "{:?}", healthy.line);
    let pull = healthy.pull_request.as_ref().unwrap();
    assert_eq!((pull.number, healthy.author.as_deref()), (number, Some("ada")));
    let changed = |environment: &str| {
        let of = |name: &Option<heddle_core::name::EnvironmentName>| name.as_ref().map(|name| name.as_str().to_owned());
        let sync = healthy.syncs.iter().find(|sync| of(&sync.environment).as_deref() == Some(environment));
        sync.unwrap().line.changed
    };
    assert_eq!((changed("staging"), changed("prod")), (Some(1), Some(0)));

    // It runs now, and an hour ago it did not.
    let now = Utc::now();
    let ran = at(&world, now, "staging").await;
    assert_eq!(ran.items[0].revision.as_str(), squash);
    assert!(ran.items[0].until.is_none() && ran.items[0].healthy_at.is_some());
    let before = at(&world, ran.items[0].applied_at - chrono::TimeDelta::milliseconds(1), "staging").await;
    assert_ne!(before.items[0].revision.as_str(), squash);
    let told = world.heddle(&["at", "2020-01-01T00:00:00Z"]).await.unwrap();
    assert_eq!(told.status.code(), Some(3), "{told:?}");

    let told = world.heddle(&["where", "0123456789abcdef"]).await.unwrap();
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(said.contains("no commit of acme/config begins with"), "{said}");
}

/// What `heddle where` says of a commit that there is once.
async fn find(world: &World, commit: &str) -> RevisionView {
    let told = world.heddle(&["where", commit, "-o", "json"]).await.unwrap();
    assert!(told.status.success(), "{told:?}");
    let found: WhereView = serde_json::from_slice(&told.stdout).unwrap();
    let [one] = &found.found[..] else { panic!("{found:?}") };
    one.clone()
}

async fn at(world: &World, instant: chrono::DateTime<Utc>, environment: &str) -> PastPage {
    let instant = instant.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let told = world.heddle(&["at", &instant, "--environment", environment, "-o", "json"]).await.unwrap();
    assert!(told.status.success(), "{told:?}");
    serde_json::from_slice(&told.stdout).unwrap()
}
