use std::time::Duration;

use chrono::{TimeDelta, Utc};
use heddle_github::{CommitError, GitHubError};
use heddle_testkit::github::{Fault, Matcher, When};

use crate::{Scene, branch, edit, message};

fn mutation() -> Matcher {
    Matcher::graphql("createCommitOnBranch")
}

#[tokio::test]
async fn a_rate_limit_is_not_tried_against() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let before = scene.github.requests().len();
    for status in [403, 429] {
        scene.github.fail(mutation(), Fault::RateLimited { status, retry_after: Duration::from_secs(90) });
        let made = repository
            .commit_on_branch(&branch("main"), &scene.first, &[edit("a.yaml", "tag: v2\n")], &message())
            .await;
        let Err(CommitError::RateLimited { retry_at }) = made else { panic!("{made:?}") };
        assert!(retry_at > Utc::now() + TimeDelta::seconds(60));
    }
    assert_eq!(scene.github.requests().len() - before, 2, "each was sent once");
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    for fault in [Fault::Status(502), Fault::DropBefore] {
        let before = scene.github.requests().len();
        scene.github.fail(mutation(), fault);
        let made = repository
            .commit_on_branch(&branch("main"), &scene.first, &[edit("a.yaml", "tag: v2\n")], &message())
            .await;
        assert!(matches!(made, Err(CommitError::Other(GitHubError::Unavailable { .. }))), "{made:?}");
        assert_eq!(scene.github.requests().len() - before, 1, "{fault:?}");
    }
    assert_eq!(scene.head("main").await, scene.first);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_by_its_intent() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let (mut base, mut number) = (scene.first.clone(), 1);
    for fault in [Fault::StatusAfter(500), Fault::DropAfter] {
        number += 1;
        scene.github.fail(mutation(), fault);
        let message = message();
        let edits = [edit("a.yaml", &format!("tag: v{number}\n"))];
        let lost = repository.commit_on_branch(&branch("main"), &base, &edits, &message).await;
        assert!(matches!(lost, Err(CommitError::Other(GitHubError::Unavailable { .. }))), "{lost:?}");
        let head = repository.branch_head(&branch("main")).await.unwrap().unwrap();
        let found = repository.find_intent(&head, &base, message.intent).await.unwrap().unwrap();
        assert_eq!(found.revision, head);
        base = head;
    }
}

#[tokio::test]
async fn a_person_who_comes_between_the_objects_and_the_swap_wins() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let proposal = branch("heddle/prod/1");
    let made = repository
        .open_branch_with_commit(&scene.first, &proposal, &[edit("a.yaml", "tag: v2\n")], &message())
        .await
        .unwrap();
    let mut hold = scene.github.hold(Matcher::graphql("updateRefs"), When::Before);
    let edits = [edit("a.yaml", "tag: v3\n")];
    let message = message();
    let moving = repository.move_branch(&proposal, &made.revision, &scene.first, &edits, &message);
    let person = async {
        hold.reached().await;
        let theirs = scene.push("heddle/prod/1", "b.yaml", "x: 2\n").await;
        hold.release();
        theirs
    };
    let (moved, theirs) = tokio::join!(moving, person);
    assert!(matches!(moved, Err(CommitError::Moved { .. })), "{moved:?}");
    assert_eq!(scene.head("heddle/prod/1").await, theirs);
}

#[tokio::test]
async fn a_host_that_is_not_there_is_said_without_its_address() {
    let scene = Scene::new().await;
    let mut host = scene.host();
    host.api_url = "https://127.0.0.1:9/api/v3".parse().unwrap();
    let repository = heddle_github::RepositoryClient::new(&host, &"ghs_x".to_owned().into(), crate::name()).unwrap();
    let error = repository.branch_head(&branch("main")).await.unwrap_err();
    assert_eq!(error.to_string(), "GitHub is not available: no connection: Connection refused (os error 111)");
}
