use heddle_github::{BranchOwner, CommitError, NewPullRequest, PullRequestState};

use crate::{REPOSITORY, Scene, branch, edit, executable, message};

#[tokio::test]
async fn a_branch_is_made_with_its_commit_and_never_equals_its_base() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let proposal = branch("heddle/prod/1");
    let made = repository
        .open_branch_with_commit(&scene.first, &proposal, &[executable("a.yaml", "tag: v2\n")], &message())
        .await
        .unwrap();
    assert!(made.verified);
    assert_eq!(scene.head("heddle/prod/1").await, made.revision);
    assert_eq!(scene.github.file_mode(REPOSITORY, "heddle/prod/1", "a.yaml").await.unwrap().unwrap(), "100755");

    let again =
        repository.open_branch_with_commit(&scene.first, &proposal, &[edit("a.yaml", "tag: v3\n")], &message()).await;
    assert!(matches!(again, Err(CommitError::Exists { .. })), "{again:?}");
    let empty = repository
        .open_branch_with_commit(&scene.first, &branch("x"), &[edit("a.yaml", "tag: v1\n")], &message())
        .await;
    assert!(matches!(empty, Err(CommitError::NothingChanged)), "{empty:?}");
    assert!(scene.github.head(REPOSITORY, "x").await.unwrap().is_none());
}

#[tokio::test]
async fn a_branch_moves_to_a_new_base_and_its_pull_request_stays_open() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let proposal = branch("heddle/prod/1");
    let first = repository
        .open_branch_with_commit(&scene.first, &proposal, &[edit("a.yaml", "tag: v2\n")], &message())
        .await
        .unwrap();
    let new = NewPullRequest { head: proposal.clone(), base: branch("main"), title: "t".into(), body: "b".into() };
    let pull = repository.open_pull_request(&new).await.unwrap();
    let base = scene.push("main", "b.yaml", "x: 2\n").await;

    let stale = repository.move_branch(&proposal, &base, &base, &[edit("a.yaml", "tag: v3\n")], &message()).await;
    assert!(matches!(stale, Err(CommitError::Moved { .. })), "{stale:?}");
    let moved = repository
        .move_branch(&proposal, &first.revision, &base, &[edit("a.yaml", "tag: v3\n")], &message())
        .await
        .unwrap();
    let log = scene.github.log(REPOSITORY, "heddle/prod/1").await.unwrap();
    assert_eq!((log[0].sha.as_str(), &log[0].parents), (moved.revision.as_str(), &vec![base.to_string()]));
    assert_eq!(scene.read("heddle/prod/1", "a.yaml").await, "tag: v3\n");
    let pull = repository.pull_request(pull.number).await.unwrap();
    assert_eq!((pull.is_open(), pull.head_revision), (true, moved.revision.clone()));

    let base = scene.push("main", "a.yaml", "tag: v4\n").await;
    let empty =
        repository.move_branch(&proposal, &moved.revision, &base, &[edit("a.yaml", "tag: v4\n")], &message()).await;
    assert!(matches!(empty, Err(CommitError::NothingChanged)), "the base carries it: {empty:?}");
    assert!(repository.pull_request(1).await.unwrap().is_open());
}

#[tokio::test]
async fn a_branch_is_ours_until_a_person_commits_to_it() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let proposal = branch("heddle/prod/1");
    let made = repository
        .open_branch_with_commit(&scene.first, &proposal, &[edit("a.yaml", "tag: v2\n")], &message())
        .await
        .unwrap();
    let owner = async |head| repository.branch_owner(&scene.head("main").await, head, "heddle[bot]").await.unwrap();
    assert_eq!(owner(&made.revision).await, BranchOwner::Ours);
    let BranchOwner::Person { .. } = repository.branch_owner(&scene.first, &made.revision, "other[bot]").await.unwrap()
    else {
        panic!("another App's commits are not ours");
    };
    let theirs = scene.push("heddle/prod/1", "b.yaml", "x: 2\n").await;
    assert_eq!(owner(&theirs).await, BranchOwner::Person { revision: theirs.clone(), author: "ada".into() });
}

/// "Update branch" on GitHub's page merges the base into the branch in the person's name.
#[tokio::test]
async fn a_merge_of_the_base_leaves_a_branch_ours_unless_it_brings_more() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let proposal = branch("heddle/prod/1");
    repository
        .open_branch_with_commit(&scene.first, &proposal, &[edit("a.yaml", "tag: v2\n")], &message())
        .await
        .unwrap();
    scene.push("main", "b.yaml", "x: 2\n").await;
    let update = async || {
        let number = scene.github.open_pull(REPOSITORY, "main", "heddle/prod/1", "Update", "ada").await.unwrap();
        scene.github.merge(REPOSITORY, number, "ada").await.unwrap().parse().unwrap()
    };
    let owner = async |head| repository.branch_owner(&scene.head("main").await, head, "heddle[bot]").await.unwrap();
    let merged = update().await;
    assert_eq!(owner(&merged).await, BranchOwner::Ours);
    scene.push("main", "b.yaml", "x: 3\n").await;
    assert_eq!(owner(&merged).await, BranchOwner::Ours, "also when the base goes on");

    let evil = scene
        .github
        .merge_with(REPOSITORY, "heddle/prod/1", "main", &[("a.yaml", "tag: v2-evil\n")], "ada")
        .await
        .unwrap();
    let evil = evil.parse().unwrap();
    assert_eq!(owner(&evil).await, BranchOwner::Person { revision: evil.clone(), author: "ada".into() });
}

#[tokio::test]
async fn a_merged_pull_request_leads_to_its_commit() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    let proposal = branch("heddle/prod/1");
    let message = message();
    repository
        .open_branch_with_commit(&scene.first, &proposal, &[edit("a.yaml", "tag: v2\n")], &message)
        .await
        .unwrap();
    let new = NewPullRequest { head: proposal, base: branch("main"), title: "t".into(), body: "b".into() };
    let pull = repository.open_pull_request(&new).await.unwrap();
    let squashed = scene.github.squash(REPOSITORY, pull.number, "ada").await.unwrap().parse().unwrap();
    let PullRequestState::Merged { revision, by, .. } = repository.pull_request(pull.number).await.unwrap().state
    else {
        panic!("it is merged");
    };
    assert_eq!((&revision, by.as_deref()), (&squashed, Some("ada")));
    let line = repository.list_commits(&squashed, Some(&scene.first), 10).await.unwrap();
    assert_eq!(line.commits[0].intents, [message.intent], "a squash keeps the trailer");
}
