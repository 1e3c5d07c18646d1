use std::future::{pending, ready};

use super::*;

fn url(host: &str) -> Url {
    Url::parse(&format!("https://{host}/x")).unwrap()
}

async fn ask(patience: &mut Patience, host: &str, question: impl Future<Output = Result<u8, FetchError>>) -> String {
    match patience.ask(&url(host), Duration::from_secs(20), question).await {
        Ok(number) => number.to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_is_waited_for_once_and_the_others_are_asked() {
    let mut patience = Patience::new();
    assert!(ask(&mut patience, "a", pending()).await.contains("longer than 20 s"));
    let told = ask(&mut patience, "a", async { panic!("it is asked again") }).await;
    assert!(told.contains("`a` did not answer before"), "{told}");
    assert_eq!(ask(&mut patience, "a:444", ready(Ok(1))).await, "1");
    assert_eq!(ask(&mut patience, "b", ready(Ok(2))).await, "2");
}

#[tokio::test(start_paused = true)]
async fn what_a_host_answers_is_no_waiting_in_vain_however_long_it_took() {
    let mut patience = Patience::new();
    let slowly = async |answer: Result<u8, FetchError>| {
        tokio::time::advance(Duration::from_secs(19)).await;
        answer
    };
    assert!(ask(&mut patience, "a", slowly(Err(FetchError::NotFound))).await.contains("404"));
    assert_eq!(ask(&mut patience, "a", slowly(Ok(1))).await, "1");
    for _ in 0..3 {
        let away = FetchError::Unreachable { reason: "it answered 502".to_owned() };
        assert!(ask(&mut patience, "a", ready(Err(away))).await.contains("502"));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_once_the_time_for_all_is_over() {
    let mut patience = Patience::new();
    for number in 0..12 {
        assert!(ask(&mut patience, &format!("a{number}"), pending()).await.contains("longer than 20 s"));
    }
    let told = ask(&mut patience, "b", async { panic!("it is asked") }).await;
    assert!(told.contains("all together take longer than 240 s"), "{told}");
}
