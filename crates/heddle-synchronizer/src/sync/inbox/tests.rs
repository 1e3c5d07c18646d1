use super::*;

fn sync(interval: &str) -> Arc<Sync> {
    let spec = serde_json::json!({"repository": "https://example.org/acme/config", "interval": interval});
    Arc::new(Sync::new("shop", serde_json::from_value(spec).unwrap()))
}

#[tokio::test]
async fn whoever_sends_never_waits_and_the_newest_of_many_is_read() {
    let (_neighbors, neighbors) = watch::channel(());
    let (_api, api) = watch::channel(None);
    let (_manifest, manifest) = watch::channel(FirstSync::Absent);
    let (sender, mut inbox) = Inbox::new(sync("1s"), neighbors, api, manifest);
    // Nobody reads meanwhile.
    for second in 0..1000 {
        sender.change(sync(&format!("{second}s")));
        sender.look(None);
    }
    let mut woken = (0, 0);
    for _ in 0..2 {
        match inbox.next().await {
            Wake::Spec(sync) => {
                assert_eq!(sync.spec.interval, "999s");
                woken.0 += 1;
            }
            Wake::Look(_) => woken.1 += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(woken, (1, 1));
    drop(sender);
    assert!(matches!(inbox.next().await, Wake::Closed));
}

#[tokio::test]
async fn a_head_is_told_where_all_hints_until_then_were_of_it() {
    let (_neighbors, neighbors) = watch::channel(());
    let (_api, api) = watch::channel(None);
    let (_manifest, manifest) = watch::channel(FirstSync::Absent);
    let (sender, mut inbox) = Inbox::new(sync("1s"), neighbors, api, manifest);
    let head = |digit: char| Some(Revision::try_from(digit.to_string().repeat(40)).unwrap());
    for (told, expected) in [
        (vec![head('a')], head('a')),
        (vec![head('a'), head('a')], head('a')),
        (vec![head('a'), head('b')], None),
        (vec![head('a'), head('b'), head('b')], None),
        (vec![None, head('a')], None),
        (vec![head('b')], head('b')),
    ] {
        told.iter().for_each(|head| sender.look(head.clone()));
        assert!(matches!(inbox.next().await, Wake::Look(head) if head == expected), "{told:?}");
    }
}
