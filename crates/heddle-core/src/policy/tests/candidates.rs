//! A choice from candidates is the choice from the whole list.

use chrono::TimeDelta;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select as one_of, subsequence},
};

use super::*;

/// Tags of every kind that rules tell apart.
fn pool() -> Vec<String> {
    let numbers =
        ["0", "1", "2", "1.0", "1.1", "1.2", "2.0", "1.0.0", "1.1.0", "1.1.1", "1.1.2", "1.2.0", "1.10.1", "2.0.1"];
    let tails = ["", "", "-rc.1", "-rc2", "-alpine", "-debian-9", "-debian-12", "-42", "-123"];
    let versions = numbers.iter().flat_map(|number| tails.iter().map(move |tail| format!("{number}{tail}")));
    let prefixed = numbers.iter().map(|number| format!("v{number}"));
    let words = ["latest", "main", "edge", "b", "20260101", "20260219", "1766"];
    let commits = ["1.1.0-abc1234", "1.1.0-1234567", "1.2.0-def5678", "main-17-abc1234", "main-18-def5678"];
    let words = words.into_iter().chain(commits).map(str::to_owned);
    versions.chain(prefixed).chain(words).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn text() -> impl Strategy<Value = String> {
    one_of(pool())
}

fn digest(number: u8) -> Digest {
    format!("sha256:{number:064x}").parse().unwrap()
}

fn signer() -> SignerId {
    SignerId::of_path("a.pub")
}

fn hours(count: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(count)
}

prop_compose! {
    fn info(text: String)(
        digest_of in option::weighted(0.6, 0_u8..5),
        seen in 0_i64..100,
        created in option::weighted(0.6, 0_i64..100),
        described in option::weighted(0.6, one_of(vec!["linux/amd64", "linux/arm64"])),
        signed in option::weighted(0.7, one_of(vec![Signed::Yes, Signed::No, Signed::Unknown { reason: "it is away".into() }])),
    ) -> TagInfo {
        TagInfo {
            digest: digest_of.map(digest),
            created_at: created.map(hours),
            platforms: described.map(|platform| vec![platform.to_owned()]),
            signatures: signed.map(|outcome| SignatureCheck { signer: signer(), outcome }).into_iter().collect(),
            ..TagInfo::named(tag(&text), hours(seen))
        }
    }
}

fn infos(most: usize) -> impl Strategy<Value = Vec<TagInfo>> {
    let texts = subsequence(pool(), 1..most).prop_shuffle();
    texts.prop_flat_map(|texts| texts.into_iter().map(info).collect::<Vec<_>>())
}

fn orders() -> impl Strategy<Value = TagPolicy> {
    prop_oneof![
        4 => one_of(vec!["*", "<2", ">=1.1", "1.x"]).prop_map(semver),
        1 => one_of(vec![SortOrder::Asc, SortOrder::Desc])
            .prop_map(|order| TagPolicy { numerical: Some(order), ..TagPolicy::default() }),
        1 => one_of(vec![SortOrder::Asc, SortOrder::Desc])
            .prop_map(|order| TagPolicy { alphabetical: Some(order), ..TagPolicy::default() }),
        2 => one_of(vec![NewestBy::Created, NewestBy::FirstSeen])
            .prop_map(|by| TagPolicy { newest: Some(by), ..TagPolicy::default() }),
        1 => one_of(vec!["latest", "main"])
            .prop_map(|tag| TagPolicy { digest: Some(tag.to_owned()), ..TagPolicy::default() }),
    ]
}

prop_compose! {
    fn policies()(
        order in orders(),
        suffix in option::weighted(0.3, one_of(vec!["alpine", "debian-*", "*", ""])),
        platforms in any::<bool>(),
        matches in option::weighted(0.2, one_of(vec!["^v", "^(main|edge)", "^[0-9]", "^v?(?P<version>.+)$"])),
        signed in prop::bool::weighted(0.4),
        (age, pin, lockstep, from_any, downgrade, prerelease) in (
            option::weighted(0.4, one_of(vec!["1h", "30h"])),
            any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
    ) -> TagPolicy {
        TagPolicy {
            prerelease: prerelease && order.semver.is_some(),
            suffix: suffix.map(str::to_owned),
            extract: matches.filter(|text| text.contains("version")).map(|_| "$version".to_owned()),
            matches: matches.map(str::to_owned),
            platforms: if platforms { vec!["linux/amd64".to_owned()] } else { Vec::new() },
            min_age: age.map(str::to_owned),
            pin_digest: pin,
            lockstep: if lockstep { vec!["ghcr.io/acme/web".to_owned()] } else { Vec::new() },
            signed_by: if signed { vec![Signer { id: Some(signer()), ..Signer::of_key("a.pub") }] } else { Vec::new() },
            from_any,
            downgrade,
            ..order
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    policy: TagPolicy,
    list: TagList,
    current: Option<Tag>,
    digest: Option<Digest>,
    barred: Vec<Tag>,
    companion: TagList,
    now: DateTime<Utc>,
    /// Which of the other tags stand beside the candidates.
    beside: Vec<bool>,
    named: Vec<bool>,
}

prop_compose! {
    fn cases(most: usize)(tags in infos(most))(
        policy in policies(),
        dropped in 0..=(tags.len() / 3),
        current in option::weighted(0.9, prop_oneof![
            3 => one_of(tags.clone()).prop_map(|info| info.tag.to_string()),
            1 => text(),
        ]),
        digest_of in option::weighted(0.3, 0_u8..5),
        barred in vec(prop_oneof![one_of(tags.clone()).prop_map(|info| info.tag.to_string()), text()], 0..3),
        companion in vec(any::<bool>(), tags.len()),
        (complete, watched) in (any::<bool>(), option::of(0_i64..60)),
        now in 20_i64..150,
        beside in vec(prop::bool::weighted(0.2), tags.len()),
        named in vec(prop::bool::weighted(0.3), tags.len()),
        tags in Just(tags),
    ) -> Case {
        let at_companion = tags.iter().zip(companion).filter(|(_, has)| *has).map(|(info, _)| info.clone());
        let companion = TagList { complete, ..TagList::whole(at_companion.collect()) };
        let (gone, listed) = tags.split_at(dropped);
        let list = TagList {
            dropped: gone.to_vec(),
            watched_since: watched.map(hours),
            ..TagList::whole(listed.to_vec())
        };
        Case {
            policy, list, companion, beside, named,
            current: current.map(|text| tag(&text)),
            digest: digest_of.map(digest),
            barred: barred.iter().map(|text| tag(text)).collect(),
            now: hours(now),
        }
    }
}

impl Case {
    fn check(&self) -> Result<(), TestCaseError> {
        let Ok(policy) = CompiledPolicy::new(&self.policy) else { return Ok(()) };
        let image = "ghcr.io/acme/web".parse().unwrap();
        let companions = [Companion { image: &image, tags: &self.companion }];
        let barred: Vec<_> = self.barred.iter().map(|tag| BarredTag { tag, reason: "reverted" }).collect();
        let current = (self.current.is_some() || self.digest.is_some())
            .then(|| Standing::new(self.current.as_ref(), self.digest.as_ref()));
        let whole = Situation { current, tags: &self.list, barred: &barred, companions: &companions, now: self.now };
        let candidates = policy.candidates(&whole);
        let mut chosen_from = candidates.tags.clone();
        let kept = |tags: &[TagInfo], few: &[TagInfo], also: &[bool]| -> Vec<TagInfo> {
            let stays = |info: &TagInfo| few.contains(info) || self.barred.contains(&info.tag);
            tags.iter().zip(also).filter(|(info, also)| **also || stays(info)).map(|(info, _)| info.clone()).collect()
        };
        chosen_from.tags = kept(&self.list.tags, &candidates.tags.tags, &self.beside);
        chosen_from.dropped = kept(&self.list.dropped, &candidates.tags.dropped, &self.beside);
        let few = Situation { tags: &chosen_from, ..whole };
        prop_assert_eq!(policy.decide(&few), policy.decide(&whole), "{:?}", chosen_from);
        prop_assert_eq!(
            policy.undescribed(&few).is_empty(),
            policy.undescribed(&whole).is_empty(),
            "{:?}",
            chosen_from
        );
        prop_assert_eq!(
            policy.undescribed_named(&few).is_empty(),
            policy.undescribed_named(&whole).is_empty(),
            "named: {:?}",
            chosen_from
        );
        if candidates.settled {
            let decision = policy.decide(&whole);
            prop_assert!(decision.chosen.is_none() || decision.chosen == self.current);
            prop_assert!(decision.waiting.is_none() && policy.undescribed(&whole).is_empty());
        }
        self.check_until(&policy, &whole, &candidates)?;
        self.check_named(&policy, &whole, &chosen_from)
    }

    /// Nothing becomes another candidate before the time that is said.
    fn check_until(
        &self,
        policy: &CompiledPolicy,
        whole: &Situation<'_>,
        candidates: &Candidates,
    ) -> Result<(), TestCaseError> {
        for later in [TimeDelta::seconds(1), TimeDelta::hours(7), TimeDelta::hours(40)] {
            let now = self.now + later;
            if candidates.until.is_none_or(|until| now < until) {
                let later = policy.candidates(&Situation { now, ..*whole });
                prop_assert_eq!(&later.tags, &candidates.tags);
                prop_assert_eq!((later.settled, later.until), (candidates.settled, candidates.until));
            }
        }
        Ok(())
    }

    /// What a promotion names is chosen from likewise.
    fn check_named(&self, policy: &CompiledPolicy, whole: &Situation<'_>, few: &TagList) -> Result<(), TestCaseError> {
        let is_named = |info: &TagInfo| {
            let at = self.list.tags.iter().position(|known| known.tag == info.tag);
            self.current.as_ref() == Some(&info.tag) || at.is_some_and(|at| self.named[at])
        };
        let named = |list: &TagList| TagList {
            tags: list.tags.iter().filter(|info| is_named(info)).cloned().collect(),
            ..list.clone()
        };
        let mut few = few.clone();
        few.tags = self.list.tags.iter().filter(|info| few.tags.contains(info) || is_named(info)).cloned().collect();
        let (all, few) = (named(&self.list), named(&few));
        let decided = |tags: &TagList| policy.decide_named(&Situation { tags, ..*whole });
        prop_assert_eq!(decided(&few), decided(&all), "named: {:?}", few);
        let Some(current) = &self.current else { return Ok(()) };
        for info in self.list.tags.iter().filter(|info| policy.is_named_in_vain(&info.tag, current)) {
            let stays = |known: &&TagInfo| known.tag == info.tag || known.tag == *current;
            let pair = TagList { tags: self.list.tags.iter().filter(stays).cloned().collect(), ..self.list.clone() };
            let chosen = decided(&pair).chosen;
            prop_assert!(chosen.is_none() || chosen.as_ref() == Some(current), "{:?} in vain: {:?}", info.tag, chosen);
        }
        Ok(())
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn a_choice_from_candidates_is_the_choice_from_the_whole_list(case in cases(12)) {
        case.check()?;
    }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn a_choice_from_candidates_of_a_long_list_is_the_same(case in cases(120)) {
        case.check()?;
    }
}

#[test]
fn of_a_thousand_tags_few_are_candidates() {
    let texts: Vec<String> = (0..1_000).map(|patch| format!("1.0.{patch}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (list, current) = (list(&texts), tag("1.0.500"));
    let of = |current: &Tag| {
        let current = Some(Standing::new(Some(current), None));
        let now = DateTime::UNIX_EPOCH;
        let situation = Situation { current, tags: &list, barred: &[], companions: &[], now };
        CompiledPolicy::new(&semver("<2")).unwrap().candidates(&situation)
    };
    let candidates = of(&current);
    let names: Vec<&str> = candidates.tags.tags.iter().map(|info| info.tag.as_str()).collect();
    assert_eq!((names, candidates.settled), (vec!["1.0.0", "1.0.500", "1.0.501", "1.0.999"].split_off(1), false));
    assert!(of(&tag("1.0.999")).settled);
}
