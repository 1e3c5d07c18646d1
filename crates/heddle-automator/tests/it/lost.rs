//! Kills, lost answers, races: what is in Git is written once.

use heddle_testkit::{
    github::{Fault, Hold, Matcher, When},
    wait,
};
use heddle_wire::automator::{IntentOutcome, PullRequestState, Work};

use crate::shop::{REPOSITORY, Shop, overlay, written};

#[tokio::test]
async fn a_person_who_commits_between_reading_and_writing_is_not_lost() {
    let shop = Shop::open("1.4.1").await;
    let work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    let mut held = shop.github.hold(Matcher::graphql("createCommitOnBranch"), When::Before);
    shop.desk.give(Work::Update(work));
    reached(&mut held).await;
    shop.github.push_files(REPOSITORY, "main", &[("README.md", Some("hello\n"))], "Say hello", "ada").await.unwrap();
    held.release();
    let heard = shop.desk.ended().await;
    assert!(matches!(heard.outcomes[0].1, IntentOutcome::Moved), "{heard:#?}");
    assert!(heard.done.unwrap().read_due);
    assert_eq!(shop.bot_commits().await, 0);
    let readme = shop.github.read_file(REPOSITORY, "main", "README.md").await.unwrap();
    assert_eq!(readme, Some("hello\n".into()));
}

#[tokio::test]
async fn tags_that_were_taken_for_other_rules_are_not_chosen_from() {
    let shop = Shop::open("1.4.1").await;
    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.asked = Some("of the rules before".to_owned());
    let done = shop.update(work).await.done.unwrap();
    assert!(done.read_due);
    assert!(done.failed.unwrap().contains("not those that were read last"));
    assert_eq!(shop.bot_commits().await, 0);

    // Those of a read are those that the update finds.
    let read = shop.read(Vec::new(), Vec::new()).await.read.unwrap();
    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.asked = Some(read.fingerprint());
    let done = shop.update(work).await.done.unwrap();
    assert_eq!((done.failed, done.read_due), (None, false));
}

#[tokio::test]
async fn a_kill_between_commit_and_confirmation_loses_nothing() {
    let mut shop = Shop::open("1.4.1").await;
    let mut held = shop.github.hold(Matcher::graphql("createCommitOnBranch"), When::After);
    shop.desk.give(Work::Update(shop.update_work(&["1.4.1", "1.4.2"]).await));
    reached(&mut held).await;
    shop.kill_automator().await;
    held.drop_connection();
    let heard = shop.desk.heard();
    assert!(heard.outcomes.is_empty());

    shop.start_automator();
    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.open_intents = Shop::open_intents(&heard);
    let settled = shop.update(work).await;
    assert!(written(&settled, heard.posted[0].id), "{settled:#?}");
    let never = settled.outcomes.iter().find(|(id, _)| *id == heard.posted[1].id).map(|(_, outcome)| outcome);
    assert!(matches!(never, Some(IntentOutcome::Abandoned { .. })), "{settled:#?}");
    assert!(settled.plan.is_none(), "it comes again with fresh facts");

    let last = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    assert_eq!(last.posted.len(), 1, "prod alone");
    assert_eq!(shop.bot_commits().await, 1);
    assert_eq!(shop.text("staging").await, overlay("1.4.2"));
}

#[tokio::test]
async fn a_kill_between_push_and_pull_request_opens_it_later() {
    let mut shop = Shop::open("1.4.1").await.with_rules("updates: {labels: [heddle]}\n").await;
    let mut held = shop.github.hold(Matcher::rest("POST", "/repos/*/*/pulls"), When::Before);
    shop.desk.give(Work::Update(shop.update_work(&["1.4.1", "1.4.2"]).await));
    reached(&mut held).await;
    shop.kill_automator().await;
    held.drop_connection();
    let heard = shop.desk.heard();
    assert!(shop.github.pulls(REPOSITORY).unwrap().is_empty());

    shop.start_automator();
    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.open_intents = Shop::open_intents(&heard);
    let settled = shop.update(work).await;
    assert!(written(&settled, heard.posted[1].id), "{settled:#?}");
    let pulls = shop.github.pulls(REPOSITORY).unwrap();
    assert_eq!((pulls.len(), pulls[0].title.as_str()), (1, "Update api to 1.4.2 in prod"));
    assert_eq!(pulls[0].labels, ["heddle"]);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_again() {
    let shop = Shop::open("1.4.1").await;
    shop.github.fail(Matcher::graphql("createCommitOnBranch"), Fault::StatusAfter(502));
    let heard = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    assert!(heard.outcomes.is_empty(), "nobody knows what came of it: {heard:#?}");
    assert!(heard.done.unwrap().failed.is_some());

    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.open_intents = Shop::open_intents(&shop.desk.heard());
    let settled = shop.update(work).await;
    assert!(settled.outcomes.iter().any(|(_, outcome)| matches!(outcome, IntentOutcome::Written { .. })));
    assert_eq!(shop.bot_commits().await, 1);
}

#[tokio::test]
async fn a_kill_while_a_pull_request_is_closed_leaves_none_open() {
    let mut shop = Shop::open("1.4.1").await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    let open = Shop::open_proposals(&first);
    let by_hand = overlay("1.4.2");
    let files = [("prod/kustomization.yaml", Some(by_hand.as_str()))];
    shop.github.push_files(REPOSITORY, "main", &files, "By hand", "ada").await.unwrap();

    let mut held = shop.github.hold(Matcher::rest("PATCH", "/repos/*/*/pulls/*"), When::Before);
    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.open_proposals = open.clone();
    shop.desk.give(Work::Update(work.clone()));
    reached(&mut held).await;
    shop.kill_automator().await;
    held.drop_connection();
    assert!(shop.desk.heard().closed.is_empty(), "nobody looks at what was said to be closed");

    shop.start_automator();
    let heard = shop.update(work).await;
    assert_eq!(heard.closed.len(), 1);
    let pulls = shop.github.pulls(REPOSITORY).unwrap();
    assert_eq!((pulls.len(), pulls[0].open, pulls[0].comments.len()), (1, false, 1), "{pulls:#?}");

    // Killed after the close instead, the next read says who closed it, and that was the bot.
    let read = shop.read(vec![shop.head().await], open).await.read.unwrap();
    let PullRequestState::Closed { by, .. } = &read.proposals[0].state else { panic!("{:?}", read.proposals) };
    assert_eq!(by.as_deref(), Some("heddle[bot]"));
}

#[tokio::test]
async fn a_lost_lease_ends_the_walk() {
    let shop = Shop::open("1.4.1").await;
    let mut held = shop.github.hold(Matcher::graphql("createCommitOnBranch"), When::Before);
    shop.desk.give(Work::Update(shop.update_work(&["1.4.1", "1.4.2"]).await));
    reached(&mut held).await;
    shop.desk.lose_lease();
    // The next piece of work is taken while the host still holds the write of the first.
    let next = shop.read(vec![shop.head().await], Vec::new()).await;
    assert!(next.read.is_some());
    held.drop_connection();
    assert_eq!(shop.bot_commits().await, 0);
}

async fn reached(held: &mut Hold) {
    tokio::time::timeout(wait::LONG, held.reached()).await.expect("the request did not come");
}
