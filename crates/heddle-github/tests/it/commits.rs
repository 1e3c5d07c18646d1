use heddle_core::{id::IntentId, pull_request::PullRequestFate};
use heddle_github::{CommitError, ComparisonStatus, FileEdit, Since};
use uuid::Uuid;

use crate::{REPOSITORY, Scene, branch, edit, executable, message};

#[tokio::test]
async fn a_commit_lands_signed_and_with_its_trailer() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let message = message();
    let edits = [edit("a.yaml", "tag: v2\n"), FileEdit { content: None, ..edit("b.yaml", "") }];
    let made = repository.commit_on_branch(&branch("main"), &scene.first, &edits, &message).await.unwrap();
    assert!(made.verified);
    assert_eq!(made.revision, scene.head("main").await);
    assert_eq!(scene.read("main", "a.yaml").await, "tag: v2\n");
    assert!(scene.github.read_file(REPOSITORY, "main", "b.yaml").await.unwrap().is_none());
    let log = scene.github.log(REPOSITORY, "main").await.unwrap();
    assert_eq!(log[0].message, format!("Bump api to v2\n\nwhy\n\nHeddle-Intent: {}", message.intent));
    assert_eq!(log[0].author.name, "heddle[bot]");
}

#[tokio::test]
async fn a_commit_of_a_person_that_came_between_is_not_lost() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let theirs = scene.push("main", "a.yaml", "tag: v9\n").await;
    for edits in [[edit("a.yaml", "tag: v2\n")], [executable("a.yaml", "tag: v2\n")]] {
        let moved = repository.commit_on_branch(&branch("main"), &scene.first, &edits, &message()).await;
        assert!(matches!(moved, Err(CommitError::Moved { .. })), "{moved:?}");
    }
    assert_eq!(scene.head("main").await, theirs);
    let gone = repository.commit_on_branch(&branch("nowhere"), &scene.first, &[edit("a.yaml", "x")], &message()).await;
    assert!(matches!(gone, Err(CommitError::Moved { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_file_keeps_its_executable_bit() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let head = scene.github.set_mode(REPOSITORY, "main", "a.yaml", "100755", "ada").await.unwrap().parse().unwrap();
    let edits = [executable("a.yaml", "tag: v2\n"), edit("b.yaml", "x: 2\n")];
    let made = repository.commit_on_branch(&branch("main"), &head, &edits, &message()).await.unwrap();
    assert!(made.verified);
    let mode = async |path| scene.github.file_mode(REPOSITORY, "main", path).await.unwrap().unwrap();
    assert_eq!((mode("a.yaml").await.as_str(), mode("b.yaml").await.as_str()), ("100755", "100644"));
    assert_eq!(scene.read("main", "a.yaml").await, "tag: v2\n");
}

#[tokio::test]
async fn bytes_that_are_no_text_arrive_as_they_are() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let content = vec![0xff, 0x00, b'\n'];
    for mode in [heddle_github::FileMode::Regular, heddle_github::FileMode::Executable] {
        let head = scene.head("main").await;
        let edits = [FileEdit { path: "bytes".into(), mode, content: Some(content.clone()) }];
        repository.commit_on_branch(&branch("main"), &head, &edits, &message()).await.unwrap();
        assert!(scene.github.read_file(REPOSITORY, "main", "bytes").await.is_err(), "it is no UTF-8");
    }
}

#[tokio::test]
async fn the_line_of_a_branch_ends_at_what_is_known() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let second = scene.push("main", "a.yaml", "tag: v2\n").await;
    let side = scene.push("side", "b.yaml", "x: 2\n").await;
    let third = scene.push("main", "a.yaml", "tag: v3\n").await;
    let number = scene.github.open_pull(REPOSITORY, "side", "main", "Side", "ada").await.unwrap();
    let merge = scene.github.merge(REPOSITORY, number, "ada").await.unwrap().parse().unwrap();

    let line = repository.list_commits(&merge, Some(&scene.first), 100).await.unwrap();
    let ids: Vec<_> = line.commits.iter().map(|c| c.revision.clone()).collect();
    assert_eq!(
        (ids, line.reached),
        (vec![merge.clone(), third.clone(), second.clone()], true),
        "without the side branch"
    );
    assert_eq!(line.commits[1].author, "ada");
    assert_eq!(line.commits[0].parents, [third, side.clone()]);
    let rewritten = repository.list_commits(&merge, Some(&side), 100).await.unwrap();
    assert!(!rewritten.reached, "a merged side branch is not on the line");
    let few = repository.list_commits(&merge, Some(&scene.first), 2).await.unwrap();
    assert_eq!((few.commits.len(), few.reached), (2, false));
    let none = repository.list_commits(&merge, Some(&merge), 100).await.unwrap();
    assert_eq!((none.commits.len(), none.reached), (0, true));
}

#[tokio::test]
async fn a_long_line_is_read_page_by_page() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    for number in 0..101 {
        scene.push("main", "a.yaml", &format!("tag: n{number}\n")).await;
    }
    let head = scene.head("main").await;
    let line = repository.list_commits(&head, Some(&scene.first), 500).await.unwrap();
    assert_eq!((line.commits.len(), line.reached), (101, true));
    let comparison = repository.compare(&scene.first, &head).await.unwrap();
    assert_eq!((comparison.commits.len(), comparison.complete), (101, true));
    assert_eq!(comparison.commits[100].revision, head);
}

#[tokio::test]
async fn an_intent_is_found_between_base_and_head() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let message = message();
    let made = repository
        .commit_on_branch(&branch("main"), &scene.first, &[edit("a.yaml", "tag: v2\n")], &message)
        .await
        .unwrap();
    let head = scene.push("main", "b.yaml", "x: 2\n").await;
    let found = repository.find_intent(&head, &scene.first, message.intent).await.unwrap().unwrap();
    assert_eq!((found.revision, found.verified), (made.revision.clone(), true));
    assert_eq!(found.author_login.as_deref(), Some("heddle[bot]"));
    assert!(
        repository.find_intent(&head, &made.revision, message.intent).await.unwrap().is_none(),
        "the base is not between"
    );
    assert!(repository.find_intent(&head, &scene.first, IntentId(Uuid::nil())).await.unwrap().is_none());
    let gone = "1".repeat(40).parse().unwrap();
    assert!(
        repository.find_intent(&head, &gone, message.intent).await.unwrap().is_some(),
        "also when the base is gone"
    );
}

#[tokio::test]
async fn two_commits_are_compared() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let side = scene.push("side", "b.yaml", "x: 2\n").await;
    let main = scene.push("main", "a.yaml", "tag: v2\n").await;
    let status = async |base, head| repository.compare(base, head).await.unwrap().status;
    assert_eq!(status(&scene.first, &main).await, ComparisonStatus::Ahead);
    assert_eq!(status(&main, &scene.first).await, ComparisonStatus::Behind);
    assert_eq!(status(&main, &main).await, ComparisonStatus::Identical);
    let comparison = repository.compare(&main, &side).await.unwrap();
    assert_eq!((comparison.status, comparison.merge_base), (ComparisonStatus::Diverged, scene.first.clone()));
}

#[tokio::test]
async fn a_commit_is_found_by_its_beginning_with_what_brings_it() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let theirs = scene.push("topic", "a.yaml", "tag: v9\n").await;
    let number = scene.github.open_pull(REPOSITORY, "topic", "main", "Raise it", "ada").await.unwrap();
    let found = repository.find_commit(&theirs.as_str()[..7]).await.unwrap().unwrap();
    assert_eq!((&found.revision, found.subject.as_str()), (&theirs, "by hand"));
    let [open] = &repository.list_bringing(&theirs).await.unwrap()[..] else { panic!("one brings it") };
    assert_eq!((open.number, open.author.as_str(), &open.end), (number, "ada", &PullRequestFate::Open));
    assert_eq!(repository.list_since(&theirs, &scene.first, 10).await.unwrap(), None, "it is no part of that");

    let merge = scene.github.merge(REPOSITORY, number, "ada").await.unwrap().parse().unwrap();
    let [merged] = &repository.list_bringing(&theirs).await.unwrap()[..] else { panic!("one brought it") };
    assert!(matches!(&merged.end, PullRequestFate::Merged { revision, .. } if *revision == merge));
    let Some(Since::All(more)) = repository.list_since(&scene.first, &merge, 2).await.unwrap() else { panic!("both") };
    let more: Vec<_> = more.into_iter().map(|commit| commit.revision).collect();
    assert_eq!(more, [theirs, merge.clone()]);
    assert_eq!(repository.list_since(&scene.first, &merge, 1).await.unwrap(), Some(Since::TooMany));

    assert_eq!(repository.find_commit("0123456").await.unwrap(), None);
    let unknown = "0".repeat(40).parse().unwrap();
    assert!(repository.list_bringing(&unknown).await.unwrap().is_empty());
}
