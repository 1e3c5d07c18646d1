//! What `drift:` asks for, and nobody looks at.

use chrono::TimeDelta;
use heddle_client::{Http, ReporterClient};
use heddle_core::drift::{DriftState, DriftTool};
use heddle_wire::{
    automator::{DriftExpectation, ReadReport},
    drift::DriftLook,
    view::CreateReporter,
};
use secrecy::SecretString;

use super::{list, look, make, only, request};
use crate::{loom::Loom, told::read_report};

/// As if all that was seen lay so much further back.
async fn let_time_pass(loom: &Loom, time: TimeDelta) {
    let sql = "update drift_spells set first_at = first_at - $1, begun_at = begun_at - $1, last_at = last_at - $1,
                   found_since = found_since - $1";
    let mut owner = loom.owner().await;
    for sql in [sql, "update drift_expectations set asked_at = asked_at - $1"] {
        sqlx::query(sql).bind(time).execute(&mut owner).await.unwrap();
    }
}

/// The repository's own name may be written or left out, in any letter case.
#[tokio::test]
async fn what_is_asked_for_twice_is_one_record_and_the_strictest_counts() {
    let loom = Loom::start().await;
    let expectation = |line: u32, repository: Option<&str>, every_secs: i64| DriftExpectation {
        line,
        environment: "prod".parse().unwrap(),
        tool: DriftTool::Terraform,
        source: "infra/prod".parse().unwrap(),
        repository: repository.map(|name| name.parse().unwrap()),
        every_secs,
    };
    let drift = vec![
        expectation(14, None, 7200),
        expectation(15, Some("Acme/Config"), 3600),
        expectation(16, Some("acme/config"), 86_400),
    ];
    let lease = loom.lease().await;
    loom.automator.read_report(&lease, &ReadReport { drift, ..read_report(&[], "1.4.1") }).await.unwrap();
    let row = only(&loom).await;
    assert_eq!(row.every_secs, Some(3600));
    let detail = loom.user.drift_record(loom.organization, row.id.unwrap(), None).await.unwrap();
    assert_eq!(detail.asked_in.as_deref(), Some("acme/config:.heddle.yaml:15"));
}

/// Hosts take a name in any letter case.
#[tokio::test]
async fn a_repository_in_other_letter_case_is_the_same_one() {
    let loom = Loom::start().await;
    read_asking(&loom, Some(24 * 3600)).await;
    let asked = CreateReporter {
        repository: "Acme/Config".parse().unwrap(),
        ..request("prod", DriftTool::Terraform, "infra/prod")
    };
    let made = loom.user.create_reporter(loom.organization, &asked).await.unwrap();
    let token: SecretString = made.token.expose().to_owned().into();
    let reporter = ReporterClient::new(Http::new(loom.base.clone(), None).unwrap(), token);
    let told = DriftLook { repository: Some("ACME/config".parse().unwrap()), ..look(10, &[]) };
    reporter.report(&told).await.unwrap();
    let row = only(&loom).await;
    assert_eq!((row.state, row.every_secs), (DriftState::Same, Some(24 * 3600)));
}

async fn read_asking(loom: &Loom, every_secs: Option<i64>) {
    let expectation = |every_secs: i64| DriftExpectation {
        line: 14,
        environment: "prod".parse().unwrap(),
        tool: DriftTool::Terraform,
        source: "infra/prod".parse().unwrap(),
        repository: None,
        every_secs,
    };
    let drift = every_secs.into_iter().map(expectation).collect();
    let mut owner = loom.owner().await;
    for sql in ["delete from work where kind <> 'read'", "update work set due_at = now()"] {
        sqlx::query(sql).execute(&mut owner).await.unwrap();
    }
    let lease = loom.lease().await;
    loom.automator.read_report(&lease, &ReadReport { drift, ..read_report(&[], "1.4.1") }).await.unwrap();
}

#[tokio::test]
async fn silence_is_seen_where_somebody_must_look() {
    let loom = Loom::start().await;
    read_asking(&loom, Some(24 * 3600)).await;
    let_time_pass(&loom, TimeDelta::days(2)).await;
    let row = only(&loom).await;
    let reason = "nobody has looked, since it was asked for 2 d ago";
    assert_eq!((row.state, row.reason.unwrap().as_str()), (DriftState::NotLookedAt, reason));
    let detail = loom.user.drift_record(loom.organization, row.id.unwrap(), None).await.unwrap();
    assert_eq!(detail.asked_in.as_deref(), Some("acme/config:.heddle.yaml:14"));

    let (_, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    reporter.report(&look(10, &[])).await.unwrap();
    assert_eq!(only(&loom).await.state, DriftState::Same);
    // Asked for anew, since when stays.
    read_asking(&loom, Some(12 * 3600)).await;
    let_time_pass(&loom, TimeDelta::days(2)).await;
    let row = only(&loom).await;
    assert_eq!((row.state, row.every_secs), (DriftState::NotLookedAt, Some(12 * 3600)));
    assert!(row.reason.unwrap().starts_with("nobody has looked for 2 d"));
    // Nobody asks any more: a look counts for a week.
    read_asking(&loom, None).await;
    assert_eq!(only(&loom).await.state, DriftState::Same);
}

#[tokio::test]
async fn a_record_is_forgotten_when_nobody_asks_for_it() {
    let loom = Loom::start().await;
    read_asking(&loom, Some(24 * 3600)).await;
    let (made, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    reporter.report(&look(10, &[])).await.unwrap();
    let record = made.reporter.record;
    let forget = async || loom.user.forget_drift_record(loom.organization, record).await;
    assert_eq!(forget().await.unwrap_err().code(), Some("record-asked-for"));
    read_asking(&loom, None).await;
    assert_eq!(forget().await.unwrap_err().code(), Some("record-reported"));
    loom.user.revoke_reporter(loom.organization, made.reporter.id).await.unwrap();
    forget().await.unwrap();
    assert!(list(&loom).await.items.is_empty());
    let dump = loom.database.dump().await.unwrap();
    for (table, rows) in dump.iter().filter(|(table, _)| table.starts_with("drift") || *table == "reporters") {
        assert!(rows.is_empty(), "{table}: {rows:?}");
    }
}
