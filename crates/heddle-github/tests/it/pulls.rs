use heddle_github::{GitHubError, NewPullRequest, PullRequestState, PullRequestUpdate, Reviewers, WaitsFor};
use heddle_testkit::github::{Fault, Matcher};

use crate::{REPOSITORY, Scene, branch, edit, message};

fn new() -> NewPullRequest {
    NewPullRequest { head: branch("heddle/prod/1"), base: branch("main"), title: "Bump".into(), body: "text".into() }
}

async fn proposed(scene: &Scene) -> heddle_github::RepositoryClient {
    let repository = scene.repository().await;
    let edits = [edit("a.yaml", "tag: v2\n")];
    repository.open_branch_with_commit(&scene.first, &branch("heddle/prod/1"), &edits, &message()).await.unwrap();
    repository
}

#[tokio::test]
async fn a_pull_request_is_opened_once() {
    let scene = Scene::new().await;
    let repository = proposed(&scene).await;
    let made = repository.open_pull_request(&new()).await.unwrap();
    assert_eq!((made.number, made.title.as_str(), made.body.as_str()), (1, "Bump", "text"));
    assert_eq!(made.url, format!("{}/acme/config/pull/1", scene.github.pages_url()));
    assert_eq!(made.state, PullRequestState::Open { waits_for: None });
    assert_eq!(repository.open_pull_request(&new()).await.unwrap(), made);
    assert_eq!(scene.github.pulls(REPOSITORY).unwrap().len(), 1);
}

/// Two tries at once: the second one's look-up came before the first one's opening.
#[tokio::test]
async fn a_duplicate_that_github_refuses_is_the_one_that_is_there() {
    let scene = Scene::new().await;
    let repository = proposed(&scene).await;
    let mut hold = scene.github.hold(Matcher::rest("POST", "/repos/*/*/pulls"), heddle_testkit::github::When::Before);
    let (late, early) = (new(), new());
    let first = repository.open_pull_request(&late);
    let second = async {
        hold.reached().await;
        let made = repository.open_pull_request(&early).await.unwrap();
        hold.release();
        made
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap(), second);
}

#[tokio::test]
async fn an_opening_whose_answer_was_lost_is_found() {
    let scene = Scene::new().await;
    let repository = proposed(&scene).await;
    scene.github.fail(Matcher::rest("POST", "/repos/*/*/pulls"), Fault::StatusAfter(502));
    let lost = repository.open_pull_request(&new()).await;
    assert!(matches!(lost, Err(GitHubError::Unavailable { .. })), "{lost:?}");
    assert_eq!(repository.open_pull_request(&new()).await.unwrap().number, 1);
    assert_eq!(scene.github.pulls(REPOSITORY).unwrap().len(), 1);
}

#[tokio::test]
async fn a_branch_that_a_person_declined_is_not_proposed_again() {
    let scene = Scene::new().await;
    let repository = proposed(&scene).await;
    repository.open_pull_request(&new()).await.unwrap();
    scene.github.close(REPOSITORY, 1, "ada").await.unwrap();
    let found = repository.open_pull_request(&new()).await.unwrap();
    let PullRequestState::Closed { by, .. } = found.state else { panic!("it is closed") };
    assert_eq!((found.number, by.as_deref()), (1, Some("ada")));
    assert!(repository.find_pull_request(&branch("heddle/prod/2")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_pull_request_without_changes_is_refused_with_words() {
    let scene = Scene::new().await;
    let repository = scene.repository().await;
    scene.github.force_branch(REPOSITORY, "heddle/prod/1", Some(scene.first.as_str()), "ada").await.unwrap();
    let refused = repository.open_pull_request(&new()).await.unwrap_err();
    assert!(refused.to_string().contains("No commits between main and heddle/prod/1"), "{refused}");
}

#[tokio::test]
async fn a_pull_request_gets_new_words_one_comment_and_an_end() {
    let scene = Scene::new().await;
    let repository = proposed(&scene).await;
    repository.open_pull_request(&new()).await.unwrap();
    let update = PullRequestUpdate { title: Some("Bump to v3".into()), body: None };
    repository.update_pull_request(1, &update).await.unwrap();
    assert!(repository.comment_once(1, "heddle: person", "It is yours.").await.unwrap());
    assert!(!repository.comment_once(1, "heddle: person", "It is yours.").await.unwrap());
    assert!(repository.comment_once(1, "heddle: other", "Something else.").await.unwrap());
    repository.close_pull_request(1).await.unwrap();
    repository.close_pull_request(1).await.unwrap();
    let pull = scene.github.pulls(REPOSITORY).unwrap().remove(0);
    assert_eq!((pull.title.as_str(), pull.body.as_str(), pull.open), ("Bump to v3", "text", false));
    let comment = ("heddle[bot]".to_owned(), "It is yours.\n\n<!-- heddle: person -->".to_owned());
    assert_eq!((pull.comments.len(), &pull.comments[0]), (2, &comment));
}

#[tokio::test]
async fn an_open_pull_request_says_what_it_waits_for() {
    let scene = Scene::new().await;
    let repository = proposed(&scene).await;
    repository.open_pull_request(&new()).await.unwrap();
    scene.push("main", "a.yaml", "tag: v9\n").await;
    let state = repository.pull_request(1).await.unwrap().state;
    assert_eq!(state, PullRequestState::Open { waits_for: Some(WaitsFor::Conflict) });
    assert_eq!(WaitsFor::Conflict.to_string(), "it conflicts with its base");
}

#[tokio::test]
async fn labels_are_added_and_collaborators_are_asked_for_a_review() {
    let scene = Scene::new().await;
    scene.github.add_user("bob");
    scene.github.add_collaborator(REPOSITORY, "bob", heddle_testkit::github::Level::Write);
    let repository = proposed(&scene).await;
    let number = repository.open_pull_request(&new()).await.unwrap().number;
    repository.add_labels(number, &["heddle".into(), "images".into()]).await.unwrap();
    repository.add_labels(number, &["heddle".into()]).await.unwrap();
    let of = |users: &[&str], teams: &[&str]| {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Reviewers { users: texts(users), teams: texts(teams) }
    };
    repository.request_reviewers(number, &of(&["bob", "ada"], &[])).await.unwrap();
    for stranger in [of(&["bob", "eve"], &[]), of(&[], &["nobody"])] {
        let refused = repository.request_reviewers(number, &stranger).await;
        assert!(matches!(refused, Err(GitHubError::Refused { status: 422, .. })), "{refused:?}");
    }
    let pull = scene.github.pulls(REPOSITORY).unwrap().remove(0);
    assert_eq!(
        (pull.labels, pull.reviewers),
        (vec!["heddle".into(), "images".into()], vec!["bob".into(), "ada".into()])
    );
}
