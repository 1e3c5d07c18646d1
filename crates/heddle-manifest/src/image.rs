//! An image as it is written in a file: in one text, or in parts, each with its place.

use std::ops::Range;

use heddle_core::{
    image::{Digest, ImageError, ImageRef, Tag},
    place::Place,
};

use crate::{
    chart::ChartOf,
    edit::{Action, Edit},
    policy::FoundPolicy,
    written::split_build,
    yaml::{
        Spot,
        cursor::{Cursor, ONE_OF_SEVERAL, Shared},
    },
};

/// An image in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageValue {
    /// The object that holds it.
    pub object: String,
    /// The container, or the part of the values, that it is for.
    pub container: Option<String>,
    /// How it is written.
    pub parts: Parts,
    /// Why it cannot be changed, where something around it keeps it from that.
    pub obstacle: Option<&'static str>,
    /// Kustomize's `images:` reach it.
    pub is_kustomizable: bool,
    /// It belongs to a container of an object of Kubernetes' own kinds.
    pub is_of_own_kind: bool,
    /// What beside it says how tags are chosen.
    pub policy: Option<FoundPolicy>,
    /// Where a tag would stand, in an entry that has none.
    pub vacant: Option<Spot>,
    /// The chart, the artifact or the git repository whose version it is, where it is no image's.
    pub chart: Option<ChartOf>,
}

/// The parts of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    /// The registry's host, where it stands apart.
    pub registry: Option<Spot>,
    /// The name; with tag and digest where these stand in the same text.
    pub name: Option<Spot>,
    /// The name, where it cannot be changed here: the one by which an entry of `images` finds its images, or what stands in
    /// another file.
    pub fixed_name: Option<String>,
    /// The registry's host, where another value than that beside the name says it: `global.imageRegistry`.
    pub host: Option<String>,
    /// Text before the name in the same value that stays: `old=` of Argo CD.
    pub prefix_len: usize,
    /// The tag, where it stands apart.
    pub tag: Option<Spot>,
    /// The digest, where it stands apart.
    pub digest: Option<Spot>,
    /// The digest is written without its algorithm: `sha` of some charts.
    pub is_bare_digest: bool,
    /// A digest that has no value of its own goes into that of the tag: `v1@sha256:…`. Charts paste it behind a colon.
    pub digest_in_tag: bool,
    /// The tag, where it stands in another mapping or file and the digest here: both change together.
    pub tag_beside: Option<String>,
    /// The digest, where it stands in another mapping or file and the tag here.
    pub digest_beside: Option<String>,
    /// Where parts that are missing can be added.
    pub home: Option<Home>,
    /// The image stands in YAML within a block of text; the parts' bytes are those of that text.
    pub within: Option<Within>,
}

/// A block of text that is YAML itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Within {
    /// The block's first byte.
    pub at: usize,
    /// The first byte, in the file, of the value that says which build runs.
    pub outer: usize,
}

/// A mapping that may get keys for parts of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home {
    /// Its first byte.
    pub at: usize,
    /// The key for another name.
    pub name: Option<&'static str>,
    /// The key for a tag.
    pub tag: &'static str,
    /// The key for a digest, where there is one.
    pub digest: Option<&'static str>,
}

/// What a place should say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Another name, as it is to be written.
    pub name: Option<String>,
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl Target {
    /// Another tag and nothing else.
    pub fn tag(tag: Tag) -> Self {
        Self { tag: Some(tag), ..Self::default() }
    }
}

const PINNED: &str = "a digest stands beside the tag and wins over it: give the digest of the new image too";
const NO_NAME: &str = "the name stands elsewhere and cannot be changed here";
const NO_DIGEST: &str = "there is no place for a digest beside this tag";

impl ImageValue {
    /// An image that is one text.
    pub fn whole(cursor: &Cursor<'_>, object: &str, container: Option<String>) -> Option<Self> {
        let name = cursor.spot().filter(|spot| !spot.text.is_empty())?;
        Some(Self {
            object: object.to_owned(),
            container,
            parts: Parts { name: Some(name), ..Parts::default() },
            obstacle: cursor.obstacle,
            is_kustomizable: false,
            is_of_own_kind: false,
            policy: None,
            vacant: None,
            chart: None,
        })
    }

    /// The value that says which build runs.
    pub fn spot(&self) -> Option<&Spot> {
        let parts = &self.parts;
        let filled = |spot: &&Spot| !spot.text.is_empty();
        let build = parts.tag.as_ref().filter(filled).or(parts.digest.as_ref().filter(filled));
        build.or(self.vacant.as_ref()).or(parts.name.as_ref()).or(parts.tag.as_ref())
    }

    /// Its bytes in the file.
    pub fn span(&self) -> Range<usize> {
        let span = self.spot().map_or(0..0, |spot| spot.span.clone());
        match self.parts.within {
            Some(Within { outer, .. }) => outer..outer + span.len(),
            None => span,
        }
    }

    /// What tells it from every other image of its file: where it stands, and below an alias the way to it.
    pub fn id(&self) -> (usize, &str) {
        let field = self.spot().filter(|spot| spot.is_by_alias).map_or("", |spot| spot.field.as_str());
        (self.span().start, field)
    }

    /// Where that value stands.
    pub fn place(&self, file: &str) -> Place {
        let (line, field) = self.spot().map_or((1, String::new()), |spot| (spot.position.line, spot.field.clone()));
        Place { file: file.to_owned(), line, object: self.object.clone(), field }
    }
}

impl Parts {
    /// The name with its registry, and what follows it: `:tag@digest`.
    pub fn name_and_build(&self) -> (String, String) {
        let written = self.name.as_ref().map(|spot| &spot.text[self.prefix_len..]).filter(|text| !text.is_empty());
        let (name, mut build) = split_build(written.or(self.fixed_name.as_deref()).unwrap_or_default());
        let algorithm = if self.is_bare_digest { "sha256:" } else { "" };
        let filled = |spot: &Option<Spot>| spot.as_ref().map(|spot| spot.text.clone()).filter(|text| !text.is_empty());
        let tag = filled(&self.tag).or_else(|| self.tag_beside.clone()).map(|tag| format!(":{tag}"));
        let digest = filled(&self.digest).map(|digest| format!("{algorithm}{digest}"));
        let digest = digest.or_else(|| self.digest_beside.clone()).map(|digest| format!("@{digest}"));
        let apart = [tag, digest].into_iter().flatten().collect::<String>();
        if !apart.is_empty() {
            build = &apart;
        }
        let registry = self.registry.as_ref().map(|registry| registry.text.as_str());
        let name = match self.host.as_deref().or(registry).filter(|host| !host.is_empty()) {
            Some(host) => format!("{}/{name}", host.trim_end_matches('/')),
            None => name.to_owned(),
        };
        (name, build.to_owned())
    }

    /// All values that are parts.
    pub fn spots_mut(&mut self) -> impl Iterator<Item = &mut Spot> {
        [&mut self.registry, &mut self.name, &mut self.tag, &mut self.digest].into_iter().flatten()
    }

    /// All values that are parts.
    pub fn spots(&self) -> impl Iterator<Item = &Spot> {
        [&self.registry, &self.name, &self.tag, &self.digest].into_iter().flatten()
    }

    /// The image as a reference.
    pub fn image(&self) -> Result<ImageRef, ImageError> {
        let (name, build) = self.name_and_build();
        format!("{name}{build}").parse()
    }

    /// The values that say which build runs: the tag and the digest, or the name that carries them or to which they come.
    pub fn deciding_spots_mut(&mut self) -> impl Iterator<Item = &mut Spot> {
        let is_apart = self.tag.is_some() || self.digest.is_some();
        let name = if !is_apart || self.build_is_in_name() { self.name.as_mut() } else { None };
        [name, self.tag.as_mut(), self.digest.as_mut()].into_iter().flatten()
    }

    /// The edits that make the place say what it should; none when it does already.
    pub fn edits(&self, target: &Target) -> Result<Vec<Edit>, &'static str> {
        if target.name.is_some() && self.host.is_some() {
            return Err(NO_NAME);
        }
        let mut edits = Vec::new();
        let mut refused = None;
        let mut set = |spot: &Spot, to: String| {
            if spot.text == to {
                return;
            }
            match spot.shared {
                Some(Shared { at, is_free: true, .. }) => {
                    edits.push(Edit { at, action: Action::SetShared { from: spot.text.clone(), to } });
                }
                Some(_) => refused = Some(ONE_OF_SEVERAL),
                None => edits.push(Edit::set(spot.span.start, spot.text.clone(), to)),
            }
        };
        let in_name = self.build_is_in_name();
        if let Some(spot) = self.name.as_ref().filter(|_| in_name || target.name.is_some()) {
            let (host, name) = self.new_name(target);
            if let (Some(host), Some(registry)) = (host, &self.registry) {
                set(registry, host);
            }
            let build = if in_name { self.new_build(target) } else { String::new() };
            set(spot, format!("{}{name}{build}", &spot.text[..self.prefix_len]));
        }
        if !in_name {
            self.set_apart(target, &mut set)?;
        }
        if let Some(reason) = refused {
            return Err(reason);
        }
        let additions = self.additions(target, in_name)?;
        edits.extend(additions);
        Ok(match self.within {
            Some(Within { at, .. }) if !edits.is_empty() => {
                vec![Edit { at, action: Action::Within { edits } }]
            }
            _ => edits,
        })
    }

    /// Whether nothing here says whose tag it is.
    pub fn is_nameless(&self) -> bool {
        self.name.is_none() && self.fixed_name.is_none()
    }

    /// Whether tag and digest stand in the same text as the name.
    fn build_is_in_name(&self) -> bool {
        let Some(spot) = &self.name else { return false };
        let apart = self.tag.is_some() || self.digest.as_ref().is_some_and(|digest| !digest.text.is_empty());
        !apart && (self.home.is_none() || !split_build(&spot.text[self.prefix_len..]).1.is_empty())
    }

    /// The new name, and the host where that stands apart.
    fn new_name(&self, target: &Target) -> (Option<String>, String) {
        let written = self.name.as_ref().map_or("", |spot| &spot.text[self.prefix_len..]);
        let Some(new) = &target.name else { return (None, split_build(written).0.to_owned()) };
        match (&self.registry, new.split_once('/')) {
            (Some(_), Some((host, rest))) if host.contains(['.', ':']) || host == "localhost" => {
                (Some(host.to_owned()), rest.to_owned())
            }
            (Some(_), _) => (Some("docker.io".to_owned()), new.clone()),
            (None, _) => (None, new.clone()),
        }
    }

    /// `:tag@digest` in the text of the name. A tag without a digest takes the old image's digest away.
    fn new_build(&self, target: &Target) -> String {
        let written = self.name.as_ref().map_or("", |spot| &spot.text[self.prefix_len..]);
        let old = split_build(written).1;
        if target.tag.is_none() && target.digest.is_none() {
            return old.to_owned();
        }
        let (old_tag, old_digest) = old.split_once('@').unwrap_or((old, ""));
        let tag = target.tag.as_ref().map_or_else(|| old_tag.to_owned(), |tag| format!(":{tag}"));
        let digest = match &target.digest {
            Some(digest) => format!("@{digest}"),
            // The same tag again says nothing about what it was pinned to.
            None if tag == old_tag && !old_digest.is_empty() => format!("@{old_digest}"),
            None => String::new(),
        };
        format!("{tag}{digest}")
    }

    fn set_apart(&self, target: &Target, set: &mut impl FnMut(&Spot, String)) -> Result<(), &'static str> {
        let pinned = self.digest.as_ref().is_some_and(|digest| !digest.text.is_empty()) || self.digest_beside.is_some();
        let (old_tag, _) = self.tag.as_ref().map_or((self.tag_beside.as_deref().unwrap_or_default(), ""), |spot| {
            spot.text.split_once('@').unwrap_or((&spot.text, ""))
        });
        let is_new = target.tag.as_ref().is_some_and(|tag| tag.as_str() != old_tag);
        if pinned && is_new && target.digest.is_none() {
            return Err(PINNED);
        }
        if let Some(spot) = &self.tag
            && (is_new || (target.digest.is_some() && self.digest_goes_into_tag(spot)))
        {
            let tag = target.tag.as_ref().map_or(old_tag, Tag::as_str);
            match &target.digest {
                Some(digest) if self.digest_goes_into_tag(spot) => set(spot, format!("{tag}@{digest}")),
                _ => set(spot, tag.to_owned()),
            }
        }
        if let (Some(spot), Some(digest)) = (&self.digest, &target.digest) {
            set(spot, self.digest_text(digest)?);
        }
        Ok(())
    }

    fn digest_text(&self, digest: &Digest) -> Result<String, &'static str> {
        match digest.as_str().strip_prefix("sha256:") {
            Some(digits) if self.is_bare_digest => Ok(digits.to_owned()),
            None if self.is_bare_digest => Err("the chart takes digests of SHA-256 only"),
            _ => Ok(digest.to_string()),
        }
    }

    /// Helm charts that know no `digest` take `tag@digest` as the tag.
    fn digest_goes_into_tag(&self, tag: &Spot) -> bool {
        self.digest.is_none() && self.digest_beside.is_none() && (tag.text.contains('@') || self.digest_in_tag)
    }

    /// Keys for the parts that the mapping lacks.
    fn additions(&self, target: &Target, in_name: bool) -> Result<Vec<Edit>, &'static str> {
        let mut edits = Vec::new();
        if let (Some(name), None) = (&target.name, &self.name)
            && self.fixed_name.as_ref() != Some(name)
        {
            let (home, key) = self.home.and_then(|home| Some((home, home.name?))).ok_or(NO_NAME)?;
            edits.push(Edit::add(home.at, key, name));
        }
        if in_name {
            return Ok(edits);
        }
        // A digest that stands alone says by itself which build runs.
        let is_digest_alone = self.name.is_none() && self.home.is_none() && self.digest.is_some();
        if let (Some(tag), None) = (&target.tag, &self.tag)
            && !(is_digest_alone && target.digest.is_some())
        {
            let home = self.home.ok_or("there is no place for a tag here")?;
            let digest = target.digest.as_ref().filter(|_| self.digest.is_none() && self.digest_in_tag);
            let pin = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
            edits.push(Edit::add(home.at, home.tag, format!("{tag}{pin}")));
        }
        let is_in_tag = match &self.tag {
            Some(spot) => self.digest_goes_into_tag(spot),
            None => self.digest_in_tag && target.tag.is_some(),
        };
        if let (Some(digest), None) = (&target.digest, &self.digest)
            && !is_in_tag
            && self.digest_beside.is_none()
        {
            let (home, key) = self.home.and_then(|home| Some((home, home.digest?))).ok_or(NO_DIGEST)?;
            edits.push(Edit::add(home.at, key, digest.as_str()));
        }
        Ok(edits)
    }
}

#[cfg(test)]
mod tests;
