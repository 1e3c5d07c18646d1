//! What people keep back and take back: holds, freezes, rollbacks.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::Mode,
    id::{ChangeId, RepositoryId},
    image::Digest,
    place::Place,
    policy::{Signer, SignerId, TagPolicy},
    request::{Asked, Override, RequestState, RuleEdit},
};
use heddle_wire::{
    automator::{
        Done, EnvironmentReport, GoverningRule, Occurrence, PlannedChange, PromotionReport, ProposalState,
        PullRequestState, ReadReport, RulesFile, Work,
    },
    view::{
        Grant, NewRequest, SetGrants, Wish, WishedHold, WishedPromotion, WishedRelease, WishedResume, WishedRollback,
        WishedRollbackSince, WishedTag,
    },
};

use crate::{
    asked::{ask_for, code, eve, only, preview, release, seen, settled, shown, token},
    loom::{Loom, at, revision},
    steps::{lease_update, merge_one, one_change, push, read, scan},
    told::{IMAGE, plan, planned, pull_request, read_report, written},
};

const RULES: &str = "version: 1\nenvironments: [{name: prod, path: clusters/prod}]\n";

/// A read of a head whose `.heddle.yaml` says this.
fn with_rules(commits: &[u32], tag: &str, text: &str) -> ReadReport {
    ReadReport { rules: Some(RulesFile { text: Some(text.to_owned()) }), ..read_report(commits, tag) }
}

fn hold(tag: Option<&str>) -> Wish {
    Wish::Hold(WishedHold {
        repository: None,
        image: Some(IMAGE.to_owned()),
        environment: Some("prod".parse().unwrap()),
        tag: tag.map(|tag| tag.parse().unwrap()),
        until: None,
    })
}

#[tokio::test]
async fn a_hold_is_shown_as_the_lines_that_change_and_leased_as_an_entry() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    read(&loom, with_rules(&[2], "1.4.1", RULES)).await;
    let preview = shown(&loom.user, &loom, &hold(Some("1.4.1"))).await.unwrap();
    assert_eq!((preview.mode, preview.does.as_str()), (Mode::PullRequest, "opens a pull request on acme/config"));
    assert_eq!(preview.title, format!("hold {IMAGE} in prod at 1.4.1"));
    assert_eq!(preview.environments, ["prod".parse().unwrap()]);
    let diff = preview.rules_diff.as_deref().unwrap();
    assert!(
        diff.contains(&format!("+holds:\n+- image: {IMAGE}\n+  environment: prod\n+  tag: 1.4.1\n+  by: Ada\n")),
        "{diff}"
    );

    let asked = ask_for(&loom, hold(Some("1.4.1"))).await;
    assert_eq!((asked.state, asked.image), (RequestState::Waiting, None));
    let (_, work) = lease_update(&loom).await;
    let request = only(&work);
    let [RuleEdit::Hold { entry, .. }] = request.asked.edits() else { panic!("{work:?}") };
    assert_eq!((entry.by.as_deref(), entry.tag.as_ref().unwrap().as_str()), (Some("Ada"), "1.4.1"));
    let twice = shown(&loom.user, &loom, &hold(None)).await.unwrap();
    assert!(twice.refusal.as_deref().unwrap().starts_with("Ada has asked to hold"), "{twice:?}");
    let elsewhere = Wish::Hold(WishedHold {
        repository: None,
        image: None,
        environment: Some("test".parse().unwrap()),
        tag: None,
        until: None,
    });
    assert_eq!(code(shown(&loom.user, &loom, &elsewhere).await.unwrap_err()), "not-found");
}

#[tokio::test]
async fn what_is_held_is_listed_stands_in_the_way_of_a_release_and_is_ended_as_it_stands() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    let held = format!("{RULES}holds:\n  - {{image: \"{IMAGE}\", environment: prod, tag: 1.4.1, reason: audit}}\n");
    read(&loom, with_rules(&[2], "1.4.1", &held)).await;
    let listed = loom.user.holds(loom.organization).await.unwrap();
    assert_eq!((listed.len(), listed[0].holds.len(), listed[0].unknown.as_deref()), (1, 1, None));

    let release = preview(&loom, Some("1.4.0")).await.unwrap();
    assert_eq!(release.gates.len(), 1, "{release:?}");
    assert_eq!(release.gates[0].despite, Some(Override::Hold));
    assert_eq!(release.gates[0].reason, "held at `1.4.1`: audit (`.heddle.yaml:4`)");

    let wish = |environment: Option<&str>| {
        let environment = environment.map(|name| name.parse().unwrap());
        Wish::Resume(WishedResume { repository: None, image: Some(IMAGE.to_owned()), environment })
    };
    let missing = shown(&loom.user, &loom, &wish(None)).await.unwrap_err();
    assert_eq!(code(missing), "not-found");
    let resume = shown(&loom.user, &loom, &wish(Some("prod"))).await.unwrap();
    assert!(resume.rules_diff.as_deref().unwrap().contains("-holds:"), "{resume:?}");
    // What is known of the file is what a read told.
    push(&loom).await;
    read(&loom, ReadReport { rules: None, ..read_report(&[3], "1.4.1") }).await;
    assert_eq!(code(shown(&loom.user, &loom, &wish(Some("prod"))).await.unwrap_err()), "rules-unread");
}

#[tokio::test]
async fn an_operator_holds_where_each_environment_that_differs_was_granted() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    read(&loom, with_rules(&[2], "1.4.1", RULES)).await;
    let operator = token(&loom, "operator").await;
    let preview = shown(&operator, &loom, &hold(None)).await.unwrap();
    assert!(preview.refusal.as_deref().unwrap().contains("none for `prod`"), "{preview:?}");
    let asked = NewRequest { wish: hold(None), reason: None, shown: preview.shown };
    assert_eq!(code(operator.create_request(loom.organization, &asked).await.unwrap_err()), "grant-missing");
    grant(&loom, preview.repository, &["prod"]).await;
    operator.create_request(loom.organization, &asked).await.unwrap();
}

/// Grants these environments of the repository to Ada, and none else.
async fn grant(loom: &Loom, repository: RepositoryId, environments: &[&str]) {
    let grants = environments.iter().map(|name| Grant { repository, environment: name.parse().unwrap() });
    let user = loom.user.me().await.unwrap().id;
    loom.user.set_grants(loom.organization, user, &SetGrants { grants: grants.collect() }).await.unwrap();
}

/// A read of two environments that share the one place.
fn shared(commits: &[u32], tag: &str, text: &str) -> ReadReport {
    let mut report = with_rules(commits, tag, text);
    let staging = EnvironmentReport { name: "staging".parse().unwrap(), ..report.environments[0].clone() };
    report.environments.insert(0, staging);
    report.occurrences[0].environments.insert(0, "staging".parse().unwrap());
    let rule = report.occurrences[0].rules[0].clone();
    report.occurrences[0].rules.push(GoverningRule { environment: "staging".parse().unwrap(), ..rule });
    report
}

#[tokio::test]
async fn a_hold_touches_the_environments_that_share_its_places_and_one_without_a_name_all() {
    let rules =
        "version: 1\nenvironments: [{name: prod, path: clusters/prod}, {name: staging, path: clusters/staging}]\n";
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    read(&loom, shared(&[2], "1.4.1", rules)).await;
    let operator = token(&loom, "operator").await;
    let seen = shown(&operator, &loom, &hold(None)).await.unwrap();
    assert_eq!(seen.environments, ["prod".parse().unwrap(), "staging".parse().unwrap()]);
    grant(&loom, seen.repository, &["prod"]).await;
    let refusal = shown(&operator, &loom, &hold(None)).await.unwrap().refusal;
    assert!(refusal.as_deref().unwrap().contains("none for `staging`"), "{refusal:?}");

    let Wish::Hold(wished) = hold(None) else { panic!() };
    let everywhere = Wish::Hold(WishedHold { environment: None, ..wished });
    let refusal = shown(&operator, &loom, &everywhere).await.unwrap().refusal;
    assert!(refusal.as_deref().unwrap().contains("none for `staging`"), "{refusal:?}");
    grant(&loom, seen.repository, &["prod", "staging"]).await;
    assert_eq!(shown(&operator, &loom, &everywhere).await.unwrap().refusal, None);
}

#[tokio::test]
async fn what_touches_no_environment_that_is_known_takes_the_role_admin() {
    let loom = Loom::start().await;
    let mut report = with_rules(&[1], "1.4.1", "version: 1\n");
    report.environments.clear();
    report.occurrences.clear();
    read(&loom, report).await;
    let operator = token(&loom, "operator").await;
    let wish = Wish::Hold(WishedHold {
        repository: None,
        image: Some(IMAGE.to_owned()),
        environment: None,
        tag: None,
        until: None,
    });
    let preview = shown(&operator, &loom, &wish).await.unwrap();
    assert!(preview.refusal.as_deref().unwrap().contains("takes the role admin"), "{preview:?}");
    let asked = NewRequest { wish, reason: None, shown: preview.shown };
    assert_eq!(code(operator.create_request(loom.organization, &asked).await.unwrap_err()), "grant-missing");
    loom.user.create_request(loom.organization, &asked).await.unwrap();
}

#[tokio::test]
async fn what_somebody_else_holds_must_be_named_by_a_release_with_a_hold_too() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    let held =
        format!("{RULES}holds: [{{image: \"{IMAGE}\", environment: prod, tag: 1.4.1, by: Eve, reason: audit}}]\n");
    read(&loom, with_rules(&[2], "1.4.1", &held)).await;
    let Wish::Release(wished) = release(Some("1.4.0")) else { panic!() };
    let with_hold = WishedRelease { hold: true, despite: vec![], ..wished };
    let preview = shown(&loom.user, &loom, &Wish::Release(with_hold.clone())).await.unwrap();
    assert_eq!(preview.gates.len(), 1, "{preview:?}");
    let ended = WishedRelease { hold_until: Some(at(0)), ..with_hold };
    let refused = shown(&loom.user, &loom, &Wish::Release(ended)).await.unwrap_err();
    assert!(refused.to_string().contains("would have ended already"), "{refused}");
    // What stands there is shown, and another is not written over.
    ask_for(&loom, hold(None)).await;
    let (_, work) = lease_update(&loom).await;
    let request = only(&work);
    let [RuleEdit::Hold { replaces, .. }] = request.asked.edits() else { panic!("{request:?}") };
    assert_eq!(replaces.as_ref().unwrap()[0].by.as_deref(), Some("Eve"));
}

#[tokio::test]
async fn an_automator_that_does_not_know_a_request_is_not_given_it() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    read(&loom, with_rules(&[2], "1.4.1", RULES)).await;
    let (update, _) = lease_update(&loom).await;
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let asked = ask_for(&loom, hold(None)).await;
    assert!(loom.try_lease_as(0, 2).await.is_none(), "it would write over a hold that nobody was shown");
    let lease = loom.try_lease_as(0, 3).await.unwrap();
    loom.automator.done(&lease, &Done::default()).await.unwrap();
    loom.user.withdraw_request(loom.organization, asked.id).await.unwrap();
    assert!(loom.try_lease_as(0, 1).await.is_some());
}

#[tokio::test]
async fn a_release_with_a_hold_goes_by_pull_request_and_says_what_keeps_the_tag() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    read(&loom, with_rules(&[2], "1.4.1", RULES)).await;
    let Wish::Release(wished) = release(Some("1.4.0")) else { panic!() };
    let with_hold = Wish::Release(WishedRelease { hold: true, ..wished });
    let preview = shown(&loom.user, &loom, &with_hold).await.unwrap();
    assert_eq!((preview.mode, preview.afterwards), (Mode::PullRequest, None));
    assert!(preview.rules_diff.unwrap().contains("+  tag: 1.4.0\n"));
    ask_for(&loom, with_hold).await;
    let (_, work) = lease_update(&loom).await;
    assert_eq!(only(&work).asked.edits().len(), 1);
}

#[tokio::test]
async fn a_rollback_brings_back_what_stood_before_and_bars_what_it_takes_back() {
    let loom = Loom::start().await;
    merge_one(&loom).await;
    let change = one_change(&loom).await.id;
    let wish = |to: Option<&str>| back(change, to);
    // Nobody saw 1.4.1 healthy there, so somebody has to name it.
    let unproven = shown(&loom.user, &loom, &wish(None)).await.unwrap_err();
    assert!(
        unproven.to_string().contains("`1.4.1` stood there before, and was not seen healthy in prod"),
        "{unproven}"
    );
    let preview = shown(&loom.user, &loom, &wish(Some("1.4.1"))).await.unwrap();
    assert_eq!((preview.steps[0].to.as_str(), preview.steps[0].places.len(), preview.left.len()), ("1.4.1", 1, 0));
    let asked = ask_for(&loom, wish(Some("1.4.1"))).await;
    assert_eq!(asked.title, format!("roll {IMAGE} back to 1.4.1 in prod"));

    let (update, work) = lease_update(&loom).await;
    let request = only(&work);
    let Asked::Rollback(rollback) = &request.asked else { panic!("{request:?}") };
    assert_eq!(rollback.steps[0].change, change);
    let mut plan = plan(Mode::Commit, None, planned("1.4.2", "1.4.1"));
    plan.proposals[0].request = Some(request.id);
    let posted = loom.automator.intents(&update, &plan).await.unwrap().intents.remove(0);
    let commit = heddle_core::change::ProposalRef::Commit { revision: revision(3), url: None };
    loom.automator.outcome(&update, posted.id, &written(commit, 3)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Merged);
    read(&loom, read_report(&[3], "1.4.1")).await;
    let (update, work) = lease_update(&loom).await;
    let barred: Vec<&str> = work.barred.iter().map(|one| one.tag.as_str()).collect();
    assert_eq!(barred, ["1.4.2"], "{:?}", work.barred);
    loom.automator.done(&update, &Done::default()).await.unwrap();

    // The place says something else by now, so nothing of the change is left to take back.
    let twice = shown(&loom.user, &loom, &wish(Some("1.4.1"))).await.unwrap_err();
    assert_eq!(code(twice), "nothing-to-roll-back");
}

#[tokio::test]
async fn a_freeze_takes_the_role_admin_and_its_end_names_it_whole() {
    use heddle_wire::view::{WishedFreeze, WishedThaw};
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    push(&loom).await;
    read(&loom, with_rules(&[2], "1.4.1", RULES)).await;
    let (from, to) = ("2199-12-20T00:00:00Z".parse().unwrap(), "2200-01-03T00:00:00Z".parse().unwrap());
    let environments = vec!["prod".parse().unwrap()];
    let freeze = Wish::Freeze(WishedFreeze { repository: None, environments: environments.clone(), from, to });
    let preview = shown(&loom.user, &loom, &freeze).await.unwrap();
    assert!(preview.rules_diff.as_deref().unwrap().contains("+freezes:\n+- environments:\n+  - prod\n"), "{preview:?}");

    let (user, eve) = eve(&loom, "operator").await;
    let grants = vec![Grant { repository: preview.repository, environment: environments[0].clone() }];
    loom.user.set_grants(loom.organization, user, &SetGrants { grants }).await.unwrap();
    let refused = shown(&eve, &loom, &freeze).await.unwrap().refusal;
    assert!(refused.unwrap().starts_with("a freeze and its end take the role admin"));
    let asked = NewRequest { wish: freeze.clone(), reason: None, shown: preview.shown };
    assert_eq!(code(eve.create_request(loom.organization, &asked).await.unwrap_err()), "grant-missing");
    ask_for(&loom, freeze).await;

    push(&loom).await;
    let text = format!("{RULES}freezes: [{{environments: [prod], from: 2199-12-20, to: 2200-01-03}}]\n");
    read(&loom, with_rules(&[3], "1.4.1", &text)).await;
    let listed = loom.user.holds(loom.organization).await.unwrap().remove(0).freezes.remove(0);
    let thaw = Wish::Thaw(WishedThaw { repository: None, freeze: listed });
    let preview = shown(&loom.user, &loom, &thaw).await.unwrap();
    assert!(preview.rules_diff.unwrap().contains("-freezes:"));
}

/// A change of 1.4.1 to another build of the same tag, which is merged.
async fn merge_a_digest(loom: &Loom) -> ChangeId {
    let pinned = |commits: &[u32], letter: char| {
        let mut report = read_report(commits, "1.4.1");
        report.occurrences[0].image = format!("{IMAGE}:1.4.1@{}", digest(letter)).parse().unwrap();
        report
    };
    read(loom, pinned(&[1], 'a')).await;
    let update = scan(loom, &["1.4.0", "1.4.1"]).await;
    let moved =
        PlannedChange { from_digest: Some(digest('a')), to_digest: Some(digest('b')), ..planned("1.4.1", "1.4.1") };
    let posted = loom.automator.intents(&update, &plan(Mode::PullRequest, None, moved)).await.unwrap();
    let intent = &posted.intents[0];
    loom.automator.outcome(&update, intent.id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let merged = PullRequestState::Merged { revision: revision(2), by: Some("ada".into()), at: at(30) };
    let state = ProposalState { id: intent.proposal, state: merged, head: None, ours: true };
    push(loom).await;
    read(loom, ReadReport { proposals: vec![state], ..pinned(&[2], 'b') }).await;
    one_change(loom).await.id
}

fn digest(letter: char) -> Digest {
    format!("sha256:{}", letter.to_string().repeat(64)).parse().unwrap()
}

fn back(change: ChangeId, to: Option<&str>) -> Wish {
    let to = to.map(|tag| tag.parse().unwrap());
    Wish::Rollback(WishedRollback { change, to, by_pull_request: false, despite: Vec::new() })
}

#[tokio::test]
async fn a_digest_that_nobody_saw_healthy_comes_back_by_name_alone() {
    let loom = Loom::start().await;
    let change = merge_a_digest(&loom).await;
    let unproven = shown(&loom.user, &loom, &back(change, None)).await.unwrap_err();
    assert!(
        unproven.to_string().contains("`1.4.1` stood there before, and was not seen healthy in prod"),
        "{unproven}"
    );
    ask_for(&loom, back(change, Some("1.4.1"))).await;
    let (_, work) = lease_update(&loom).await;
    let Asked::Rollback(rollback) = only(&work).asked else { panic!("{work:?}") };
    assert_eq!(rollback.steps[0].to_digest, Some(digest('a')));
}

#[tokio::test]
async fn a_rollback_to_a_tag_whose_digest_nobody_knows_waits_for_a_scan_that_looks_it_up() {
    let loom = Loom::start().await;
    let change = merge_a_digest(&loom).await;
    let seen = shown(&loom.user, &loom, &back(change, Some("1.4.0"))).await.unwrap();
    assert!(seen.notes.iter().any(|note| note.contains("a scan looks it up")), "{:?}", seen.notes);
    ask_for(&loom, back(change, Some("1.4.0"))).await;
    waits_for_a_scan(&loom).await;
}

/// The one request waits for a scan, which is due.
async fn waits_for_a_scan(loom: &Loom) {
    let (mut has_scan, mut update) = (false, None);
    while let Some(lease) = loom.try_lease(0).await {
        match lease.work {
            Work::Scan(_) => has_scan = true,
            Work::Update(work) => update = Some(work),
            other => panic!("{other:?}"),
        }
    }
    assert!(has_scan, "it is asked for with the request");
    assert!(only(&update.unwrap()).awaits_digest);
}

#[tokio::test]
async fn so_does_a_release_where_the_rule_pins_and_no_digest_stands() {
    let loom = Loom::start().await;
    let pinning = || {
        let mut report = read_report(&[1], "1.4.1");
        let policy = report.occurrences[0].rules[0].policy.take().unwrap();
        report.occurrences[0].rules[0].policy = Some(TagPolicy { pin_digest: true, ..policy });
        report
    };
    read(&loom, pinning()).await;
    let update = scan(&loom, &["1.4.0", "1.4.1"]).await;
    loom.automator.done(&update, &Done::default()).await.unwrap();
    ask_for(&loom, release(Some("1.4.0"))).await;
    waits_for_a_scan(&loom).await;
}

fn since(at: DateTime<Utc>, to: &[(&str, &str)]) -> Wish {
    let tag = |(image, tag): &(&str, &str)| WishedTag { image: image.parse().unwrap(), tag: tag.parse().unwrap() };
    Wish::RollbackSince(WishedRollbackSince {
        repository: None,
        environment: "prod".parse().unwrap(),
        since: at,
        to: to.iter().map(tag).collect(),
        despite: Vec::new(),
    })
}

#[tokio::test]
async fn everything_since_an_instant_goes_back_as_one_pull_request() {
    let loom = Loom::start().await;
    merge_one(&loom).await;
    let change = one_change(&loom).await.id;
    let nothing = shown(&loom.user, &loom, &since(at(31), &[])).await.unwrap_err();
    assert_eq!(code(nothing), "nothing-to-roll-back");
    // Nobody saw 1.4.1 healthy there, so it is listed with what to do.
    let unproven = shown(&loom.user, &loom, &since(at(30), &[])).await.unwrap_err();
    assert!(unproven.to_string().contains("not seen healthy in prod; name the tag"), "{unproven}");
    let other = shown(&loom.user, &loom, &since(at(30), &[("acme/other", "1.0.0")])).await.unwrap_err();
    assert!(other.to_string().contains("nothing came of docker.io/acme/other"), "{other}");

    let preview = shown(&loom.user, &loom, &since(at(30), &[(IMAGE, "1.4.1")])).await.unwrap();
    assert_eq!((preview.mode, preview.title.as_str()), (Mode::PullRequest, "roll prod back to 2026-06-01 12:00 UTC"));
    assert_eq!((preview.steps.len(), preview.steps[0].to.as_str(), preview.left.len()), (1, "1.4.1", 0));
    ask_for(&loom, since(at(30), &[(IMAGE, "1.4.1")])).await;
    let (_, work) = lease_update(&loom).await;
    let Asked::Rollback(rollback) = only(&work).asked else { panic!("{work:?}") };
    assert_eq!((rollback.since, rollback.steps[0].change), (Some(at(30)), change));

    // What a person set since then is listed, and left.
    push(&loom).await;
    read(&loom, read_report(&[3], "1.4.3")).await;
    let moved = shown(&loom.user, &loom, &since(at(30), &[])).await.unwrap_err();
    assert!(moved.to_string().contains("says `1.4.3` by now, and the change wrote `1.4.2`"), "{moved}");
}

/// A read of staging, which prod follows, each with a place of its own.
fn two(commits: &[u32], staging: &str, prod: &str) -> ReadReport {
    let mut report = read_report(commits, prod);
    let before = EnvironmentReport {
        name: "staging".parse().unwrap(),
        path: "clusters/staging".into(),
        ..report.environments[0].clone()
    };
    report.environments[0].promotion = Some(PromotionReport { from: "staging".parse().unwrap(), after_secs: 86_400 });
    report.environments.insert(0, before);
    let mut place = report.occurrences[0].clone();
    place.place.file = "clusters/staging/kustomization.yaml".into();
    place.image = format!("{IMAGE}:{staging}").parse().unwrap();
    place.environments = vec!["staging".parse().unwrap()];
    place.rules.clear();
    report.occurrences.insert(0, place);
    report
}

fn promote(images: &[&str]) -> Wish {
    Wish::Promote(WishedPromotion {
        repository: None,
        environment: "prod".parse().unwrap(),
        from: None,
        images: images.iter().map(|image| image.parse().unwrap()).collect(),
        by_pull_request: false,
        despite: Vec::new(),
    })
}

/// 1.4.2 was healthy in staging, and 1.4.1 stands in prod, where `more` stands beside it.
async fn healthy_before(more: Option<Occurrence>) -> Loom {
    let loom = Loom::start().await;
    merge_one(&loom).await;
    let mut owner = loom.owner().await;
    let sql = "update changes set environment = 'staging', ended = 'healthy', ended_at = now(), end_seen_at = now()";
    sqlx::query(sql).execute(&mut owner).await.unwrap();
    push(&loom).await;
    let mut report = two(&[3], "1.4.2", "1.4.1");
    report.occurrences.extend(more);
    read(&loom, report).await;
    loom
}

#[tokio::test]
async fn what_is_healthy_before_is_promoted_where_the_rule_of_each_place_would_take_it() {
    let loom = healthy_before(None).await;
    let seen = shown(&loom.user, &loom, &promote(&[])).await.unwrap();
    assert_eq!(seen.title, format!("promote {IMAGE} 1.4.2 from staging to prod"));
    assert_eq!((seen.steps.len(), seen.steps[0].places.len(), seen.mode), (1, 1, Mode::PullRequest));
    let operator = token(&loom, "operator").await;
    grant(&loom, seen.repository, &["staging"]).await;
    let refusal = shown(&operator, &loom, &promote(&[])).await.unwrap().refusal;
    assert!(refusal.as_deref().unwrap().contains("none for `prod`"), "{refusal:?}");
    let unknown = shown(&loom.user, &loom, &promote(&["acme/other"])).await.unwrap_err();
    assert!(unknown.to_string().contains("nobody saw a change of docker.io/acme/other healthy"), "{unknown}");
    ask_for(&loom, promote(&[IMAGE])).await;
    assert!(loom.try_lease_as(0, 2).await.is_none(), "an automator must know it");
    let (_, work) = lease_update(&loom).await;
    let Asked::Promotion(promotion) = only(&work).asked else { panic!("{work:?}") };
    assert_eq!((promotion.from.as_str(), promotion.steps[0].to.as_str()), ("staging", "1.4.2"));
}

#[tokio::test]
async fn a_promotion_writes_the_digest_that_was_verified_and_no_other() {
    let loom = healthy_before(None).await;
    let signer = Signer { id: Some(SignerId::of_path("a.pub")), ..Signer::of_key("a.pub") };
    let mut report = two(&[4], "1.4.2", "1.4.1");
    report.occurrences[1].rules[0].policy.as_mut().unwrap().signed_by = vec![signer];
    push(&loom).await;
    read(&loom, report).await;
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let mut owner = loom.owner().await;
    let known = "update tags set digest = $1, verified_digest = $1, platforms = '{}', described_at = now(),
                     signatures = '[{\"signer\": \"path:a.pub\", \"signed\": \"yes\"}]' where tag = '1.4.2'";
    sqlx::query(known).bind(digest("2")).execute(&mut owner).await.unwrap();
    // Another image ran under the tag.
    let ran = "update changes set to_digest = $1 where to_tag = '1.4.2'";
    sqlx::query(ran).bind(digest("1")).execute(&mut owner).await.unwrap();
    let refused = shown(&loom.user, &loom, &promote(&[])).await.unwrap_err();
    assert!(refused.to_string().contains("the tag names another image by now"), "{refused}");
    // Which image ran is not known, or it is the one that was verified: that one is written.
    for ran_digest in [None, Some(digest("2"))] {
        sqlx::query(ran).bind(ran_digest).execute(&mut owner).await.unwrap();
        shown(&loom.user, &loom, &promote(&[])).await.unwrap();
    }
    ask_for(&loom, promote(&[IMAGE])).await;
    let (_, work) = lease_update(&loom).await;
    let Asked::Promotion(promotion) = only(&work).asked else { panic!("{work:?}") };
    assert_eq!(promotion.steps[0].to_digest.as_ref().map(ToString::to_string), Some(digest("2")));
}

#[tokio::test]
async fn a_place_that_is_above_keeps_its_image_from_being_promoted() {
    let above = read_report(&[3], "1.5.0").occurrences.remove(0);
    let place = Place { file: "clusters/prod/jobs/kustomization.yaml".into(), ..above.place.clone() };
    let loom = healthy_before(Some(Occurrence { place, ..above })).await;
    let refused = shown(&loom.user, &loom, &promote(&[])).await.unwrap_err();
    assert!(refused.to_string().contains("release it by name"), "{refused}");
}

#[tokio::test]
async fn what_came_between_is_taken_back_too() {
    let loom = Loom::start().await;
    merge_one(&loom).await;
    let first = one_change(&loom).await.id;
    // 1.4.3 follows, and the place goes back to before both.
    let wish = since(at(30), &[(IMAGE, "1.4.1")]);
    ask_for(&loom, wish).await;
    let mut owner = loom.owner().await;
    // As a change between would have been: the one that is named is another, and this one is earlier.
    let sql =
        "update requests set asked = jsonb_set(jsonb_set(asked, '{steps,0,earlier}', jsonb_build_array($1::text)),
                                                     '{steps,0,change}', to_jsonb($2::text))";
    let query = sqlx::query(sql).bind(first.0.to_string()).bind(uuid::Uuid::nil().to_string());
    query.execute(&mut owner).await.unwrap();
    sqlx::query("update changes set places = '[]', place_key = 'elsewhere'").execute(&mut owner).await.unwrap();
    let (update, work) = lease_update(&loom).await;
    let mut plan = plan(Mode::Commit, None, planned("1.4.2", "1.4.1"));
    plan.proposals[0].request = Some(only(&work).id);
    loom.automator.intents(&update, &plan).await.unwrap();
    let taken: Vec<uuid::Uuid> = sqlx::query_scalar("select rolls_back from changes where to_tag = '1.4.1'")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(taken, [first.0]);
}
