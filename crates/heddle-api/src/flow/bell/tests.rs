use std::pin::Pin;

use futures::FutureExt;
use tokio::sync::broadcast;

use super::*;

type Waiting<'a> = Vec<Pin<Box<dyn Future<Output = ()> + 'a>>>;

/// How many of those who wait are woken by now.
fn woken(waiting: &mut Waiting<'_>) -> usize {
    let before = waiting.len();
    waiting.retain_mut(|one| one.as_mut().now_or_never().is_none());
    before - waiting.len()
}

#[tokio::test]
async fn one_is_woken_for_one_thing_and_the_next_when_it_found_some() {
    let bell = Bell::default();
    let mut waiting: Waiting<'_> = Vec::new();
    for _ in 0..5 {
        waiting.push(Box::pin(bell.rung()));
    }
    assert_eq!(woken(&mut waiting), 0);
    bell.ring();
    assert_eq!(woken(&mut waiting), 1);
    bell.turn().found();
    assert_eq!(woken(&mut waiting), 1, "there may be more");
    bell.turn().found_nothing();
    assert_eq!(woken(&mut waiting), 0);
}

#[tokio::test]
async fn whoever_is_interrupted_leaves_the_turn_to_another() {
    let bell = Bell::default();
    let mut waiting: Waiting<'_> = vec![Box::pin(bell.rung()), Box::pin(bell.rung())];
    assert_eq!(woken(&mut waiting), 0);
    bell.ring();
    assert_eq!(woken(&mut waiting), 1);
    drop(bell.turn());
    assert_eq!(woken(&mut waiting), 1);
}

#[tokio::test]
async fn it_rings_when_work_is_announced_and_when_it_becomes_due() {
    let bell = Bell::default();
    let (sender, notices) = broadcast::channel(8);
    let shutdown = CancellationToken::new();
    let waits = async {
        bell.plan(Some(Duration::ZERO));
        bell.rung().await;
        assert!(!bell.is_planned(), "what comes next is to be asked anew");
        bell.plan(None);
        assert!(bell.is_planned());
        sender.send(Notice::Work).unwrap();
        bell.rung().await;
        bell.turn().found();
        assert!(!bell.is_planned(), "the lease that was made may run out");
        shutdown.cancel();
    };
    tokio::join!(bell.run(notices.into(), shutdown.clone()), waits);
}
