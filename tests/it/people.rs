//! What people do in the config repository counts for more than what the bot wants.

use heddle_core::pipeline::{End, Station};
use heddle_testkit::{
    github::{Matcher, When},
    wait,
};
use heddle_tests::{
    World,
    config_repository::rules,
    world::{FIRST_TAG, PERSON, REPOSITORY},
};

#[tokio::test]
async fn a_human_commit_between_reading_and_writing_is_not_lost() {
    let world = World::start().await.unwrap();
    let mut held = world.github.hold(Matcher::graphql("createCommitOnBranch"), When::Before);
    world.push_tag("1.4.1").await.unwrap();
    tokio::time::timeout(wait::LONG, held.reached()).await.unwrap();
    world.commit(&[("README.md", Some("# In between\n"))], "Write in between").await.unwrap();
    held.release();
    world.wait_for_station("staging", "1.4.1", Station::Healthy).await.unwrap();
    assert_eq!(world.image_in_git("staging").await.unwrap(), "1.4.1");
    let readme = world.github.read_file(REPOSITORY, "main", "README.md").await.unwrap();
    assert_eq!(readme.as_deref(), Some("# In between\n"));
}

#[tokio::test]
async fn a_revert_is_respected_until_something_newer_comes_also_when_its_webhook_was_lost() {
    let world = World::start().await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Healthy).await.unwrap();
    let commit = world.github.head(REPOSITORY, "main").await.unwrap().unwrap();
    world.github.webhooks().lose(1);
    world.revert(&commit).await.unwrap();
    world.wait_until_image_runs("staging", FIRST_TAG).await.unwrap();
    // A lower tag makes every policy run again; what was taken back stays back.
    world.push_tag("1.3.9").await.unwrap();
    world.wait_for_verdict("staging", "1.3.9").await.unwrap();
    assert_eq!(world.image_in_git("staging").await.unwrap(), FIRST_TAG);
    world.push_tag("1.4.2").await.unwrap();
    world.wait_for_station("staging", "1.4.2", Station::Healthy).await.unwrap();
    assert_eq!(world.bot_commits().await.unwrap(), 2, "{:?}", world.subjects().await.unwrap());
}

#[tokio::test]
async fn a_closed_pull_request_is_respected_until_something_newer_comes() {
    let world = World::start().await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    let pull = world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    world.wait_for_station("prod", "1.4.1", Station::Proposed).await.unwrap();
    world.close(&pull).await.unwrap();
    wait::until("the change to be declined", wait::LONG, async || match world.find_change("prod", "1.4.1").await {
        Ok(Some(change)) if change.line.end == Some(End::Declined) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
    .unwrap();
    world.push_tag("1.3.9").await.unwrap();
    world.wait_for_verdict("prod", "1.3.9").await.unwrap();
    assert_eq!(world.github.pulls(REPOSITORY).unwrap().len(), 1);
    world.push_tag("1.4.2").await.unwrap();
    let newer = world.wait_for_pull_request("prod", "1.4.2").await.unwrap();
    assert_ne!(newer.number, pull.number);
}

#[tokio::test]
async fn a_bot_branch_that_a_person_edited_belongs_to_the_person() {
    let world = World::start().await.unwrap();
    world.push_tag("1.4.1").await.unwrap();
    let pull = world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    let note = [("NOTES.md", Some("Check the migration first.\n"))];
    let edited = world.github.push_files(REPOSITORY, &pull.head, &note, "Add a note", PERSON).await.unwrap();
    world.push_tag("1.4.2").await.unwrap();
    wait::until("a comment that the branch is the person's", wait::LONG, async || {
        let pulls = world.github.pulls(REPOSITORY).map_err(|error| format!("{error:#}"))?;
        if pulls[0].comments.is_empty() { Err(world.describe_changes().await) } else { Ok(()) }
    })
    .await
    .unwrap();
    let pulls = world.github.pulls(REPOSITORY).unwrap();
    assert_eq!(pulls.len(), 1);
    assert_eq!(pulls[0].head_revision, edited);
    world.merge(&pulls[0]).await.unwrap();
    world.wait_for_pull_request("prod", "1.4.2").await.unwrap();
}

#[tokio::test]
async fn a_broken_rule_stops_its_own_writes_and_lets_no_broader_rule_write() {
    let world = World::start().await.unwrap();
    let good = rules(&world.image());
    let broken = good.replacen("\">=1.0 <2\"", "\"between one and two\"", 1)
        + "  - name: \"**\"\n    policy: {semver: \"*\"}\n    mode: commit\n";
    world.commit(&[(".heddle.yaml", Some(&broken))], "Break the rule for staging").await.unwrap();
    let finding = wait::until("a finding on the rule", wait::LONG, async || {
        let findings = world.user.findings(world.organization).await.map_err(|error| format!("{error:#}"))?;
        findings.into_iter().find(|finding| finding.blocks).ok_or_else(|| "no finding".to_owned())
    })
    .await
    .unwrap();
    assert_eq!((finding.file.as_str(), finding.line), (".heddle.yaml", 9), "{finding:?}");
    world.push_tag("1.4.1").await.unwrap();
    // Prod's rule is whole and works.
    world.wait_for_pull_request("prod", "1.4.1").await.unwrap();
    assert_eq!(world.image_in_git("staging").await.unwrap(), FIRST_TAG);
    world.commit(&[(".heddle.yaml", Some(&good))], "Mend the rule").await.unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Merged).await.unwrap();
}
