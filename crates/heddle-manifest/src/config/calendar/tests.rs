use super::*;
use crate::config::{Config, read};

fn config(rest: &str) -> Config {
    let (config, findings) = read(&format!("version: 1\nenvironments: [{{name: prod, path: prod}}]\n{rest}"));
    assert!(findings.is_empty(), "{findings:?}");
    config
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_freeze_begins_with_its_first_moment_and_ends_before_its_last() {
    let config = config("freezes: [{from: 2026-12-20, to: 2026-12-27, reason: holidays}]\n");
    let (image, prod) = ("nginx".parse().unwrap(), "prod".parse().unwrap());
    let gate = |now: &str| config.gate_for(&image, &prod, &"1.27".parse().unwrap(), at(now));
    for (now, frozen) in [
        ("2026-12-19T23:59:59Z", false),
        ("2026-12-20T00:00:00Z", true),
        ("2026-12-26T23:59:59Z", true),
        ("2026-12-27T00:00:00Z", false),
    ] {
        assert_eq!(gate(now).is_some(), frozen, "{now}");
    }
    let gate = gate("2026-12-21T00:00:00Z").unwrap();
    assert_eq!((gate.kind, gate.until), (GateKind::Freeze, Some(at("2026-12-27T00:00:00Z"))));
    assert!(gate.reason.contains("frozen until 2026-12-27 00:00 UTC: holidays"), "{}", gate.reason);
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let config = config("updates: {schedule: [{days: [fri], from: '22:00', to: '02:00', time_zone: Europe/Berlin}]}\n");
    // 2026-11-27 is a Friday; Berlin is an hour ahead.
    for (now, open) in [
        ("2026-11-27T20:59:59Z", false),
        ("2026-11-27T21:00:00Z", true),
        ("2026-11-27T23:30:00Z", true),
        ("2026-11-28T00:59:59Z", true),
        ("2026-11-28T01:00:00Z", false),
        ("2026-11-28T21:30:00Z", false),
        ("2026-11-27T00:30:00Z", false),
    ] {
        assert_eq!(config.schedule_gate(at(now)).is_none(), open, "{now}");
    }
    assert_eq!(config.schedule_gate(at("2026-11-28T01:00:00Z")).unwrap().until, Some(at("2026-12-04T21:00:00Z")));
}
