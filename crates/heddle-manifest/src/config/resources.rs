//! Where custom resources hold images: the rules of `resources`.

use super::fields::{Report, shown};
use crate::{
    glob::Glob,
    path::Path,
    resource::{ResourcePlace, ResourceRule},
    yaml::Node,
};

const KEYS: &[&str] = &["kind", "group", "image", "images", "registry", "repository", "tag", "digest", "values"];

/// Reads the rules. A broken one finds nothing, so nothing is written where it would have found an image.
pub(super) fn read_resources(node: &Node, report: &mut Report) -> Vec<ResourceRule> {
    report.list(node, "resources").iter().filter_map(|item| read_rule(item, report)).collect()
}

fn read_rule(node: &Node, report: &mut Report) -> Option<ResourceRule> {
    let before = report.faults();
    let fields = report.fields(node, "a resource", KEYS)?;
    let kind = match fields.get("kind") {
        Some(kind) => report.text(kind, "kind").unwrap_or_default().to_owned(),
        None => {
            report.add(
                node.position,
                "missing-key",
                "a resource has no `kind`: write the kind that holds images".into(),
            );
            String::new()
        }
    };
    let group = fields.get("group").and_then(|group| {
        let glob = Glob::parse(report.text(group, "group")?);
        if glob.is_none() {
            report
                .wrong(group, "this is no API group: write for example `monitoring.coreos.com` or `*.acme.dev`".into());
        }
        glob
    });
    let places = read_places(fields, report);
    if places.is_empty() && report.faults() == before {
        let message = "a resource names no place: write `image: spec.image`, `repository` with `tag`, or `values`";
        report.add(node.position, "missing-key", message.into());
    }
    (report.faults() == before).then_some(ResourceRule { group, kind, places })
}

fn read_places(fields: &Node, report: &mut Report) -> Vec<ResourcePlace> {
    let mut places = Vec::new();
    places.extend(read_path(fields, "image", report).map(ResourcePlace::Image));
    for item in fields.get("images").map(|list| report.list(list, "images")).unwrap_or_default() {
        places.extend(path_of(item, "images", report).map(ResourcePlace::Image));
    }
    places.extend(read_path(fields, "values", report).map(ResourcePlace::Values));
    let [registry, repository, tag, digest] =
        ["registry", "repository", "tag", "digest"].map(|key| read_path(fields, key, report));
    match repository {
        Some(repository) => places.push(ResourcePlace::Parts { registry, repository, tag, digest }),
        None => {
            let alone = ["registry", "tag", "digest"].iter().find_map(|key| fields.get(key));
            if let Some(alone) = alone {
                report.wrong(alone, "a part of an image stands alone: write `repository` beside it".into());
            }
        }
    }
    places
}

fn read_path(fields: &Node, key: &str, report: &mut Report) -> Option<Path> {
    path_of(fields.get(key)?, key, report)
}

fn path_of(node: &Node, key: &str, report: &mut Report) -> Option<Path> {
    let text = report.text(node, key)?;
    let path = Path::parse(text).ok();
    if path.is_none() {
        let message =
            format!("`{}` is no path: write for example `spec.image` or `spec.workers[*].image`", shown(text));
        report.wrong(node, message);
    }
    path
}
