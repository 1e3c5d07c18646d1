//! Update and read, each ending in what is in Git.

use heddle_core::change::{GateKind, Mode};
use heddle_wire::automator::{IntentOutcome, PullRequestState};

use crate::shop::{REPOSITORY, Shop, overlay, proposal_of, written};

#[tokio::test]
async fn an_update_commits_where_it_may_and_proposes_elsewhere() {
    let shop = Shop::open("1.4.1").await;
    let heard = shop.update(shop.update_work(&["1.4.1", "1.4.2", "2.0.0"]).await).await;

    // One value of one file, and no other byte.
    assert_eq!(shop.text("staging").await, overlay("1.4.2"));
    assert_eq!(shop.text("prod").await, overlay("1.4.1"));
    let head = shop.head().await.revision;
    assert!(shop.github.is_verified(REPOSITORY, head.as_str()).unwrap());
    let commit = shop.github.log(REPOSITORY, "main").await.unwrap().remove(0);
    assert!(commit.message.starts_with("Update api to 1.4.2 in staging\n\n"), "{}", commit.message);
    let trailer = format!("Heddle-Intent: {}", heard.posted[0].id);
    assert!(commit.message.trim_end().ends_with(&trailer), "{}", commit.message);

    let pulls = shop.github.pulls(REPOSITORY).unwrap();
    let [pull] = pulls.as_slice() else { panic!("{pulls:#?}") };
    assert_eq!(pull.title, "Update api to 1.4.2 in prod");
    assert_eq!(pull.head, format!("heddle/prod/{}", proposal_of(&heard)));
    assert_eq!((pull.user.as_str(), pull.base.as_str()), ("heddle[bot]", "main"));
    let change = heard.posted.iter().find(|posted| posted.head_branch.is_some()).unwrap().changes[0];
    assert!(pull.body.contains(&format!("(https://heddle.example/changes/{change})")), "{}", pull.body);
    let on_branch = shop.github.read_file(REPOSITORY, &pull.head, "prod/kustomization.yaml").await.unwrap();
    assert_eq!(on_branch, Some(overlay("1.4.2")));

    assert!(heard.posted.iter().all(|posted| written(&heard, posted.id)), "{heard:#?}");
    assert_eq!(heard.done.unwrap().failed, None);
}

#[tokio::test]
async fn a_tag_outside_the_range_changes_nothing() {
    let shop = Shop::open("1.4.1").await;
    let before = shop.head().await;
    let heard = shop.update(shop.update_work(&["1.4.1", "2.0.0"]).await).await;
    assert!(heard.plan.unwrap().proposals.is_empty());
    assert_eq!(shop.head().await, before);
    assert!(shop.github.pulls(REPOSITORY).unwrap().is_empty());
}

#[tokio::test]
async fn a_newer_tag_moves_the_open_pull_request_also_when_the_base_has_moved() {
    let shop = Shop::open("1.4.1").await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    shop.github.push_files(REPOSITORY, "main", &[("README.md", Some("hello\n"))], "Say hello", "ada").await.unwrap();

    let mut work = shop.update_work(&["1.4.2", "1.4.3"]).await;
    work.open_proposals = Shop::open_proposals(&first);
    let second = shop.update(work).await;

    let pulls = shop.github.pulls(REPOSITORY).unwrap();
    let [pull] = pulls.as_slice() else { panic!("{pulls:#?}") };
    assert!(pull.open);
    assert_eq!(pull.title, "Update api to 1.4.3 in prod");
    let text = shop.github.read_file(REPOSITORY, &pull.head, "prod/kustomization.yaml").await.unwrap();
    assert_eq!(text, Some(overlay("1.4.3")));
    let readme = shop.github.read_file(REPOSITORY, &pull.head, "README.md").await.unwrap();
    assert_eq!(readme, Some("hello\n".into()), "it stands on the new base");
    assert!(second.posted.iter().all(|posted| written(&second, posted.id)), "{second:#?}");
}

#[tokio::test]
async fn the_same_tag_is_not_proposed_twice() {
    let shop = Shop::open("1.4.1").await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.open_proposals = Shop::open_proposals(&first);
    let second = shop.update(work).await;
    assert!(second.plan.unwrap().proposals.is_empty());
    assert_eq!(shop.bot_commits().await, 1);
}

#[tokio::test]
async fn nothing_is_written_from_a_head_that_was_not_read() {
    let shop = Shop::open("1.4.1").await;
    let work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    shop.github.push_files(REPOSITORY, "main", &[("README.md", Some("hello\n"))], "Say hello", "ada").await.unwrap();
    let heard = shop.update(work).await;
    assert!(heard.plan.is_none());
    assert!(heard.done.unwrap().read_due);
    assert_eq!(shop.bot_commits().await, 0);
}

#[tokio::test]
async fn a_pull_request_that_was_closed_unread_is_not_made_again() {
    let shop = Shop::open("1.4.1").await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    let open = Shop::open_proposals(&first);
    shop.github.close(REPOSITORY, open[0].number.unwrap(), "ada").await.unwrap();

    let mut work = shop.update_work(&["1.4.2", "1.4.3"]).await;
    work.open_proposals = open.clone();
    let second = shop.update(work).await;
    assert_eq!(shop.github.pulls(REPOSITORY).unwrap().len(), 1);
    assert!(second.done.unwrap().read_due);

    let read = shop.read(vec![shop.head().await], open).await.read.unwrap();
    let PullRequestState::Closed { by, .. } = &read.proposals[0].state else { panic!("{:?}", read.proposals) };
    assert_eq!(by.as_deref(), Some("ada"));
}

#[tokio::test]
async fn a_branch_that_a_person_committed_to_is_left_alone_with_one_comment() {
    let shop = Shop::open("1.4.1").await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    let open = Shop::open_proposals(&first);
    let branch = open[0].head_branch.to_string();
    shop.github.push_files(REPOSITORY, &branch, &[("prod/note.txt", Some("mine\n"))], "Mine", "ada").await.unwrap();
    let head = shop.github.head(REPOSITORY, &branch).await.unwrap();

    for _ in 0..2 {
        let mut work = shop.update_work(&["1.4.2", "1.4.3"]).await;
        work.open_proposals = open.clone();
        let heard = shop.update(work).await;
        let plan = heard.plan.unwrap();
        assert!(plan.proposals.iter().all(|proposal| proposal.mode == Mode::Commit));
        assert_eq!(plan.gated[0].gate.kind, GateKind::Branch);
    }
    assert_eq!(shop.github.head(REPOSITORY, &branch).await.unwrap(), head);
    let pulls = shop.github.pulls(REPOSITORY).unwrap();
    assert_eq!((pulls.len(), pulls[0].comments.len()), (1, 1), "{pulls:#?}");
}

#[tokio::test]
async fn a_pull_request_whose_tag_stands_on_the_base_is_closed_with_a_reason() {
    let shop = Shop::open("1.4.1").await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    let by_hand = overlay("1.4.2");
    let files = [("prod/kustomization.yaml", Some(by_hand.as_str()))];
    shop.github.push_files(REPOSITORY, "main", &files, "By hand", "ada").await.unwrap();

    let mut work = shop.update_work(&["1.4.1", "1.4.2"]).await;
    work.open_proposals = Shop::open_proposals(&first);
    let heard = shop.update(work).await;
    assert_eq!(heard.closed, [(proposal_of(&first), "`main` already carries what it proposes".to_owned())]);
    let pull = shop.github.pulls(REPOSITORY).unwrap().remove(0);
    assert!(!pull.open && pull.merged.is_none());
}

#[tokio::test]
async fn a_read_says_what_stands_there_and_what_came_since() {
    let shop = Shop::open("1.4.1").await;
    let known = shop.head().await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    let open = Shop::open_proposals(&first);
    let merged = shop.github.merge(REPOSITORY, open[0].number.unwrap(), "ada").await.unwrap();

    let report = shop.read(vec![known], open).await.read.unwrap();
    let subjects: Vec<_> = report.branches[0].revisions.iter().map(|commit| commit.subject.as_str()).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert_eq!(subjects[0], "Update api to 1.4.2 in staging");
    assert_eq!(report.branches[0].revisions[0].intents, [first.posted[0].id]);
    assert_eq!(report.branches[0].revisions[1].revision.as_str(), merged);
    let PullRequestState::Merged { revision, by, .. } = &report.proposals[0].state else { panic!() };
    assert_eq!((revision.as_str(), by.as_deref()), (merged.as_str(), Some("ada")));
    assert!(report.proposals[0].ours);

    let names: Vec<_> = report.environments.iter().map(|environment| environment.name.as_str()).collect();
    assert_eq!(names, ["staging", "prod"]);
    let images: Vec<_> =
        report.occurrences.iter().map(|o| format!("{} {} {}", o.place.file, o.image, o.rules[0].environment)).collect();
    assert_eq!(
        images,
        [
            "prod/kustomization.yaml ghcr.io/acme/api:1.4.2 prod",
            "staging/kustomization.yaml ghcr.io/acme/api:1.4.2 staging",
        ]
    );
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn an_executable_file_stays_executable() {
    let shop = Shop::open("1.4.1").await;
    shop.github.set_mode(REPOSITORY, "main", "staging/kustomization.yaml", "100755", "ada").await.unwrap();
    let heard = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    assert!(matches!(heard.outcomes[0].1, IntentOutcome::Written { .. }), "{heard:#?}");
    let mode = shop.github.file_mode(REPOSITORY, "main", "staging/kustomization.yaml").await.unwrap();
    assert_eq!(mode.as_deref(), Some("100755"));
    assert_eq!(shop.text("staging").await, overlay("1.4.2"));
}

#[tokio::test]
async fn a_new_pull_request_has_labels_and_reviewers_and_a_moved_one_is_not_asked_about_again() {
    let shop = Shop::open("1.4.1").await.with_rules("updates: {labels: [heddle], reviewers: [ada]}\n").await;
    let first = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    let pull = shop.github.pulls(REPOSITORY).unwrap().remove(0);
    assert_eq!((pull.labels, pull.reviewers), (vec!["heddle".to_owned()], vec!["ada".to_owned()]));

    let mut work = shop.update_work(&["1.4.2", "1.4.3"]).await;
    work.open_proposals = Shop::open_proposals(&first);
    let second = shop.update(work).await;
    assert!(second.posted.iter().all(|posted| written(&second, posted.id)), "{second:#?}");
    let pull = shop.github.pulls(REPOSITORY).unwrap().remove(0);
    assert_eq!((pull.title.as_str(), pull.reviewers), ("Update api to 1.4.3 in prod", vec!["ada".to_owned()]));
}

#[tokio::test]
async fn who_cannot_be_asked_is_told_on_the_pull_request_which_is_there_all_the_same() {
    let shop = Shop::open("1.4.1").await.with_rules("updates: {reviewers: [eve]}\n").await;
    let heard = shop.update(shop.update_work(&["1.4.1", "1.4.2"]).await).await;
    assert!(heard.posted.iter().all(|posted| written(&heard, posted.id)), "{heard:#?}");
    let pull = shop.github.pulls(REPOSITORY).unwrap().remove(0);
    assert!(pull.open && pull.reviewers.is_empty());
    let [(author, text)] = pull.comments.as_slice() else { panic!("{:?}", pull.comments) };
    assert_eq!(author, "heddle[bot]");
    assert!(text.starts_with("`updates.reviewers` of `.heddle.yaml` could not be followed here: `"), "{text}");
    assert!(text.contains("is not a collaborator"), "{text}");
}
