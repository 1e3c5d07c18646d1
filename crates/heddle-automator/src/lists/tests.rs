use super::*;

fn part_since(since: Instant) -> Part {
    Part { begun: Begun::default(), since, asked: 0 }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_gone_on_with_for_a_while_and_for_its_login_alone() {
    let lists = Lists::default();
    let site = |organization, image: &str, login: Option<u128>| Site {
        organization: OrganizationId(Uuid::from_u128(organization)),
        image: image.parse().unwrap(),
        login: login.map(Uuid::from_u128),
    };
    let own = site(1, "ghcr.io/acme/api", Some(1));
    let begin = Instant::now();
    assert!(lists.keep(own.clone(), lists.take(&own, begin, 3), begin));
    let later = begin + Duration::from_secs(60);
    for other in [site(2, "ghcr.io/acme/api", Some(1)), site(1, "ghcr.io/acme/api", Some(2))] {
        assert_eq!(lists.take(&other, later, 4).since, later);
    }
    let part = lists.take(&own, later, 4);
    assert_eq!((part.since, part.asked), (begin, 3), "what was asked for since then is not done with it");
    let anew = lists.take(&own, later, 4);
    assert_eq!((anew.since, anew.asked), (later, 4), "it is taken once");
    assert!(!lists.keep(own, part_since(begin), begin + LONGEST_LIST));
}

#[tokio::test(start_paused = true)]
async fn of_too_many_lists_those_stay_that_are_read_for_the_longest() {
    let lists = Lists::default();
    let site = |number| Site {
        organization: OrganizationId(Uuid::from_u128(1)),
        image: format!("ghcr.io/acme/api-{number}").parse().unwrap(),
        login: None,
    };
    let begin = Instant::now();
    let begun = |number: usize| begin + Duration::from_secs(number as u64);
    let now = begun(2 * MOST_LISTS);
    for number in 1..2 * MOST_LISTS {
        let kept = lists.keep(site(number), part_since(begun(number)), now);
        assert_eq!(kept, number <= MOST_LISTS, "{number}");
    }
    assert!(lists.keep(site(0), part_since(begun(0)), now), "its place was taken while it was read");
    for number in 0..MOST_LISTS {
        assert_eq!(lists.take(&site(number), now, 0).since, begun(number));
    }
    assert_eq!(lists.take(&site(MOST_LISTS), now, 0).since, now, "the newest begins anew");
}
