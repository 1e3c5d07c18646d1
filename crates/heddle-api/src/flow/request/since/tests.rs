use chrono::DateTime;
use heddle_core::{id::RepositoryId, place::Place};
use uuid::Uuid;

use super::*;

fn place(file: &str) -> Place {
    let (object, field) = ("Kustomization".to_owned(), "images[name=api].newTag".to_owned());
    Place { file: file.to_owned(), line: 3, object, field }
}

/// A change `1.4.1→1.4.2` of the image in an environment at a file.
fn change(number: u128, environment: &str, file: &str, bump: &str) -> Change {
    let (from, to) = bump.split_once('→').unwrap();
    Change {
        id: ChangeId(Uuid::from_u128(number)),
        repository: RepositoryId(Uuid::nil()),
        repository_name: "acme/config".parse().unwrap(),
        sequence: i64::try_from(number).unwrap(),
        branch: "main".parse().unwrap(),
        environment: environment.parse().unwrap(),
        image: "acme/api".parse().unwrap(),
        from: (!from.is_empty()).then(|| from.parse().unwrap()),
        to: to.parse().unwrap(),
        from_digest: None,
        to_digest: None,
        mode: Mode::Commit,
        places: vec![place(file)],
        diff: String::new(),
        why: String::new(),
        proposal: None,
        proposal_ref: None,
        waits_for: None,
        merged_revision: None,
        merged_ordinal: Some(1),
        settled: true,
        created_at: DateTime::UNIX_EPOCH,
        ended: None,
        ended_at: None,
        end_seen_at: None,
    }
}

fn stands(environment: &str, file: &str, tag: &str) -> Occurrence {
    Occurrence {
        branch: "main".parse().unwrap(),
        place: place(file),
        container: None,
        image: "acme/api".parse().unwrap(),
        tag: Some(tag.parse().unwrap()),
        digest: None,
        environment: Some(environment.parse().unwrap()),
        rule: None,
    }
}

/// What goes back in prod, a line each: `FILE 1.4.3→1.4.1 also 1 2`, and what is left.
fn check(came: &[Change], standing: &[Occurrence], expected: &[&str]) {
    let (groups, left) = groups(&"prod".parse().unwrap(), came, standing);
    let said = groups.iter().map(|group| {
        let files: Vec<&str> = group.places.iter().map(|shown| shown.place.file.as_str()).collect();
        let before = group.before.map_or("nothing", |before| before.tag.as_str());
        let also: String = group.earlier.iter().map(|id| format!(" {}", id.0.as_u128())).collect();
        format!("{} {}→{before} also{also}", files.join("+"), group.last.to)
    });
    let said: Vec<String> = said.chain(left).collect();
    assert_eq!(said, expected);
}

#[test]
fn a_place_goes_back_to_what_stood_before_the_first_change_and_all_of_them_are_taken_back() {
    let came = [
        change(1, "prod", "a", "1.4.1→1.4.2"),
        change(2, "staging", "s", "1.4.1→1.4.3"),
        change(3, "prod", "a", "1.4.2→1.4.3"),
        change(4, "prod", "b", "1.3.0→1.4.3"),
    ];
    let standing = [stands("prod", "a", "1.4.3"), stands("prod", "b", "1.4.3"), stands("staging", "s", "1.4.3")];
    check(&came, &standing, &["a 1.4.3→1.4.1 also 1", "b 1.4.3→1.3.0 also"]);
}

#[test]
fn what_a_person_set_since_is_left_and_what_stands_as_it_did_is_not_touched() {
    let came = [change(1, "prod", "a", "1.4.1→1.4.2"), change(2, "prod", "b", "1.4.1→1.4.2")];
    let standing = [stands("prod", "a", "1.5.0"), stands("prod", "b", "1.4.2")];
    check(&came, &standing, &["b 1.4.2→1.4.1 also", "`a:3` says `1.5.0` by now, and the change wrote `1.4.2`"]);
    // It went back already.
    let came = [change(1, "prod", "a", "1.4.1→1.4.2"), change(2, "prod", "a", "1.4.2→1.4.1")];
    check(&came, &[stands("prod", "a", "1.4.1")], &[]);
    // So it did by hand.
    check(&[came[0].clone()], &[stands("prod", "a", "1.4.1")], &[]);
    // And forward again: the way back in between took nothing that is to be barred.
    let came = [came[0].clone(), came[1].clone(), change(3, "prod", "a", "1.4.1→1.4.3")];
    check(&came, &[stands("prod", "a", "1.4.3")], &["a 1.4.3→1.4.1 also 1"]);
}

#[test]
fn at_a_shared_place_the_changes_of_all_its_environments_are_taken_back() {
    let came = [change(1, "prod", "base", "1.4.1→1.4.2"), change(2, "staging", "base", "1.4.1→1.4.2")];
    let standing = [stands("prod", "base", "1.4.2"), stands("staging", "base", "1.4.2")];
    check(&came, &standing, &["base 1.4.2→1.4.1 also 2"]);
}

#[test]
fn an_entry_with_the_same_key_in_a_file_of_another_environment_is_another_place() {
    let came = [change(1, "prod", "prod/kustomization.yaml", "1.4.1→1.4.2")];
    let standing = [stands("staging", "staging/kustomization.yaml", "1.4.2")];
    let gone = "`prod/kustomization.yaml` holds no docker.io/acme/api at `images[name=api].newTag` for prod any more";
    check(&came, &standing, &[gone]);
    check(&came, &[stands("prod", "prod/jobs/kustomization.yaml", "1.4.2")], &[gone]);
}

/// The same of an object with a name.
fn of_a_pod(mut change: Change) -> Change {
    change.places[0].object = "Pod api".to_owned();
    change
}

#[test]
fn an_object_that_moved_is_the_same_place_unless_two_have_its_name_or_history() {
    let came = [of_a_pod(change(1, "prod", "a", "1.4.1→1.4.2"))];
    let at = |file: &str| {
        let mut one = stands("prod", file, "1.4.2");
        one.place.object = "Pod api".to_owned();
        one
    };
    check(&came, &[at("moved")], &["moved 1.4.2→1.4.1 also"]);
    let gone = "`a` holds no docker.io/acme/api at `images[name=api].newTag` for prod any more";
    check(&came, &[at("moved"), at("other")], &[gone]);
    let both = [came[0].clone(), of_a_pod(change(2, "prod", "moved", "1.3.0→1.4.2"))];
    let twice = "`moved:3` has the history of two places; take its changes back one by one";
    check(&both, &[at("moved")], &[twice, twice]);
}
