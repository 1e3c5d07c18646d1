use super::*;
use crate::{
    Files,
    config::{Config, read},
    find,
    find::{FindInput, Found, environments_on},
};

const HEAD: &str = "version: 1\nenvironments: [{name: prod, path: prod}]\n";

/// The image `acme/api:1.0.0` with these words behind it and these annotations on its Deployment.
fn found(config: &Config, behind: &str, annotations: &str) -> Found {
    let text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api, annotations: {{{annotations}}}}}\nspec:\n  template:\n    \
         spec:\n      containers:\n      - {{name: side, image: 'acme/side:1'}}\n      - name: api\n        \
         image: acme/api:1.0.0 {behind}\n"
    );
    let main = "main".parse().unwrap();
    let environments = environments_on(config, &main, &main, &std::collections::BTreeMap::new());
    let mut files = Files::default();
    files.insert("prod/api.yaml".into(), text);
    find(&FindInput { files: &files, environments: &environments })
}

/// What governs the image: file, line, range and mode.
fn check(rules: &str, behind: &str, annotations: &str, expected: Option<(&str, u32, Option<&str>, Mode)>) {
    let (config, _) = read(&format!("{HEAD}{rules}"));
    let found = found(&config, behind, annotations);
    let api = found.occurrences.iter().find(|one| one.container.as_deref() == Some("api")).unwrap();
    let ruling = config.ruling(api, &"prod".parse().unwrap());
    let said = ruling.map(|one| {
        (one.file.as_str(), one.line, one.policy.as_ref().and_then(|policy| policy.semver.as_deref()), one.mode)
    });
    assert_eq!(said, expected, "{found:#?}");
}

const KEEL: &str = "keel.sh/policy: major, keel.sh/monitorContainers: '^api$'";
const RULE: &str = "images: [{name: '*', policy: {semver: '>=2'}, mode: commit}]\n";

#[test]
fn a_comment_then_a_rule_then_a_peers_words() {
    let here = |range, mode| Some(("prod/api.yaml", 10, range, mode));
    let comment = r##"# heddle: {"policy": {"semver": "1.x"}, "mode": "commit"}"##;
    check(RULE, comment, KEEL, here(Some("1.x"), Mode::Commit));
    check("", comment, "", here(Some("1.x"), Mode::Commit));
    check("", r##"# heddle: {"policy": {"semver": "1.x"}}"##, "", here(Some("1.x"), Mode::PullRequest));
    check(RULE, "", KEEL, Some((".heddle.yaml", 3, Some(">=2"), Mode::Commit)));
    check("", "", KEEL, here(Some("*"), Mode::PullRequest));
    check("", "", "", None);
}

#[test]
fn what_is_locked_is_watched_and_what_cannot_be_read_keeps_a_peers_words_back() {
    let locked = "fluxcd.io/automated: 'true', fluxcd.io/locked: 'true', fluxcd.io/tag.api: 'semver:~1'";
    check("", "", locked, Some(("prod/api.yaml", 10, Some("~1"), Mode::Observe)));
    check("frozen: true\n", "", KEEL, None);
}

#[test]
fn a_broken_comment_governs_its_image_and_updates_nothing() {
    for (behind, told) in [
        (r##"# heddle: {"policy": {"semvar": "1.x"}}"##, "write `semver`"),
        (r##"# heddle: {"policy": {"semver": "1.x"}, "mode": "now"}"##, "`pull-request`"),
        (r##"# heddle: {"mode": "commit"}"##, "has no `policy`"),
        ("# heddle: {", "the comment `# heddle:` cannot be read, so this image is not updated"),
        ("# heddle: soon", "must be a mapping"),
    ] {
        let (config, _) = read(&format!("{HEAD}{RULE}"));
        let found = found(&config, behind, "");
        let api = found.occurrences.iter().find(|one| one.container.as_deref() == Some("api")).unwrap();
        let ruling = config.ruling(api, &"prod".parse().unwrap()).unwrap();
        assert_eq!((ruling.file.as_str(), &ruling.policy), ("prod/api.yaml", &None), "{behind}");
        let finding = found.findings.iter().find(|finding| finding.message.contains(told));
        let finding = finding.unwrap_or_else(|| panic!("{behind}: {:?}", found.findings));
        assert_eq!((finding.file.as_str(), finding.position.line), ("prod/api.yaml", 10));
    }
}
