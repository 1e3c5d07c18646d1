//! Whatever runs, what is chosen is above it and has its shape: over generated ways to number tags.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select as one_of};

use super::*;

/// A way to number tags, as a publisher has it. A leading `v` is no part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Scheme {
    prefix: &'static str,
    numbers: usize,
    suffix: &'static str,
    mark: &'static str,
}

fn scheme() -> impl Strategy<Value = Scheme> {
    let prefixes = one_of(vec!["", "", "", "release-", "build-", "arm64v8-"]);
    let suffixes =
        one_of(vec!["", "", "", "-alpine", "-alpine3.18", "-debian-9", "-debian-12", "-jdk-slim", "-ubuntu22.04"]);
    let marks = one_of(vec!["", "", "", "-r", "-ls", "-k3s", "-eksbuild.", "-", "_", ".post"]);
    (prefixes, 1..=5_usize, suffixes, marks).prop_map(|(prefix, numbers, suffix, mark)| {
        // A bare number after words is one of them.
        let mark = if matches!(mark, "-" | "_") && !suffix.is_empty() { "" } else { mark };
        Scheme { prefix, numbers, suffix, mark }
    })
}

impl Scheme {
    fn tag(&self, v: bool, numbers: &[u32], counter: u32) -> String {
        let numbers: Vec<String> = numbers[..self.numbers].iter().map(u32::to_string).collect();
        let v = if v { "v" } else { "" };
        let counter = if self.mark.is_empty() { String::new() } else { format!("{}{counter}", self.mark) };
        format!("{}{v}{}{}{counter}", self.prefix, numbers.join("."), self.suffix)
    }

    /// Whether `other` is this, or this with more numbers.
    fn admits(&self, other: &Self) -> bool {
        // Not all releases are released again.
        let counts = |scheme: &Self| if scheme.mark == ".post" && scheme.suffix.is_empty() { "" } else { scheme.mark };
        let (mark, marks) = (counts(self), counts(other));
        other.numbers >= self.numbers
            && mark == marks
            && *self == Self { numbers: self.numbers, mark: self.mark, ..other.clone() }
    }
}

type Numbered = (Scheme, Vec<(bool, Vec<u32>, u32)>);

fn tags_of_schemes() -> impl Strategy<Value = Vec<Numbered>> {
    let number = prop_oneof![0..4_u32, 5..30_u32, 90..120_u32, 1_990..2_040_u32, Just(20_240_101), Just(1_700_000_000)];
    let tags = vec((any::<bool>(), vec(number, 5), 0..40_u32), 1..6);
    vec((scheme(), tags), 1..5)
}

/// What stands in every real list beside them.
const STRAYS: &[&str] = &[
    "latest",
    "stable-slim",
    "4b825dc",
    "12e4567",
    "main-9f86d08",
    "917005",
    "nightly",
    "sha-1234567",
    "1.2.3-4.post1",
    PRE_RELEASE,
    "20.5.latest",
];

/// Its release, and what comes after that, stands above it.
const PRE_RELEASE: &str = "3.0.0-rc1.post1";

fn policies() -> impl Strategy<Value = TagPolicy> {
    let kinds = one_of(vec!["semver", "numerical asc", "numerical desc", "alphabetical asc", "alphabetical desc"]);
    (kinds, any::<bool>(), any::<bool>()).prop_map(|(name, from_any, prerelease)| match name {
        "semver" => TagPolicy { from_any, prerelease, ..semver("*") },
        name => TagPolicy { from_any, ..kind(name) },
    })
}

/// Groups of digits, compared from the left; no leading zeros are generated.
fn reads_below(tag: &str, other: &str) -> bool {
    let groups = |text: &str| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|group| group.parse().ok()).collect()
    };
    let (tag, other) = (groups(tag), groups(other));
    let common = tag.len().min(other.len());
    tag[..common] < other[..common]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_chosen_is_above_what_runs_and_has_its_shape(
        numbered in tags_of_schemes(),
        strays in vec(one_of(STRAYS), 0..4),
        which in any::<prop::sample::Index>(),
        policy in policies(),
    ) {
        let mut schemes: BTreeMap<String, BTreeSet<Scheme>> = BTreeMap::new();
        for (scheme, tags) in &numbered {
            for (v, numbers, counter) in tags {
                schemes.entry(scheme.tag(*v, numbers, *counter)).or_default().insert(scheme.clone());
            }
        }
        let release = Scheme { prefix: "", numbers: 3, suffix: "", mark: "" };
        let texts: Vec<String> = schemes.keys().cloned().chain(strays.iter().map(|text| (*text).to_owned())).collect();
        let running = which.get(&texts).clone();
        let unique: BTreeSet<&str> = texts.iter().map(String::as_str).collect();
        let tags = list(&unique.into_iter().collect::<Vec<_>>());
        let decision = choose(&policy, Some(&running), &tags, &[]).decision;
        let Some(chosen) = decision.chosen.map(String::from).filter(|chosen| *chosen != running) else { return Ok(()) };
        let compiled = CompiledPolicy::new(&policy).unwrap();
        schemes.insert(PRE_RELEASE.to_owned(), BTreeSet::from([release]));
        let (runs, next) = (schemes.get(&running), schemes.get(&chosen));
        if decision.is_placed {
            prop_assert!(compiled.is_above(&tag(&chosen), &tag(&running)), "{chosen} over {running}");
            let fits = |runs: &Scheme| next.is_some_and(|next| next.iter().any(|next| runs.admits(next)));
            // An id of a commit stands in the place of another.
            let stray = runs.is_none() && next.is_none();
            prop_assert!(stray || runs.is_some_and(|runs| runs.iter().any(fits)), "{chosen} over {running}");
            if policy.semver.is_some() || policy.numerical == Some(SortOrder::Asc) {
                prop_assert!(!reads_below(&chosen, &running), "{chosen} over {running}");
            }
        } else {
            prop_assert!(policy.from_any, "{chosen} over {running}");
        }
    }

    /// Words that `match` says are meant are ordered by the rule: nothing floats, and the newest of the same kind follows.
    #[test]
    fn words_that_match_means_are_ordered_and_others_float(
        words in vec((one_of(vec!["main-", "dev-"]), "[a-z][a-z0-9]{0,4}", one_of(vec!["", "-slim"])), 1..8),
        which in any::<prop::sample::Index>(),
        matches in one_of(vec!["^main-", "^(?:main|dev)-", ".*", "^[a-z0-9-]+$"]),
    ) {
        let mut names: Vec<String> = Vec::new();
        for (branch, word, variant) in words {
            let name = format!("{branch}{word}{variant}");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.push("latest".to_owned());
        let running = which.get(&names).clone();
        let infos: Vec<_> = names.iter().zip(1..).map(|(name, day)| (name.as_str(), Some(day), day)).collect();
        let rule = TagPolicy { matches: Some(matches.into()), ..kind("newest created") };
        let decision = on_day(&rule, Some(&running), &seen(&infos), 99).decision;
        let takes = |name: &str| name.starts_with("main-") || (matches != "^main-" && name.starts_with("dev-"));
        let means = !matches.starts_with(['.']) && matches != "^[a-z0-9-]+$";
        let has_digit = |name: &str| name.contains(|c: char| c.is_ascii_digit());
        // A tag with digits is an image's own name, whatever `match` says.
        let placed = if means { takes(&running) } else { has_digit(&running) };
        prop_assert_eq!(decision.is_placed, placed, "{}", running);
        let Some(chosen) = decision.chosen.map(String::from) else { return Ok(()) };
        let at = |name: &str| names.iter().position(|other| other == name);
        prop_assert!(placed && at(&chosen) >= at(&running), "{chosen} over {running}");
        let parts = |name: &str| name.split('-').map(str::to_owned).collect::<Vec<_>>();
        let (next, runs) = (parts(&chosen), parts(&running));
        let others = next.iter().zip(&runs).filter(|(one, other)| one != other).count();
        prop_assert!(next.len() == runs.len() && others <= 1, "{chosen} over {running}");
        if means && !names.iter().any(|name| has_digit(name)) {
            let alike = |name: &&String| {
                let parts = parts(name);
                takes(name) && parts.len() == runs.len()
                    && parts.iter().zip(&runs).filter(|(one, other)| one != other).count() <= 1
            };
            prop_assert_eq!(names.iter().rfind(alike), Some(&chosen), "after {}", running);
        }
    }

    #[test]
    fn no_tag_of_the_list_changes_how_another_is_read(numbered in tags_of_schemes(), policy in policies()) {
        let texts: BTreeSet<String> = numbered.iter().flat_map(|(scheme, tags)| {
            tags.iter().map(|(v, numbers, counter)| scheme.tag(*v, numbers, *counter))
        }).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let running = texts[0];
        let together = choose(&policy, Some(running), &list(&texts), &[]);
        for verdict in &together.verdicts {
            let alone = choose(&policy, Some(running), &list(&[verdict.tag.as_str()]), &[]).verdicts.remove(0);
            // Which of several is the best, and whether one has too many numbers, is said of all of them.
            let of_all = |rule: &str, reason: &str| {
                rule == "precision" || reason.contains("is the highest") || reason.contains("is above it")
                    || reason.contains("preferred") || reason.contains("number") || reason.contains("alphabet")
            };
            if !of_all(&alone.rule, &alone.reason) && !of_all(&verdict.rule, &verdict.reason) {
                prop_assert_eq!(&alone.rule, &verdict.rule, "{}", verdict.tag);
            }
        }
    }
}
