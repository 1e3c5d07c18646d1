//! The loop itself: a tag goes from the registry to healthy, and a kill on the way loses nothing.

use heddle_core::pipeline::{End, Station};
use heddle_testkit::{
    github::{Matcher, When},
    wait,
};
use heddle_tests::{
    Store, World, WorldOptions,
    world::{FIRST_TAG, REPOSITORY},
};

#[tokio::test]
async fn a_tag_goes_through_a_pull_request_to_healthy_also_when_the_automator_dies_before_it_confirms() {
    let options = WorldOptions { store: Store::Embedded, ..WorldOptions::default() };
    let mut world = World::start_with(options).await.unwrap();

    // Staging commits at once: the automator dies when the commit is made and before it hears of that.
    let mut held = world.github.hold(Matcher::graphql("createCommitOnBranch"), When::After);
    world.push_tag("1.4.1").await.unwrap();
    tokio::time::timeout(wait::LONG, held.reached()).await.unwrap();
    world.automator.kill().await.unwrap();
    held.drop_connection();
    world.automator.start().await.unwrap();

    let staging = world.wait_for_station("staging", "1.4.1", Station::Healthy).await.unwrap();
    assert_eq!(staging.line.end, Some(End::Healthy));
    assert_eq!(world.image_in_git("staging").await.unwrap(), "1.4.1");
    world.wait_until_image_runs("staging", "1.4.1").await.unwrap();

    // Prod asks a person.
    let pull = world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    world.wait_for_station("prod", "1.4.1", Station::Proposed).await.unwrap();
    assert_eq!(world.image_in_git("prod").await.unwrap(), FIRST_TAG);
    world.merge(&pull).await.unwrap();
    let prod = world.wait_for_station("prod", "1.4.1", Station::Healthy).await.unwrap();
    assert_eq!(prod.line.end, Some(End::Healthy));
    assert_eq!(world.image_in_git("prod").await.unwrap(), "1.4.1");
    world.wait_until_image_runs("prod", "1.4.1").await.unwrap();

    // One commit and one pull request, not two of either.
    assert_eq!(world.bot_commits().await.unwrap(), 2, "{:?}", world.subjects().await.unwrap());
    assert_eq!(world.github.pulls(REPOSITORY).unwrap().len(), 1);
    world.stop().await.unwrap();
}
