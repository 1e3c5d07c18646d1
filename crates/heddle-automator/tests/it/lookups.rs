//! Which head carries a commit: by a merge, by a squash, or none.

use heddle_core::pull_request::PullRequestFate;
use heddle_testkit::github::{Fault, Matcher};
use heddle_wire::automator::{FoundCommit, ReadReport};

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
