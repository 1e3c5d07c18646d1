//! Flux 1 and Keel: annotations of workloads, and Keel's key in the values of a chart.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::{
    change::Mode,
    policy::{KeelPolicy, Pattern, Translation, translate_flux_v1},
};

use super::{Brought, Origin, Places, Setup, Wish, objects::word};
use crate::{FoundPolicy, occurrence::Occurrence, yaml::Node};

/// A wish for each annotated image.
pub(super) fn read(setup: &Setup<'_>, brought: &mut Brought) {
    read_values(setup, brought);
    for (index, occurrence) in setup.occurrences.iter().enumerate() {
        let asked = match &occurrence.policy {
            Some(FoundPolicy::FluxV1 { automated, locked, pattern }) => {
                let origin = origin("Flux 1's annotations", occurrence);
                flux_v1(*automated, *locked, pattern.as_deref(), &origin, brought).map(|asked| (asked, origin))
            }
            Some(FoundPolicy::Keel { settings }) => {
                let origin = origin("Keel's annotations", occurrence);
                keel(settings, occurrence, &origin, brought).map(|asked| (asked, origin))
            }
            _ => None,
        };
        if let Some((asked, origin)) = asked {
            take(asked, origin, (index, occurrence), brought);
        }
    }
}

fn take(
    (translation, mode): (Translation, Mode),
    origin: Origin,
    (index, occurrence): (usize, &Occurrence),
    brought: &mut Brought,
) {
    for sentence in translation.differs {
        brought.differs(&origin, sentence);
    }
    if let Some(policy) = translation.policy {
        let (image, places) = (occurrence.image.repository.clone(), Places::At(BTreeSet::from([index])));
        brought.wish(Wish { image, is_chart: false, places, policy, mode, origin });
    }
}

/// Keel's `keel` in the values of a chart: its settings, and the paths of the images that they are for. Source:
/// <https://keel.sh/docs/#helm>.
fn read_values(setup: &Setup<'_>, brought: &mut Brought) {
    for (path, roots) in setup.files.of_peers() {
        let root = roots.first().filter(|root| root.get("kind").is_none());
        let mut entries = root.map(Node::entries).unwrap_or_default().iter();
        let Some((key, block)) = entries.find(|(key, _)| key.text() == Some("keel")) else { continue };
        let setting = |(key, value): &(Node, Node)| Some((key.text()?.to_owned(), value.text()?.to_owned()));
        let settings: BTreeMap<String, String> = block.entries().iter().filter_map(setting).collect();
        let images = block.get("images").map(Node::items).unwrap_or_default();
        let here: Vec<(usize, &Occurrence)> =
            setup.occurrences.iter().enumerate().filter(|(_, occurrence)| occurrence.place.file == path).collect();
        let names = |image: &Node, occurrence: &Occurrence| {
            ["tag", "repository"].iter().any(|part| setup.leads_to(word(image, &[part]), occurrence))
        };
        let at = |line: u32| Origin { what: "`keel` in the values".to_owned(), file: path.to_owned(), line };
        for image in images.iter().filter(|image| !here.iter().any(|(_, occurrence)| names(image, occurrence))) {
            let (repository, tag) = (word(image, &["repository"]), word(image, &["tag"]));
            let message = format!(
                "no image stands at `{repository}` and `{tag}`: these are ways in this file, such as `image.tag`"
            );
            brought.fault(&at(image.position.line), message);
        }
        for (index, occurrence) in here {
            if !images.iter().any(|image| names(image, occurrence)) {
                continue;
            }
            let origin = at(key.position.line);
            if let Some(asked) = keel(&settings, occurrence, &origin, brought) {
                take(asked, origin, (index, occurrence), brought);
            }
        }
    }
}

fn origin(what: &str, occurrence: &Occurrence) -> Origin {
    Origin { what: what.to_owned(), file: occurrence.place.file.clone(), line: occurrence.place.line }
}

fn flux_v1(
    automated: bool,
    locked: bool,
    pattern: Option<&str>,
    origin: &Origin,
    brought: &mut Brought,
) -> Option<(Translation, Mode)> {
    if !automated {
        brought.fault(origin, "it is not automated");
        return None;
    }
    if locked {
        brought.differs(origin, "it is locked, so its rule observes only");
    }
    let mode = if locked { Mode::Observe } else { Mode::Commit };
    Some((translate_flux_v1(pattern.unwrap_or("glob:*")), mode))
}

fn keel(
    settings: &BTreeMap<String, String>,
    occurrence: &Occurrence,
    origin: &Origin,
    brought: &mut Brought,
) -> Option<(Translation, Mode)> {
    let setting = |name: &str| settings.get(name).map(String::as_str);
    let monitored = setting("monitorContainers").map(|names| Pattern::parse(&format!("regexp:{names}")));
    if let (Some(Ok(names)), Some(container)) = (monitored, &occurrence.container)
        && !names.matches(container)
    {
        return None;
    }
    let policy = KeelPolicy {
        policy: setting("policy").unwrap_or_default().to_owned(),
        match_pre_release: setting("matchPreRelease").is_none_or(|text| text == "true"),
        match_tag: setting("matchTag").or(setting("match-tag")) == Some("true"),
    };
    brought.differs(origin, "Heddle writes the tag to git; Keel patches the cluster");
    let approvals = setting("approvals").and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
    if approvals > 0 {
        brought
            .differs(origin, format!("`approvals: {approvals}` becomes a pull request, with the rules of your branch"));
    }
    for ignored in
        ["pollSchedule", "trigger", "notify", "imagePullSecret"].iter().filter(|name| setting(name).is_some())
    {
        brought.differs(
            origin,
            format!("`keel.sh/{ignored}` has no counterpart: images are watched by Heddle's own rhythm"),
        );
    }
    let mode = if approvals > 0 { Mode::PullRequest } else { Mode::Commit };
    Some((policy.translate(occurrence.image.tag.as_ref()), mode))
}
