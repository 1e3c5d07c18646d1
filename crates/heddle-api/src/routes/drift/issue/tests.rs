use heddle_core::drift::{Cause, Deviation, DriftTool, Found, PlanHash};
use heddle_wire::view::DriftSpell;
use uuid::Uuid;

use super::*;

fn record() -> DriftRecordView {
    DriftRecordView {
        id: Some(Uuid::nil()),
        sync: None,
        repository: Some("acme/infra".parse().unwrap()),
        environment: Some("prod".parse().unwrap()),
        tool: DriftTool::Terraform,
        source: "infra/prod".to_owned(),
        state: DriftState::Differs,
        since: None,
        reason: None,
        differences: 1,
        looked_at: Some(chrono::DateTime::UNIX_EPOCH),
        looked_by: Some("nightly".to_owned()),
        by_revoked: false,
        commit: None,
        every_secs: None,
    }
}

fn shown(items: Vec<DriftItem>) -> SpellDetail {
    SpellDetail {
        spell: DriftSpell {
            id: Uuid::nil(),
            found: Found::Differs,
            first_at: chrono::DateTime::UNIX_EPOCH,
            last_at: chrono::DateTime::UNIX_EPOCH,
            looks: 1,
            differences: 1,
            reporter: "nightly".to_owned(),
            by_revoked: false,
            commit: None,
        },
        program: "tofu".into(),
        version: None,
        items,
        more: 0,
        not_looked_at: Vec::new(),
        more_not_looked_at: 0,
        failure: None,
        plan_hash: Some(PlanHash::new(Uuid::nil(), &[7; 32])),
    }
}

fn drifted(object: &str, live: &str) -> DriftItem {
    DriftItem {
        object: object.into(),
        deviation: Deviation::Changed,
        cause: Cause::Outside,
        reason: None,
        differences: vec![ItemDifference { path: "content".into(), live: Some(live.into()), desired: None }],
        more: 0,
        by: None,
        at: None,
    }
}

fn host() -> Url {
    "https://github.com/".parse().unwrap()
}

#[test]
fn an_issue_says_what_differs_and_how_it_is_applied() {
    let shown = shown(vec![drifted("local_file.motd", "somebody\nwas here")]);
    let issue = write(&record(), Some(&shown), "https://heddle.example/drift/1", Some(&host()));
    assert_eq!(issue.title, "Drift: terraform infra/prod in prod differs in 1");
    let told = "- `local_file.motd` was changed outside\n\n```diff\n# content\n- somebody\n- was here\n```\n";
    assert!(issue.body.contains(told), "{}", issue.body);
    assert!(issue.body.contains("heddle sync terraform 'infra/prod' --approve 1-"), "{}", issue.body);
    assert!(issue.body.ends_with("[In Heddle](https://heddle.example/drift/1)\n"), "{}", issue.body);
    let url = issue.url.unwrap();
    assert!(url.starts_with("https://github.com/acme/infra/issues/new?title=Drift%3A+terraform"), "{url}");
}

#[test]
fn what_tools_say_stays_within_code() {
    let evil = "``` @ada\n![x](http://evil)";
    let shown = shown(vec![drifted("a`@ada`", evil)]);
    let issue = write(&record(), Some(&shown), "https://heddle.example", None);
    assert!(issue.body.contains("- `` a`@ada` `` was changed outside"), "{}", issue.body);
    assert!(issue.body.contains("````diff\n# content\n- ``` @ada\n- ![x](http://evil)\n````"), "{}", issue.body);
    assert_eq!(issue.url, None);
}

#[test]
fn what_does_not_fit_is_counted_and_the_address_stays_short() {
    let items = (0..500).map(|number| drifted(&format!("thing.{number}"), &"ä".repeat(200))).collect();
    let issue = write(&record(), Some(&shown(items)), "https://heddle.example", Some(&host()));
    assert!(issue.body.len() <= MOST_BYTES && issue.body.contains(" more\n"), "{}", issue.body.len());
    let url = issue.url.unwrap();
    assert!(url.len() <= MOST_URL_BYTES && url.contains("more"), "{}", url.len());
}
