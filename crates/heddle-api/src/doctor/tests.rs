use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use heddle_db::shape::Shape;
use heddle_github::{Delivery, GitHubError, Installation, Registration, Webhook};
use heddle_wire::view::{DoctorArea, DoctorCheck, DoctorVerdict};

use super::{clock, github, look, render, report, settings, store};
use crate::{
    config::{Config, GitHubApp, Settings},
    seal::Sealing,
};

fn now() -> DateTime<Utc> {
    "2026-12-01T10:00:00Z".parse().unwrap()
}

fn config(arguments: &[&str]) -> Config {
    Config::try_from(Settings::try_parse_from([&["heddle-api"], arguments].concat()).unwrap()).unwrap()
}

/// The worst of some checks, with what is said and what to do.
fn worst(checks: &[DoctorCheck]) -> (DoctorVerdict, String) {
    let worst = checks.iter().min_by_key(|check| check.verdict).unwrap();
    (worst.verdict, format!("{}; {}", worst.said, worst.remedy.clone().unwrap_or_default()))
}

#[track_caller]
fn check_worst(checks: &[DoctorCheck], verdict: DoctorVerdict, words: &[&str]) {
    let (found, said) = worst(checks);
    assert_eq!(found, verdict, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(checks.iter().all(|check| check.remedy.is_some() == (check.verdict != DoctorVerdict::Ok)), "{checks:?}");
}

#[test]
fn settings_that_work_and_should_be_otherwise_are_named_with_the_remedy() {
    let public = ["--public-url", "https://heddle.example.com"];
    for (more, words) in [
        (&["--signup", "invite"][..], &["tries passwords locks everybody out", "HEDDLE_CLIENT_ADDRESS_HEADER"][..]),
        (&["--client-address-header", "X-Forwarded-For"], &["only guesses", "HEDDLE_AGENT_IMAGE"]),
        (
            &["--client-address-header", "X-Forwarded-For", "--agent-image", "a/b:1", "--signup", "open"],
            &["no dashboard", "HEDDLE_WEB_DIR"],
        ),
    ] {
        check_worst(&settings::warnings(&config(&[&public, more].concat()))[..1], DoctorVerdict::Warning, words);
    }
    let said = settings::warnings(&config(&[]));
    assert!(said.iter().any(|check| check.said.contains("from this machine alone")), "{said:?}");
    assert!(said.iter().any(|check| check.verdict == DoctorVerdict::Fault && check.said.contains("no automator")));
}

#[test]
fn clocks_are_compared_in_the_midst_of_question_and_answer() {
    let judge = |apart: i64, took: i64| {
        let (asked, answered) = (now(), now() + TimeDelta::seconds(took));
        [clock::judge("GitHub", asked + TimeDelta::seconds(took / 2 + apart), asked, answered)]
    };
    check_worst(&judge(4, 0), DoctorVerdict::Ok, &["agrees with that of GitHub"]);
    check_worst(&judge(20, 0), DoctorVerdict::Warning, &["20 s behind that of GitHub", "NTP"]);
    check_worst(&judge(-90, 0), DoctorVerdict::Fault, &["90 s ahead of that of GitHub"]);
    // An answer that took a minute proves less.
    check_worst(&judge(20, 60), DoctorVerdict::Ok, &[]);
}

#[test]
fn a_database_is_of_this_release_and_its_login_owns_nothing() {
    let shape = Shape { server_version: 170_002, now: now(), migrated: 33, newest: 33, login_is_strong: false };
    check_worst(&store::judge(&shape), DoctorVerdict::Ok, &["PostgreSQL 17"]);
    check_worst(&store::judge(&Shape { server_version: 140_009, ..shape }), DoctorVerdict::Fault, &["PostgreSQL 14"]);
    check_worst(&store::judge(&Shape { migrated: 0, ..shape }), DoctorVerdict::Fault, &["older", "start heddle-api"]);
    check_worst(&store::judge(&Shape { migrated: 34, ..shape }), DoctorVerdict::Fault, &["newer release", "backup"]);
    let strong = store::judge(&Shape { login_is_strong: true, ..shape });
    check_worst(&strong, DoctorVerdict::Warning, &["HEDDLE_DATABASE_OWNER_URL"]);
}

#[test]
fn an_installation_without_keys_is_sound_and_one_with_broken_keys_is_not() {
    let off = Sealing::Off("no sealing key is set here".to_owned());
    check_worst(
        &store::judge_keys(&off, None),
        DoctorVerdict::Warning,
        &["no sealing key", "HEDDLE_SEALING_KEYS_FILE"],
    );
    let broken = Sealing::Broken("the sealing keys cannot be read".to_owned());
    check_worst(&store::judge_keys(&broken, None), DoctorVerdict::Fault, &["cannot be read"]);
}

#[test]
fn automators_are_asked_after() {
    let judge = |seen| [store::judge_automators(seen, now())];
    check_worst(&judge(None), DoctorVerdict::Fault, &["ever", "heddle-automator"]);
    check_worst(&judge(Some(now() - TimeDelta::hours(1))), DoctorVerdict::Fault, &["2026-12-01 09:00:00"]);
    check_worst(&judge(Some(now())), DoctorVerdict::Ok, &[]);
}

fn app() -> GitHubApp {
    GitHubApp {
        app_id: 7,
        slug: "heddle-of-acme".to_owned(),
        private_key: String::new().into(),
        webhook_secret: String::new().into(),
        client_id: "Iv1".to_owned(),
        client_secret: String::new().into(),
        web_url: "https://github.example.com".parse().unwrap(),
        api_url: "https://github.example.com/api/v3".parse().unwrap(),
    }
}

fn rights(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect()
}

fn registration() -> Registration {
    Registration {
        slug: Some("heddle-of-acme".to_owned()),
        client_id: Some("Iv1".to_owned()),
        owner: Some("acme".to_owned()),
        of_organization: true,
        permissions: rights(&github::PERMISSIONS),
        events: github::EVENTS.map(str::to_owned).into(),
    }
}

#[test]
fn an_app_has_the_rights_that_are_needed_and_no_others() {
    let judge = |found: &Registration| github::judge_registration(&app(), found);
    check_worst(&judge(&registration()), DoctorVerdict::Ok, &["heddle-of-acme"]);
    let page = "https://github.example.com/organizations/acme/settings/apps/heddle-of-acme/permissions";
    let few = Registration { permissions: rights(&[("contents", "read"), ("metadata", "read")]), ..registration() };
    check_worst(&judge(&few), DoctorVerdict::Fault, &["contents: write, pull_requests: write", page]);
    let mut many = registration();
    many.permissions.insert("administration".to_owned(), "write".to_owned());
    check_worst(&judge(&many), DoctorVerdict::Warning, &["administration: write", page]);
    let deaf = Registration { events: vec!["push".to_owned()], ..registration() };
    check_worst(&judge(&deaf), DoctorVerdict::Warning, &["no pull_request"]);
    let own = Registration { of_organization: false, events: Vec::new(), ..registration() };
    check_worst(&judge(&own), DoctorVerdict::Warning, &["https://github.example.com/settings/apps/heddle-of-acme"]);
    let unnamed = Registration { slug: None, ..registration() };
    check_worst(&judge(&unnamed), DoctorVerdict::Ok, &["`heddle-of-acme`"]);
    for (other, words) in [
        (Registration { slug: Some("other".to_owned()), ..registration() }, ["HEDDLE_GITHUB_APP_SLUG", "`other`"]),
        (Registration { client_id: Some("Iv2".to_owned()), ..registration() }, ["HEDDLE_GITHUB_CLIENT_ID", "`Iv2`"]),
    ] {
        check_worst(&judge(&other), DoctorVerdict::Fault, &words);
    }
}

#[test]
fn rights_that_an_account_has_not_granted_are_asked_for_with_a_link() {
    let one = |account: &str, permissions: &[(&str, &str)], suspended| Installation {
        id: 1,
        account: account.to_owned(),
        suspended,
        permissions: rights(permissions),
        html_url: format!("https://github.example.com/organizations/{account}/settings/installations/1"),
    };
    let judge = |found: &[Installation]| github::judge_installations(&app(), found);
    check_worst(&judge(&[one("acme", &github::PERMISSIONS, false)]), DoctorVerdict::Ok, &["1 accounts"]);
    let few = [("contents", "read"), ("metadata", "read"), ("pull_requests", "admin")];
    let link = "https://github.example.com/organizations/acme/settings/installations/1/permissions/update";
    check_worst(&judge(&[one("acme", &few, false)]), DoctorVerdict::Warning, &["`acme`", "contents: write", link]);
    check_worst(&judge(&[one("acme", &few, true)]), DoctorVerdict::Warning, &["suspended at `acme`"]);
    check_worst(
        &judge(&[]),
        DoctorVerdict::Warning,
        &["installed on no account", "/apps/heddle-of-acme/installations/new"],
    );
    let many: Vec<_> = (0..30).map(|number| one(&format!("a{number}"), &few, false)).collect();
    assert_eq!(judge(&many).len(), 21);
}

#[test]
fn webhooks_go_here_and_arrive() {
    let wanted = "https://heddle.example.com/webhooks/github";
    let judge = |url: Option<&str>| [github::judge_webhook(wanted, &Webhook { url: url.map(str::to_owned) })];
    check_worst(&judge(Some("https://HEDDLE.example.com:443/webhooks/github")), DoctorVerdict::Ok, &[]);
    check_worst(&judge(Some("https://smee.io/x")), DoctorVerdict::Fault, &["smee.io", wanted]);
    check_worst(&judge(None), DoctorVerdict::Fault, &["no webhook", wanted]);

    let tries = |codes: &[u16]| {
        let tries: Vec<Delivery> = codes
            .iter()
            .map(|code| Delivery {
                event: "push".to_owned(),
                delivered_at: now(),
                status_code: *code,
                status: "words".to_owned(),
            })
            .collect();
        [github::judge_deliveries(&tries)]
    };
    check_worst(&tries(&[&[502][..], &[202; 9]].concat()), DoctorVerdict::Ok, &["of the last 10 tries 1 failed"]);
    check_worst(
        &tries(&[&[202][..], &[502; 99]].concat()),
        DoctorVerdict::Warning,
        &["of the last 100 tries 99 failed"],
    );
    check_worst(&tries(&[401, 502, 401, 202]), DoctorVerdict::Fault, &["words (401)", "WEBHOOK_SECRET_FILE"]);
    check_worst(&tries(&[0]), DoctorVerdict::Fault, &["DNS"]);
    check_worst(&tries(&[404]), DoctorVerdict::Fault, &["HEDDLE_PUBLIC_URL"]);
    check_worst(&tries(&[]), DoctorVerdict::Unknown, &["last three days"]);
}

#[test]
fn what_github_does_not_tell_says_where_to_look() {
    let judge = |error| [github::refused(DoctorArea::Github, "about the App", &error)];
    check_worst(&judge(GitHubError::Unauthorized), DoctorVerdict::Fault, &["HEDDLE_GITHUB_APP_ID", "clock"]);
    let away = GitHubError::Unavailable { reason: "connection refused".to_owned() };
    check_worst(&judge(away), DoctorVerdict::Fault, &["connection refused", "HEDDLE_CA_FILE"]);
    check_worst(&judge(GitHubError::RateLimited { retry_at: now() }), DoctorVerdict::Unknown, &[]);
}

#[test]
fn a_report_begins_with_what_is_wrong_and_holds_no_secret() {
    let url = "postgres://me:password@127.0.0.1/db";
    let mut config = config(&["--database-url", url]);
    config.shown = Settings::read(["heddle-api", "--database-url", url].map(Into::into).into()).shown;
    let found = settings::check(&config);
    let report = report(config.shown, found, now());
    assert_eq!(report.checks[0].verdict, DoctorVerdict::Fault);
    assert_eq!(report.settings["DATABASE_URL"], "(set)");
    assert_eq!(report.settings["HEDDLE_SIGNUP"], "first-user");
    assert!(!report.settings.contains_key("HEDDLE_GITHUB_APP_ID"));
    assert!(!serde_json::to_string(&report).unwrap().contains("password@"));
    let text = render(&report);
    assert!(text.starts_with("FAULT   automators no automator is let in"), "{text}");
    assert!(text.contains("\n                   → let HEDDLE_AUTOMATOR_TOKEN_FILE name"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_ends_by_itself() {
    let silent = look::within(std::future::pending::<Result<(), GitHubError>>()).await;
    assert!(silent.unwrap_err().to_string().contains("no answer within 12 s"));
    assert_eq!(look::within(async { Ok(7) }).await.unwrap(), 7);
}
