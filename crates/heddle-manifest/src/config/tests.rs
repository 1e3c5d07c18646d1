use heddle_core::change::Mode;

use super::*;

fn place<'a>(image: &'a ImageRepository, environment: &'a EnvironmentName) -> Subject<'a> {
    Subject { image, is_chart: false, environment, file: "clusters/prod/kustomization.yaml", container: None }
}

/// What the configuration does to `ghcr.io/acme/api` in `prod`: the governing policy, and whether a stop keeps it.
fn governs(config: &Config) -> (Option<String>, bool) {
    let image = "ghcr.io/acme/api".parse().unwrap();
    let prod = "prod".parse().unwrap();
    let rule = config.rule_for(place(&image, &prod));
    (
        rule.and_then(|rule| rule.policy.clone()).and_then(|policy| policy.semver),
        config.stop_for(&image, &prod).is_some(),
    )
}

fn check(text: &str, policy: Option<&str>, stopped: bool, findings: &[&str]) {
    let (config, found) = read(text);
    let found: Vec<String> =
        found.iter().map(|f| format!("{}:{} {} {}", f.position.line, f.position.column, f.code, f.message)).collect();
    assert_eq!(found, findings);
    assert_eq!(governs(&config), (policy.map(str::to_owned), stopped), "{config:#?}");
}

const ENVIRONMENTS: &str =
    "version: 1\nenvironments:\n  - {name: staging, path: clusters/staging}\n  - {name: prod, path: clusters/prod}\n";

fn with(rest: &str) -> String {
    format!("{ENVIRONMENTS}{rest}")
}

#[test]
fn the_first_rule_that_matches_governs() {
    let text = with(
        "images:\n  - {name: ghcr.io/acme/api, environments: [staging], policy: {semver: '*'}, mode: commit}\n  - {name: ghcr.io/acme/*, policy: {semver: '>=1'}}\n",
    );
    check(&text, Some(">=1"), false, &[]);
    let (config, _) = read(&text);
    assert_eq!(config.environments[0].path, "clusters/staging");
    assert_eq!((config.rules[0].ruling.mode, config.rules[1].ruling.mode), (Mode::Commit, Mode::PullRequest));
    assert_eq!(config.rules[1].ruling.line, 7);
}

#[test]
fn a_broken_rule_matches_what_it_names_and_updates_nothing() {
    check(
        &with(
            "images:\n  - name: ghcr.io/acme/api\n    polcy: {semver: '1.x'}\n    policy: {semver: '1.x'}\n  - {name: '*', policy: {semver: '*'}}\n",
        ),
        None,
        false,
        &["7:5 unknown-key a rule has no key `polcy`, write `policy`"],
    );
    check(
        &with(
            "images:\n  - name: ghcr.io/acme/web\n    policy: {semver: 'oops'}\n  - {name: '*', policy: {semver: '*'}}\n",
        ),
        Some("*"),
        false,
        &["7:22 wrong-value `oops` is no range: write for example `>=1.2 <2`, `^1.4`, `~1.4.2`, `1.x` or `1.2 - 1.4`"],
    );
}

#[test]
fn an_unreadable_selector_stops_the_rules_after_it() {
    check(
        &with(
            "images:\n  - {name: ghcr.io/acme/web, environments: [prd], policy: {semver: '*'}}\n  - {name: '*', policy: {semver: '*'}}\n",
        ),
        None,
        false,
        &[
            "6:5 unreadable-selector what this rule names cannot be read, so the rules after it stop too",
            "6:45 wrong-value there is no environment `prd`",
        ],
    );
}

#[test]
fn an_unknown_key_stops_everything_because_it_may_be_a_freeze() {
    check(
        &with("freezs: []\nimages: [{name: '*', policy: {semver: '*'}}]\n"),
        Some("*"),
        true,
        &["5:1 unknown-key `.heddle.yaml` has no key `freezs`, write `freezes`"],
    );
}

#[test]
fn a_signer_has_a_key() {
    let signed_by = |signers: &str, written: bool, findings: &[&str]| {
        let text = format!("images: [{{name: '*', policy: {{semver: '*', signed_by: {signers}}}}}]\n");
        check(&with(&text), written.then_some("*"), false, findings);
    };
    signed_by("[{key: keys/cosign.pub}, {key: b.pub, tag_only: true}]", true, &[]);
    signed_by("[{}]", false, &["5:56 missing-key the signer has no `key`"]);
    let keyless = "signatures without a key of one's own are not built yet: name a public key as `key`";
    signed_by("[{issuer: a, identity: b}]", false, &[&format!("5:65 wrong-value {keyless}")]);
    let nobody = "`signed_by` names nobody: write `[{key: keys/cosign.pub}]`, or take it out";
    signed_by("[]", false, &[&format!("5:55 wrong-value {nobody}")]);
    let charts = "charts: [{name: '*', policy: {semver: '*', signed_by: [{key: a.pub}]}}]\n";
    let findings = read(&with(charts)).1;
    assert!(
        findings.iter().any(|it| it.message.contains("`signed_by` asks for what only images have")),
        "{findings:?}"
    );
}

#[test]
fn what_may_be_a_freeze_or_a_hold_and_is_broken_stops_everything() {
    let rules = "images: [{name: '*', policy: {semver: '*'}}]\n";
    let stopped =
        |entries: &str, findings: &[&str]| check(&with(&format!("{rules}{entries}")), Some("*"), true, findings);
    stopped(
        "freezes:\n  - {enviroments: [staging], from: 2026-12-20, to: 2027-01-03}\n",
        &["7:6 unknown-key an entry of `freezes` has no key `enviroments`, write `environments`"],
    );
    stopped(
        "freezes:\n  - {from: yesterday, time_zone: Europe/Berln}\n  - {from: 2027-01-03, to: 2026-12-20}\n",
        &[
            "7:5 missing-key the freeze has no `to`",
            "7:34 wrong-value `Europe/Berln` is no time zone: write `Europe/Berlin`",
            "8:5 wrong-value the freeze ends before it begins",
        ],
    );
    stopped(
        "holds:\n  - {environment: prd, tag: 1.4.1}\n  - {tag: 'a b', until: soon}\n",
        &[
            "7:19 wrong-value there is no environment `prd`",
            "8:11 wrong-value `a b` is no tag: up to 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`",
            "8:25 wrong-value `until` has no `soon`: write for example `2026-12-20T00:00`",
        ],
    );
    stopped(
        "updates:\n  schedule: [{days: [monday], from: '8'}, {from: '09:00', to: '09:00'}]\n",
        &[
            "7:22 wrong-value `monday` is no day: write for example `mon` or `mon-fri`",
            "7:37 wrong-value `8` is no time of day: write for example `\"08:00\"`",
            "7:43 wrong-value the window ends when it begins",
        ],
    );
}

#[test]
fn freezes_holds_and_the_schedule_are_read_whole() {
    let text = "images: [{name: '*', policy: {semver: '*'}}]
freezes: [{environments: [prod], from: 2026-03-29T02:30, to: 2026-10-25T02:30, time_zone: Europe/Berlin}]
holds: [{image: nginx, tag: '1.27'}]
updates: {schedule: [{days: [fri-mon, wed], from: '22:00', to: '24:00'}]}
";
    let (config, findings) = read(&with(text));
    assert!(findings.is_empty(), "{findings:?}");
    let freeze = &config.freezes[0];
    // The hour from 2 to 3 is left out in March, and comes twice in October.
    assert_eq!(
        (freeze.from.to_rfc3339(), freeze.to.to_rfc3339()),
        ("2026-03-29T01:00:00+00:00".into(), "2026-10-25T01:30:00+00:00".into())
    );
    assert!(config.holds[0].images.matches(&"docker.io/library/nginx".parse().unwrap()));
    assert_eq!(config.schedule[0].days, [true, false, true, false, true, true, true]);
    assert_eq!((config.schedule[0].from_minute, config.schedule[0].to_minute), (22 * 60, 24 * 60));
}

#[test]
fn a_broken_environment_stops_everything() {
    check(
        "version: 1\nenvironments:\n  - {name: Prod, path: ../x}\nimages: [{name: '*', policy: {semver: '*'}}]\n",
        Some("*"),
        true,
        &[
            "3:12 wrong-value `Prod` is no name: up to 63 lower-case letters, digits and `-`, starting and ending with a letter or digit",
            "3:24 wrong-value `../x` must be a path within the repository",
        ],
    );
}

#[test]
fn a_file_that_is_no_yaml_stops_everything() {
    let (config, findings) = read("version: 1\nimages: [\n");
    assert_eq!(governs(&config), (None, true));
    assert_eq!((findings[0].code, findings[0].blocks), ("broken-yaml", true));
    let (config, findings) = read("version: 2\n");
    assert_eq!(governs(&config), (None, true));
    assert_eq!(findings[0].message, "`version` must be `1`, so nothing is written");
}

#[test]
fn a_rule_says_how_often_its_registry_is_asked() {
    let rule = |interval: &str| {
        let (config, findings) =
            read(&with(&format!("images:\n  - name: '*'\n    interval: {interval}\n    policy: {{semver: '*'}}\n")));
        (config.rules[0].ruling.clone(), findings)
    };
    for (text, seconds) in [("15s", 15), ("1h30m", 5_400), ("24h", 86_400)] {
        let (ruling, findings) = rule(text);
        assert_eq!(
            (ruling.interval.map(|interval| interval.num_seconds()), findings.len()),
            (Some(seconds), 0),
            "{text}"
        );
    }
    for text in ["14s", "25h", "5", "often", "-5m"] {
        let (ruling, findings) = rule(text);
        assert_eq!((ruling.policy, findings.len()), (None, 1), "{text}: nothing is written by a broken rule");
        assert!(
            findings[0].message.ends_with("write a length of time from `15s` to `24h`, such as `5m`"),
            "{findings:?}"
        );
    }
    for (interval, wrong) in [("1h", 0), ("61m", 1)] {
        let signers = "signed_by: [{key: a.pub, tag_only: true}]";
        let text =
            with(&format!("images:\n  - {{name: '*', interval: {interval}, policy: {{semver: '*', {signers}}}}}\n"));
        assert_eq!(read(&text).1.len(), wrong, "{interval}");
    }
    let (config, findings) = read(&with("charts:\n  - {name: web, policy: {semver: '*'}, interval: 1h}\n"));
    assert!(findings.is_empty() && config.charts[0].ruling.interval.is_some(), "{findings:?}");
}

#[test]
fn all_findings_come_at_once() {
    let (_, findings) = read(
        "version: 1\nimages:\n  - {name: Acme/Api, policy: {semvr: '*'}, mode: comit}\n  - {name: '*', policy: {semver: '*', within: tiny}}\n",
    );
    let codes: Vec<_> = findings.iter().map(|finding| (finding.position.line, finding.code)).collect();
    assert_eq!(
        codes,
        [(3, "unreadable-selector"), (3, "wrong-value"), (3, "unknown-key"), (3, "wrong-value"), (4, "wrong-value")]
    );
}

#[test]
fn a_repository_glob_reads_short_names_in_full() {
    let matches = |glob: &str, image: &str| RepositoryGlob::parse(glob).unwrap().matches(&image.parse().unwrap());
    assert!(matches("nginx", "nginx"));
    assert!(matches("acme/*", "docker.io/acme/api"));
    assert!(matches("ghcr.io/acme/*", "ghcr.io/acme/api"));
    assert!(!matches("ghcr.io/acme/*", "ghcr.io/acme/team/api"));
    assert!(matches("ghcr.io/**", "ghcr.io/acme/team/api"));
    assert!(matches("127.0.0.1:5000/api", "127.0.0.1:5000/api"));
    assert!(matches("*", "ghcr.io/acme/api"));
    assert!(RepositoryGlob::parse("ghcr.io/acme/api:1.2").is_none());
}

#[test]
fn resources_name_places_and_broken_ones_find_nothing() {
    let (config, findings) = read(
        "version: 1\nresources:\n- {kind: A, image: spec.image}\n- {kind: B}\n- {knd: C, image: x}\n- {kind: D, tag: spec.tag}\n- {kind: E, image: 'a..b'}\n",
    );
    assert_eq!(config.resources.len(), 1);
    let told: Vec<(u32, &str)> = findings.iter().map(|finding| (finding.position.line, finding.code)).collect();
    assert_eq!(
        told,
        [(4, "missing-key"), (5, "missing-key"), (5, "unknown-key"), (6, "wrong-value"), (7, "wrong-value")]
    );
}

#[test]
fn images_in_lockstep_have_full_names() {
    let (config, findings) = read(&with(
        "images: [{name: '*', policy: {semver: '*', platforms: [linux/amd64], lockstep: [nginx, ghcr.io/acme/web]}}]\n",
    ));
    assert!(findings.is_empty(), "{findings:?}");
    let policy = config.rules[0].ruling.policy.as_ref().unwrap();
    assert_eq!(policy.lockstep, ["docker.io/library/nginx", "ghcr.io/acme/web"]);
    assert_eq!(policy.platforms, ["linux/amd64"]);
    let (config, findings) = read(&with("images: [{name: '*', policy: {semver: '*', lockstep: ['Nginx:1']}}]\n"));
    assert!(config.rules[0].ruling.policy.is_none() && findings.iter().any(|finding| finding.code == "wrong-value"));
}

#[test]
fn a_time_of_day_has_twenty_four_hours_of_sixty_minutes() {
    let reads = |to: &str| {
        let text = format!("updates: {{schedule: [{{from: '00:30', to: '{to}'}}]}}\n");
        read(&with(&text)).0.schedule.first().map(|window| window.to_minute)
    };
    assert_eq!(reads("23:59"), Some(24 * 60 - 1));
    assert_eq!(reads("24:00"), Some(24 * 60));
    for wrong in ["24:01", "25:00", "08:60", "8", "08:0x"] {
        assert_eq!(reads(wrong), None, "{wrong}");
    }
}

#[test]
fn an_environment_says_from_where_it_takes_its_tags() {
    let text = "version: 1\nenvironments:\n  - {name: staging, path: a}\n  \
                - {name: prod, path: b, promote: {from: staging, after: 1h}}\n";
    let (config, findings) = read(text);
    assert!(findings.is_empty(), "{findings:?}");
    let promotion = |name: &str| config.promotion_of(&name.parse().unwrap());
    assert_eq!(promotion("prod").map(|promotion| promotion.from.as_str()), Some("staging"));
    assert_eq!(promotion("staging"), None);
}

#[test]
fn every_key_of_a_policy_is_read() {
    let text = with(
        "images:\n  - name: nginx\n    policy: {semver: '1.x', pin_digest: true, prerelease: true, downgrade: true, strict: true}\n",
    );
    let (config, findings) = read(&text);
    assert!(findings.is_empty(), "{findings:?}");
    let policy = config.rules[0].ruling.policy.clone().unwrap();
    assert!(policy.pin_digest && policy.prerelease && policy.downgrade && policy.strict, "{policy:?}");
}

#[test]
fn labels_and_reviewers_are_read_and_what_is_neither_stops_everything() {
    let (config, findings) = read(&with("updates: {labels: [heddle, 'size: s'], reviewers: [ada, acme/platform]}\n"));
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(config.labels, ["heddle", "size: s"]);
    assert_eq!(config.reviewers, Reviewers { users: vec!["ada".into()], teams: vec!["platform".into()] });
    let long = "x".repeat(51);
    let (config, findings) = read(&with(&format!("updates: {{labels: [{long}], reviewers: ['@ada', a/b/c]}}\n")));
    let told: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(told[0].ends_with("has more than 50 characters"), "{told:?}");
    let remedy = "is no reviewer: write a login, or a team as `organization/team`";
    assert_eq!(told[1..], [format!("`@ada` {remedy}"), format!("`a/b/c` {remedy}")]);
    assert!(config.stop_for(&"nginx".parse().unwrap(), &"prod".parse().unwrap()).is_some());
}

#[test]
fn what_somebody_must_look_at_is_read_and_what_is_broken_of_it_stops_nothing() {
    let (config, findings) = read(&with(
        "drift:\n  - {tool: terraform, source: ./infra/prod/, environment: prod, every: 1d}\n  - {tool: ansible, source: site.yml, environment: staging, every: 6h}\n  - {tool: ansible, source: site.yml, repository: acme/machines, environment: staging, every: 1w}\n",
    ));
    assert_eq!(findings, []);
    let asked: Vec<_> = config.expectations.iter().map(|one| (one.line, one.source.as_str(), one.every)).collect();
    let expected = [
        (6, "infra/prod", TimeDelta::days(1)),
        (7, "site.yml", TimeDelta::hours(6)),
        (8, "site.yml", TimeDelta::weeks(1)),
    ];
    assert_eq!(asked, expected);
    let repositories: Vec<_> = config.expectations.iter().map(|one| one.repository.as_ref()).collect();
    assert_eq!(repositories, [None, None, Some(&"acme/machines".parse().unwrap())]);
    let broken = "drift:\n  - {tool: teraform, source: infra, environment: prod, every: 1d}\n  - {tool: ansible, source: a.yml, enviroment: prod, every: 1d}\n  - {tool: ansible, source: a.yml, environment: prd, every: 1s}\n  - {tool: ansible, source: b.yml, environment: prod, every: 1d}\n  - {tool: ansible, source: b.yml, environment: prod, every: 2d}\n  - {tool: ansible, source: c.yml, repository: machines, environment: prod, every: 2d}\n";
    let (config, findings) = read(&with(broken));
    assert_eq!(config.expectations.len(), 1, "the whole one is asked for");
    assert!(config.stops.is_empty() && findings.iter().all(|finding| !finding.blocks), "{findings:?}");
    let told: Vec<String> = findings.iter().map(|one| format!("{} {}", one.position.line, one.message)).collect();
    assert_eq!(
        told,
        [
            "6 `tool` has no `teraform`: write `terraform`",
            "7 the entry of `drift` has no `environment`",
            "7 an entry of `drift` has no key `enviroment`, write `environment`",
            "8 there is no environment `prd`",
            "8 `every` has no `1s`: write a length of time from `5m` to `366d`, such as `1d`",
            "10 `b.yml` is asked for already in line 9: keep one",
            "11 `machines` is no repository: write `owner/name`, such as `acme/infra`",
        ]
    );
}

#[test]
fn a_misspelt_key_beside_drift_stops_everything_all_the_same() {
    let (config, findings) = read(&with("drift: []\nfreezs: []\n"));
    assert!(!config.stops.is_empty() && findings[0].blocks, "{findings:?}");
}
