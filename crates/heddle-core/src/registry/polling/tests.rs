use super::*;

const USUAL: TimeDelta = TimeDelta::minutes(5);

fn now() -> DateTime<Utc> {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn ago(past: TimeDelta) -> Option<DateTime<Utc>> {
    Some(now() - past)
}

fn next(watched: Watched) -> TimeDelta {
    next_of("ghcr.io/acme/web", watched, USUAL)
}

fn next_of(image: &str, watched: Watched, usual: TimeDelta) -> TimeDelta {
    watched.next_in(&image.parse().unwrap(), Uuid::nil(), usual, now())
}

#[test]
fn what_moves_is_asked_for_soon_and_what_does_not_seldom() {
    let moved = |past| next(Watched { moved_at: ago(past), ..Watched::default() });
    assert_eq!(moved(TimeDelta::minutes(9)), TimeDelta::seconds(30));
    assert_eq!(moved(TimeDelta::minutes(59)), TimeDelta::minutes(1));
    assert_eq!(moved(TimeDelta::hours(23)), USUAL);
    assert_eq!(moved(TimeDelta::days(6)), TimeDelta::minutes(10));
    assert_eq!(moved(TimeDelta::days(400)), TimeDelta::minutes(30));
}

#[test]
fn what_is_not_known_to_move_is_asked_for_as_usual() {
    assert_eq!(next(Watched::default()), USUAL);
}

#[test]
fn a_notice_and_a_write_are_followed_closely() {
    let long_ago = ago(TimeDelta::days(90));
    let told = Watched { moved_at: long_ago, told_at: ago(TimeDelta::minutes(2)), ..Watched::default() };
    assert_eq!(next(told), TimeDelta::seconds(30));
    let written = Watched { moved_at: long_ago, written_at: ago(TimeDelta::minutes(30)), ..Watched::default() };
    assert_eq!(next(written), TimeDelta::minutes(1));
}

#[test]
fn a_registry_that_tells_of_pushes_is_asked_seldom_until_a_push_comes_untold() {
    let told = ago(TimeDelta::hours(5));
    let heard = Watched { moved_at: ago(TimeDelta::minutes(299)), told_at: told, ..Watched::default() };
    assert_eq!(next(heard), TimeDelta::minutes(30), "the scan that follows a notice finds what it told of");
    let unheard = Watched { moved_at: ago(TimeDelta::hours(3)), told_at: told, ..Watched::default() };
    assert_eq!(next(unheard), USUAL);
}

#[test]
fn a_rule_says_how_often_but_no_registry_is_asked_more_often_than_it_bears() {
    let asked =
        Watched { interval: Some(TimeDelta::seconds(20)), moved_at: ago(TimeDelta::days(90)), ..Watched::default() };
    assert_eq!(next(asked), TimeDelta::seconds(20));
    assert_eq!(next_of("nginx", asked, USUAL), TimeDelta::minutes(1));
    let moves = Watched { moved_at: ago(TimeDelta::minutes(1)), ..Watched::default() };
    assert_eq!(next_of("nginx", moves, USUAL), TimeDelta::minutes(1));
}

#[test]
fn an_installations_own_interval_bounds_what_adapts() {
    let (moves, rests) = (ago(TimeDelta::minutes(1)), ago(TimeDelta::days(90)));
    let at = |moved_at, usual| next_of("nginx", Watched { moved_at, ..Watched::default() }, usual);
    assert_eq!(at(moves, TimeDelta::seconds(2)), TimeDelta::seconds(2));
    assert_eq!(at(rests, TimeDelta::seconds(2)), TimeDelta::seconds(12));
    assert_eq!(at(rests, TimeDelta::hours(6)), TimeDelta::hours(6), "never beyond what was asked for");
}

#[test]
fn images_spread_by_a_tenth_and_never_later() {
    let image: ImageRepository = "ghcr.io/acme/web".parse().unwrap();
    let at = |id: u128| Watched::default().next_in(&image, Uuid::from_u128(id), USUAL, now());
    let all: Vec<TimeDelta> = (0..101).map(at).collect();
    assert!(all.iter().all(|next| (USUAL * 9 / 10..=USUAL).contains(next)), "{all:?}");
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 101);
}
