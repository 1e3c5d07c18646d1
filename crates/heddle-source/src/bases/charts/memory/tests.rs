use super::*;

fn url(number: usize) -> Url {
    Url::parse(&format!("https://charts.acme.io/{number}/index.yaml")).unwrap()
}

fn owners(one: &str) -> [String; 2] {
    [one.to_owned(), String::new()]
}

fn index(way: &str) -> Arc<Index> {
    Arc::new(Index::read(format!("entries: {{web: [{{version: 1.0.0, urls: [{way}]}}]}}").as_bytes()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn indices_longest_not_asked_for_go_first_and_the_new_one_stays() {
    let indices = Indices::holding(10_000);
    for number in 0..=100 {
        indices.keep(&url(number), "", None, index(&"x".repeat(1000)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(indices.find(&url(0), owners("")).is_some(), "the one in use stays: {number}");
    }
    assert!(lock(&indices.known).len() < 10, "their bytes are bounded");
    assert!(indices.find(&url(100), owners("")).is_some());
    assert!(indices.find(&url(1), owners("")).is_none());

    let indices = Indices::holding(10);
    indices.keep(&url(1), "", None, index("a"));
    assert!(
        indices.find(&url(1), owners("")).is_some(),
        "one that is larger than all may be serves the look that asked"
    );
}

#[tokio::test(start_paused = true)]
async fn an_index_that_nobody_asks_for_is_forgotten() {
    let indices = Indices::holding(10_000);
    indices.keep(&url(1), "", None, index("a"));
    tokio::time::advance(INDEX_FRESH).await;
    assert!(!indices.find(&url(1), owners("")).unwrap().is_fresh());
    tokio::time::advance(KEPT_INDEX_TERM).await;
    indices.keep(&url(2), "", None, index("a"));
    assert!(indices.find(&url(1), owners("")).is_none());
}

#[test]
fn what_one_was_shown_is_not_shown_to_another() {
    let indices = Indices::holding(10_000);
    indices.keep(&url(1), "one", None, index("a"));
    assert!(indices.find(&url(1), owners("one")).is_some());
    assert!(indices.find(&url(1), owners("other")).is_none());
    let fresh = Fresh::default();
    fresh.keep("a", "one", 1);
    assert_eq!((fresh.find("a", owners("one")), fresh.find("a", owners("other"))), (Some(1), None));
}

#[tokio::test]
async fn nobody_asks_for_what_somebody_else_is_asking_for_and_who_waited_is_told_the_fault() {
    let flights = Arc::new(Flights::default());
    let mut first = flights.take_turn("a".to_owned()).await;
    drop(flights.take_turn("b".to_owned()).await);
    let second = tokio::spawn({
        let flights = Arc::clone(&flights);
        async move { flights.take_turn("a".to_owned()).await.fault().map(str::to_owned) }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    first.tell("it is away");
    drop(first);
    assert_eq!(second.await.unwrap().as_deref(), Some("it is away"));
    assert_eq!(flights.take_turn("a".to_owned()).await.fault(), None, "who comes later asks again");
}
