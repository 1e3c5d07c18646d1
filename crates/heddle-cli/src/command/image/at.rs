//! One place that a person named: `--at FILE:PATH`.

use anyhow::anyhow;
use heddle_core::image::{ImageRef, ImageRepository};
use heddle_manifest::{
    Edit, Found, Target,
    documents::DocumentStarts,
    edit::New,
    find::{Occurrence, is_kustomization},
    path::{Path, PathError},
    yaml::{Documents, Spot},
};

use super::{Change, change, refused};
use crate::{exit::Failure, files::Manifests};

/// A place in a file.
pub(super) struct At {
    file: String,
    /// The number of the document in the file, from 1; any of them where it is not said.
    document: Option<usize>,
    path: Path,
}

/// What is to stand there.
pub(super) struct Named<'a> {
    pub image: &'a ImageRepository,
    pub target: &'a Target,
}

/// The place, and those that change with it.
fn together<'f>(found: &'f Found, occurrence: &'f Occurrence) -> impl Iterator<Item = &'f Occurrence> {
    let is_bonded = |other: &&Occurrence| other.bond.is_some() && other.bond == occurrence.bond;
    let others =
        found.occurrences.iter().filter(|other| other.span != occurrence.span || other.place != occurrence.place);
    std::iter::once(occurrence).chain(others.filter(is_bonded))
}

impl At {
    /// Reads `FILE:PATH`; the file is one of those that were read.
    pub fn parse(text: &str, manifests: &Manifests) -> Result<Self, Failure> {
        let colons = text.match_indices(':').map(|(at, _)| at);
        for at in colons {
            let named = match manifests.named(&text[..at]) {
                Some(file) => Some((file, None)),
                None => text[..at].rsplit_once('#').and_then(|(file, number)| {
                    Some((manifests.named(file)?, Some(number.parse::<usize>().ok().filter(|number| *number > 0)?)))
                }),
            };
            if let Some((file, document)) = named {
                let path = Path::parse(&text[at + 1..]).map_err(|error| Failure::wrong(anyhow!("--at: {error}")))?;
                return Ok(Self { file, document, path });
            }
        }
        let message = format!(
            "--at: `{text}` names no file here: write FILE:PATH, such as values.yaml:image.tag, or FILE#2:PATH for the second document"
        );
        Err(Failure::wrong(anyhow!(message)).remedy("no file was touched"))
    }

    /// The change at the place.
    pub fn changes(&self, manifests: &Manifests, found: &Found, named: &Named<'_>) -> Result<Vec<Change>, Failure> {
        let text = manifests.files.get(&self.file).unwrap_or_default();
        let mut documents = Documents::read(text);
        if let Some(number) = self.document {
            let starts = DocumentStarts::of(text);
            documents.roots.retain(|root| starts.number_at(root.span.start).unwrap_or(1) == number);
        }
        if let Some(error) = &documents.error {
            return Err(refused(
                &format!("{}:{}", self.file, error.position.line),
                &format!("this is no YAML: {error}"),
            ));
        }
        let spot = match self.path.find(&documents) {
            Ok(spot) => Some(spot),
            Err(PathError::Missing(_)) => None,
            Err(error) => return Err(self.refused(&error)),
        };
        if let Some(occurrence) = self.occurrence(text, found, spot.as_ref()) {
            if occurrence.image.repository != *named.image {
                let reason = format!("`{}` stands there, not {}", occurrence.image, named.image);
                return Err(refused(&format!("{}:{}", self.file, occurrence.place.line), &reason));
            }
            return together(found, occurrence).map(|place| change(place, named.target)).collect();
        }
        let edits = match &spot {
            Some(spot) => self.edit_of(spot, &documents, named)?,
            None => self.added(&documents, named)?,
        };
        Ok(vec![Change {
            file: self.file.clone(),
            line: spot.as_ref().map_or(1, |spot| spot.position.line),
            object: String::new(),
            field: self.path.as_str().to_owned(),
            from: spot.map(|spot| spot.text),
            edits,
        }])
    }

    /// The image that the place is a part of.
    fn occurrence<'a>(&self, text: &str, found: &'a Found, spot: Option<&Spot>) -> Option<&'a Occurrence> {
        let field = spot.map_or(self.path.as_str(), |spot| &spot.field);
        let starts = DocumentStarts::of(text);
        let is_meant = |occurrence: &&Occurrence| {
            occurrence.place.file == self.file
                && self.document.is_none_or(|number| starts.number_at(occurrence.span.start).unwrap_or(1) == number)
        };
        let mut here = found.occurrences.iter().filter(is_meant);
        here.find(|occurrence| occurrence.has_part(field, spot.map(|spot| &spot.span)))
    }

    /// The edit of a value that nothing but the person says is of an image.
    fn edit_of(&self, spot: &Spot, documents: &Documents, named: &Named<'_>) -> Result<Vec<Edit>, Failure> {
        let here = format!("{}:{}", self.file, spot.position.line);
        let standing = spot.text.parse::<ImageRef>().ok().filter(|image| image.repository == *named.image);
        let (tag, digest) = (named.target.tag.as_ref(), named.target.digest.as_ref());
        let tag = tag.map(ToString::to_string).unwrap_or_default();
        let key = self.path.last_key().unwrap_or_default().to_lowercase();
        let to = if let Some(image) = standing.filter(|_| !key.ends_with("tag")) {
            let name_end = spot.text.len()
                - image.tag.as_ref().map_or(0, |tag| tag.as_str().len() + 1)
                - image.digest.as_ref().map_or(0, |digest| digest.as_str().len() + 1);
            let name = named.target.name.as_deref().unwrap_or(&spot.text[..name_end]);
            let is_name = ["repository", "repo", "name"].iter().any(|ending| key.ends_with(ending));
            let digest = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
            // A bare name in a field for names stays bare.
            if is_name && image.tag.is_none() && image.digest.is_none() {
                name.to_owned()
            } else {
                format!("{name}:{tag}{digest}")
            }
        } else if key.ends_with("digest") {
            let digest = digest.ok_or_else(|| refused(&here, "a digest stands there: give one with --digest"))?;
            digest.to_string()
        } else if spot.text.contains('/') {
            return Err(refused(&here, &format!("`{}` stands there, not {}", spot.text, named.image)));
        } else {
            tag
        };
        if to == spot.text {
            return Ok(Vec::new());
        }
        Ok(vec![self.path.edit(documents, &New::Text(to), false).map_err(|error| self.refused(&error))?])
    }

    /// What is missing at the place: an entry of a kustomization with all its parts, else the one value.
    fn added(&self, documents: &Documents, named: &Named<'_>) -> Result<Vec<Edit>, Failure> {
        let Target { name, tag, digest } = named.target;
        let tag = tag.as_ref().map(ToString::to_string).unwrap_or_default();
        let key = self.path.last_key().unwrap_or_default();
        if let Some(entry) = self
            .path
            .parent()
            .filter(|_| is_kustomization(&self.file) && matches!(key, "newTag" | "digest" | "newName"))
        {
            let text = |key: &str, text: String| (key.to_owned(), New::Text(text));
            let mut parts = Vec::new();
            parts.extend(name.clone().map(|name| text("newName", name)));
            parts.push(text("newTag", tag));
            parts.extend(digest.as_ref().map(|digest| text("digest", digest.to_string())));
            // An entry that is there gets the parts one by one.
            if entry.leads_to_mapping(documents) {
                let edits = parts.iter().map(|(key, value)| entry.below(key).edit(documents, value, true));
                return edits.collect::<Result<_, _>>().map_err(|error| self.refused(&error));
            }
            let edit = entry.edit(documents, &New::Mapping(parts), true).map_err(|error| self.refused(&error))?;
            return Ok(vec![edit]);
        }
        let to = match digest {
            Some(digest) if key.to_lowercase().ends_with("digest") => digest.to_string(),
            _ => tag,
        };
        Ok(vec![self.path.edit(documents, &New::Text(to), true).map_err(|error| self.refused(&error))?])
    }

    fn refused(&self, error: &PathError) -> Failure {
        let message = error.to_string();
        let line = match error {
            PathError::OtherKind { line, .. } | PathError::Refused { line, .. } => Some(*line),
            _ => None,
        };
        if let PathError::Ambiguous(path) = error {
            let remedy = format!("{message}: write `{0}#1:{path}` for that in the first, or another number", self.file);
            return refused(&self.file, &remedy);
        }
        match line {
            Some(line) => {
                let reason = message.strip_prefix(&format!("line {line}: ")).unwrap_or(&message);
                refused(&format!("{}:{line}", self.file), reason)
            }
            None => refused(&self.file, &message),
        }
    }
}
