use heddle_wire::automator::ScanWork;
use uuid::Uuid;

use super::*;

const SLOW: Duration = Duration::from_secs(QUICK_SCAN.as_secs() + 1);

fn organization(number: u128) -> OrganizationId {
    OrganizationId(Uuid::from_u128(number))
}

fn scan(image: &str) -> Work {
    Work::Scan(ScanWork {
        image: image.parse().unwrap(),
        login: None,
        etag: None,
        choices: Vec::new(),
        known: None,
        refresh: Vec::new(),
        asked: 1,
        at_once: None,
    })
}

/// Whose scans of which registry hold slots, and which of them give way once they are slow.
fn check(slots: usize, scans: &[(u128, &str)], expected: &[usize]) {
    let (share, start) = (Share::new(slots), Instant::now());
    let admit = |(owner, registry): &(u128, &str)| {
        share.admit(organization(*owner), &scan(&format!("{registry}/image")), start).unwrap()
    };
    let tickets: Vec<Ticket> = scans.iter().map(admit).collect();
    let gives_way = |at: Duration| -> Vec<usize> {
        let given = tickets.iter().enumerate().filter(|(_, ticket)| ticket.gives_way(start + at));
        given.map(|(index, _)| index).collect()
    };
    assert_eq!(gives_way(QUICK_SCAN), Vec::<usize>::new(), "none is slow yet");
    assert_eq!(gives_way(SLOW), expected);
}

#[test]
fn a_slow_registry_holds_a_slot_of_its_own_and_no_other() {
    check(4, &[(1, "slow.example"); 4], &[1, 2, 3]);
    check(4, &[(1, "slow.example"), (1, "slow.example"), (1, "slow.example")], &[]);
}

#[test]
fn an_organization_keeps_its_part_however_many_registries_it_names() {
    check(
        8,
        &[(1, "a.io"), (1, "b.io"), (1, "c.io"), (1, "d.io"), (1, "e.io"), (1, "f.io"), (1, "g.io"), (1, "h.io")],
        &[2, 3, 4, 5, 6, 7],
    );
}

#[test]
fn slow_scans_together_leave_half_of_the_slots() {
    check(4, &[(1, "a.io"), (2, "a.io"), (3, "a.io"), (4, "a.io")], &[2, 3]);
}

#[test]
fn the_only_slot_is_not_taken_from_a_slow_scan() {
    check(1, &[(1, "slow.example")], &[]);
}

#[test]
fn a_registry_rests_after_a_slow_failure_longer_each_time_and_for_its_organization_alone() {
    let (share, mut now) = (Share::new(4), Instant::now());
    let (owner, works) = (organization(1), [scan("slow.example/a"), scan("slow.example/b")]);
    let first = share.admit(owner, &works[0], now).unwrap();
    now += SLOW;
    first.scan_ended(true, now);
    drop(first);
    let mut rests = Vec::new();
    for turn in 1..=9 {
        let work = &works[turn % 2];
        let ticket = share.admit(owner, work, now).unwrap();
        now += SLOW;
        ticket.scan_ended(true, now);
        drop(ticket);
        let given_back = share.admit(owner, work, now).unwrap_err();
        rests.push(given_back.wait.as_secs());
        assert!(given_back.reason.starts_with("`slow.example` answers too slowly"));
        share.admit(organization(2), work, now).unwrap();
        share.admit(owner, &scan("quick.example/a"), now).unwrap();
        now += given_back.wait;
    }
    assert_eq!(rests, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
}

#[test]
fn after_a_rest_one_scan_tries_alone_and_ends_it() {
    let (share, start) = (Share::new(4), Instant::now());
    let (owner, work) = (organization(1), scan("slow.example/a"));
    let beside = scan("slow.example/b");
    for ticket in [&work, &beside].map(|work| share.admit(owner, work, start).unwrap()) {
        ticket.scan_ended(true, start + SLOW);
    }
    let now = start + SLOW + FIRST_REST;
    let trying = share.admit(owner, &work, now).unwrap();
    assert_eq!(share.admit(owner, &work, now).unwrap_err().wait, FIRST_REST);
    trying.scan_ended(false, now);
    assert!(share.admit(owner, &work, now).is_ok());
}

#[test]
fn one_image_that_is_always_slow_sends_its_registry_to_no_rest() {
    let (share, mut now) = (Share::new(4), Instant::now());
    let (owner, slow, quick) = (organization(1), scan("reg.example/slow"), scan("reg.example/quick"));
    for _ in 0..3 {
        let ticket = share.admit(owner, &slow, now).unwrap();
        let beside = share.admit(owner, &quick, now).unwrap();
        now += SLOW;
        ticket.scan_ended(true, now);
        drop((ticket, beside));
    }
    // Another one between them, which was quick: what is slow after it is the first in a row.
    share.admit(owner, &quick, now).unwrap().scan_ended(false, now);
    let other = share.admit(owner, &scan("reg.example/other"), now).unwrap();
    other.scan_ended(true, now + SLOW);
    drop(other);
    assert!(share.admit(owner, &slow, now + SLOW).is_ok());
}

#[test]
fn a_failure_that_came_quickly_sends_no_registry_to_rest() {
    let (share, now) = (Share::new(4), Instant::now());
    let (owner, work) = (organization(1), scan("gone.example/a"));
    share.admit(owner, &work, now).unwrap().scan_ended(true, now + SLOW_FAILURE);
    assert!(share.admit(owner, &work, now + SLOW_FAILURE).is_ok());
}

#[test]
fn an_organization_with_many_repositories_leaves_the_last_slot_while_another_has_work() {
    let (share, now) = (Share::new(4), Instant::now());
    let read = || Work::Read(read_work());
    let admit = |owner| share.admit(organization(owner), &read(), now);
    let alone: Vec<Ticket> = (0..4).map(|_| admit(1).unwrap()).collect();
    drop(alone);
    let held: Vec<Ticket> = [2, 1, 1].map(|owner| admit(owner).unwrap()).into();
    assert_eq!(admit(1).unwrap_err().wait, REPOSITORY_WAIT);
    let other = admit(2).unwrap();
    drop((held, other));
    assert!(admit(1).is_ok());
}

fn read_work() -> heddle_wire::automator::ReadWork {
    let repository = heddle_wire::automator::RepositoryAccess {
        id: heddle_core::id::RepositoryId(Uuid::nil()),
        name: "acme/config".parse().unwrap(),
        clone_url: "https://github.com/acme/config.git".parse().unwrap(),
        api_url: "https://api.github.com".parse().unwrap(),
        graphql_url: "https://api.github.com/graphql".parse().unwrap(),
        token: heddle_wire::secret::WireSecret(String::new().into()),
        token_expires_at: chrono::DateTime::UNIX_EPOCH,
        bot_login: "heddle[bot]".into(),
        default_branch: "main".parse().unwrap(),
    };
    heddle_wire::automator::ReadWork {
        repository,
        known_heads: Vec::new(),
        unknown_revisions: Vec::new(),
        wanted_commits: Vec::new(),
        sync_paths: Vec::new(),
        open_proposals: Vec::new(),
    }
}
