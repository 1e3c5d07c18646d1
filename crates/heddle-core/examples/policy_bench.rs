//! How long a choice among 100,000 tags takes, for each order. `make bench` runs it.
#![allow(clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use chrono::{DateTime, TimeDelta};
use heddle_core::{
    image::Tag,
    policy::{CompiledPolicy, NewestBy, Situation, SortOrder, Standing, TagInfo, TagList, TagPolicy},
};

const TAGS: u32 = 100_000;
const RUNS: usize = 11;

fn main() {
    let versions = list(|index| format!("{}.{}.{}", index % 7, index / 7 % 90, index / 630));
    let numbers = list(|index| format!("main-{:07x}-{}", index, 1_700_000_000_u64 + u64::from(index)));
    let semver = TagPolicy { semver: Some(">=1.2 <6".into()), ..TagPolicy::default() };
    let extracted = |kind: TagPolicy| TagPolicy {
        matches: Some(r"^main-[a-f0-9]+-(?P<at>\d+)$".into()),
        extract: Some("$at".into()),
        ..kind
    };
    let numerical = TagPolicy { numerical: Some(SortOrder::Asc), ..TagPolicy::default() };
    let alphabetical = TagPolicy { alphabetical: Some(SortOrder::Asc), ..TagPolicy::default() };
    let created = TagPolicy { newest: Some(NewestBy::Created), ..TagPolicy::default() };
    let first_seen = TagPolicy { newest: Some(NewestBy::FirstSeen), ..TagPolicy::default() };
    println!("policy over {TAGS} tags, median of {RUNS} runs");
    measure("semver", &semver, &versions, Some("3.4.5"));
    measure("numerical, extracted", &extracted(numerical), &numbers, None);
    measure("alphabetical", &alphabetical, &numbers, None);
    measure("alphabetical, extracted", &extracted(alphabetical), &numbers, None);
    measure("newest: created", &created, &numbers, None);
    measure("newest: first-seen", &first_seen, &numbers, None);
    println!("peak memory: {}", peak_memory().unwrap_or_else(|| "not known here".to_owned()));
}

/// The most that the process ever held (proc(5), `VmHWM`).
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|text| text.trim().to_owned())
}

/// Tags in an order that has nothing to do with theirs.
fn list(name: impl Fn(u32) -> String) -> TagList {
    let tags = (0..TAGS).map(|index| {
        let mixed = index.wrapping_mul(48_271) % TAGS;
        let tag: Tag = name(mixed).parse().expect("the name is a tag");
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::from(mixed));
        TagInfo { created_at: Some(at), ..TagInfo::named(tag, at) }
    });
    TagList::whole(tags.collect())
}

fn measure(name: &str, policy: &TagPolicy, tags: &TagList, current: Option<&str>) {
    let policy = CompiledPolicy::new(policy).expect("the policy is right");
    let current: Option<Tag> = current.map(|text| text.parse().expect("it is a tag"));
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let current = current.as_ref().map(|tag| Standing::new(Some(tag), None));
    let situation = Situation { current, tags, barred: &[], companions: &[], now };
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let selection = black_box(policy.select(black_box(&situation)));
            let took = start.elapsed();
            assert!(selection.decision.chosen.is_some(), "{name}: {}", selection.decision.reason);
            took.as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("  {name:<24} {:>7.1} ms", times[RUNS / 2]);
}
