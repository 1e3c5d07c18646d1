use super::*;

#[test]
fn an_instant_has_an_offset_or_is_local() {
    let instant = |text| parse_instant(text).map(|at| at.to_rfc3339());
    assert_eq!(instant("2026-11-03T14:00:00+01:00").unwrap(), "2026-11-03T13:00:00+00:00");
    assert_eq!(instant("2026-11-03T14:00:00Z").unwrap(), "2026-11-03T14:00:00+00:00");
    let local = Local.with_ymd_and_hms(2026, 11, 3, 14, 0, 0).unwrap().to_utc();
    for text in ["2026-11-03T14:00", "2026-11-03 14:00", "2026-11-03 14:00:00"] {
        assert_eq!(parse_instant(text).unwrap(), local, "{text}");
    }
    assert!(parse_instant("yesterday").unwrap_err().contains("2026-11-03T14:00"));
}

#[test]
fn a_commit_is_named_by_enough_digits() {
    assert_eq!(parse_beginning("4B825DC").unwrap(), "4b825dc");
    for text in ["4b825d", "main", "4b825dx", &"a".repeat(65)] {
        assert!(parse_beginning(text).unwrap_err().contains("first 7"), "{text}");
    }
}
