//! Images in the values of Helm charts, by their shape.
//!
//! Charts agree on no names, but on a few shapes: `image: {registry, repository, tag, digest}`, `image: name:tag`,
//! `image` with `tag` beside it, `webImage` with `webImageTag`. What has one of these shapes and reads as an image is one.

mod level;
pub(crate) mod texts;

use heddle_core::image::ImageRef;

use self::level::Part;
pub(crate) use self::level::{IsFor, Level};
use crate::{
    image::{Home, ImageValue, Parts},
    style::is_other_type,
    written::split_build,
    yaml::{Node, Value, cursor::Cursor},
};

/// How many values are looked at; aliases may make many of a few.
const MAX_VALUES: usize = 500_000;

/// The ways that charts call the name of an image, lower case and without separators; the rest of the key is its stem.
const NAMES: [&str; 4] = ["imagerepository", "imagename", "imagerepo", "image"];

/// Where charts keep the registry of all their images.
const GLOBAL_REGISTRIES: [&[&str]; 4] =
    [&["global", "imageRegistry"], &["global", "image", "registry"], &["global", "registry"], &["docker", "registry"]];

/// All ways to what says it.
pub(crate) const REGISTRIES: [&[&str]; 5] =
    [GLOBAL_REGISTRIES[0], GLOBAL_REGISTRIES[1], GLOBAL_REGISTRIES[2], GLOBAL_REGISTRIES[3], &["global", "hub"]];

/// What stands beside a registry that is logged in to, such as that of a pull secret: no image need come from there.
const LOGIN: [&str; 2] = ["username", "password"];

const NO_TAG: &str = "a list or a mapping stands where the tag or the digest would: this shape is not known";
const DIGEST_AS_TAG: &str =
    "the digits of a digest stand in the place of the tag (`NAME@sha256`): write a tag, and the digest behind it";
const MANY_DIGESTS: &str =
    "a digest stands beside the tag under a key whose image is not known: write it as `digest`, or take it away";

/// Whether an image is refused for how it is written, and not for what is around it.
pub(crate) fn is_of_shape(obstacle: &str) -> bool {
    [NO_TAG, DIGEST_AS_TAG, MANY_DIGESTS].contains(&obstacle)
}

/// Finds the images in a mapping of values.
pub(crate) fn images(values: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let text = |path: &[&str]| values.at(path).and_then(|node| node.text().map(str::to_owned));
    let has_login = |path: &[&str]| {
        let around = path.split_last().and_then(|(_, around)| values.at(around));
        around.is_some_and(|around| LOGIN.iter().any(|key| around.node.get(key).is_some()))
    };
    // An address is for a client to log in to; an image's name starts with no scheme.
    let host = |path: &&[&str]| {
        let is_login = path[0] == "docker" && has_login(path);
        text(path).filter(|text| !is_login && !text.is_empty() && !text.contains("://"))
    };
    let mut search = Search {
        object,
        found: Vec::new(),
        left: MAX_VALUES,
        registry: GLOBAL_REGISTRIES.iter().find_map(host),
        hub: text(&["global", "hub"]).filter(|text| !text.is_empty()),
    };
    search.value(values, None);
    search.found
}

struct Search<'s> {
    object: &'s str,
    found: Vec<ImageValue>,
    left: usize,
    /// The registry of every image whose repository names none.
    registry: Option<String>,
    /// Istio's registry and path for names without a slash.
    hub: Option<String>,
}

impl Search<'_> {
    /// `container` is the part of the values that an image found here belongs to.
    fn value(&mut self, cursor: &Cursor<'_>, container: Option<&str>) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        match &cursor.node.value {
            Value::Mapping(_) => self.mapping(cursor, container),
            Value::Sequence(_) => {
                for item in cursor.items() {
                    let name = item.node.get("name").and_then(Node::text).map(str::to_owned);
                    self.value(&item, name.as_deref().or(container));
                }
            }
            Value::Scalar(..) | Value::Alias(_) | Value::Anchored(_) => {}
        }
    }

    fn mapping(&mut self, cursor: &Cursor<'_>, container: Option<&str>) {
        let level = Level::of_mapping(cursor);
        let key = cursor.field.rsplit(['.', ']']).next().unwrap_or_default();
        let home = Home { at: cursor.node.span.start, name: None, tag: "tag", digest: None };
        let mut found = self.repository(&level, key, Some(home), container);
        for (key, value) in level.entries() {
            // Keel's settings hold the paths of images.
            if key == "keel" && cursor.field.is_empty() {
                continue;
            }
            match plain(key).as_str() {
                "images" => found.extend(self.listed(value, false)),
                // Some charts keep those of other containers below the first one's.
                "image" => {
                    let inner = value.entries().filter(|(_, inner)| inner.node.is_mapping());
                    found.extend(inner.flat_map(|(_, inner)| self.listed(&inner, true)));
                }
                _ => {}
            }
            if let Some(text) = value.text() {
                let inner = if stem_of(key).as_deref() == Some("") { container } else { Some(key) };
                found.extend(self.named(&level, key, value, inner));
                // Charts take configurations as texts, and some of these are YAML with images.
                if value.node.is_literal() && text.contains("image") {
                    found.extend(texts::images(value, self.object));
                }
            } else {
                // `image` says what it is, not whose it is.
                let inner = if stem_of(key).as_deref() == Some("") { container } else { Some(key) };
                self.found.append(&mut found);
                let before = self.found.len();
                self.value(value, inner);
                if level.has_digest_of(key) {
                    let own =
                        |image: &&mut ImageValue| image.parts.home.is_some_and(|home| home.at == value.node.span.start);
                    for image in self.found[before..].iter_mut().filter(own) {
                        image.obstacle = image.obstacle.or(Some(MANY_DIGESTS));
                    }
                }
            }
        }
        self.found.append(&mut found);
    }

    /// Texts in a list or a mapping that is called `images`: each names a path and a build, where that is asked for a host
    /// too, else it may be anything.
    fn listed(&self, images: &Cursor<'_>, needs_host: bool) -> Vec<ImageValue> {
        let is_image = |text: &str| {
            let (name, build) = split_build(text);
            let host = name.split_once('/').map(|(host, _)| host);
            let is_meant = host.is_some_and(|host| !needs_host || host.contains(['.', ':']));
            is_meant && !build.is_empty() && !name.contains("://")
        };
        let named = images.entries().filter(|(key, _)| stem_of(key).is_none());
        let members =
            named.map(|(key, value)| (Some(key.to_owned()), value)).chain(images.items().map(|item| (None, item)));
        let texts = members.filter(|(_, value)| value.text().is_some_and(is_image));
        let whole = texts.filter_map(|(container, value)| ImageValue::whole(&value, self.object, container));
        whole.filter(|image| reads_as_image(&image.parts)).collect()
    }

    /// `{registry, repository, tag, digest}`, where something says that it is an image: the key that it stands under, or a
    /// part beside it.
    fn repository(&self, level: &Level<'_>, key: &str, home: Option<Home>, container: Option<&str>) -> Vec<ImageValue> {
        let is_image = stem_of(key).is_some();
        let called = || level.text(&["name"]).filter(|_| is_image);
        let (repository, mut registry) =
            (level.text(&["repository", "repo"]), level.text(&["registry", "imageregistry", "registryhost", "hub"]));
        let name = match repository {
            // Some charts call the host so, and the rest `name`.
            Some(host) if registry.is_none() && host.text().is_some_and(is_host_alone) => match called() {
                None if level.part(&["tag", "imagetag"]).text().is_none() => return Vec::new(),
                None => Some(host),
                name => {
                    registry = Some(host);
                    name
                }
            },
            repository => repository.or_else(called),
        };
        let Some(name) = name else { return Vec::new() };
        let tag = match level.part(&["tag", "imagetag"]) {
            Part::Missing if is_image => level.part(&["version"]),
            part => part,
        };
        let parts = Found { name, registry, tag, digest: level.digest(""), home };
        let says_so = is_image || !matches!((&parts.tag, &parts.digest), (Part::Missing, Part::Missing));
        let is_for = if is_image { IsFor::Image } else { IsFor::Repository };
        let has_other = level.other_digests("", is_for).next().is_some();
        says_so.then(|| self.image(parts, has_other, container)).flatten().into_iter().collect()
    }

    /// A text under a key such as `image` or `webImage`, with what stands beside it.
    fn named(&self, level: &Level<'_>, key: &str, value: &Cursor<'_>, container: Option<&str>) -> Option<ImageValue> {
        let stem = stem_of(key)?;
        let text = value.text().filter(|text| !text.is_empty() && !is_other_type(text))?;
        let named = |name: &str| format!("{stem}{name}");
        let tag = level.part(&[named("imagetag").as_str(), named("tag").as_str()]);
        let digest = level.digest(&stem);
        let is_bare = split_build(text).1.is_empty() && matches!((&tag, &digest), (Part::Missing, Part::Missing));
        let registry =
            level.text(&[named("imageregistry").as_str(), named("registry").as_str(), named("hub").as_str()]);
        let is_image = || !is_picture(text) && (registry.is_some() || is_image_alone(text, value));
        if is_bare && !(stem.is_empty() && is_image()) {
            return None;
        }
        let parts = Found { name: value.clone(), registry, tag, digest, home: None };
        self.image(parts, level.other_digests(&stem, IsFor::Anything).next().is_some(), container)
    }

    fn image(&self, found: Found<'_>, has_other_digest: bool, container: Option<&str>) -> Option<ImageValue> {
        let Found { name, registry, tag, digest, home } = found;
        let is_unknown = matches!(tag, Part::Other) || matches!(digest, Part::Other);
        let (tag, digest) = (tag.text(), digest.text());
        let cursors = [Some(&name), registry.as_ref(), tag.as_ref(), digest.as_ref()];
        let around = cursors.into_iter().flatten().find_map(|cursor| cursor.obstacle);
        let is_pasted = name.text().is_some_and(|text| text.ends_with("@sha256"));
        let shape = is_unknown.then_some(NO_TAG).or(is_pasted.then_some(DIGEST_AS_TAG));
        let shape = shape.or(has_other_digest.then_some(MANY_DIGESTS));
        let spot = |cursor: Option<&Cursor<'_>>| cursor.and_then(Cursor::spot);
        let mut parts = Parts {
            registry: spot(registry.as_ref()),
            name: spot(Some(&name)).filter(|spot| !spot.text.is_empty()),
            tag: spot(tag.as_ref()),
            is_bare_digest: digest.as_ref().is_some_and(level::is_bare),
            digest: spot(digest.as_ref()),
            digest_in_tag: true,
            home,
            ..Parts::default()
        };
        let text = parts.name.as_ref()?.text.clone();
        let names_host = split_build(&text).0.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']));
        let is_apart = home.is_some() || parts.registry.is_some() || parts.tag.is_some();
        parts.host = self.registry.clone().filter(|_| !names_host && is_apart);
        let is_plain = !text.contains('/') && parts.registry.is_none() && parts.tag.is_some();
        parts.host = parts.host.or_else(|| self.hub.clone().filter(|_| is_plain));
        if !reads_as_image(&parts) {
            return None;
        }
        Some(ImageValue {
            object: self.object.to_owned(),
            container: container.map(str::to_owned),
            parts,
            obstacle: shape.or(around),
            is_kustomizable: false,
            is_of_own_kind: false,
            policy: None,
            vacant: None,
            chart: None,
        })
    }
}

/// Finds the images in texts that stand apart from each other and are named by paths, such as the parameters of Argo CD.
/// The container of each is the path without `image` at its end.
pub(crate) fn images_by_path(levels: &[(String, Level<'_>)], object: &str) -> Vec<ImageValue> {
    let search = Search { object, found: Vec::new(), left: 0, registry: None, hub: None };
    let mut all = Vec::new();
    for (path, level) in levels {
        let key = path.rsplit('.').next().unwrap_or_default();
        let container = path.strip_suffix(".image").unwrap_or(path);
        let container = Some(container).filter(|name| !name.is_empty() && *name != "image");
        let has_build = |image: &ImageValue| !image.parts.name_and_build().1.is_empty() || image.parts.tag.is_some();
        all.extend(search.repository(level, key, None, container).into_iter().filter(has_build));
        for (key, value) in level.entries() {
            let is_name = stem_of(key).is_some_and(|stem| stem.is_empty() || level.names_tag(&stem));
            all.extend(search.named(level, key, value, container).filter(|_| is_name));
        }
    }
    all
}

/// The parts of an image, where they were found.
struct Found<'a> {
    name: Cursor<'a>,
    registry: Option<Cursor<'a>>,
    tag: Part<'a>,
    digest: Part<'a>,
    home: Option<Home>,
}

/// Values hold much that only looks like an image: addresses, git repositories, templates. What a variable completes is
/// one, and is told as such.
fn reads_as_image(parts: &Parts) -> bool {
    let (name, build) = parts.name_and_build();
    let text = format!("{}{build}", name.to_lowercase());
    !name.contains("://") && without_variables(&text).parse::<ImageRef>().is_ok()
}

/// A text with a letter in the place of each `${…}` and `$(…)`.
fn without_variables(text: &str) -> String {
    let replaced = |text: &str, [open, close]: [&str; 2]| {
        let mut parts = text.split(open);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| all + "x" + part.split_once(close).map_or("{", |(_, rest)| rest))
    };
    replaced(&replaced(text, ["${", "}"]), ["$(", ")"])
}

/// Whether a text that says no build, with no tag, digest or registry beside it, is an image all the same: it names its
/// host, or stands in a list of containers. A path alone may be pasted behind a registry, and a lone word may be anything.
fn is_image_alone(text: &str, value: &Cursor<'_>) -> bool {
    let names_host = text.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    let around = value.field.rsplit_once('.').map_or("", |(around, _)| around);
    let is_member = around.ends_with(']') && !around.ends_with("\"]");
    names_host || is_member
}

/// Whether a text has the ending of a picture or a disk.
fn is_picture(text: &str) -> bool {
    let endings = [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".iso", ".qcow2", ".img"];
    endings.iter().any(|ending| text.ends_with(ending))
}

/// Whether a text names a registry and no repository in it: `quay.io`, and not `coredns1.12`.
fn is_host_alone(text: &str) -> bool {
    let last = text.rsplit_once('.').map_or("", |(_, last)| last);
    last.len() > 1 && last.bytes().all(|b| b.is_ascii_alphabetic()) && !text.contains(['/', ':'])
}

/// What stands before `image` in a key, in plain letters; `None` for keys that name no image.
fn stem_of(key: &str) -> Option<String> {
    let key = plain(key);
    NAMES.iter().find_map(|name| key.strip_suffix(name)).map(str::to_owned)
}

/// A key in lower case and without separators.
pub(crate) fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
