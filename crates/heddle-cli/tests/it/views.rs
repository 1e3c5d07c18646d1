use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    bodies,
    program::{Api, Ended, Person, TOKEN},
};

async fn start() -> (Api, Person) {
    let (api, person) = (Api::start().await, Person::new());
    assert_eq!(person.log_in(&api.url, TOKEN).await.code, 0);
    (api, person)
}

#[tokio::test]
async fn changes_show_their_line() {
    let (api, person) = start().await;
    api.answers.set("changes", bodies::changes("done"));
    let ended = person.run(&["changes"]).await;
    assert_eq!(
        ended.stdout,
        "LINE           IMAGE  ENVIRONMENT  TAG            TIME   STATE\n\
         ●──●──●──●──●  api    prod         1.4.1 → 1.4.2  4.0 s  healthy\n"
    );
}

#[tokio::test]
async fn json_is_what_the_api_says() {
    let (_api, person) = start().await;
    assert_eq!(person.run(&["changes", "-o", "json"]).await.json(), bodies::changes("waiting"));
    assert_eq!(person.run(&["workloads", "-o", "json"]).await.json(), bodies::workloads());
    assert_eq!(person.run(&["clusters", "-o", "json"]).await.json(), bodies::clusters());
    assert_eq!(person.run(&["status", "-o", "json"]).await.json()["status"], bodies::status());
}

#[tokio::test]
async fn a_watch_prints_a_change_again_when_it_moved() {
    let (api, person) = start().await;
    let mut child = person.command(&["changes", "--watch"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    assert!(first.starts_with("●──●──◎──○──○  api") && first.contains("waits for #41 to be merged"), "{first}");
    api.answers.set("changes", bodies::changes("done"));
    api.announce();
    let second = lines.next_line().await.unwrap().unwrap();
    assert!(second.starts_with("●──●──●──●──●  api") && second.ends_with("healthy"), "{second}");
}

#[tokio::test]
async fn workloads_say_what_runs_and_what_could() {
    let (_api, person) = start().await;
    let ended = person.run(&["workloads"]).await;
    assert_eq!(
        ended.stdout.lines().nth(1).unwrap(),
        "blue     prod         shop/api (Deployment)  healthy  api 1.4.1  1.4.2   1.4.2 waits in #41"
    );
}

#[tokio::test]
async fn clusters_show_the_first_error_with_its_line() {
    let (_api, person) = start().await;
    let ended = person.run(&["clusters"]).await;
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(lines[1].ends_with("4b825dc   healthy  7        prod/api.yaml:14: unknown field `imge`"), "{lines:?}");
    assert!(lines[2].starts_with("green    never connected  never"), "{lines:?}");
}

#[tokio::test]
async fn status_answers_a_question_with_its_exit_code() {
    let (api, person) = start().await;
    assert_eq!(person.run(&["status"]).await.code, 0);
    assert_eq!(person.run(&["status", "--check"]).await.code, 1);
    let mut changes = bodies::changes("done");
    changes["counts"]["stuck"] = json!(0);
    api.answers.set("changes", changes);
    let status = |seen: DateTime<Utc>| {
        json!({
            "automator_seen_at": seen, "scanned_at": null, "failing_images": [],
            "clusters_connected": 2, "clusters": 2, "blocking_findings": 0,
        })
    };
    api.answers.set("status", status(Utc::now()));
    let ended = person.run(&["status", "--check"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");

    api.answers.set("status", status(Utc::now() - TimeDelta::hours(1)));
    let ended = person.run(&["status", "--check"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("none asks for work"), "{}", ended.stdout);
}

#[tokio::test]
async fn the_organization_must_be_clear() {
    let (api, person) = start().await;
    let mut me = bodies::me();
    me["organizations"] = json!([
        {"id": uuid::Uuid::from_u128(2), "name": "acme", "role": "owner"},
        {"id": uuid::Uuid::from_u128(9), "name": "zeta", "role": "viewer"},
    ]);
    api.answers.set("me", me);
    let ended = person.run(&["status"]).await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("acme, zeta") && ended.stderr.contains("--organization"), "{}", ended.stderr);
    assert_eq!(person.run(&["status", "--organization", "zeta"]).await.code, 0);
    assert_eq!(person.run(&["status", "--organization", "omega"]).await.code, 2);
}

#[tokio::test]
async fn help_tells_the_exit_codes() {
    let ended = Person::new().run(&["--help"]).await;
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains("4  not logged in") && ended.stdout.contains("heddle changes --watch"));
    assert_eq!(Person::new().run(&["no-such-command"]).await.code, 2);
}

#[tokio::test]
async fn whoami_names_the_person_by_the_id_that_an_administrator_is_added_by() {
    let (_api, person) = start().await;
    let ended = person.run(&["whoami"]).await;
    assert_eq!(
        ended.stdout,
        "Ada <ada@example.org>, 00000000-0000-0000-0000-000000000001\n\
         ORGANIZATION  ROLE   ID\n\
         acme          owner  00000000-0000-0000-0000-000000000002\n"
    );
}

#[tokio::test]
async fn doctor_says_what_to_do_and_ends_with_one_where_something_does_not_work() {
    let (api, person) = start().await;
    let report = |verdict: &str| {
        json!({
            "version": "0.1.0", "examined_at": Utc::now(), "settings": {"DATABASE_URL": "(set)"},
            "checks": [
                {"area": "webhooks", "verdict": verdict, "said": "webhooks go elsewhere", "remedy": "set the URL"},
                {"area": "clock", "verdict": "ok", "said": "the clock agrees", "remedy": null},
            ],
        })
    };
    api.answers.set("doctor", report("fault"));
    let ended = person.run(&["doctor"]).await;
    assert_eq!(
        ended.stdout,
        "FAULT   webhooks   webhooks go elsewhere\n                   → set the URL\nok      clock      the clock agrees\n"
    );
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert_eq!(person.run(&["doctor", "-o", "json"]).await.json()["settings"]["DATABASE_URL"], "(set)");

    api.answers.set("doctor", report("warning"));
    assert_eq!(person.run(&["doctor"]).await.code, 0);
    let mut late = report("ok");
    late["examined_at"] = json!(Utc::now() - TimeDelta::minutes(10));
    api.answers.set("doctor", late);
    let ended = person.run(&["doctor"]).await;
    assert!(ended.stderr.contains("s ahead of that of the API"), "{}", ended.stderr);
}

#[tokio::test]
async fn doctor_of_an_installation_that_is_away_leads_to_its_host() {
    let person = Person::new();
    let ended = person.run(&["doctor", "--api-url", "http://127.0.0.1:9"]).await;
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let mut command = person.command(&["doctor", "--api-url", "http://127.0.0.1:9"]);
    let ended = Ended::from(command.env("HEDDLE_TOKEN", TOKEN).output().await.unwrap());
    assert!(ended.code == 5 && ended.stderr.contains("`heddle-api doctor` on the host"), "{}", ended.stderr);
}
