use super::*;

#[test]
fn the_order_of_choices_does_not_count_and_their_rules_do() {
    let (prod, image) = ("prod".parse().unwrap(), "ghcr.io/acme/api".parse().unwrap());
    let tags: [Tag; 2] = ["1.0.0".parse().unwrap(), "1.1.0".parse().unwrap()];
    let policy = TagPolicy { semver: Some("1.x".to_owned()), ..TagPolicy::default() };
    let other = TagPolicy { semver: Some("2.x".to_owned()), ..TagPolicy::default() };
    let asked = |tag, policy| Asked { environment: &prod, image: &image, policy, tag: Some(tag), digest: None };
    let (one, two) = (asked(&tags[0], &policy), asked(&tags[1], &policy));
    assert_eq!(fingerprint([one, two], []), fingerprint([two, one, one], []));
    assert_ne!(fingerprint([one], []), fingerprint([asked(&tags[0], &other)], []));
    let promotion = PromotionReport { from: "staging".parse().unwrap(), after_secs: 0 };
    assert_ne!(fingerprint([one], []), fingerprint([one], [(&prod, &promotion)]));
}
