use super::*;

#[tokio::test]
async fn others_go_on_while_something_is_computed() {
    // With one thread for all tasks, this ends only when the work is not done there.
    let (sender, receiver) = std::sync::mpsc::channel();
    let waits = compute(move || receiver.recv());
    let other = async { sender.send(7) };
    let (value, sent) = tokio::join!(waits, other);
    assert!(sent.is_ok() && value == Ok(7));
}

#[tokio::test]
async fn few_take_turns_and_a_panic_ends_one() {
    static TURNS: Turns = Turns::new();
    for _ in 0..=MAX_AT_ONCE {
        let ended = tokio::spawn(TURNS.take(Pace::Slow, || panic!("at work"))).await;
        assert!(ended.is_err_and(|error| error.is_panic()));
    }
    let held = TURNS.all.acquire_many(u32::try_from(MAX_AT_ONCE).unwrap()).await.unwrap();
    let mut waits = std::pin::pin!(TURNS.take(Pace::Quick, || 7));
    assert!(futures::poll!(waits.as_mut()).is_pending());
    drop(held);
    assert_eq!(waits.await, 7);
}

#[tokio::test]
async fn slow_ones_never_hold_all_turns() {
    static TURNS: Turns = Turns::new();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let first = tokio::spawn(TURNS.take(Pace::Slow, move || ended.recv()));
    while TURNS.all.available_permits() == MAX_AT_ONCE {
        tokio::task::yield_now().await;
    }
    let mut second = std::pin::pin!(TURNS.take(Pace::Slow, || 2));
    assert!(futures::poll!(second.as_mut()).is_pending());
    assert_eq!(TURNS.take(Pace::Quick, || 1).await, 1);
    drop(end);
    assert!(first.await.unwrap().is_err());
    assert_eq!(second.await, 2);
}

#[tokio::test]
async fn a_panic_is_the_callers() {
    let ended = tokio::spawn(compute(|| panic!("at work"))).await;
    assert!(ended.is_err_and(|error| error.is_panic()));
}
