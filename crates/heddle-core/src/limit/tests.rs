use super::*;

const LIMITS: &[Limit] = &[
    Limit::bytes("a body", 256 << 10, "413"),
    Limit::count("tags of an image", 100_000, "a finding").or("HEDDLE_TAGS"),
    Limit::time("a scan", Duration::from_secs(60), "it fails"),
    Limit::rate("notices", 60, Duration::from_millis(1500), "429"),
];

#[test]
fn a_section_says_what_how_much_and_what_is_seen() {
    let page = tell("# Limits\n", "heddle-b", LIMITS);
    assert_eq!(
        page,
        "# Limits\n\n<!-- limits of heddle-b -->\n\n## heddle-b\n\n| What | At most | When it is reached |\n|---|---|---|\n\
         | a body | 256 KiB | 413 |\n\
         | tags of an image | 100,000 (`HEDDLE_TAGS`) | a finding |\n\
         | a scan | 1 min | it fails |\n\
         | notices | 60 each 1500 ms | 429 |\n\n<!-- end -->\n"
    );
}

#[test]
fn a_section_is_put_in_its_place_and_leaves_the_others() {
    let b = tell("# Limits\n", "heddle-b", LIMITS);
    let both = tell(&b, "heddle-a", &LIMITS[..1]);
    assert!(both.find("limits of heddle-a").unwrap() < both.find("limits of heddle-b").unwrap());
    assert_eq!(tell(&both, "heddle-a", &LIMITS[..1]), both, "told twice it is the same");
    assert_eq!(tell(&both, "heddle-b", LIMITS), both);
    let changed = tell(&both, "heddle-b", &LIMITS[..2]);
    assert!(changed.contains("100,000") && !changed.contains("1500 ms"));
    assert!(changed.starts_with(&tell("# Limits\n", "heddle-a", &LIMITS[..1]).trim_end().to_owned()));
}
