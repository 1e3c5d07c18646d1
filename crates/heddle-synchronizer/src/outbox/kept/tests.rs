use heddle_core::health::HealthStatus;
use heddle_wire::agent::{Source, SyncError};

use super::*;

fn fact(what: Deploy) -> DeployFact {
    DeployFact {
        sync: SyncName { namespace: "heddle-system".into(), name: "shop".into() },
        source: Source {
            repository: "https://example.org/a/b".parse().unwrap(),
            branch: "main".parse().unwrap(),
            path: "".into(),
        },
        at: Utc::now(),
        revision: "a".repeat(40).parse().unwrap(),
        what,
    }
}

fn health(image: &str, status: HealthStatus, reason: &str) -> DeployFact {
    fact(Deploy::Health { image: image.parse().unwrap(), status, reason: Some(reason.into()) })
}

fn applied(images: &[&str]) -> DeployFact {
    fact(Deploy::Applied { images: images.iter().map(|image| image.parse().unwrap()).collect(), changed: Some(3) })
}

/// How many of these facts are news.
#[track_caller]
fn check(facts: Vec<DeployFact>, news: usize) {
    let mut kept = Kept::new();
    facts.into_iter().for_each(|fact| kept.tell(fact, Utc::now()));
    assert_eq!(kept.waiting(), news);
}

#[test]
fn a_back_off_that_grows_is_no_news_and_another_status_or_fault_is() {
    let unwell = |reason| health("acme/api:1", HealthStatus::Degraded, reason);
    check(
        vec![unwell("back-off 20s restarting failed container"), unwell("back-off 40s restarting failed container")],
        1,
    );
    check(vec![unwell("pod api-7d9f8 cannot be pulled"), unwell("pod api-5c2b1 cannot be pulled")], 1);
    check(vec![unwell("back-off 20s restarting failed container"), unwell("image cannot be pulled")], 2);
    check(vec![unwell("back-off"), health("acme/api:1", HealthStatus::Progressing, "back-off")], 2);
}

#[test]
fn a_revision_that_is_compared_again_is_no_news_though_it_changes_nothing_then() {
    let again = fact(Deploy::Applied { images: vec![], changed: Some(0) });
    check(vec![applied(&[]), again], 1);
}

#[test]
fn what_is_said_of_images_that_a_whole_revision_does_not_want_is_forgotten() {
    let mut kept = Kept::new();
    for index in 0..100 {
        let image = format!("acme/api:1.0.{index}");
        kept.tell(DeployFact { revision: format!("{index:040x}").parse().unwrap(), ..applied(&[&image]) }, Utc::now());
        kept.tell(health(&image, HealthStatus::Healthy, ""), Utc::now());
    }
    assert_eq!(kept.told["heddle-system/shop"].len(), 2);
}

#[test]
fn two_tags_of_one_image_do_not_take_turns_as_news() {
    let both = || ["acme/api:1", "acme/api:2"].map(|image| health(image, HealthStatus::Healthy, ""));
    check(both().into_iter().chain(both()).collect(), 2);
}

#[test]
fn a_fact_has_few_errors_and_one_that_no_report_could_hold_is_counted_as_lost() {
    let error = SyncError { file: None, line: None, object: None, message: "no".into() };
    let mut kept = Kept::new();
    kept.tell(fact(Deploy::Failed { images: vec![], errors: vec![error; 10_000] }), Utc::now());
    assert!(weigh(&kept.facts[0]) < 10_000);

    let images: Vec<String> = (0..=MAX_IMAGES).map(|index| format!("acme/api{index}:1")).collect();
    kept.tell(applied(&images.iter().map(String::as_str).collect::<Vec<_>>()), Utc::now());
    let lost = kept.rejected.unwrap();
    assert_eq!((kept.facts.len(), lost.facts, lost.reports), (1, 1, 0));
    assert!(lost.reason.contains("2001 images"), "{}", lost.reason);
}

#[test]
fn the_oldest_facts_are_given_up_when_the_api_is_away_for_too_long() {
    let mut kept = Kept::new();
    // As many as fit, by hand: telling each would weigh them all each time.
    kept.facts = (0..MAX_WAITING_FACTS).map(|_| applied(&[])).collect();
    let newest = DeployFact { revision: "b".repeat(40).parse().unwrap(), ..applied(&[]) };
    kept.tell(newest.clone(), Utc::now());
    assert_eq!((kept.facts.len(), kept.facts.back()), (MAX_WAITING_FACTS, Some(&newest)));
    assert_eq!(kept.rejected.unwrap().facts, 1);
}
