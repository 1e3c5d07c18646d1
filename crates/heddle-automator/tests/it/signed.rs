//! Signatures: keys are read where rules name them, and signatures where a choice asks for them.

use chrono::Utc;
use heddle_core::policy::{SignatureCheck, Signed, Signer, TagInfo, TagList, TagPolicy};
use heddle_signature::PublicKey;
use heddle_testkit::{
    hold::{Fault, Match, Proxy},
    registry::{ImageSigner, Registry},
};
use heddle_wire::automator::{ScanOutcome, ScannedTag, TagChoice};
use reqwest::{Method, StatusCode};

use crate::shop::{REPOSITORY, Shop};

/// A choice beside 1.4.1 that asks for a signature of these.
fn choice(signers: &[&ImageSigner]) -> TagChoice {
    let signer = |signer: &&ImageSigner| {
        let key = PublicKey::parse_pem(&signer.public_key()).unwrap();
        Signer { id: Some(key.id().clone()), public_key: Some(key.to_pem()), ..Signer::of_key("cosign.pub") }
    };
    let signed_by = signers.iter().map(signer).collect();
    let policy = TagPolicy { semver: Some("*".into()), pin_digest: true, signed_by, ..TagPolicy::default() };
    TagChoice { policy, current: Some("1.4.1".parse().unwrap()), digest: None }
}

/// What a scan found out of each tag, and why not all.
async fn scan(
    shop: &Shop,
    image: &str,
    choice: &TagChoice,
    known: Option<TagList>,
) -> (Vec<ScannedTag>, Option<String>) {
    let report = shop.scan_for(image, vec![choice.clone()], known).await.scan.unwrap();
    let ScanOutcome::Complete { tags, undescribed, .. } = report.outcome else { panic!("{report:?}") };
    (tags, undescribed.map(|fault| fault.reason))
}

fn checks<'a>(tags: &'a [ScannedTag], tag: &str) -> Vec<&'a Signed> {
    let scanned = tags.iter().find(|scanned| scanned.tag.as_str() == tag).unwrap();
    let description = scanned.description.as_ref();
    description.map(|it| it.signatures.iter().map(|check| &check.outcome).collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_scan_says_who_signed_what_a_choice_would_take() {
    let shop = Shop::open("1.4.1").await;
    let registry = Registry::start().await.unwrap();
    let (ours, theirs) = (ImageSigner::new().unwrap(), ImageSigner::new().unwrap());
    let mut digests = Vec::new();
    for tag in ["1.4.0", "1.4.1", "1.4.2", "1.4.3", "1.4.4"] {
        digests.push(registry.push_image("acme/api", tag).await.unwrap().digest);
    }
    registry.sign("acme/api", &digests[2], &ours).await.unwrap();
    registry.sign("acme/api", &digests[3], &theirs).await.unwrap();
    registry.sign_by_bundle("acme/api", &digests[4], &ours).await.unwrap();
    let image = format!("{}/acme/api", registry.host());
    let (tags, fault) = scan(&shop, &image, &choice(&[&ours]), None).await;
    assert_eq!(fault, None);
    let none: [&Signed; 0] = [];
    assert_eq!(checks(&tags, "1.4.0"), none);
    assert_eq!(checks(&tags, "1.4.2"), [&Signed::Yes]);
    assert_eq!(checks(&tags, "1.4.3"), [&Signed::No]);
    assert_eq!(checks(&tags, "1.4.4"), [&Signed::Yes]);
    let of_either = choice(&[&ours, &theirs]);
    let (tags, _) = scan(&shop, &image, &of_either, None).await;
    assert_eq!(checks(&tags, "1.4.3").iter().filter(|signed| ***signed == Signed::Yes).count(), 1);
}

/// What is kept of a scan.
fn known(tags: &[ScannedTag]) -> TagList {
    let known = tags.iter().map(|scanned| {
        let mut info = TagInfo::named(scanned.tag.clone(), Utc::now());
        if let Some(description) = scanned.description.clone() {
            info.digest = Some(description.digest);
            info.platforms = Some(description.platforms);
            info.signatures = description.signatures;
        }
        info
    });
    TagList::whole(known.collect())
}

/// A registry behind a proxy with 1.4.1 and these tags, signed where a signer stands beside them; gives their digests.
async fn pushed(tags: &[(&str, Option<&ImageSigner>)]) -> (Registry, Proxy, Vec<String>) {
    let registry = Registry::start().await.unwrap();
    registry.push_image("acme/api", "1.4.1").await.unwrap();
    let mut digests = Vec::new();
    for (tag, signer) in tags {
        let pushed = registry.push_image("acme/api", tag).await.unwrap();
        if let Some(signer) = signer {
            registry.sign("acme/api", &pushed.digest, signer).await.unwrap();
        }
        digests.push(pushed.digest);
    }
    let proxy = Proxy::start(registry.url().unwrap(), None, None).await.unwrap();
    (registry, proxy, digests)
}

#[tokio::test]
async fn what_cannot_be_read_of_one_tag_keeps_nobody_from_looking_at_the_others() {
    let shop = Shop::open("1.4.1").await;
    let ours = ImageSigner::new().unwrap();
    let tags = [("1.4.2", Some(&ours)), ("1.4.3", Some(&ours)), ("1.4.4", Some(&ours))];
    let (_registry, proxy, digests) = pushed(&tags).await;
    let image = format!("{}/acme/api", proxy.host());
    // The middle one, which is neither the first nor the greatest.
    let under_tag = format!("{}.sig", digests[1].replace(':', "-"));
    proxy.fail(Match::new(Method::GET, &under_tag), Fault::status(StatusCode::BAD_GATEWAY));
    let (tags, fault) = scan(&shop, &image, &choice(&[&ours]), None).await;
    let reason = format!("`{}` answered with status 502", proxy.host());
    assert_eq!(checks(&tags, "1.4.3"), [&Signed::Unknown { reason: reason.clone() }]);
    assert_eq!((checks(&tags, "1.4.2"), checks(&tags, "1.4.4")), (vec![&Signed::Yes], vec![&Signed::Yes]));
    assert_eq!(fault, Some(format!("the signatures of `1.4.3` could not be read: {reason}")));
    proxy.heal();
    // A registry that asks for fewer requests is asked no more, the greatest tag first.
    proxy.fail(Match::new(Method::GET, ".sig"), Fault::status(StatusCode::TOO_MANY_REQUESTS));
    let before = proxy.count(Method::GET, ".sig");
    let (tags, fault) = scan(&shop, &image, &choice(&[&ours]), None).await;
    assert_eq!(proxy.count(Method::GET, ".sig"), before + 1);
    assert!(fault.is_some_and(|fault| fault.contains("`1.4.4`")) && checks(&tags, "1.4.3").is_empty(), "{tags:?}");
}

#[tokio::test]
async fn a_tag_that_cannot_be_described_or_is_forbidden_hides_no_other() {
    let shop = Shop::open("1.4.1").await;
    let ours = ImageSigner::new().unwrap();
    let names: Vec<String> = (2..12).map(|number| format!("1.4.{number}")).collect();
    let tags: Vec<_> = names.iter().map(|name| (name.as_str(), Some(&ours))).collect();
    let (_registry, proxy, _) = pushed(&tags).await;
    let image = format!("{}/acme/api", proxy.host());
    for status in [StatusCode::BAD_GATEWAY, StatusCode::FORBIDDEN] {
        proxy.fail(Match::new(Method::GET, "/manifests/1.4.11"), Fault::status(status));
        let (tags, fault) = scan(&shop, &image, &choice(&[&ours]), None).await;
        assert!(fault.is_some_and(|fault| fault.contains("`1.4.11` could not be read")), "{status}");
        for name in &names[..9] {
            assert_eq!(checks(&tags, name), [&Signed::Yes], "{status} {name}");
        }
        proxy.heal();
    }
}

#[tokio::test]
async fn what_a_tag_names_that_is_taken_without_its_digest_is_seen_in_each_scan() {
    let shop = Shop::open("1.4.1").await;
    let ours = ImageSigner::new().unwrap();
    let (registry, proxy, _) = pushed(&[("1.4.2", Some(&ours))]).await;
    let image = format!("{}/acme/api", proxy.host());
    let mut bare = choice(&[&ours]);
    bare.policy.pin_digest = false;
    bare.policy.signed_by[0].tag_only = true;
    let (tags, _) = scan(&shop, &image, &bare, None).await;
    assert_eq!(checks(&tags, "1.4.2"), [&Signed::Yes]);
    let seen = known(&tags);

    proxy.fail(Match::new(Method::HEAD, "/manifests/1.4.2"), Fault::status(StatusCode::BAD_GATEWAY));
    let (tags, fault) = scan(&shop, &image, &bare, Some(seen.clone())).await;
    assert!(fault.is_some() && checks(&tags, "1.4.2").is_empty(), "nobody says that it was seen: {tags:?}");
    proxy.heal();

    registry.push_content("acme/api", "1.4.2", "something else").await.unwrap();
    let (tags, fault) = scan(&shop, &image, &bare, Some(seen)).await;
    assert_eq!((checks(&tags, "1.4.2"), fault), (vec![&Signed::No], None));
}

#[tokio::test]
async fn what_is_known_of_a_digest_is_not_looked_for_again_and_of_another_digest_nothing_is_known() {
    let shop = Shop::open("1.4.1").await;
    let registry = Registry::start().await.unwrap();
    let ours = ImageSigner::new().unwrap();
    registry.push_image("acme/api", "1.4.1").await.unwrap();
    let pushed = registry.push_image("acme/api", "1.4.2").await.unwrap();
    registry.sign("acme/api", &pushed.digest, &ours).await.unwrap();
    let proxy = Proxy::start(registry.url().unwrap(), None, None).await.unwrap();
    let image = format!("{}/acme/api", proxy.host());
    let choice = choice(&[&ours]);
    let (tags, _) = scan(&shop, &image, &choice, None).await;
    let known = known(&tags);

    // Nobody is asked again.
    proxy.fail(Match::new(Method::GET, "/referrers/"), Fault::status(StatusCode::BAD_GATEWAY));
    let (_, fault) = scan(&shop, &image, &choice, Some(known.clone())).await;
    assert_eq!(fault, None);
    proxy.heal();

    // The tag moves to an image that nobody signed.
    registry.push_content("acme/api", "1.4.2", "something else").await.unwrap();
    let mut moved = known;
    for info in &mut moved.tags {
        info.platforms = None;
    }
    let (tags, fault) = scan(&shop, &image, &choice, Some(moved)).await;
    assert_eq!((checks(&tags, "1.4.2"), fault), (vec![&Signed::No], None));
}

#[tokio::test]
async fn a_registry_that_cannot_say_leaves_it_unknown_with_the_reason() {
    let shop = Shop::open("1.4.1").await;
    let registry = Registry::start().await.unwrap();
    let ours = ImageSigner::new().unwrap();
    registry.push_image("acme/api", "1.4.1").await.unwrap();
    let pushed = registry.push_image("acme/api", "1.4.2").await.unwrap();
    registry.sign("acme/api", &pushed.digest, &ours).await.unwrap();
    let proxy = Proxy::start(registry.url().unwrap(), None, None).await.unwrap();
    proxy.fail(Match::new(Method::GET, ".sig"), Fault::status(StatusCode::BAD_GATEWAY));
    let image = format!("{}/acme/api", proxy.host());
    let (tags, fault) = scan(&shop, &image, &choice(&[&ours]), None).await;
    let reason = format!("`{}` answered with status 502", proxy.host());
    assert_eq!(checks(&tags, "1.4.2"), [&Signed::Unknown { reason: reason.clone() }]);
    assert_eq!(fault, Some(format!("the signatures of `1.4.2` could not be read: {reason}")));
}

#[tokio::test]
async fn keys_are_those_of_the_default_branch_and_one_that_is_missing_is_told() {
    let shop = Shop::open("1.4.1").await;
    let rules = "version: 1\nenvironments: [{name: staging, path: staging}]\nimages:\n  - name: ghcr.io/acme/*\n    policy: {semver: '1.x', signed_by: [{key: keys/ours.pub}, {key: keys/gone.pub}]}\n";
    let ours = ImageSigner::new().unwrap();
    let key = ours.public_key();
    let files = [(".heddle.yaml", Some(rules)), ("keys/ours.pub", Some(key.as_str()))];
    shop.github.push_files(REPOSITORY, "main", &files, "Ask for a signature", "ada").await.unwrap();
    let report = shop.read(Vec::new(), Vec::new()).await.read.unwrap();
    let policies = report.occurrences.iter().flat_map(|one| &one.rules).filter_map(|rule| rule.policy.as_ref());
    let signers: Vec<&Signer> = policies.flat_map(|policy| &policy.signed_by).collect();
    assert_eq!(signers.len(), 2, "{report:?}");
    let known = PublicKey::parse_pem(&key).unwrap();
    assert_eq!((signers[0].id.as_ref(), signers[0].public_key.as_deref()), (Some(known.id()), Some(&*known.to_pem())));
    assert_eq!((&signers[1].id, &signers[1].public_key), (&None, &None));
    let said: Vec<_> = report.findings.iter().map(|it| (it.code.as_str(), it.line, it.message.as_str())).collect();
    let gone = "`keys/gone.pub` of `signed_by`: the default branch has no such file, so nothing counts as signed by it";
    assert_eq!(said, [("unreadable-key", 4, gone)]);
}

/// What is kept of a check is what was found of it.
#[test]
fn a_check_is_written_as_it_is_read() {
    let check = SignatureCheck {
        signer: PublicKey::parse_pem(&ImageSigner::new().unwrap().public_key()).unwrap().id().clone(),
        outcome: Signed::No,
    };
    let text = serde_json::to_string(&check).unwrap();
    assert_eq!(serde_json::from_str::<SignatureCheck>(&text).unwrap(), check);
    assert!(text.ends_with(r#","signed":"no"}"#), "{text}");
}
