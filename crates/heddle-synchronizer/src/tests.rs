use super::*;

#[tokio::test]
async fn a_task_that_panics_ends_the_term() {
    let (mut tasks, term) = (JoinSet::new(), CancellationToken::new());
    tasks.spawn(std::future::pending());
    tasks.spawn(async { panic!("at work") });
    let error = until_end(&mut tasks, &term).await.unwrap_err();
    assert!(format!("{error:#}").contains("a task of the agent failed"), "{error:#}");
}

#[tokio::test]
async fn a_task_that_ends_in_silence_ends_the_term() {
    let (mut tasks, term) = (JoinSet::new(), CancellationToken::new());
    tasks.spawn(async {});
    assert!(until_end(&mut tasks, &term).await.is_err());
}

#[tokio::test]
async fn a_term_that_is_over_is_no_fault() {
    let (mut tasks, term) = (JoinSet::new(), CancellationToken::new());
    let ended = term.clone();
    tasks.spawn(async move { ended.cancelled().await });
    term.cancel();
    until_end(&mut tasks, &term).await.unwrap();
}
