//! Joins what each environment runs into places.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use heddle_core::{
    image::{ImageError, ImageRepository},
    name::EnvironmentName,
};

use super::{
    FindInput, Found, FoundEnvironment, Occurrence, added::Added, closure::Reader, covers, effective::effective,
    follow::Followers, live::Live, marked,
};
use crate::{Files, Finding, Version, chart::SHARED_NAME, style, yaml::Position};

/// What tells a place from every other: its file, its first byte, and below an alias the way to it.
type Key = (String, usize, String);

/// Finds every place on a branch that says which image runs, with the environments it belongs to; what governs it is not
/// looked for.
pub(crate) fn find_places(input: &FindInput<'_>) -> Found {
    let mut reader = Reader::new(input.files);
    let added = Added::read(input.files);
    let followers = Followers::read(&mut reader);
    let mut places: BTreeMap<Key, Vec<(&FoundEnvironment, Live)>> = BTreeMap::new();
    let mut remotes: BTreeMap<(String, Position, String), Vec<EnvironmentName>> = BTreeMap::new();
    let mut incomplete = Vec::new();
    let mut unread: HashMap<(EnvironmentName, ImageRepository), String> = HashMap::new();
    for environment in input.environments {
        let mut found = effective(&mut reader, (environment, input.environments), &added, &followers);
        marked::complete(&mut found.live);
        let mentions = reader.take_mentions().into_iter();
        unread.extend(mentions.map(|(image, path)| ((environment.name.clone(), image), path)));
        if found.incomplete {
            incomplete.push(environment);
        }
        for remote in std::mem::take(&mut reader.remotes) {
            let names = remotes.entry(remote).or_default();
            if !names.contains(&environment.name) {
                names.push(environment.name.clone());
            }
        }
        for live in found.live {
            let (at, way) = live.value.id();
            let place = places.entry((live.file.to_string(), at, way.to_owned())).or_default();
            if !place.iter().any(|(other, same)| other.name == environment.name && says_the_same(same, &live)) {
                place.push((environment, live));
            }
        }
    }
    let reached = std::mem::take(&mut reader.reached);
    let mut found = Found { findings: reader.into_findings(), reached, ..Found::default() };
    for lives in places.into_values() {
        join(&lives, &incomplete, &unread, &mut found);
        found.findings.extend(lives.first().and_then(|(_, live)| number(live, input.files)));
    }
    tell_apart(&mut found);
    for ((file, position, address), names) in remotes {
        found.versions.extend(Version::of_remote(&file, position, &address, names));
    }
    found.findings.extend(input.files.unread().cloned());
    found
}

/// Whether nothing is to be told of one that the other does not tell too.
fn says_the_same(one: &Live, other: &Live) -> bool {
    let told = |live: &Live| (live.value.obstacle, live.suffix.clone(), live.doubt.clone());
    one.name == other.name && told(one) == told(other)
}

fn join(
    lives: &[(&FoundEnvironment, Live)],
    incomplete: &[&FoundEnvironment],
    unread: &HashMap<(EnvironmentName, ImageRepository), String>,
    found: &mut Found,
) {
    let Some((_, first)) = lives.first() else { return };
    let mut environments: Vec<EnvironmentName> = Vec::new();
    for (environment, _) in lives {
        if !environments.contains(&environment.name) {
            environments.push(environment.name.clone());
        }
    }
    if let Some(chart) = &first.value.chart {
        let mut version = Version::of(&first.file, &first.value, chart, environments.clone());
        let is_followed = version.unfollowed.is_none();
        version.obstacle = version.obstacle.or_else(|| unsure(lives, incomplete));
        found.versions.push(version);
        if !is_followed {
            return;
        }
    }
    let image = match first.image() {
        Ok(image) => image,
        Err(error) => return found.findings.push(unreadable(first, &error)),
    };
    let what = if first.value.chart.is_some() { "chart" } else { "image" };
    let mut obstacle = lives.iter().find_map(|(_, live)| live.value.obstacle).map(str::to_owned);
    if lives.iter().any(|(_, live)| live.image().map(|other| other.repository).ok().as_ref() != Some(&image.repository))
    {
        let message = match environments.as_slice() {
            [_] => {
                "this place gives its tag to different images, so it is not updated: give each image an entry of its own"
            }
            _ => {
                "environments take this place for different images, so it is not updated: give each overlay its own `images:` entry with `newTag`"
            }
        };
        found.findings.push(finding(first, "shared-place", message.to_owned()));
        obstacle = Some(message.to_owned());
    } else if let Some(reason) = &obstacle {
        found.findings.push(finding(first, "not-editable", format!("this {what} is not updated: {reason}")));
    } else if let Some(unknown) = incomplete.iter().find(|other| may_share(other, lives)) {
        let message = format!(
            "the kustomizations of `{}` cannot be read in full, and it may share this place, so it is not updated",
            unknown.name
        );
        found.findings.push(finding(first, "shared-place", message.clone()));
        obstacle = Some(message);
    } else if let Some(suffix) = lives.iter().find_map(|(_, live)| live.suffix.as_ref()) {
        let message = format!(
            "a kustomization pastes `{suffix}` behind this tag (`tagSuffix`), so it is not updated: write the whole tag as `newTag`"
        );
        found.findings.push(finding(first, "not-editable", message.clone()));
        obstacle = Some(message);
    } else if let Some(doubt) = lives.iter().find_map(|(_, live)| live.doubt.as_ref()) {
        let message = format!(
            "`{doubt}` may change this {what} in a way that is not known, so it is not updated: mend that first"
        );
        found.findings.push(finding(first, "unread-patch", message.clone()));
        obstacle = Some(message);
    } else if let Some(file) =
        environments.iter().find_map(|name| unread.get(&(name.clone(), image.repository.clone())))
    {
        let message = format!(
            "`{file}` names this {what} and cannot be read, so it may hold a place of its own, and none is updated: mend the file, or move it out of the environment"
        );
        found.findings.push(finding(first, "unread-place", message.clone()));
        obstacle = Some(message);
    }
    let bond = bond(first, &environments);
    if let (Some(version), Some(obstacle), true) = (found.versions.last_mut(), &obstacle, what == "chart") {
        version.obstacle = Some(obstacle.clone());
    }
    found.occurrences.push(Occurrence {
        bond,
        is_chart: first.value.chart.is_some(),
        place: first.value.place(&first.file),
        container: first.value.container.clone(),
        image,
        written: first.written(),
        environments,
        span: first.value.span(),
        policy: first.value.policy.clone(),
        beside: None,
        obstacle,
        value: Arc::clone(&first.value),
    });
}

/// Why nobody knows what stands at the place of a version, where it is so.
fn unsure(lives: &[(&FoundEnvironment, Live)], incomplete: &[&FoundEnvironment]) -> Option<String> {
    let (_, first) = lives.first()?;
    if let Some(obstacle) = lives.iter().find_map(|(_, live)| live.value.obstacle) {
        return Some(obstacle.to_owned());
    }
    if let Some(doubt) = lives.iter().find_map(|(_, live)| live.doubt.as_ref()) {
        return Some(format!("`{doubt}` may change this chart in a way that is not known: mend that first"));
    }
    if lives.iter().any(|(_, live)| live.name != first.name) {
        return Some("environments take this place for different charts".to_owned());
    }
    let unknown = incomplete.iter().find(|other| may_share(other, lives))?;
    Some(format!("the kustomizations of `{}` cannot be read in full, and it may share this place", unknown.name))
}

/// Keeps charts from being written whose repository holds images too: no tag says what it is.
fn tell_apart(found: &mut Found) {
    let images = found.occurrences.iter().filter(|one| !one.is_chart);
    let images: HashSet<ImageRepository> = images.map(|one| one.image.repository.clone()).collect();
    let shared = |one: &&mut Occurrence| one.is_chart && images.contains(&one.image.repository);
    for one in found.occurrences.iter_mut().filter(shared) {
        one.obstacle.get_or_insert_with(|| SHARED_NAME.to_owned());
        let is_it = |version: &&mut Version| version.place == one.place && version.span == one.span;
        for version in found.versions.iter_mut().filter(is_it) {
            version.obstacle.get_or_insert_with(|| SHARED_NAME.to_owned());
        }
        let position = Position { line: one.place.line, column: 1 };
        let message = format!("this chart is not updated: {SHARED_NAME}");
        found.findings.push(Finding {
            file: one.place.file.clone(),
            position,
            code: "not-editable",
            message,
            blocks: true,
        });
    }
}

/// That readers of YAML take a tag for a number, which they write otherwise.
fn number(live: &Live, files: &Files) -> Option<Finding> {
    // Kustomize refuses such a tag itself, and what becomes of one in a custom resource nobody knows.
    let tag = live.value.parts.tag.as_ref().filter(|_| live.value.parts.digest_in_tag)?;
    let span = live.value.span();
    let is_plain = files.get(&live.file)?.get(span)? == tag.text;
    let read = style::as_fraction(&tag.text).filter(|read| is_plain && *read != tag.text)?;
    let message =
        format!("YAML reads this tag as the number {read}, so `{read}` runs: write it in quotes, `\"{}\"`", tag.text);
    Some(Finding { blocks: false, ..finding(live, "number-as-tag", message) })
}

/// What a place shares with those that change with it: parts of one image wherever they stand, keys of one marker where the
/// same environments have them, and places of one alias.
fn bond(live: &Live, environments: &[EnvironmentName]) -> Option<String> {
    let names: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
    // The build comes before the name.
    let by_alias = live.value.parts.spots().filter_map(|spot| spot.shared).filter(|shared| shared.is_free).last();
    match (&live.bond, by_alias) {
        (Some((bond, true)), _) => Some(bond.to_string()),
        (Some((bond, false)), _) => Some(format!("{bond} {}", names.join("+"))),
        (None, Some(shared)) => Some(format!("{}@{}", live.file, shared.at)),
        (None, None) => None,
    }
}

/// Whether an environment whose closure is not known may hold the place too: when the place lies outside the paths of
/// those that are known to.
fn may_share(other: &FoundEnvironment, lives: &[(&FoundEnvironment, Live)]) -> bool {
    let known = lives.iter().any(|(environment, _)| environment.name == other.name);
    let apart = lives.iter().any(|(environment, live)| covers(&environment.path, &live.file));
    !known && !apart
}

fn unreadable(live: &Live, error: &ImageError) -> Finding {
    let code = if matches!(error, ImageError::Placeholder(_)) { "placeholder" } else { "wrong-image" };
    let mut finding = finding(live, code, format!("this image is not updated: {error}"));
    finding.blocks = !matches!(error, ImageError::Placeholder(_));
    finding
}

fn finding(live: &Live, code: &'static str, message: String) -> Finding {
    let position = live.value.spot().map_or(Position { line: 1, column: 1 }, |spot| spot.position);
    Finding { file: live.file.to_string(), position, code, message, blocks: true }
}
