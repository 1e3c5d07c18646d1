//! What is told of places that are read.

use super::*;

#[test]
fn a_tag_that_yaml_reads_as_another_number_is_told() {
    let check = |tag: &str, told: Option<&str>| {
        let values = format!("web:\n  image:\n    repository: acme/web\n    tag: {tag}\n");
        let release = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: acme/web\n          tag: {tag}\n"
        );
        for (text, line) in [(&values, 4), (&release, 9)] {
            let found = find_in(&[("e/values.yaml", text)], &[("e", "e")]);
            let findings = found.findings.iter().filter(|finding| finding.code == "number-as-tag");
            let lines: Vec<_> = findings.map(|finding| (finding.position.line, finding.message.clone())).collect();
            match told {
                None => assert_eq!(lines, []),
                Some(read) => assert!(lines[0].0 == line && lines[0].1.contains(read), "{text}: {lines:?}"),
            }
            assert_eq!(found.occurrences[0].obstacle, None);
        }
    };
    check("1.10", Some("the number 1.1, so `1.1` runs"));
    check("2.0", Some("the number 2, so `2` runs"));
    check("1.11", None);
    check("'1.10'", None);
    check("1.10.0", None);
}

#[test]
fn an_expression_that_meets_several_images_says_so() {
    let kustomization = "resources: [pod.yaml]\nimages: [{name: 'acme/.*', newTag: '2'}]\n";
    let found = find_in(&[("o/kustomization.yaml", kustomization), ("o/pod.yaml", POD)], &[("o", "o")]);
    assert!(found.findings.iter().any(|one| one.message.contains("its tag to different images")), "{found:#?}");
}
