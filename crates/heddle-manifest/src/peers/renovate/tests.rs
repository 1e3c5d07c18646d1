use super::*;
use crate::{
    Files, config,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment},
    peers::{Imported, import},
};

const MANIFEST: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, image: \"ghcr.io/acme/api:1.0.0\"}\n  - {name: w, image: \"nginx:1.25.0\"}\n";

/// A configuration whose `kubernetes` manager reads every YAML file.
fn imported(body: &str) -> Imported {
    imported_with(body, &|_| None)
}

fn imported_with(body: &str, load: &dyn Fn(&str) -> Option<String>) -> Imported {
    let text = format!("// ours\n{{\n  kubernetes: {{managerFilePatterns: ['/\\\\.yaml$/']}}, /* all */\n{body}\n}}\n");
    let mut files = Files::default();
    files.insert("apps/p.yaml".to_owned(), MANIFEST.to_owned());
    let environments = [FoundEnvironment::new("any".parse().unwrap(), "", EnvironmentOrigin::Folder)];
    let found = crate::find(&FindInput { files: &files, environments: &environments });
    import(&files, &found, Some(&Renovate::read("renovate.json5", &text, load)))
}

/// The rules by image, without comments.
fn rules(imported: &Imported) -> Vec<String> {
    let (_, findings) = config::read(&imported.config);
    assert_eq!(findings, [], "{}", imported.config);
    let (_, rules) = imported.config.split_once("images:").unwrap();
    let lines = rules.trim_start_matches(" []").lines().filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join(" ");
    text.split("  - name: ")
        .map(|rule| rule.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|rule| !rule.is_empty())
        .collect()
}

#[track_caller]
fn check(body: &str, expected: &[&str]) -> Imported {
    let imported = imported(body);
    assert_eq!(rules(&imported), expected, "{imported:#?}");
    imported
}

#[track_caller]
fn told(imported: &Imported, place: &str, words: &str) {
    let is_it =
        |one: &crate::peers::Difference| format!("{}:{}", one.file, one.line) == place && one.message.contains(words);
    assert!(imported.differs.iter().any(is_it), "{place} {words}: {:#?}", imported.differs);
}

const NGINX: &str = "docker.io/library/nginx policy: semver: '*' mode: pull-request";
const API: &str = "ghcr.io/acme/api policy: semver: '*' mode: pull-request";

#[test]
fn each_image_that_a_manager_reads_gets_a_rule() {
    check("", &[NGINX, API]);
    let unmanaged = check("  enabledManagers: ['helm-values']", &[]);
    told(&unmanaged, "renovate.json5:1", "2 places stand in files that none of its managers reads");
    check("  ignorePaths: ['apps/**']", &[]);
}

#[test]
fn what_a_rule_says_of_versions_is_taken_over() {
    let one = |rule: &str| {
        format!("  packageRules: [{{matchDatasources: ['docker'], matchPackageNames: ['ghcr.io/acme/*'], {rule}}}]")
    };
    for (rule, policy) in [
        ("allowedVersions: '<2'", "semver: '<2'"),
        ("allowedVersions: '/^1\\\\./'", "semver: '*' allow: ['regexp:^1\\.']"),
        ("allowedVersions: '!/-rc/'", "semver: '*' ignore: ['regexp:-rc']"),
        ("versioning: 'semver'", "semver: '*' strict: true"),
        (
            "versioning: 'regex:^(?<major>\\\\d+)[.](?<minor>\\\\d+)[.]0$'",
            "semver: '*' extract: '${major}.${minor}' match: '^(?<major>\\d+)[.](?<minor>\\d+)[.]0$'",
        ),
        ("matchUpdateTypes: ['major'], enabled: false", "semver: '*' within: minor"),
        ("matchUpdateTypes: ['major', 'minor'], enabled: false", "semver: '*' within: patch"),
        ("major: {enabled: false}", "semver: '*' within: minor"),
        ("enabled: false}, {matchUpdateTypes: ['minor', 'patch'], enabled: true", "semver: '*' within: minor"),
        ("pinDigests: true}, {matchUpdateTypes: ['pinDigest'], enabled: false", "semver: '*'"),
        ("minimumReleaseAge: '3 days'", "semver: '*' min_age: '3d'"),
        ("pinDigests: true", "semver: '*' pin_digest: true"),
        ("ignoreUnstable: false", "semver: '*' prerelease: true"),
    ] {
        check(&one(rule), &[NGINX, &format!("ghcr.io/acme/api policy: {policy} mode: pull-request")]);
    }
}

#[test]
fn later_rules_weigh_more_and_what_is_off_gets_no_rule() {
    let body = "  packageRules: [\n    {matchPackageNames: ['nginx'], enabled: false},\n    {matchPackagePatterns: ['^ghcr'], allowedVersions: '<3'},\n    {matchPackageNames: ['ghcr.io/acme/api'], allowedVersions: '<2'},\n  ],";
    let imported = check(body, &["ghcr.io/acme/api policy: semver: '<2' mode: pull-request"]);
    told(&imported, "renovate.json5:5", "`docker.io/library/nginx` is not updated by Renovate");
    check("  ignoreDeps: ['nginx', 'ghcr.io/acme/api']", &[]);
    check("  packageRules: [{matchPackageNames: ['!nginx'], enabled: false}]", &[NGINX]);
    check("  extends: ['docker:disable']", &[]);
}

#[test]
fn lists_are_read_as_renovate_reads_them() {
    let off = |keys: &str| format!("  packageRules: [{{{keys}, enabled: false}}]");
    for (keys, expected) in [
        ("matchFileNames: ['!apps/**']", &[NGINX, API][..]),
        ("matchFileNames: ['!other/**']", &[]),
        ("matchManagers: ['!flux']", &[]),
        ("matchDatasources: ['!docker']", &[NGINX, API]),
        ("matchPackageNames: ['GHCR.io/Acme/API']", &[NGINX]),
        ("matchPackageNames: ['GHCR.io/acme/*']", &[NGINX]),
        ("matchPackageNames: ['ghcr.io/acme']", &[NGINX, API]),
        ("matchPaths: ['apps']", &[]),
    ] {
        check(&off(keys), expected);
    }
    let large = format!("'/{}/'", "(a{500}){500}");
    let long = format!("'/{}/'", "a".repeat(2_000));
    for text in ["'!/(/'", "'/(/'", "'{a,b}'", &large, &long] {
        let imported = check(&off(&format!("matchPackageNames: [{text}]")), &[]);
        told(&imported, "renovate.json5:4", "is no expression that is understood here");
        told(&imported, "renovate.json5:4", "may hold it back");
    }
}

#[test]
fn what_has_no_counterpart_is_told_by_its_name_and_guessed_by_nobody() {
    let body = "  packageRules: [\n    {matchPackageNames: ['nginx'],\n     groupName: 'web', automerge: true, schedule: ['at night']},\n    {matchDatasources: ['helm'], automerge: true},\n    {matchPackageNames: ['ghcr.io/acme/api'], versioning: 'pep440'},\n    {matchCurrentVersion: '<2', matchPackageNames: ['nginx'], enabled: false},\n    {matchPackageNames: ['redis'], enabled: false}\n  ]";
    let imported = check(body, &[]);
    for (line, words) in [
        (6, "`groupName: web` has no counterpart"),
        (6, "`schedule` has no counterpart"),
        (7, "no image or chart here is meant by it"),
        (8, "`versioning: pep440` has no counterpart"),
        (9, "`matchCurrentVersion` is not followed"),
        (10, "no image or chart here is meant by it"),
    ] {
        told(&imported, &format!("renovate.json5:{line}"), words);
    }
    told(&imported, "renovate.json5:9", "may hold it back");
}

#[test]
fn presets_of_the_same_repository_are_read_and_others_are_named() {
    let load = |path: &str| {
        (path == ".github/renovate/docker.json5")
            .then(|| "{packageRules: [{matchPackageNames: ['nginx'], allowedVersions: '<2'}]}".to_owned())
    };
    let imported = imported_with(
        "  extends: ['config:recommended', 'github>acme/config//.github/renovate/docker.json5',\n 'github>acme/presets']",
        &load,
    );
    assert_eq!(rules(&imported)[0], "docker.io/library/nginx policy: semver: '<2' mode: pull-request");
    told(&imported, "renovate.json5:5", "the preset `github>acme/presets` is not read");
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_and_followed_by_nobody() {
    let imported = imported("  packageRules: [");
    assert_eq!(imported.rules, 0);
    assert!(imported.differs.iter().any(|one| one.message.contains("cannot be read")), "{imported:#?}");
}

/// `match` and `extract`, or why there are none.
fn versioned(expression: &str, running: &str) -> Result<(String, String), String> {
    let tag = running.parse().ok();
    versioning::read(expression, tag.as_ref(), true).map(|read| (read.matches, read.extract))
}

#[test]
fn groups_of_a_versioning_become_match_and_extract_beside_what_runs() {
    let check = |expression: &str, running: &str, matches: &str, extract: &str| {
        let expected = Ok((matches.to_owned(), extract.to_owned()));
        assert_eq!(versioned(expression, running), expected, "{expression} {running}");
    };
    let kinds = r"^(?<major>\d+)\.(?<minor>\d+)(\.(?<patch>\d+))?(-(?<compatibility>.*))?$";
    check(
        kinds,
        "1.2.3-alpine",
        r"^(?<major>\d+)\.(?<minor>\d+)(\.(?<patch>\d+))?(-(?<compatibility>alpine))?$",
        "${major}.${minor}.${patch}",
    );
    check(kinds, "1.2.3", r"^(?<major>\d+)\.(?<minor>\d+)(\.(?<patch>\d+))?$", "${major}.${minor}.${patch}");
    check(kinds, "1.2", r"^(?<major>\d+)\.(?<minor>\d+)$", "${major}.${minor}");
    let built = r"^(?<compatibility>[a-z]+)-(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)(?<prerelease>-rc\d+)?-(?<build>\d+)(-r(?<revision>\d+))?$";
    check(
        built,
        "web-1.2.3-7-r2",
        r"^(?<compatibility>web)-(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)-(?<build>\d+)(-r(?<revision>\d+))?$",
        "${major}.${minor}.${patch}.${build}.${revision}",
    );
    check(r"^(?<major>\d{4})-(?<build>\d+)$", "2024-11", r"^(?<major>\d{4})-(?<build>\d+)$", "${major}.0.0.${build}");
}

#[test]
fn what_no_rule_can_say_of_a_versioning_is_told() {
    for (expression, running, words) in [
        (r"^(?<major>\d+)(?<other>x)?$", "1", "the group `other`"),
        (r"^(?<compatibility>.*)$", "1", "none of the groups"),
        (r"^v(?<major>\d+)$", "1", "does not match"),
        (r"^(?<major>\d+)(-(?<prerelease>rc))?$", "1-rc", "is a pre-release"),
        (r"^(?<major>\d+)(-(?<compatibility>.*))?", "1", "does not say how a tag ends"),
        (r"^((?<major>\d+)|(?<minor>x))$", "1", "one of several ways"),
        (r"^(?<major>\w+)$", "a", "is no number"),
        (r"^(?<major>\d+)(?=x)$", "1", "is not understood"),
        (r"^(?<major>\d+)$", "", "no tag stands there"),
    ] {
        let why = versioned(expression, running).unwrap_err();
        assert!(why.contains(words), "{expression} {running}: {why}");
    }
}

#[test]
fn what_is_said_of_all_updates_is_taken_over() {
    let updates = |body: &str| imported(body).config.split_once("images:").unwrap().0.replace('\n', " ");
    assert_eq!(updates(""), "version: 1 updates:   group: none ");
    let body = "  labels: ['deps', 'size: s'], reviewers: ['ada', 'team:platform', 'acme/web'], prConcurrentLimit: 5, prHourlyLimit: 2,\n  packageRules: [{matchPackageNames: ['nginx'], groupName: 'web', addLabels: ['web']}]";
    assert_eq!(
        updates(body),
        "version: 1 updates:   limit: {open: 5}   labels: [deps, 'size: s']   reviewers: [ada, acme/web] "
    );
    let imported = imported(body);
    for (line, words) in [
        (4, "`team:platform` names no organization"),
        (4, "`prHourlyLimit` has no counterpart"),
        (5, "`groupName: web` has no counterpart"),
        (5, "`addLabels` of some images alone"),
    ] {
        told(&imported, &format!("renovate.json5:{line}"), words);
    }
    assert_eq!(updates("  prConcurrentLimit: 0"), "version: 1 updates:   group: none ");
}

const CHARTS: [(&str, &str); 3] = [
    (
        "apps/a.yaml",
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web}\nspec: {url: 'oci://ghcr.io/acme/charts/web', ref: {tag: 1.4.1}}\n",
    ),
    (
        "apps/kustomization.yaml",
        "helmCharts:\n- {name: cert-manager, repo: 'https://charts.jetstack.io', version: v1.18.2}\n",
    ),
    (
        "apps/Chart.yaml",
        "apiVersion: v2\nname: own\ndependencies:\n- {name: db, repository: 'oci://ghcr.io/acme/charts', version: 1.0.0}\n",
    ),
];

/// The rules for charts that a configuration comes to, whose `flux` manager reads every YAML file.
#[track_caller]
fn check_charts(body: &str, expected: &[&str]) -> Imported {
    let text = format!("{{flux: {{managerFilePatterns: ['/\\\\.yaml$/']}},\n{body}\n}}");
    let mut files = Files::default();
    CHARTS.iter().for_each(|(path, text)| files.insert((*path).to_owned(), (*text).to_owned()));
    let environments: Vec<FoundEnvironment> = ["", "apps/a.yaml", "apps/Chart.yaml"]
        .iter()
        .map(|path| FoundEnvironment::new("any".parse().unwrap(), *path, EnvironmentOrigin::Folder))
        .collect();
    let found = crate::find(&FindInput { files: &files, environments: &environments });
    let imported = import(&files, &found, Some(&Renovate::read("renovate.json5", &text, &|_| None)));
    assert!(imported.config.contains("images: []\n"), "{}", imported.config);
    let (config, findings) = config::read(&imported.config);
    assert_eq!(findings, [], "{}", imported.config);
    let (environment, places) = ("any".parse().unwrap(), &found.occurrences);
    let governed = |place: &&Occurrence| config.rule_for(config::Subject::of(place, &environment)).is_some();
    assert_eq!(places.iter().filter(governed).count(), expected.len(), "{}", imported.config);
    let rules = imported.config.split_once("charts:").map(|(_, rules)| rules).unwrap_or_default();
    let lines: Vec<&str> = rules.lines().filter(|line| !line.trim_start().starts_with('#')).map(str::trim).collect();
    let told: Vec<String> =
        lines.join(" ").split("- name: ").map(|rule| rule.trim().to_owned()).filter(|rule| !rule.is_empty()).collect();
    assert_eq!(told, expected, "{}", imported.config);
    imported
}

#[test]
fn charts_get_rules_of_their_own() {
    let (web, db) = (
        "ghcr.io/acme/charts/web policy: semver: '*' mode: pull-request",
        "ghcr.io/acme/charts/db policy: semver: '*' mode: pull-request",
    );
    let manager = "charts.jetstack.io/cert-manager policy: semver: '*' mode: pull-request";
    check_charts("pinDigests: true, docker: {enabled: true}", &[manager, db, web]);
    check_charts("packageRules: [{matchDatasources: ['helm'], enabled: false}]", &[db, web]);
    check_charts("extends: ['docker:disable']", &[manager]);
    check_charts(
        "packageRules: [{matchPackageNames: ['cert-manager'], enabled: false}, {matchDepNames: ['db'], allowedVersions: '<2'}]",
        &[&db.replace('*', "<2"), web],
    );
    check_charts("enabledManagers: ['helmv3']", &[db]);
}
