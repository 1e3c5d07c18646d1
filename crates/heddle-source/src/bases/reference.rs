//! An address that stands in a kustomization where a file or a directory is wanted, read as Kustomize reads it.
//!
//! Source: `api/internal/git/repospec.go` of `sigs.k8s.io/kustomize`, and "Remote targets" of its documentation. Kustomize
//! asks the host what an address without a mark is; here it follows from the address alone. `#sha256=` is ours.

use heddle_core::git::Revision;
use heddle_egress::is_private_on_its_way;
use url::Url;

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// A directory, or a file, of a repository.
    Repository {
        /// Where the repository is.
        url: Url,
        /// The way from its root.
        directory: String,
        /// Its state.
        target: Target,
    },
    /// A single file.
    File {
        /// Where it is.
        url: Url,
        /// The SHA-256 of its content, 64 hexadecimal digits, where that is said.
        sha256: Option<String>,
    },
}

/// Which state of a repository is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// This commit.
    Commit(Revision),
    /// What a tag or a branch of this name points to.
    Name(String),
    /// What the repository itself takes for its newest.
    Head,
}

/// Hosts that are known to hold nothing but repositories below two names: `owner/name`.
const FORGES: [&str; 3] = ["github.com", "gitlab.com", "bitbucket.org"];

/// What may stand behind `owner/name` at a forge and is a file.
const FILES_OF_FORGES: [&str; 3] = ["releases", "raw", "-"];

impl Reference {
    /// Reads an address.
    ///
    /// # Errors
    /// With what is wrong with it and what to write, in words that can follow its name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = address(text)?;
        let sha256 = match url.fragment() {
            None => None,
            Some(fragment) => Some(digest(fragment)?),
        };
        let target = target(&url)?;
        if sha256.is_none() && (target.is_some() || is_repository(&url)) {
            return repository(url, target.unwrap_or(Target::Head));
        }
        let mut url = url;
        url.set_fragment(None);
        Ok(Self::File { url, sha256 })
    }

    /// Where it is fetched from.
    pub(super) fn url(&self) -> &Url {
        match self {
            Self::Repository { url, .. } | Self::File { url, .. } => url,
        }
    }
}

/// The address as one of HTTPS. `github.com/…` is Kustomize's own short form.
fn address(text: &str) -> Result<Url, String> {
    const REMEDY: &str = "only https is fetched: write https://HOST/OWNER/NAME//DIRECTORY?ref=COMMIT";
    let text = text.strip_prefix("git::").unwrap_or(text);
    let full = match text.strip_prefix("github.com/").or_else(|| text.strip_prefix("github.com:")) {
        Some(rest) => format!("https://github.com/{rest}"),
        None => text.to_owned(),
    };
    let url = Url::parse(&full).map_err(|_| REMEDY.to_owned())?;
    if !url.has_host() || !is_private_on_its_way(&url) {
        return Err(REMEDY.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "it holds a user or a password: these belong in a Secret that `spec.remote.logins` names".to_owned()
        );
    }
    Ok(url)
}

fn digest(fragment: &str) -> Result<String, String> {
    let digits = fragment.strip_prefix("sha256=").filter(|digits| digits.len() == 64);
    match digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
        Some(digits) => Ok(digits.to_ascii_lowercase()),
        None => Err("what stands behind `#` must be `sha256=` and 64 hexadecimal digits".to_owned()),
    }
}

/// The state that the query names. `version` is Kustomize's other word for `ref`, and the stronger one.
fn target(url: &Url) -> Result<Option<Target>, String> {
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let Some(name) = value("version").or_else(|| value("ref")).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.len() == 40 && name.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let revision = Revision::try_from(name.to_ascii_lowercase());
        return revision.map(|revision| Some(Target::Commit(revision))).map_err(|error| error.to_string());
    }
    // Source: `git check-ref-format`.
    let is_ref = !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !["..", "//", "@{", "/.", ".lock"].iter().any(|part| name.contains(part))
        && !name.chars().any(|char| char.is_control() || " ~^:?*[\\+".contains(char));
    if is_ref { Ok(Some(Target::Name(name))) } else { Err(format!("`{name}` is no name of a tag or a branch")) }
}

/// Whether the address alone says that it is one of a repository.
fn is_repository(url: &Url) -> bool {
    let names: Vec<&str> = url.path().split('/').filter(|name| !name.is_empty()).collect();
    let is_marked = url.path().trim_start_matches('/').contains("//")
        || names.iter().any(|name| *name == "_git" || name.ends_with(".git"));
    let is_forge = url.host_str().is_some_and(|host| FORGES.contains(&host));
    let is_manifest = names.last().is_some_and(|name| crate::tree::is_manifest(name.as_bytes()));
    is_marked
        || (is_forge
            && !is_manifest
            && names.len() >= 2
            && !names.get(2).is_some_and(|third| FILES_OF_FORGES.contains(third)))
}

/// Splits the address of a repository from the way within it.
fn repository(mut url: Url, target: Target) -> Result<Reference, String> {
    let path = url.path().trim_start_matches('/').to_owned();
    let (repository, directory) = split(&path)
        .ok_or_else(|| "it names no repository: write https://HOST/OWNER/NAME//DIRECTORY?ref=COMMIT".to_owned())?;
    let directory = directory.trim_matches('/').to_owned();
    url.set_path(repository);
    url.set_query(None);
    url.set_fragment(None);
    Ok(Reference::Repository { url, directory, target })
}

/// Kustomize's marks in their order: the name behind `_git/`, `//`, a name that ends in `.git`, else two names.
fn split(path: &str) -> Option<(&str, &str)> {
    if let Some(at) = path.find("_git/") {
        let start = at + "_git/".len();
        let end = path[start..].find('/').map_or(path.len(), |end| start + end);
        return (end > start).then(|| path.split_at(end));
    }
    if let Some((repository, directory)) = path.split_once("//") {
        return (!repository.is_empty()).then_some((repository, directory));
    }
    if let Some(at) = path.find(".git/") {
        return Some(path.split_at(at + ".git".len()));
    }
    if path.ends_with(".git") {
        return Some((path, ""));
    }
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.next()?;
    Some(path.split_at(slashes.next().unwrap_or(path.len()))).filter(|(repository, _)| !repository.ends_with('/'))
}

#[cfg(test)]
mod tests;
