use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn schedule(now: Instant) -> Schedule {
    Schedule::new(MINUTE, HOUR, now)
}

/// Claims all that is due, as a step of a Sync does.
fn claim_all(schedule: &mut Schedule, situation: Situation, now: Instant) -> [bool; 4] {
    let look = !situation.is_looking && schedule.claim_look(now);
    let acts = !situation.is_suspended;
    let run = acts && schedule.claim_run(now);
    let sweep = acts && schedule.claim_sweep(now).is_some();
    let roots = situation.is_unwell && schedule.claim_roots(now);
    [look, run, sweep, roots]
}

#[test]
fn it_looks_at_once_and_then_at_its_interval_and_a_hint_makes_it_sooner() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    assert_eq!(schedule.next_wake(Situation::default(), now), now);
    assert!(schedule.claim_look(now) && !schedule.claim_look(now));
    schedule.looked(false, now);
    assert_eq!(schedule.next_wake(Situation::default(), now), now + MINUTE);
    let later = now + MINUTE / 2;
    schedule.look(later);
    assert!(schedule.claim_look(later) && !schedule.claim_look(later));
    assert_eq!(schedule.next_wake(Situation::default(), later), later + MINUTE);
}

#[test]
fn what_is_due_is_due_once_whatever_comes_of_it() {
    let now = Instant::now();
    for suspended in [false, true] {
        for (unwell, looking) in [(false, false), (true, false), (false, true), (true, true)] {
            for changes_at in [None, Some(now - MINUTE), Some(now), Some(now + MINUTE)] {
                let situation =
                    Situation { is_suspended: suspended, is_looking: looking, is_unwell: unwell, changes_at };
                let mut schedule = schedule(now);
                let mut now = now;
                for turn in 0..200 {
                    if turn % 7 == 0 {
                        schedule.settle(now);
                    }
                    let did = claim_all(&mut schedule, situation, now);
                    // Neither is a fault a reason to be due at once, nor is it one to do nothing.
                    schedule.looked(turn % 2 == 0, now);
                    schedule.ran(turn % 3 == 0, now);
                    let wake = schedule.next_wake(situation, now);
                    assert!(wake > now, "turn {turn} of {situation:?} did {did:?} and would spin");
                    now = wake;
                }
            }
        }
    }
}

#[test]
fn what_is_due_does_not_wait_for_a_look_that_is_under_way() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    assert!(schedule.claim_look(now));
    schedule.look(now);
    let looking = Situation { is_looking: true, ..Situation::default() };
    assert_eq!(schedule.next_wake(looking, now), now + HOUR, "the next look waits for the end of this one");
    schedule.settle(now);
    assert_eq!(schedule.next_wake(looking, now), now);
    let suspended = Situation { is_suspended: true, ..looking };
    assert!(schedule.next_wake(suspended, now) > now);
}

#[test]
fn a_sweep_goes_on_while_it_has_objects_left_and_a_suspended_sync_does_not_sweep() {
    let now = Instant::now();
    let (mut schedule, situation) = (schedule(now), Situation::default());
    assert!(schedule.claim_look(now) && schedule.claim_sweep(now).is_none());
    let now = now + HOUR;
    assert!(schedule.claim_look(now));
    assert_eq!(schedule.claim_sweep(now), Some(SweepPart::First));
    schedule.continue_sweep();
    assert_eq!(schedule.next_wake(situation, now), now);
    let suspended = Situation { is_suspended: true, ..situation };
    assert_eq!(schedule.next_wake(suspended, now), now + MINUTE);
    assert_eq!(schedule.claim_sweep(now), Some(SweepPart::Next));
    assert_eq!(schedule.claim_sweep(now), None);
    assert_eq!(schedule.next_wake(situation, now), now + MINUTE);
}

#[test]
fn a_fault_that_passes_is_tried_again_sooner_and_less_and_less_often() {
    let now = Instant::now();
    let mut schedule = Schedule::new(HOUR, HOUR, now);
    assert!(schedule.claim_look(now));
    let mut waits = Vec::new();
    for _ in 0..12 {
        schedule.ran(true, now);
        let wake = schedule.next_wake(Situation::default(), now);
        waits.push(wake - now);
        assert!(!schedule.claim_run(now) && schedule.claim_run(wake));
    }
    assert!(waits[0] <= RETRY.0 && waits[11] >= RETRY.1 / 2 && waits[11] <= RETRY.1, "{waits:?}");
    schedule.ran(false, now);
    schedule.ran(true, now);
    assert!(schedule.next_wake(Situation::default(), now) <= now + RETRY.0);
}

#[test]
fn news_does_not_wait_for_a_retry() {
    let now = Instant::now();
    let mut schedule = schedule(now);
    assert!(schedule.claim_look(now));
    schedule.ran(true, now);
    schedule.settle(now);
    assert!(schedule.claim_run(now));
    assert!(!schedule.claim_run(now + HOUR), "one run does for both");
}
