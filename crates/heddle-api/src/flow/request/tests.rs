use chrono::TimeDelta;
use heddle_core::{
    id::RequestId,
    place::Place,
    request::{Release, Requested, Requester},
};
use uuid::Uuid;

use super::*;

fn request(state: RequestState, why: Option<&str>) -> Request {
    let number = 41;
    let (file, object, field) = ("prod/a.yaml".to_owned(), "Pod/api".to_owned(), "spec".to_owned());
    let place = Place { file, line: 3, object, field };
    Request {
        id: RequestId(Uuid::nil()),
        repository: RepositoryId(Uuid::nil()),
        repository_name: "acme/config".parse().unwrap(),
        requested: Requested { by: Requester::new("Ada", Uuid::nil().into()), reason: None },
        branch: "main".parse().unwrap(),
        head: "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap(),
        asked: Asked::Release(Release {
            environment: "prod".parse().unwrap(),
            image: "acme/api".parse().unwrap(),
            to: "1.4.1".parse().unwrap(),
            places: vec![ShownPlace { place, tag: None, digest: None, environments: Vec::new() }],
            holds: Vec::new(),
        }),
        mode: Mode::PullRequest,
        despite: Vec::new(),
        state,
        why: why.map(ToOwned::to_owned),
        waiting: None,
        proposal: None,
        proposal_ref: Some(ProposalRef::PullRequest { number, url: "https://example.com".into() }),
        waits_for: None,
        created_at: DateTime::UNIX_EPOCH,
        ended_at: None,
    }
}

#[test]
fn every_state_says_what_it_waits_for_or_why_it_ended() {
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let here = Moment { automator_seen_at: Some(now), now };
    let gone = Moment { automator_seen_at: Some(now - TimeDelta::minutes(58)), now };
    let check = |state, why: Option<&str>, update: Option<&str>, moment: &Moment, expected: &str| {
        let failures = Failures { read: None, update };
        assert_eq!(in_words(&request(state, why), failures, moment), expected);
    };
    check(RequestState::Waiting, None, None, &gone, "no automator for 58 min");
    check(RequestState::Waiting, None, None, &here, "an automator looks at it next");
    check(RequestState::Waiting, None, Some("no token"), &here, "the last update failed: no token");
    let refused = "not written: the branch is protected; it is tried again";
    check(RequestState::Waiting, Some("the branch is protected"), Some("x"), &here, refused);
    let unread = Failures { read: Some("the branch is gone"), update: Some("x") };
    let told = in_words(&request(RequestState::Waiting, None), unread, &here);
    assert_eq!(told, "its repository could not be read: the branch is gone");
    check(RequestState::Writing, None, None, &here, "an automator writes it now");
    check(RequestState::Writing, None, None, &gone, "no automator for 58 min");
    check(RequestState::Proposed, None, None, &here, "waits for #41 to be merged");
    check(RequestState::Merged, None, None, &here, "`main` carries it; its line tells how it goes on");
    check(RequestState::Declined, None, None, &here, "its pull request was closed");
    check(RequestState::Refused, Some("`a.yaml:3` says 2"), None, &here, "`a.yaml:3` says 2");
    check(RequestState::Withdrawn, None, None, &here, "whoever asked took it back");
}
