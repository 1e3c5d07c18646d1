use super::*;

#[test]
fn waits_grow_up_to_the_most_and_start_again_after_a_success() {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    for ceiling in [1, 2, 4, 8, 16, 32, 60, 60] {
        let wait = backoff.next_wait();
        assert!(wait <= Duration::from_secs(ceiling) && wait * 2 >= Duration::from_secs(ceiling), "{wait:?}");
    }
    backoff.reset();
    assert!(backoff.next_wait() <= Duration::from_secs(1));
}
