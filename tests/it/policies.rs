//! Policies that need more than the names of one image's tags.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{pipeline::Station, policy::VerdictKind};
use heddle_tests::{World, config_repository::rules, world::IMAGE_PATH};

/// The World with another policy for staging, which commits at once.
async fn world_with(policy: impl Fn(&World) -> String) -> World {
    let world = World::start().await.unwrap();
    let text = rules(&world.image()).replacen("semver: \">=1.0 <2\"", &policy(&world), 1);
    world.commit(&[(".heddle.yaml", Some(&text))], "Ask for more than a version").await.unwrap();
    world
}

#[tokio::test]
async fn the_newest_image_is_the_one_that_was_created_last_for_the_platform_that_is_asked_for() {
    let policy = |_: &World| "{newest: created, match: ^main-, platforms: [linux/arm64]}".to_owned();
    let world = world_with(|world| policy(world).replace(['{', '}'], "").replace(", ", "\n      ")).await;
    let hour = |hour: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hour);
    let push = async |tag: &str, platform: &str, created| {
        world.registry.push_index(IMAGE_PATH, tag, &[platform], created).await.unwrap();
    };
    push("main-b", "linux/arm64", hour(2)).await;
    world.wait_for_station("staging", "main-b", Station::Healthy).await.unwrap();
    // Pushed later, one of them created before, the other for machines that are not there.
    push("main-a", "linux/arm64", hour(1)).await;
    push("main-c", "linux/amd64", hour(3)).await;
    let older = world.wait_for_verdict("staging", "main-a").await.unwrap();
    assert_eq!((older.verdict, &*older.rule), (VerdictKind::PassedOver, "downgrade"), "{}", older.reason);
    let foreign = world.wait_for_verdict("staging", "main-c").await.unwrap();
    assert_eq!((foreign.verdict, &*foreign.reason), (VerdictKind::PassedOver, "it is not for `linux/arm64`"));
    assert_eq!(world.image_in_git("staging").await.unwrap(), "main-b");
    push("main-d", "linux/arm64", hour(4)).await;
    world.wait_for_station("staging", "main-d", Station::Merged).await.unwrap();
}

#[tokio::test]
async fn images_in_lockstep_move_once_all_have_the_tag() {
    let companion = |world: &World| world.image().replace(IMAGE_PATH, "acme/worker");
    let world = world_with(|world| format!("semver: \"*\"\n      lockstep: [\"{}\"]", companion(world))).await;
    world.push_tag_of("acme/worker", "1.4.0").await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    let waits = world.wait_for_verdict("staging", "1.4.1").await.unwrap();
    assert_eq!(waits.rule, "lockstep", "{}", waits.reason);
    world.push_tag_of("acme/worker", "1.4.1").await.unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Healthy).await.unwrap();
    assert_eq!(world.image_in_git("staging").await.unwrap(), "1.4.1");
}
