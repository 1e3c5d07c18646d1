//! How much is kept, shown and taken.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_api::{
    flow::drift::{LEAST_BYTES, MOST_BYTES, MOST_RECORD_BYTES},
    routes::drift::{MOST_JUDGED, States},
};
use heddle_client::{ClientError, DriftQuery, PageQuery};
use heddle_core::drift::{DriftState, DriftTool};
use heddle_db::retention::{self, Age, Ages};
use heddle_wire::drift::DriftLook;
use uuid::Uuid;

use super::{list, look, make, request};
use crate::loom::Loom;

/// Whoever fills the store pays for it: another record's history stays, and nothing that is reported is lost.
#[tokio::test]
async fn what_one_organization_tells_does_not_fill_the_store() {
    let loom = Loom::start().await;
    let (quiet, quiet_reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let (loud, loud_reporter) = make(&loom, "staging", DriftTool::Terraform, "infra/prod").await;
    let staging = |look: DriftLook| DriftLook { environment: "staging".parse().unwrap(), ..look };
    for (minutes_ago, item) in [(40, "a"), (30, "b")] {
        quiet_reporter.report(&look(minutes_ago, &[item])).await.unwrap();
        loud_reporter.report(&staging(look(minutes_ago, &[item]))).await.unwrap();
    }
    // As if each spell of the loud one took so much.
    let fill = async |bytes: i64| {
        let sql = "update drift_spells set bytes = $2 where record_id = $1";
        let mut owner = loom.owner().await;
        sqlx::query(sql).bind(loud.reporter.record).bind(bytes).execute(&mut owner).await.unwrap();
        let sql = "update drift_records set stored_bytes = 2 * $2 where id = $1";
        sqlx::query(sql).bind(loud.reporter.record).bind(bytes).execute(&mut owner).await.unwrap();
    };
    let spells =
        async |record: Uuid| loom.user.drift_record(loom.organization, record, None).await.unwrap().history.len();
    fill(MOST_BYTES / 2).await;
    quiet_reporter.report(&look(20, &["c"])).await.unwrap();
    assert_eq!((spells(quiet.reporter.record).await, spells(loud.reporter.record).await), (3, 1));
    // A record has a share of its own.
    fill(MOST_RECORD_BYTES).await;
    loud_reporter.report(&staging(look(20, &["c"]))).await.unwrap();
    assert_eq!(spells(loud.reporter.record).await, 1);
    // Where nothing is left to give up, the look is cut, and all is counted.
    fill(MOST_BYTES).await;
    let long = "x".repeat(2000);
    let mut large = look(10, &["d"; 400]);
    large.items.iter_mut().for_each(|item| item.differences[0].live = Some(long.as_str().into()));
    quiet_reporter.report(&large).await.unwrap();
    let detail = loom.user.drift_record(loom.organization, quiet.reporter.record, None).await.unwrap();
    let shown = detail.shown.unwrap();
    assert_eq!((detail.history.len(), detail.record.differences), (4, 400));
    assert!(!shown.items.is_empty() && serde_json::to_vec(&shown.items).unwrap().len() <= LEAST_BYTES);
    // What a look takes is counted with all of its texts.
    let failed = DriftLook { failure: Some("x".repeat(4000).as_str().into()), ..look(9, &[]) };
    quiet_reporter.report(&failed).await.unwrap();
    let sql = "select bytes from drift_spells where record_id = $1 order by last_at desc limit 1";
    let taken: i64 =
        sqlx::query_scalar(sql).bind(quiet.reporter.record).fetch_one(&mut loom.owner().await).await.unwrap();
    assert!(taken > 8000, "its words stand there as the failure and as the reason: {taken}");
    // What was forgotten by age is not counted any more.
    sqlx::query("update drift_spells set bytes = 1").execute(&mut loom.owner().await).await.unwrap();
    large.id = Uuid::new_v4();
    large.begun_at += TimeDelta::minutes(2);
    large.ended_at += TimeDelta::minutes(2);
    quiet_reporter.report(&large).await.unwrap();
    let detail = loom.user.drift_record(loom.organization, quiet.reporter.record, None).await.unwrap();
    assert_eq!(detail.shown.unwrap().items.len(), 400);
}

#[tokio::test]
async fn what_is_too_much_for_one_list_is_counted_and_never_the_same() {
    let loom = Loom::start().await;
    let sql = "with made as (
                   insert into drift_records (id, organization_id, repository, environment, tool, source)
                   select gen_random_uuid(), $1, 'acme/config', case when n <= 3 then 'staging' else 'prod' end, 'terraform', 'infra/' || n
                   from generate_series(1, $2) n returning id)
               insert into drift_expectations (organization_id, repository_id, record_id, every_secs, line, asked_at)
               select $1, (select id from repositories where organization_id = $1), id, 3600, 1, now() from made";
    sqlx::query(sql)
        .bind(loom.organization.0)
        .bind(i32::try_from(MOST_JUDGED).unwrap() + 7)
        .execute(&mut loom.owner().await)
        .await
        .unwrap();
    let page = list(&loom).await;
    assert_eq!((page.counts.not_looked_at, page.counts.not_judged), (MOST_JUDGED, 7));
    let staging = PageQuery { environment: Some("staging".parse().unwrap()), ..PageQuery::default() };
    let staging = DriftQuery { page: staging, ..DriftQuery::default() };
    let page = loom.user.drift(loom.organization, &staging).await.unwrap();
    assert_eq!((page.counts.not_looked_at, page.counts.not_judged), (3, 0), "of one environment all is judged");
    let states = States::measure(&loom.app.db, Utc::now()).await.unwrap();
    let expected = ((DriftTool::Terraform, DriftState::NotLookedAt), u64::try_from(MOST_JUDGED).unwrap());
    assert_eq!((states.judged.into_iter().collect::<Vec<_>>(), states.not_judged), (vec![expected], 7));
    // What `drift:` asks for takes no place of those that somebody reports.
    make(&loom, "staging", DriftTool::Ansible, "site.yml").await;
    // But one more that is asked for takes one when somebody is to report it.
    let sql = "insert into drift_spells (id, organization_id, record_id, reporter_name, found, found_since, places_hash,
                   look_id, first_at, begun_at, last_at, program, differences, items, more, not_looked_at,
                   more_not_looked_at)
               select gen_random_uuid(), organization_id, id, 'x', 'same', now(), '', gen_random_uuid(), now(), now(), now(),
                   'tofu', 0, '[]', 0, '[]', 0 from drift_records where environment = 'prod' limit 2000";
    sqlx::query(sql).execute(&mut loom.owner().await).await.unwrap();
    let asked = request("staging", DriftTool::Terraform, "infra/1");
    let refused = loom.user.create_reporter(loom.organization, &asked).await.unwrap_err();
    assert_eq!(refused.code(), Some("quota-reached"));
}

#[tokio::test]
async fn an_organization_that_cannot_be_read_is_counted_and_stops_none_of_the_others() {
    let loom = Loom::start().await;
    make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let mut owner = loom.owner().await;
    for number in 0..3 {
        let sql = "with made as (insert into organizations (id, name) values (gen_random_uuid(), $1) returning id)
                   insert into drift_records (id, organization_id, environment, tool, source)
                   select gen_random_uuid(), id, 'No Environment', 'terraform', 'infra' from made returning organization_id";
        let made: Uuid = sqlx::query_scalar(sql).bind(format!("other-{number}")).fetch_one(&mut owner).await.unwrap();
        let sql = "insert into drift_spells (id, organization_id, record_id, reporter_name, found, found_since, places_hash,
                       look_id, first_at, begun_at, last_at, program, differences, items, more, not_looked_at,
                       more_not_looked_at)
                   select gen_random_uuid(), organization_id, id, 'x', 'same', now(), '', gen_random_uuid(), now(), now(),
                       now(), 'tofu', 0, '[]', 0, '[]', 0 from drift_records where organization_id = $1";
        sqlx::query(sql).bind(made).execute(&mut owner).await.unwrap();
    }
    let states = States::measure(&loom.app.db, Utc::now()).await.unwrap();
    let own = ((DriftTool::Terraform, DriftState::NotLookedAt), 1);
    assert_eq!((states.judged.into_iter().collect::<Vec<_>>(), states.unread_organizations), (vec![own], 3));
}

#[tokio::test]
async fn of_many_reporters_at_once_no_more_are_made_than_may_be() {
    let loom = Loom::start().await;
    let (made, _) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let sql = "insert into reporters (id, organization_id, record_id, name, secret_hash, created_by)
               select gen_random_uuid(), p.organization_id, p.record_id, p.name, sha256(n::text::bytea), p.created_by
               from reporters p, generate_series(1, 497) n where p.id = $1";
    sqlx::query(sql).bind(made.reporter.id).execute(&mut loom.owner().await).await.unwrap();
    let asked = request("prod", DriftTool::Terraform, "infra/prod");
    let tries = (0..8).map(|_| loom.user.create_reporter(loom.organization, &asked));
    let told = futures::future::join_all(tries).await;
    assert_eq!(told.iter().filter(|one| one.is_ok()).count(), 2);
    let mut refused = told.into_iter().filter_map(Result::err);
    assert!(refused.all(|refused| refused.code() == Some("quota-reached")));
}

#[tokio::test]
async fn looks_that_come_too_often_are_put_off() {
    let loom = Loom::start().await;
    let (_, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let same = look(10, &[]);
    for _ in 0..60 {
        reporter.report(&same).await.unwrap();
    }
    assert!(matches!(reporter.report(&same).await, Err(ClientError::RateLimited { .. })));
}

#[tokio::test]
async fn old_spells_are_forgotten_but_never_what_is_known_now() {
    let loom = Loom::start().await;
    let (_, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    for (minutes_ago, items) in [(30, &[][..]), (20, &["a"]), (10, &[])] {
        reporter.report(&look(minutes_ago, items)).await.unwrap();
    }
    let ages = Ages::default().with(Age::History, 30).with(Age::Keys, 30);
    let prune = async |later: DateTime<Utc>| {
        let forgotten = retention::prune(&loom.app.db, &ages, later).await.unwrap();
        assert_eq!(forgotten.failures, 0);
        let of = |table: &str| forgotten.rows.iter().find(|(name, _)| *name == table).unwrap().1;
        (of("drift_spells"), of("reporters"), of("drift_records"))
    };
    assert_eq!(prune(Utc::now()).await, (0, 0, 0));
    let later = Utc::now() + TimeDelta::days(31);
    assert_eq!(prune(later).await, (2, 0, 0));
    let id = loom.user.reporters(loom.organization).await.unwrap()[0].id;
    loom.user.revoke_reporter(loom.organization, id).await.unwrap();
    assert_eq!(prune(later).await, (1, 1, 1), "nobody reports it any more, and it is old");
    assert!(list(&loom).await.items.is_empty());
}
