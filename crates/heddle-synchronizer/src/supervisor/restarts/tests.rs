use super::*;

#[test]
fn a_task_that_ends_again_and_again_begins_less_and_less_often() {
    let (mut restarts, mut now) = (Restarts::default(), Instant::now());
    let mut waits = Vec::new();
    for _ in 0..12 {
        waits.push(restarts.note_end("a", now));
        assert!(restarts.claim(now).is_empty(), "it begins at once");
        now = restarts.next_at().unwrap();
        assert_eq!(restarts.claim(now), ["a"]);
        assert_eq!(restarts.next_at(), None);
    }
    assert!(waits[0] <= FIRST_WAIT && waits[11] >= LONGEST_WAIT / 2 && waits[11] <= LONGEST_WAIT, "{waits:?}");
    assert!(restarts.note_end("a", now + LONG * 2) <= FIRST_WAIT, "it ran for long");
}

#[test]
fn each_waits_for_itself_and_one_that_is_gone_does_not_begin() {
    let (mut restarts, now) = (Restarts::default(), Instant::now());
    restarts.note_end("a", now);
    restarts.note_end("b", now);
    restarts.forget("a");
    assert_eq!(restarts.claim(now + LONGEST_WAIT), ["b"]);
}
