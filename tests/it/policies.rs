//! Policies that need more than the names of one image's tags.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{pipeline::Station, policy::VerdictKind};
use heddle_testkit::{registry::ImageSigner, wait};
use heddle_tests::{
    World,
    config_repository::{overlay, overlay_path, rules},
    world::{IMAGE_PATH, REPOSITORY, WorldOptions, describe, has_reached},
};

/// The World with another policy for staging, which commits at once.
async fn world_with(policy: impl Fn(&World) -> String) -> World {
    let world = World::start().await.unwrap();
    let text = rules(&world.image()).replacen("semver: \">=1.0 <2\"", &policy(&world), 1);
    world.commit(&[(".heddle.yaml", Some(&text))], "Ask for more than a version").await.unwrap();
    let (staging, image) = ("staging".parse().unwrap(), world.image().parse().unwrap());
    wait::until("the new rule to govern staging", wait::LONG, async || {
        let verdicts = world.user.verdicts(world.organization, &staging, &image).await;
        let rule = verdicts.map_err(|error| format!("{error:#}"))?.rule;
        if rule.starts_with("semver >=1.0 <2") { Err(rule) } else { Ok(()) }
    })
    .await
    .unwrap();
    world
}

#[tokio::test]
async fn the_newest_image_is_the_one_that_was_created_last_for_the_platform_that_is_asked_for() {
    let policy = |_: &World| "{newest: created, match: ^main-, platforms: [linux/arm64], from_any: true}".to_owned();
    let world = world_with(|world| policy(world).replace(['{', '}'], "").replace(", ", "\n      ")).await;
    let hour = |hour: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hour);
    let push = async |tag: &str, platform: &str, created| {
        world.registry.push_index(IMAGE_PATH, tag, &[platform], created).await.unwrap();
    };
    push("main-7", "linux/arm64", hour(2)).await;
    world.wait_for_station("staging", "main-7", Station::Healthy).await.unwrap();
    // Pushed later, one of them created before, the other for machines that are not there.
    push("main-8", "linux/arm64", hour(1)).await;
    push("main-5", "linux/amd64", hour(3)).await;
    let older = world.wait_for_verdict("staging", "main-8").await.unwrap();
    assert_eq!((older.verdict, &*older.rule), (VerdictKind::PassedOver, "downgrade"), "{}", older.reason);
    let foreign = world.wait_for_verdict("staging", "main-5").await.unwrap();
    assert_eq!((foreign.verdict, &*foreign.reason), (VerdictKind::PassedOver, "it is not for `linux/arm64`"));
    assert_eq!(world.image_in_git("staging").await.unwrap(), "main-7");
    push("main-4", "linux/arm64", hour(4)).await;
    world.wait_for_station("staging", "main-4", Station::Merged).await.unwrap();
}

#[tokio::test]
async fn a_signed_tag_is_written_by_its_digest_and_an_unsigned_one_is_not() {
    let world = world_with(|_| "semver: \"1.x\"\n      signed_by: [{key: keys/cosign.pub}]".to_owned()).await;
    let before = world.image_in_git("staging").await.unwrap();
    let reason = async |wanted: &str| {
        wait::until(format!("the verdict on 1.4.1: {wanted}"), wait::LONG, async || {
            let verdict = world.wait_for_verdict("staging", "1.4.1").await.map_err(|error| format!("{error:#}"))?;
            if verdict.reason.contains(wanted) { Ok(()) } else { Err(verdict.reason.to_string()) }
        })
        .await
        .unwrap();
    };
    let digest = world.registry.push_image(IMAGE_PATH, "1.4.1").await.unwrap().digest;
    // Nothing counts as signed by a key that is not there.
    reason("nothing counts as signed").await;
    let (ours, theirs) = (ImageSigner::new().unwrap(), ImageSigner::new().unwrap());
    world.commit(&[("keys/cosign.pub", Some(&ours.public_key()))], "Say whom we trust").await.unwrap();
    reason("it carries no signature by `keys/cosign.pub`").await;
    world.registry.sign(IMAGE_PATH, &digest, &theirs).await.unwrap();
    reason("it carries no signature by `keys/cosign.pub`").await;
    assert_eq!(world.image_in_git("staging").await.unwrap(), before);

    world.registry.sign_by_bundle(IMAGE_PATH, &digest, &ours).await.unwrap();
    let change = world.wait_for_station("staging", "1.4.1", Station::Merged).await.unwrap();
    assert_eq!(change.to_digest.map(|it| it.to_string()), Some(digest.clone()));
    let overlay = world.github.read_file(REPOSITORY, "main", &overlay_path("staging")).await.unwrap().unwrap();
    assert!(overlay.contains(&digest), "{overlay}");
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

#[tokio::test]
async fn a_digest_is_followed_where_its_tag_goes_and_a_revert_holds_it() {
    let world = world_with(|_| "digest: latest".to_owned()).await;
    let push = async |content: &str| world.registry.push_content(IMAGE_PATH, "latest", content).await.unwrap().digest;
    let runs = async |digest: &str| {
        let image = format!("{}:latest@{digest}", world.image());
        wait::until(format!("staging to run {digest}"), wait::LONG, async || {
            match world.image_in_cluster("staging").await {
                Ok(seen) if seen.image == image && seen.available => Ok(()),
                other => Err(format!("{other:?}; {}", world.describe_changes().await)),
            }
        })
        .await
        .unwrap();
    };
    let first = push("one").await;
    runs(&first).await;
    let second = push("two").await;
    runs(&second).await;
    let healthy = world.wait_for_station("staging", "latest", Station::Healthy).await.unwrap();
    assert_eq!((healthy.from, healthy.to_digest.map(|digest| digest.to_string())), (Some(healthy.to), Some(second)));

    let head = world.github.head(REPOSITORY, "main").await.unwrap().unwrap();
    world.revert(&head).await.unwrap();
    runs(&first).await;
    let commits = world.bot_commits().await.unwrap();
    let third = push("three").await;
    runs(&third).await;
    assert_eq!(world.bot_commits().await.unwrap(), commits + 1, "{:?}", world.subjects().await.unwrap());
}

#[tokio::test]
async fn an_environment_that_follows_another_waits_until_that_is_healthy() {
    let options =
        WorldOptions { files: vec![(".heddle.yaml".into(), "version: 1\n".into())], ..WorldOptions::default() };
    let world = World::start_with(options).await.unwrap();
    let follows = "{name: prod, path: clusters/prod, promote: {from: staging}}";
    let rules = rules(&world.image()).replace("{name: prod, path: clusters/prod}", follows);
    let held = format!("{rules}holds: [{{environment: staging, reason: a test}}]\n");
    world.commit(&[(".heddle.yaml", Some(&held))], "Hold staging").await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    let waits = wait::until("prod to wait for staging", wait::LONG, async || {
        let change = world.find_change("prod", "1.4.1").await.map_err(|error| format!("{error:#}"))?;
        let reasons = change.map(|change| describe(&change)).unwrap_or_default();
        if reasons.contains("waits until `staging` was healthy with it") { Ok(()) } else { Err(reasons) }
    });
    waits.await.unwrap();
    assert!(world.github.pulls(REPOSITORY).unwrap().is_empty());

    world.commit(&[(".heddle.yaml", Some(&rules))], "Let staging go on").await.unwrap();
    let pull = world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    let staging = world.find_change("staging", "1.4.1").await.unwrap().unwrap();
    assert!(has_reached(&staging, Station::Healthy), "{}", describe(&staging));
    world.merge(&pull).await.unwrap();
    world.wait_until_healthy("prod", "1.4.1").await.unwrap();
}

/// Nobody wrote a rule: what Flux updated before is updated as it stands.
#[tokio::test]
async fn a_repository_that_flux_kept_up_to_date_needs_no_change() {
    let world = World::start().await.unwrap();
    let policy = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: api, namespace: flux-system}\n\
                  spec:\n  imageRepositoryRef: {name: api}\n  policy: {semver: {range: '>=1.0 <2'}}\n";
    let standing = overlay("shop-staging", &world.image(), "1.4.0");
    let marked = standing.replace("# kept up to date", r#"# {"$imagepolicy": "flux-system:api:tag"}"#);
    let environments = rules(&world.image());
    let environments = environments.split("images:").next().unwrap();
    world
        .commit(
            &[
                (".heddle.yaml", Some(environments)),
                ("flux-system/policy.yaml", Some(policy)),
                ("clusters/staging/kustomization.yaml", Some(&marked)),
            ],
            "Bring what Flux has",
        )
        .await
        .unwrap();
    let (staging, image) = ("staging".parse().unwrap(), world.image().parse().unwrap());
    wait::until("Flux's policy to govern staging", wait::LONG, async || {
        let verdicts = world.user.verdicts(world.organization, &staging, &image).await;
        let rule = verdicts.map_err(|error| format!("{error:#}"))?.rule;
        if rule.contains("(flux-system/policy.yaml:1 in ") { Ok(()) } else { Err(rule) }
    })
    .await
    .unwrap();
    world.push_tag("1.4.1").await.unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Proposed).await.unwrap();
}
