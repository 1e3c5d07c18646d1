#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use super::*;
use crate::{
    health::HealthStatus,
    id::{ClusterId, RepositoryId},
    image::ImageRef,
    name::SyncName,
};

const BOT: ProposalId = ProposalId(Uuid::from_u128(7));

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn revision(number: u32) -> Revision {
    format!("{number:040x}").try_into().unwrap()
}

fn main() -> BranchName {
    "main".parse().unwrap()
}

fn place(file: &str) -> Place {
    Place { file: file.into(), line: 7, object: "Kustomization".into(), field: "images[name=api].newTag".into() }
}

fn change(number: u128, to: &str, stage: Stage) -> Tracked {
    Tracked {
        rolls_back: Vec::new(),
        id: ChangeId(Uuid::from_u128(number)),
        sequence: i64::try_from(number).unwrap(),
        branch: main(),
        environment: "prod".parse().unwrap(),
        image: "ghcr.io/acme/api".parse().unwrap(),
        to: to.parse().unwrap(),
        to_digest: None,
        places: vec![place("clusters/prod/kustomization.yaml")],
        proposal: Some(BOT),
        intents: vec![IntentId(Uuid::from_u128(number + 100))],
        stage,
        ended: false,
    }
}

fn sync(name: &str, path: &str) -> FollowingSync {
    let sync = SyncName { namespace: "heddle-system".into(), name: name.into() };
    FollowingSync {
        key: RolloutKey { cluster: ClusterId(Uuid::from_u128(1)), sync },
        branch: main(),
        path: path.into(),
    }
}

/// A head of number 5 with `tag` at the place of [`change`].
fn view(tag: Option<&str>) -> ReadView {
    let standing = |tag: &str| PlacedImage {
        branch: main(),
        place: place("clusters/prod/kustomization.yaml"),
        image: "ghcr.io/acme/api".parse().unwrap(),
        tag: Some(tag.parse().unwrap()),
        digest: None,
        environments: vec!["prod".parse().unwrap()],
        governed: vec!["prod".parse().unwrap()],
    };
    let head = |ordinal: u32| HeadRevision {
        revision: revision(ordinal),
        ordinal: i64::from(ordinal),
        committed_at: at(i64::from(ordinal)),
        author: "ada".into(),
        intents: vec![IntentId(Uuid::from_u128(u128::from(ordinal) + 97))],
    };
    ReadView {
        branches: [(main(), vec![head(4), head(5)])].into(),
        standings: tag.map(standing).into_iter().collect(),
        environments: vec![EnvironmentPath {
            name: "prod".parse().unwrap(),
            path: "clusters/prod".into(),
            branch: main(),
        }],
        ended: [].into(),
        syncs: vec![sync("prod", "clusters/prod"), sync("staging", "clusters/staging")],
    }
}

fn merged(ordinal: Option<i64>, ours: bool) -> PullRequestEnd {
    PullRequestEnd::Merged { revision: revision(5), ordinal, by: Some("ada".into()), at: at(6), ours }
}

fn words(observations: &[Observation]) -> Vec<String> {
    observations
        .iter()
        .map(|seen| match &seen.fact {
            FactKind::Merged { revision, by } => {
                format!(
                    "{} merged in {} by {}",
                    seen.change.0.as_u128(),
                    &revision.as_str()[39..],
                    by.as_deref().unwrap_or("-")
                )
            }
            FactKind::Declined { by } => {
                format!("{} declined by {}", seen.change.0.as_u128(), by.as_deref().unwrap_or("-"))
            }
            FactKind::Reverted { .. } => format!("{} reverted", seen.change.0.as_u128()),
            FactKind::Superseded { by } => format!("{} superseded by {by}", seen.change.0.as_u128()),
            FactKind::Retired { .. } => format!("{} retired", seen.change.0.as_u128()),
            other => format!("{other:?}"),
        })
        .collect()
}

#[track_caller]
fn check(view: &ReadView, changes: &[Tracked], expected: &[&str]) {
    assert_eq!(words(&read(view, changes)), expected);
}

#[test]
fn a_merged_pull_request_fixes_the_rollouts() {
    let mut seen = view(Some("1.4.2"));
    seen.ended.insert(BOT, merged(Some(5), true));
    let observations = read(&seen, &[change(1, "1.4.2", Stage::Proposed)]);
    assert_eq!(words(&observations), ["1 merged in 5 by ada"]);
    let merge = observations[0].merge.clone().unwrap();
    assert_eq!((merge.ordinal, merge.rollouts), (5, vec![seen.syncs[0].key.clone()]));
}

#[test]
fn the_tag_at_its_place_is_a_merge_also_without_word_from_github() {
    // Revision 4 names the intent of change 1.
    check(&view(Some("1.4.2")), &[change(1, "1.4.2", Stage::Proposed)], &["1 merged in 4 by -"]);
    check(&view(Some("1.4.2")), &[change(9, "1.4.2", Stage::Unwritten)], &["9 merged in 5 by -"]);
    check(&view(Some("1.4.1")), &[change(1, "1.4.2", Stage::Proposed)], &[]);
}

#[test]
fn a_pull_request_that_was_moved_on_merges_its_newest_change_alone() {
    let mut seen = view(Some("1.4.3"));
    seen.ended.insert(BOT, merged(Some(5), true));
    let changes = [change(1, "1.4.2", Stage::Proposed), change(2, "1.4.3", Stage::Proposed)];
    check(&seen, &changes, &["1 superseded by 1.4.3", "2 merged in 5 by ada"]);
}

#[test]
fn a_merge_that_the_fetched_head_does_not_hold_yet_is_not_reverted() {
    let mut seen = view(Some("1.4.1"));
    seen.ended.insert(BOT, merged(None, true));
    let observations = read(&seen, &[change(1, "1.4.2", Stage::Proposed)]);
    assert_eq!(words(&observations), ["1 merged in 5 by ada"]);
    assert_eq!(observations[0].merge.as_ref().unwrap().ordinal, 6);
}

#[test]
fn merged_and_taken_back_before_the_read_is_both() {
    let mut seen = view(Some("1.4.1"));
    seen.ended.insert(BOT, merged(Some(4), true));
    check(&seen, &[change(1, "1.4.2", Stage::Proposed)], &["1 merged in 5 by ada", "1 reverted"]);
}

#[test]
fn a_person_who_merges_another_value_or_closes_declines() {
    let mut seen = view(Some("1.4.1"));
    seen.ended.insert(BOT, merged(Some(5), false));
    check(&seen, &[change(1, "1.4.2", Stage::Proposed)], &["1 declined by ada"]);
    let closed = |by_us| PullRequestEnd::Closed { by: Some("bo".into()), by_us, at: at(6) };
    seen.ended.insert(BOT, closed(false));
    check(&seen, &[change(1, "1.4.2", Stage::Proposed)], &["1 declined by bo"]);
    seen.ended.insert(BOT, closed(true));
    check(&seen, &[change(1, "1.4.2", Stage::Proposed)], &["1 retired"]);
}

#[test]
fn another_tag_at_the_place_reverts_unless_a_newer_change_put_it_there() {
    let old = change(1, "1.4.2", Stage::Merged { ordinal: 3 });
    check(&view(Some("1.4.1")), std::slice::from_ref(&old), &["1 reverted"]);
    check(&view(Some("1.4.2")), std::slice::from_ref(&old), &[]);
    check(&view(None), std::slice::from_ref(&old), &["1 retired"]);
    let new = change(2, "1.4.3", Stage::Merged { ordinal: 5 });
    check(&view(Some("1.4.3")), &[old.clone(), new], &["1 superseded by 1.4.3"]);
    let healthy = Tracked { ended: true, ..old };
    check(&view(Some("1.4.1")), &[healthy], &["1 reverted"]);
}

#[test]
fn what_a_rollback_brings_back_reverts_the_change_that_it_names() {
    let taken = Tracked { ended: true, ..change(1, "1.4.2", Stage::Merged { ordinal: 3 }) };
    let own = ProposalId(Uuid::from_u128(9));
    let back = Tracked { rolls_back: vec![taken.id], proposal: Some(own), ..change(2, "1.4.1", Stage::Proposed) };
    let mut seen = view(Some("1.4.1"));
    seen.ended.insert(own, merged(Some(5), true));
    check(&seen, &[taken, back], &["1 reverted", "1 reverted", "2 merged in 5 by ada"]);
    // One that goes to another tag and names nothing says no to nothing.
    let old = change(1, "1.4.2", Stage::Merged { ordinal: 3 });
    let lower = change(2, "1.4.1", Stage::Merged { ordinal: 5 });
    check(&view(Some("1.4.1")), &[old, lower], &["1 superseded by 1.4.1"]);
}

#[test]
fn a_waiting_change_ends_with_its_place_or_its_rule() {
    check(&view(None), &[change(1, "1.4.2", Stage::Unwritten)], &["1 retired"]);
    let mut seen = view(Some("1.4.1"));
    check(&seen, &[change(1, "1.4.2", Stage::Unwritten)], &[]);
    seen.standings[0].governed.clear();
    let waiting = Tracked { proposal: None, ..change(1, "1.4.2", Stage::Unwritten) };
    check(&seen, &[waiting], &["1 retired"]);
    // It is about to be written, and whoever asked for it needs no rule.
    check(&seen, &[change(1, "1.4.2", Stage::Unwritten)], &[]);
}

#[test]
fn a_moved_file_keeps_its_change() {
    let mut seen = view(Some("1.4.2"));
    seen.standings[0].place.file = "clusters/prod/api/kustomization.yaml".into();
    check(&seen, &[change(1, "1.4.2", Stage::Merged { ordinal: 3 })], &[]);
}

#[test]
fn a_sync_of_a_part_follows_what_lies_in_its_part_and_shared_bases() {
    let environments = view(None).environments;
    let syncs = [sync("a", "clusters/prod/a"), sync("b", "clusters/prod/b"), sync("all", "clusters/prod")];
    let names = |file: &str| {
        let change = Tracked { places: vec![place(file)], ..change(1, "1.4.2", Stage::Proposed) };
        let keys = rollouts_of(&change, &environments, &syncs);
        keys.into_iter().map(|key| key.sync.name).collect::<Vec<_>>()
    };
    assert_eq!(names("clusters/prod/a/x.yaml"), ["a", "all"]);
    assert_eq!(names("base/x.yaml"), ["a", "all", "b"]);
}

#[test]
fn the_longest_path_names_the_environment() {
    let path =
        |name: &str, path: &str| EnvironmentPath { name: name.parse().unwrap(), path: path.into(), branch: main() };
    let environments = [path("root", ""), path("prod", "clusters/prod"), path("eu", "clusters/prod/eu")];
    let name = |path: &str| environment_of(&environments, &main(), path).map(|found| found.name.to_string());
    assert_eq!(name("clusters/prod/eu/shop").as_deref(), Some("eu"));
    assert_eq!(name("clusters/production").as_deref(), Some("root"));
    assert_eq!(name("clusters/prod").as_deref(), Some("prod"));
}

fn rolling(to: &str, merged_ordinal: i64) -> Rolling {
    Rolling {
        id: ChangeId(Uuid::from_u128(1)),
        repository: RepositoryId(Uuid::from_u128(2)),
        branch: "main".parse().unwrap(),
        image: "ghcr.io/acme/api".parse().unwrap(),
        to: to.parse().unwrap(),
        to_digest: None,
        merged_ordinal,
        replaced_ordinal: None,
        rollouts: vec![sync("prod", "clusters/prod").key],
    }
}

fn deployed(ordinal: i64, what: DeployedWhat) -> Deployed {
    Deployed {
        rollout: sync("prod", "clusters/prod").key,
        repository: RepositoryId(Uuid::from_u128(2)),
        branch: "main".parse().unwrap(),
        revision: revision(5),
        ordinal,
        at: at(9),
        what,
    }
}

fn image(text: &str) -> ImageRef {
    text.parse().unwrap()
}

#[test]
fn a_deployment_counts_for_what_its_revision_contains() {
    let applied = |ordinal, tag: &str| {
        deployed(ordinal, DeployedWhat::Applied { images: vec![image(&format!("ghcr.io/acme/api:{tag}"))] })
    };
    let kind = |event: Deployed| report(&[event], &[rolling("1.4.2", 5)]).pop().map(|seen| seen.fact);
    assert_eq!(kind(applied(4, "1.4.2")), None);
    assert!(matches!(kind(applied(5, "1.4.2")), Some(FactKind::Applied { .. })));
    assert!(matches!(kind(applied(6, "1.4.3")), Some(FactKind::Skipped { .. })));
    let elsewhere = Deployed { rollout: sync("other", "x").key, ..applied(5, "1.4.2") };
    assert_eq!(kind(elsewhere), None);
    // The number counts on its own branch of its own repository.
    let of_branch = Deployed { branch: "release".parse().unwrap(), ..applied(9, "1.4.2") };
    assert_eq!(kind(of_branch), None);
    let of_repository = Deployed { repository: RepositoryId(Uuid::from_u128(3)), ..applied(9, "1.4.2") };
    assert_eq!(kind(of_repository), None);
}

#[test]
fn what_was_applied_beside_an_error_is_applied() {
    let failed = |tag: &str| {
        let images = vec![image(&format!("ghcr.io/acme/api:{tag}"))];
        deployed(5, DeployedWhat::Failed { images, message: "bad.yaml:3: no".into() })
    };
    let kind = |event: Deployed, change: Rolling| report(&[event], &[change]).pop().map(|seen| seen.fact);
    assert!(matches!(kind(failed("1.4.2"), rolling("1.4.2", 5)), Some(FactKind::Applied { .. })));
    assert!(matches!(kind(failed("1.4.1"), rolling("1.4.2", 5)), Some(FactKind::ApplyFailed { .. })));
    let replaced = Rolling { replaced_ordinal: Some(5), ..rolling("1.4.2", 3) };
    assert!(matches!(kind(failed("1.4.3"), replaced), Some(FactKind::Skipped { .. })));
}

#[test]
fn health_counts_for_the_image_it_speaks_of() {
    let health = |text: &str| {
        deployed(5, DeployedWhat::Health { image: image(text), status: HealthStatus::Healthy, reason: None })
    };
    let seen = |event: Deployed, change: Rolling| report(&[event], &[change]).len();
    assert_eq!(seen(health("ghcr.io/acme/api:1.4.2"), rolling("1.4.2", 5)), 1);
    assert_eq!(seen(health("ghcr.io/acme/web:1.4.2"), rolling("1.4.2", 5)), 0);
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let pinned = Rolling { to_digest: Some(digest("a").parse().unwrap()), ..rolling("1.4.2", 5) };
    assert_eq!(seen(health(&format!("ghcr.io/acme/api@{}", digest("a"))), pinned.clone()), 1);
    assert_eq!(seen(health(&format!("ghcr.io/acme/api:1.4.2@{}", digest("b"))), pinned), 0);
}

#[test]
fn what_a_person_took_back_is_barred_until_something_newer_stands() {
    let past = |id, tag, taken_back| {
        let Tracked { id, sequence, branch, environment, image, to, to_digest, places, .. } =
            change(id, tag, Stage::Settled);
        PastChange { id, sequence, branch, environment, image, to, to_digest, places, taken_back }
    };
    let taken = past(1, "1.4.2", Some(TakenBack::Declined { by: Some("ada".into()), number: Some(41) }));
    let newer = past(2, "1.4.3", None);
    let found = barred(std::slice::from_ref(&taken));
    assert_eq!(found[0].reason, "declined by ada (#41)");
    assert_eq!(found[0].place, place("x").key());
    assert!(barred(&[taken.clone(), newer.clone()]).is_empty());
    let also = TakenBack::Reverted { revision: revision(5) };
    let both = barred(&[taken, PastChange { taken_back: Some(also), ..newer }]);
    assert_eq!(both.iter().map(|one| one.tag.as_str()).collect::<Vec<_>>(), ["1.4.2", "1.4.3"]);
}
