//! `--report`: what a look found is told to the API, on what OpenTofu and Ansible printed once.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use heddle_wire::drift::DriftLook;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    local::with,
    program::{Ended, Person},
};

const RECORD: &str = "0190a1b2-0000-7000-8000-000000000501";
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");

/// An API that takes looks, or answers otherwise first.
struct Hub {
    url: String,
    taken: Arc<Mutex<Vec<DriftLook>>>,
    /// What it answers first when it is asked what the token reports: statuses.
    away: Arc<Mutex<Vec<u16>>>,
}

/// An hour ahead of the clock of this machine.
fn its_clock() -> DateTime<Utc> {
    Utc::now() + TimeDelta::hours(1)
}

impl Hub {
    async fn start(first: &[(u16, &str)]) -> Self {
        Self::of(("terraform", "infra"), first).await
    }

    /// Its token reports this tool and source; `first` are the answers before looks are taken: status and code.
    async fn of((tool, source): (&str, &str), first: &[(u16, &str)]) -> Self {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let first: Vec<(u16, String)> =
            first.iter().rev().map(|(status, code)| (*status, (*code).to_owned())).collect();
        let state = (Arc::clone(&taken), Arc::new(Mutex::new(first)));
        let take = move |headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers["authorization"], "Bearer hdlp_right");
            let mut text = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&body[..]), &mut text).unwrap();
            if let Some((status, code)) = state.1.lock().unwrap().pop() {
                return problem(status, &code);
            }
            state.0.lock().unwrap().push(serde_json::from_str(&text).unwrap());
            let body =
                json!({"record": RECORD, "url": format!("https://heddle.example/drift/{RECORD}"), "found": "differs"});
            ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
        };
        let away: Arc<Mutex<Vec<u16>>> = Arc::default();
        let asked = Arc::clone(&away);
        let name = json!({"repository": null, "environment": "prod", "tool": tool, "source": source});
        let record = move || async move {
            if let Some(status) = asked.lock().unwrap().pop() {
                return problem(status, "away");
            }
            let body = json!({"record": RECORD, "now": its_clock(), "name": name});
            ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/reporter/v1/looks", post(take)).route("/reporter/v1/record", get(record));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, taken, away }
    }

    fn only(&self) -> DriftLook {
        let taken = self.taken.lock().unwrap();
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken[0].clone()
    }
}

fn problem(status: u16, code: &str) -> Response {
    let body = json!({"status": status, "code": code, "message": format!("because of {code}"), "request_id": "r1"});
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(CONTENT_TYPE, "application/problem+json"), ("retry-after".parse().unwrap(), "0")], body.to_string())
        .into_response()
}

fn person() -> Person {
    let person = with(&[("infra/main.tf", ""), ("bin/x", ""), ("site.yml", "")]);
    std::os::unix::fs::symlink(format!("{RECORDED}/terraform/play.sh"), person.home.path().join("bin/tofu")).unwrap();
    person
}

async fn run(person: &Person, hub: &Hub, play: &str, arguments: &[&str]) -> Ended {
    let home = person.home.path().to_str().unwrap();
    let mut command = person.command(arguments);
    command.current_dir(home).env("PATH", format!("{home}/bin:/usr/bin:/bin")).env("TMPDIR", home);
    command.env("PLAY", format!("{RECORDED}/{play}")).env("ASKED", format!("{home}/asked"));
    command.env("HEDDLE_API_URL", &hub.url).env("HEDDLE_REPORT_TOKEN", "hdlp_right").env("HEDDLE_PLAN_KEY", "k");
    let ended = Ended::from(command.output().await.unwrap());
    assert!(!format!("{ended:?} {:?}", hub.taken.lock().unwrap()).contains("hunter"), "a secret is told: {ended:?}");
    let asked = std::fs::read_to_string(person.home.path().join("asked")).unwrap_or_default();
    assert!(!asked.contains("hdlp_"), "the tool sees the token: {asked}");
    ended
}

#[tokio::test]
async fn what_a_plan_says_is_reported_beside_what_is_printed() {
    let (person, hub) = (person(), Hub::start(&[]).await);
    let arguments = ["diff", "terraform", "infra", "--report", "prod", "-o", "json"];
    let ended = run(&person, &hub, "terraform/drifted", &arguments).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.json()["plan_hash"].as_str().is_some());
    assert!(ended.stderr.contains("reported: differs at https://heddle.example/drift/"), "{ended:?}");
    let look = hub.only();
    assert_eq!((look.environment.as_str(), look.source.as_str(), look.program.as_str()), ("prod", "infra", "tofu"));
    assert_eq!(
        look.plan_hash.as_ref().map(|hash| hash.to_string()),
        ended.json()["plan_hash"].as_str().map(str::to_owned)
    );
    assert!(look.failure.is_none() && look.version.is_some());
    // By the clock of the API, whatever this machine's says.
    assert!(look.begun_at > Utc::now() + TimeDelta::minutes(50) && look.begun_at <= look.ended_at, "{look:?}");
    assert!(look.ended_at <= its_clock(), "{look:?}");
    let told: Vec<Value> = serde_json::from_value(serde_json::to_value(&look.items).unwrap()).unwrap();
    assert_eq!(
        told[0],
        json!({"object": "local_file.motd", "deviation": "missing", "cause": "outside", "differences": [], "more": 0})
    );
    let made = told.iter().find(|one| one["object"] == "local_file.motd" && one["cause"] == "git").unwrap();
    assert_eq!(made["differences"][0], json!({"path": "content", "desired": "welcome\nto the red house\n"}));
}

#[tokio::test]
async fn a_look_that_fails_is_reported_as_one_that_found_nothing_out() {
    let (person, hub) = (person(), Hub::of(("terraform", "infra/prod"), &[]).await);
    let arguments = ["diff", "terraform", "infra", "--report", "prod", "--source", "infra/prod"];
    let ended = run(&person, &hub, "terraform/not-initialized", &arguments).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let look = hub.only();
    let failure = look.failure.unwrap();
    assert_eq!(failure.as_str(), "`tofu plan` failed in infra; run `tofu -chdir=infra init`, then this again");
    assert_eq!((look.source.as_str(), look.items.len()), ("infra/prod", 0));
}

#[tokio::test]
async fn a_playbook_that_was_not_wholly_looked_at_says_so() {
    let (person, hub) = (person(), Hub::of(("ansible", "site.yml (only home)"), &[]).await);
    let program = format!("{RECORDED}/ansible/play.sh");
    let arguments =
        ["diff", "ansible", "site.yml", "-i", "hosts", "--program", &program, "--report", "prod", "--limit", "home"];
    let ended = run(&person, &hub, "ansible/unchecked.jsonl", &arguments).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let look = hub.only();
    // Another record than that of the whole playbook.
    assert_eq!(look.source.as_str(), "site.yml (only home)");
    assert_eq!(look.not_looked_at[0].object.as_str(), "home: Ring");
    assert!(look.items.is_empty() && look.found() == heddle_core::drift::Found::Unknown);
}

#[tokio::test]
async fn a_report_that_cannot_be_taken_is_said_by_name() {
    let arguments = ["diff", "terraform", "infra", "--report", "prod"];
    let check = async |first: &[(u16, &str)], code: i32, said: &str| {
        let (person, hub) = (person(), Hub::start(first).await);
        let ended = run(&person, &hub, "terraform/same", &arguments).await;
        assert!(ended.code == code && ended.stderr.contains(said), "{first:?}: {ended:?}");
    };
    let what = "what is found of terraform infra in prod is not reported";
    check(&[(401, "unauthorized")], 4, what).await;
    check(&[(403, "other-record")], 2, "the names are given by --report, --source and --repository").await;
    check(&[(413, "look-too-large")], 2, what).await;
    check(&[(503, "busy"), (503, "busy"), (503, "busy")], 5, what).await;
    // It is told again where that may help, and nothing is lost where a newer look is known.
    check(&[(503, "busy"), (429, "too-many-requests")], 0, "reported: differs").await;
    check(&[(409, "older-look")], 0, "not reported: because of older-look").await;
}

/// The address of the clone says which repository it is; a token of another one shows before the tool runs.
#[tokio::test]
async fn the_repository_is_told_and_the_token_of_another_record_is_refused_at_once() {
    let (person, hub) = (person(), Hub::start(&[]).await);
    let home = person.home.path();
    for arguments in [
        &["init", "-q"][..],
        &["remote", "add", "origin", "git@git.example:acme/infra.git"],
        // Where it is fetched from is another matter than which it is.
        &["config", "url.file:///srv/mirror/.insteadOf", "git@git.example:"],
    ] {
        let git = std::process::Command::new("git").args(arguments).current_dir(home).status().unwrap();
        assert!(git.success());
    }
    let ended = run(&person, &hub, "terraform/same", &["diff", "terraform", "infra", "--report", "prod"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(hub.only().repository.unwrap().as_str(), "acme/infra");

    std::fs::remove_file(home.join("asked")).unwrap();
    let other = ["diff", "terraform", "infra", "--report", "staging", "--repository", "acme/other"];
    let ended = run(&person, &hub, "terraform/same", &other).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let words = "what is found of terraform infra of acme/other in staging is not reported: the token in \
                 HEDDLE_REPORT_TOKEN reports terraform infra in prod";
    assert!(ended.stderr.contains(words), "{ended:?}");
    assert!(!home.join("asked").exists(), "the tool ran");
}

/// `insteadOf` makes a short name of an address, and a mirror of an origin: both tell the repository.
#[tokio::test]
async fn a_remote_that_is_short_for_an_address_tells_the_repository() {
    let (person, hub) = (person(), Hub::start(&[]).await);
    for arguments in [
        &["init", "-q"][..],
        &["remote", "add", "origin", "acme:infra.git"],
        &["config", "url.git@git.example:acme/.insteadOf", "acme:"],
    ] {
        let git = std::process::Command::new("git").args(arguments).current_dir(person.home.path()).status().unwrap();
        assert!(git.success());
    }
    let ended = run(&person, &hub, "terraform/same", &["diff", "terraform", "infra", "--report", "prod"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(hub.only().repository.unwrap().as_str(), "acme/infra");
}

#[tokio::test]
async fn a_look_that_begins_while_the_api_is_away_is_told_when_it_is_there_again() {
    let (person, hub) = (person(), Hub::start(&[]).await);
    hub.away.lock().unwrap().push(503);
    let ended = run(&person, &hub, "terraform/same", &["diff", "terraform", "infra", "--report", "prod"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let look = hub.only();
    assert!(look.begun_at > Utc::now() + TimeDelta::minutes(50) && look.begun_at <= look.ended_at, "{look:?}");
}

/// What is left after an apply is looked at again.
#[tokio::test]
async fn an_apply_reports_what_is_left() {
    let (person, hub) = (person(), Hub::start(&[]).await);
    let ended = run(&person, &hub, "terraform/new", &["diff", "terraform", "infra"]).await;
    let hash = ended.stdout.lines().find_map(|line| line.strip_prefix("plan hash: ")).unwrap().to_owned();
    let sync = ["sync", "terraform", "infra", "--approve", &hash, "--report", "prod"];
    let ended = run(&person, &hub, "terraform/new", &sync).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("applied: ") && ended.stdout.lines().count() == 1, "{ended:?}");
    assert!(ended.stderr.contains("reported: differs at"), "{ended:?}");
    let asked = std::fs::read_to_string(person.home.path().join("asked")).unwrap();
    let applied = asked.lines().position(|line| line.starts_with("apply ")).unwrap();
    assert!(
        asked.lines().skip(applied).any(|line| line.starts_with("plan ")),
        "it is looked at after the apply: {asked}"
    );
    assert!(!hub.only().items.is_empty());
}

#[tokio::test]
async fn an_approval_that_is_refused_applies_nothing_and_reports_nothing() {
    let (person, hub) = (person(), Hub::start(&[]).await);
    let ended = run(&person, &hub, "terraform/new", &["diff", "terraform", "infra"]).await;
    let hash = ended.stdout.lines().find_map(|line| line.strip_prefix("plan hash: ")).unwrap().to_owned();
    let sync = ["sync", "terraform", "infra", "--approve", &hash, "--report", "prod"];
    let ended = run(&person, &hub, "terraform/drifted", &sync).await;
    assert!(ended.code == 2 && ended.stderr.contains("nothing was applied"), "{ended:?}");
    let asked = std::fs::read_to_string(person.home.path().join("asked")).unwrap();
    assert!(!asked.lines().any(|line| line.starts_with("apply ")), "{asked}");
    assert_eq!(
        asked.lines().filter(|line| line.starts_with("plan ")).count(),
        2,
        "once to diff, once to sync: {asked}"
    );
    assert!(hub.taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_mistake_shows_before_the_tool_runs() {
    let (person, hub) = (person(), Hub::start(&[]).await);
    let mut command = person.command(&["diff", "terraform", "infra", "--report", "prod", "--api-url", &hub.url]);
    let ended = Ended::from(command.current_dir(person.home.path()).output().await.unwrap());
    assert!(ended.code == 2 && ended.stderr.contains("HEDDLE_REPORT_TOKEN is not set"), "{ended:?}");
    let ended = run(&person, &hub, "terraform/same", &["diff", "terraform", "infra", "--report", "Prod"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let ended = run(&person, &hub, "terraform/same", &["diff", "terraform", "infra", "--source", "x"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(!person.home.path().join("asked").exists(), "the tool ran");
}
