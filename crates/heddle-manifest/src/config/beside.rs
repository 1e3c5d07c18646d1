//! What is said of an image right beside it.

use heddle_core::change::Mode;

use super::{Beside, Ruling, fields::Report, images::read_ruling};
use crate::{
    FoundPolicy,
    finding::Finding,
    yaml::{Documents, Position},
};

const KEYS: &[&str] = &["policy", "mode"];

/// Reads the comment behind a value. One that is broken governs too, and updates nothing.
pub(crate) fn read_comment(found: &FoundPolicy, file: &str, line: u32) -> Option<(Beside, Vec<Finding>)> {
    let FoundPolicy::Comment { text } = found else { return None };
    let mut report = Report::default();
    let documents = Documents::read(text);
    let start = Position { line, column: 1 };
    if let Some(error) = &documents.error {
        let message =
            format!("the comment `# heddle:` cannot be read, so this image is not updated: {}", error.message);
        report.add(start, "broken-comment", message);
    }
    let root = documents.roots.first().filter(|_| documents.error.is_none());
    let fields = root.and_then(|root| report.fields(root, "the comment `# heddle:`", KEYS));
    let ruling = fields.map(|fields| read_ruling(fields, &mut report));
    let findings = report.into_findings();
    let is_sound = findings.iter().all(|finding| !finding.blocks);
    let at_value = |finding: Finding| Finding { file: file.to_owned(), position: start, ..finding };
    let (policy, mode) = ruling.unwrap_or((None, Mode::Observe));
    let ruling = Ruling { file: file.to_owned(), line, policy: policy.filter(|_| is_sound), mode };
    Some((Beside::Comment(ruling), findings.into_iter().map(at_value).collect()))
}

#[cfg(test)]
mod tests {
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
        let environments = environments_on(config, &main, &main, &std::collections::BTreeSet::new());
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
}
