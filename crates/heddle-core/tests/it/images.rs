//! Image references by the grammar of the distribution project.

use heddle_core::image::{ImageRef, ImageRepository};
use serde_json::Value;

use crate::conformance::{Outcome, judge, run, text};

#[test]
fn image_references_agree_with_distribution_flux_and_image_updater() {
    let digest = "a digest of `sha256` has 64 digits here, as the distribution grammar has it";
    let sha512 = "`sha512` is read, as the image specification registers it";
    let on_purpose = [("ref-aiu-005", digest), ("ref-aiu-006", digest), ("ref-dist-015", sha512)];
    run("automator/image-refs.json", &on_purpose, |case| match case["kind"].as_str().unwrap() {
        "parse_ref" | "parse_ref_lenient" => parse(case),
        "parse_ref_raw" => parse_raw(case),
        "parse_image_repository" => {
            judge(&text(case, "ref").parse::<ImageRepository>().is_ok(), &(case["expect"]["error"] != true))
        }
        _ => Outcome::NotOurs,
    });
}

/// In full, with the registry that a short name means.
fn parse(case: &Value) -> Outcome {
    let expect = &case["expect"];
    let repository = expect["repository"].as_str();
    let full = repository.map(|path| format!("{}/{path}", expect["registry"].as_str().unwrap()));
    let expected = full.map(|full| full.replace("index.docker.io", "docker.io"));
    match (text(case, "ref").parse::<ImageRef>(), expected) {
        (Ok(image), Some(expected)) if expect["canonical"].is_string() => {
            let canonical = expect["canonical"].as_str().unwrap().replace("index.docker.io", "docker.io");
            judge(&(image.repository.to_string(), image.to_string()), &(expected, canonical))
        }
        (Ok(image), expected) => judge(&Some(image.repository.to_string()), &expected),
        (Err(_), expected) => judge(&None, &expected),
    }
}

/// As it is written: what has no host there is on Docker Hub here.
fn parse_raw(case: &Value) -> Outcome {
    let expect = &case["expect"];
    let word = |key: &str| expect[key].as_str().map(str::to_owned);
    let host = |domain: &String| domain.contains(['.', ':']);
    let expected = word("repository").map(|written| match word("domain") {
        Some(domain) if host(&domain) => written,
        Some(_) => format!("docker.io/{written}"),
        None => format!("docker.io/library/{written}"),
    });
    let expected = expected.map(|full| (full, word("tag"), word("digest")));
    let actual = text(case, "ref")
        .parse::<ImageRef>()
        .ok()
        .map(|image| (image.repository.to_string(), image.tag.map(String::from), image.digest.map(String::from)));
    judge(&actual, &expected)
}
