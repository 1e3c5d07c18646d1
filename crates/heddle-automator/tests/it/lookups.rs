//! Which head carries a commit: by a merge, by a squash, or none.

use heddle_core::pull_request::PullRequestFate;
use heddle_testkit::github::{Fault, Matcher};
use heddle_wire::automator::{CommitReport, FoundCommit, ReadReport};

use crate::shop::{REPOSITORY, Shop};

/// Commits by `ada` to a branch of her own; gives them, the newest last.
async fn commits(shop: &Shop, branch: &str, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for number in 0..count {
        let (path, text) = (format!("notes/{branch}-{number}.txt"), format!("{number}\n"));
        let files = [(path.as_str(), Some(text.as_str()))];
        let subject = format!("Note {number} of {branch}");
        made.push(shop.github.push_files(REPOSITORY, branch, &files, &subject, "ada").await.unwrap());
    }
    made
}

fn found(report: &ReadReport, index: usize) -> &FoundCommit {
    report.looked_up[index].found.as_ref().unwrap()
}

/// The branches that carry a commit, each with the head that does.
fn carried(found: &FoundCommit) -> Vec<(&str, &str)> {
    found.carried.iter().map(|one| (one.branch.as_str(), one.by.revision.as_str())).collect()
}

#[tokio::test]
async fn what_merges_and_pull_requests_brought_is_told_with_the_heads() {
    let shop = Shop::open("1.4.1").await;
    let known = shop.head().await;
    let by_merge = commits(&shop, "topic", 2).await;
    let number = shop.github.open_pull(REPOSITORY, "topic", "main", "Two notes", "ada").await.unwrap();
    let merge = shop.github.merge(REPOSITORY, number, "ada").await.unwrap();
    let direct = commits(&shop, "main", 1).await;

    let report = shop.read(vec![known], vec![]).await.read.unwrap();
    let branch = &report.branches[0];
    let line: Vec<&str> = branch.revisions.iter().map(|commit| commit.revision.as_str()).collect();
    assert_eq!(line, [merge.as_str(), direct[0].as_str()]);
    let mut beside: Vec<(&str, &str)> =
        branch.beside.iter().map(|one| (one.commit.revision.as_str(), one.carried_by.as_str())).collect();
    beside.sort_by_key(|(commit, _)| by_merge.iter().position(|one| one == commit));
    assert_eq!(beside, [(by_merge[0].as_str(), merge.as_str()), (by_merge[1].as_str(), merge.as_str())]);
    let pull = branch.revisions[0].pull_request.as_ref().unwrap();
    assert_eq!((pull.number, pull.title.as_str(), pull.author.as_str()), (number, "Two notes", "ada"));
    assert!(matches!(&pull.end, PullRequestFate::Merged { revision, .. } if revision.as_str() == merge));
    assert_eq!(branch.revisions[1].pull_request, None);
}

#[tokio::test]
async fn a_commit_is_found_with_the_head_that_carries_it() {
    let shop = Shop::open("1.4.1").await;
    let first = shop.head().await.revision;
    let merged = commits(&shop, "merged", 2).await;
    let number = shop.github.open_pull(REPOSITORY, "merged", "main", "Merged", "ada").await.unwrap();
    let merge = shop.github.merge(REPOSITORY, number, "ada").await.unwrap();
    let squashed = commits(&shop, "squashed", 2).await;
    let number = shop.github.open_pull(REPOSITORY, "squashed", "main", "Squashed", "ada").await.unwrap();
    let squash = shop.github.squash(REPOSITORY, number, "ada").await.unwrap();
    let open = commits(&shop, "open", 1).await;
    let opened = shop.github.open_pull(REPOSITORY, "open", "main", "Open", "ada").await.unwrap();
    let alone = commits(&shop, "alone", 1).await;

    let wanted = [first.as_str(), &merged[0], &squashed[0][..9], &open[0], &alone[0], "0123456789"];
    let report = shop.look_for(&wanted).await.read.unwrap();
    assert!(report.branches[0].revisions.is_empty(), "nothing came to the branch");
    let asked: Vec<&str> = report.looked_up.iter().map(|one| one.wanted.as_str()).collect();
    assert_eq!(asked, wanted);
    assert_eq!(carried(found(&report, 0)), [("main", first.as_str())], "it stands on the branch itself");
    assert_eq!(carried(found(&report, 1)), [("main", merge.as_str())]);
    assert_eq!(carried(found(&report, 2)), [("main", squash.as_str())]);
    assert_eq!(found(&report, 2).commit.revision.as_str(), squashed[0], "of the beginning the whole id");
    let waiting = found(&report, 3);
    assert_eq!(carried(waiting), []);
    let pull = waiting.commit.pull_request.as_ref().unwrap();
    assert_eq!((pull.number, &pull.end), (opened, &PullRequestFate::Open));
    assert_eq!((carried(found(&report, 4)), &found(&report, 4).commit.pull_request), (vec![], &None));
    assert!(report.looked_up[5].found.is_none());
}

#[tokio::test]
async fn a_comparison_that_github_does_not_answer_ends_no_read() {
    let shop = Shop::open("1.4.1").await;
    let known = shop.head().await;
    let topic = commits(&shop, "topic", 1).await;
    let number = shop.github.open_pull(REPOSITORY, "topic", "main", "A note", "ada").await.unwrap();
    let merge = shop.github.merge(REPOSITORY, number, "ada").await.unwrap();
    let compare = || Matcher::rest("GET", "/repos/*/*/compare/*");

    // What a merge brought is not known, and everything else of the branch is.
    shop.github.fail(compare(), Fault::Status(502));
    let report = shop.read(vec![known], vec![]).await.read.unwrap();
    let line: Vec<&str> = report.branches[0].revisions.iter().map(|commit| commit.revision.as_str()).collect();
    assert_eq!((line, report.branches[0].beside.len()), (vec![merge.as_str()], 0));

    // One look fails, and says so; the one after it is answered.
    shop.github.fail(compare(), Fault::Status(502));
    let report = shop.look_for(&[&topic[0], &merge]).await.read.unwrap();
    let failed: Vec<bool> = report.looked_up.iter().map(|one| one.failed).collect();
    assert_eq!((failed, report.looked_up[0].found.is_none()), (vec![true, false], true));
    assert_eq!(carried(found(&report, 1)), [("main", merge.as_str())]);
}

/// The number of the pull request that brought each branch's carrier.
fn brought(found: &FoundCommit) -> Vec<(&str, Option<u64>)> {
    let number = |by: &CommitReport| by.pull_request.as_ref().map(|pull| pull.number);
    found.carried.iter().map(|one| (one.branch.as_str(), number(&one.by))).collect()
}

#[tokio::test]
async fn each_branch_has_the_pull_request_that_brought_a_commit_to_it() {
    let shop = Shop::open("1.4.1").await;
    let merged = commits(&shop, "merged", 1).await;
    shop.github.push_files(REPOSITORY, "live", &[("notes/live.txt", Some("1\n"))], "Begin", "ada").await.unwrap();
    let first = shop.github.open_pull(REPOSITORY, "merged", "main", "Merged", "ada").await.unwrap();
    let merge = shop.github.merge(REPOSITORY, first, "ada").await.unwrap();
    let squashed = commits(&shop, "squashed", 1).await;
    let second = shop.github.open_pull(REPOSITORY, "squashed", "main", "Squashed", "ada").await.unwrap();
    let squash = shop.github.squash(REPOSITORY, second, "ada").await.unwrap();
    let direct = commits(&shop, "main", 1).await;
    let on = shop.github.open_pull(REPOSITORY, "main", "live", "Promote", "ada").await.unwrap();
    let promotion = shop.github.merge(REPOSITORY, on, "ada").await.unwrap();

    let wanted = [merged[0].as_str(), &squashed[0], &direct[0]];
    let report = shop.look_on(&["main", "live"], &wanted).await.read.unwrap();
    assert_eq!(carried(found(&report, 0)), [("main", merge.as_str()), ("live", promotion.as_str())]);
    assert_eq!(brought(found(&report, 0)), [("main", Some(first)), ("live", Some(on))]);
    // It is on both as the commit that it became.
    assert_eq!(carried(found(&report, 1)), [("main", squash.as_str()), ("live", promotion.as_str())]);
    assert_eq!(brought(found(&report, 1)), [("main", Some(second)), ("live", Some(on))]);
    // The pull request that took it on did not bring it to where it was pushed.
    assert_eq!(brought(found(&report, 2)), [("main", None), ("live", Some(on))]);
    assert!(found(&report, 2).carried.iter().all(|one| one.by.pull_request_known));
}

#[tokio::test]
async fn a_pull_request_that_github_has_not_linked_yet_is_not_known_to_be_none() {
    let shop = Shop::open("1.4.1").await;
    let known = shop.head().await;
    for (path, subject) in [("a.txt", "Raise it"), ("b.txt", "Raise it more (#7)")] {
        shop.github.push_files(REPOSITORY, "main", &[(path, Some("1\n"))], subject, "ada").await.unwrap();
    }
    let report = shop.read(vec![known], vec![]).await.read.unwrap();
    let known_of = |report: &ReadReport| -> Vec<(String, bool)> {
        let commits = report.branches[0].revisions.iter();
        commits.map(|one| (one.subject.clone(), one.pull_request_known)).collect()
    };
    assert_eq!(known_of(&report), [("Raise it".into(), true), ("Raise it more (#7)".into(), false)]);
    let known = shop.head().await;
    shop.github.push_files(REPOSITORY, "main", &[("c.txt", Some("1\n"))], "Lower it", "ada").await.unwrap();
    shop.github.fail(Matcher::rest("GET", "/repos/*/*/commits/*/pulls"), Fault::Status(502));
    let report = shop.read(vec![known], vec![]).await.read.unwrap();
    assert_eq!(known_of(&report), [("Lower it".into(), false)]);
}

#[tokio::test]
async fn a_revision_that_github_does_not_compare_ends_no_read() {
    let shop = Shop::open("1.4.1").await;
    let first = shop.head().await;
    commits(&shop, "main", 1).await;
    shop.github.fail(Matcher::rest("GET", "/repos/*/*/compare/*"), Fault::Status(502));
    let report = shop.place(&first).await.read.unwrap();
    assert_eq!(report.placed_revisions.len(), 0, "it comes again");
    let report = shop.place(&first).await.read.unwrap();
    assert_eq!(report.placed_revisions[0].contains, Some(first.revision));
}

#[tokio::test]
async fn a_look_does_not_take_a_link_that_is_missing_for_none() {
    let shop = Shop::open("1.4.1").await;
    for (path, subject) in [("a.txt", "Raise it"), ("b.txt", "Raise it more (#7)")] {
        shop.github.push_files(REPOSITORY, "main", &[(path, Some("1\n"))], subject, "ada").await.unwrap();
    }
    let head = shop.head().await.revision;
    let report = shop.look_for(&[head.as_str()]).await.read.unwrap();
    assert!(!found(&report, 0).carried[0].by.pull_request_known, "{report:?}");
}
