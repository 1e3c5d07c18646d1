//! Image references by the grammar of the distribution project.
//!
//! Source: `reference` package of distribution (`github.com/distribution/reference`), including the short names of
//! Docker Hub: `nginx` is `docker.io/library/nginx`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Why a text is no image reference. The message names the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Nothing there.
    #[error("the image is empty")]
    Empty,
    /// Repositories are lower case.
    #[error("`{0}` has upper-case letters: the repository of an image is written in lower case")]
    UpperCase(String),
    /// A path component breaks the grammar.
    #[error(
        "`{0}` is no image repository: parts of lower-case letters and digits, joined by `/`, `.`, `_`, `__` or `-`"
    )]
    Repository(String),
    /// A host breaks the grammar.
    #[error("`{0}` is no registry host")]
    Registry(String),
    /// A tag breaks `[\w][\w.-]{{0,127}}`.
    #[error("`{0}` is no tag: up to 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`")]
    Tag(String),
    /// A digest breaks `algorithm:hex`.
    #[error("`{0}` is no digest: write `sha256:` and 64 hexadecimal digits")]
    Digest(String),
    /// More than 255 characters in the repository's name.
    #[error("the repository `{0}` is longer than 255 characters")]
    TooLong(String),
    /// A placeholder of a template or of substitution, never an image.
    #[error("`{0}` holds a placeholder, and the image is written where that gets its value")]
    Placeholder(String),
}

/// A registry and the path in it, in full: `docker.io/library/nginx`, `ghcr.io/acme/api`, `127.0.0.1:5000/api`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRepository {
    full: String,
    registry_len: usize,
}

impl ImageRepository {
    /// The registry's host, with its port if one is written.
    pub fn registry(&self) -> &str {
        &self.full[..self.registry_len]
    }

    /// The path within the registry.
    pub fn path(&self) -> &str {
        &self.full[self.registry_len + 1..]
    }

    /// The last part of the path, by which people call the image.
    pub fn short_name(&self) -> &str {
        self.full.rsplit('/').next().unwrap_or(&self.full)
    }

    /// The full text.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The file that lists the versions of a chart which a repository of charts serves over HTTP, as a path at
    /// [`ImageRepository::registry`], and the chart's name; `None` for what a registry holds. Such a chart is called by that
    /// file: `charts.example.com/stable/index.yaml/web`.
    ///
    /// Source of the file: <https://helm.sh/docs/topics/chart_repository/>, "The index file".
    pub fn chart_index(&self) -> Option<(&str, &str)> {
        let (file, chart) = self.path().rsplit_once('/')?;
        (file == CHART_INDEX || file.ends_with("/index.yaml")).then_some((file, chart))
    }
}

/// The file that lists the charts of a repository over HTTP.
pub const CHART_INDEX: &str = "index.yaml";

/// A glob over image repositories as [`ImageRepository`] writes them: `nginx` is `docker.io/library/nginx`.
pub fn glob_in_full(text: &str) -> String {
    let first = text.split('/').next().unwrap_or_default();
    let has_host = text.contains('/') && (first.contains(['.', ':', '*', '?']) || first == "localhost");
    match (has_host, text.contains('/')) {
        (true, _) => text.to_owned(),
        (false, true) => format!("docker.io/{text}"),
        (false, false) => format!("docker.io/library/{text}"),
    }
}

impl FromStr for ImageRepository {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ImageError::Empty);
        }
        no_placeholder(text)?;
        // A first part is a host when it looks like one: a dot, a port, `localhost`, or an upper-case letter.
        let (registry, path) = match text.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':'])
                    || first == "localhost"
                    || first.bytes().any(|b| b.is_ascii_uppercase()) =>
            {
                (first, rest.to_owned())
            }
            _ => ("docker.io", text.to_owned()),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        if !is_host(registry) {
            return Err(ImageError::Registry(registry.to_owned()));
        }
        let path = if registry == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path };
        if path.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ImageError::UpperCase(text.to_owned()));
        }
        if !path.split('/').all(is_component) {
            return Err(ImageError::Repository(text.to_owned()));
        }
        let full = format!("{registry}/{path}");
        if full.len() > 255 {
            return Err(ImageError::TooLong(full));
        }
        Ok(Self { registry_len: registry.len(), full })
    }
}

/// A mutable name of one manifest in a repository. A copy of it costs next to nothing: a list has 100,000, and most are
/// short.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "1.4.2"))]
#[serde(try_from = "String", into = "String")]
pub struct Tag(SmolStr);

impl Tag {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name as some list on a disk has it, of which no registry is asked: `1.0.0+build` can be judged by a policy although
    /// no image can carry it. An empty one stands for an image without a tag. Nothing of this kind is ever written.
    ///
    /// # Errors
    /// When it is longer than 128 characters or holds white space or a control character.
    pub fn of_list(text: &str) -> Result<Self, ImageError> {
        let fits = text.len() <= 128 && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        if fits { Ok(Self(text.into())) } else { Err(ImageError::Tag(text.to_owned())) }
    }

    /// Whether an image can carry it.
    pub fn can_stand(&self) -> bool {
        is_tag(&self.0)
    }
}

impl FromStr for Tag {
    type Err = ImageError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_tag(text) { Ok(Self(text.into())) } else { Err(ImageError::Tag(text.to_owned())) }
    }
}

/// The content address of a manifest: `sha256:` and 64 hexadecimal digits, or `sha512:` and 128.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The algorithm and the first twelve digits, as container tools show it: `sha256:4b825dc642cb`.
    pub fn short(&self) -> &str {
        let digits = self.0.find(':').map_or(0, |colon| colon + 1);
        &self.0[..digits + 12]
    }
}

impl FromStr for Digest {
    type Err = ImageError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ImageError::Digest(text.to_owned());
        let (algorithm, hex) = text.split_once(':').ok_or_else(refused)?;
        let digits = hex.bytes().all(|b| b.is_ascii_hexdigit());
        let length = match algorithm {
            "sha256" => hex.len() == 64,
            "sha512" => hex.len() == 128,
            _ => false,
        };
        if digits && length { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }
}

/// What stands in a manifest: a repository with a tag, a digest, both or neither.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef {
    /// The registry and the path.
    pub repository: ImageRepository,
    /// The tag, where one is written. Without tag and digest a container runtime takes `latest`.
    pub tag: Option<Tag>,
    /// The digest, where one is written; it wins over the tag.
    pub digest: Option<Digest>,
}

impl FromStr for ImageRef {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        no_placeholder(text)?;
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let colon = rest.rfind(':').filter(|at| !rest[at + 1..].contains('/'));
        let (repository, tag) = match colon {
            Some(at) => (&rest[..at], Some(rest[at + 1..].parse()?)),
            None => (rest, None),
        };
        Ok(Self { repository: repository.parse()?, tag, digest })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Variables of Flux, kustomize and Tekton, templates, and the import paths that ko turns into images: wherever in a text one
/// stands, what the image will be is not written there.
fn no_placeholder(text: &str) -> Result<(), ImageError> {
    let is_one = ["${", "$(", "{{"].iter().any(|mark| text.contains(mark)) || text.starts_with("ko://");
    if is_one { Err(ImageError::Placeholder(text.to_owned())) } else { Ok(()) }
}

fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut bytes = text.bytes();
    bytes.next().is_some_and(word) && bytes.all(|b| word(b) || b == b'.' || b == b'-') && text.len() <= 128
}

fn is_component(part: &str) -> bool {
    // alphanumeric (separator alphanumeric)*, separator = "." | "_" | "__" | "-"+
    let bytes = part.as_bytes();
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let edges = bytes.first().copied().is_some_and(word) && bytes.last().copied().is_some_and(word);
    edges
        && part
            .split(|c: char| word(c as u8) && c.is_ascii())
            .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port_fits = port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let name_fits = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }),
    };
    port_fits && name_fits
}

macro_rules! text_form {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = ImageError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.to_string()
            }
        }
    )+};
}

macro_rules! shown {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

text_form!(ImageRepository, Tag, Digest, ImageRef);
shown!(ImageRepository, Tag, Digest);

#[cfg(feature = "openapi")]
mod schema {
    //! Image references cross HTTP as text.

    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, Schema, Type},
    };

    macro_rules! text_schema {
        ($($name:ident => $example:literal),+) => {$(
            impl PartialSchema for super::$name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new().schema_type(Type::String).examples([$example]).build().into()
                }
            }

            impl ToSchema for super::$name {}
        )+};
    }

    text_schema!(ImageRepository => "ghcr.io/acme/api", ImageRef => "ghcr.io/acme/api:1.4.2");
}

#[cfg(test)]
mod tests;
