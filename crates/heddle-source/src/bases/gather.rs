//! From the addresses in kustomizations and charts to what they stand for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use heddle_core::git::Revision;
use tokio::time::Instant;
use url::Url;

use super::{
    fetcher::{Asker, Fetcher, NameKind},
    hosts::{Hosts, Login},
    mounted::{Bases, Content, Mount, Named, WithBases},
    patience::Patience,
    reference::{Reference, Target},
};
use crate::{
    FetchError, Overlay, Tree, TreePath,
    limits::{
        ASKING_LIMIT, BASES_LIMIT, FETCH_LIMIT, FILE_LIMIT, MAX_BASE_DEPTH, MAX_BASES, MAX_BASES_BYTES, MAX_KNOWN_BASES,
    },
    render::{Until, addresses},
};

/// Whether an address has to say which bytes it means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pinned {
    /// It names a commit, or the digest of a file.
    #[default]
    Required,
    /// Tags, branches and files are followed. A tag or a file that became another one is asked about.
    Resolve,
}

/// What may be fetched, and as whom.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// From where.
    pub hosts: Hosts,
    /// How an address has to be written.
    pub pinned: Pinned,
    /// Logins by what they are for.
    pub logins: Vec<Login>,
    /// For whom what was fetched with a login is kept: no two that share one may be given what the other was.
    pub owner: String,
}

/// What was found before.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What addresses stood for that name no commit and no digest.
    pub resolved: Vec<Resolved>,
    /// Commits and digests to which a tag or a file may move.
    pub approved: BTreeSet<String>,
}

/// What an address that names no commit and no digest stands for, or a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The address, as the kustomization has it; of a chart its name, its version and its repository.
    pub address: String,
    /// The commit or the digest that is used; of a chart the SHA-256 of its package.
    pub id: String,
    /// The version of a chart.
    pub version: Option<String>,
    /// Whether it is a branch and was never a tag, or a range of versions: then it is meant to move, and nobody is asked.
    pub is_branch: bool,
    /// The one that it stands for by now, where that has to be approved.
    pub moved_to: Option<String>,
    /// Why it is not known what it stands for by now, where it is not.
    pub away: Option<String>,
}

/// Fetches what the kustomizations and charts of `path` name by an address, and what that names in turn. What cannot be had is
/// told at its address by the render. What was known before stays known until a look that saw everything does not find it:
/// else whoever makes a look fail would have a tag move unasked.
pub async fn gather<T: Tree + Send + 'static>(
    fetcher: &Fetcher,
    rules: &Rules,
    known: &Known,
    (tree, path, overlay): (Arc<T>, &str, &Overlay),
) -> (Bases, Vec<Resolved>) {
    let deadline = Instant::now() + BASES_LIMIT;
    let mut walk = Walk {
        fetcher,
        rules,
        known,
        patience: Patience::new(),
        resolved: Vec::new(),
        taken: BTreeMap::new(),
        is_settled: true,
    };
    let mut bases = Bases::default();
    let mut is_whole = true;
    for depth in 1..=MAX_BASE_DEPTH + 1 {
        let Some(found) = search(&tree, path, overlay, &bases, deadline).await else {
            is_whole = false;
            break;
        };
        let new: Vec<Named> = found.into_iter().filter(|named| !bases.knows(named)).collect();
        if new.is_empty() {
            break;
        }
        for named in new {
            let taken = if depth > MAX_BASE_DEPTH {
                Err(format!("is not fetched: remote bases name others more than {MAX_BASE_DEPTH} deep; copy it in"))
            } else if bases.count() >= MAX_BASES {
                Err(format!(
                    "is not fetched: the path names more than {MAX_BASES} addresses; split it, or copy some in"
                ))
            } else {
                walk.take(&named).await
            };
            bases.insert(named, taken);
        }
    }
    bases.settle(walk.is_settled && is_whole);
    let remembers = |one: &&Resolved| !(is_whole && bases.are_all_there()) || bases.knows_of(&one.address);
    let mut resolved = walk.resolved;
    for one in known.resolved.iter().filter(remembers) {
        if resolved.len() < MAX_KNOWN_BASES && !resolved.iter().any(|other| other.address == one.address) {
            resolved.push(one.clone());
        }
    }
    (bases, resolved)
}

/// The addresses that are named, as far as what was fetched shows them; `None` when there was no time to look at all of it.
async fn search<T: Tree + Send + 'static>(
    tree: &Arc<T>,
    path: &str,
    overlay: &Overlay,
    bases: &Bases,
    deadline: Instant,
) -> Option<BTreeSet<Named>> {
    let (tree, path, overlay, bases) = (Arc::clone(tree), path.to_owned(), overlay.clone(), bases.clone());
    let left: Duration = deadline.saturating_duration_since(Instant::now());
    let looked = tokio::task::spawn_blocking(move || {
        let tree = WithBases::new(&*tree, &bases);
        addresses(&tree, &path, &overlay, &Until::within(left, &crate::Stop::default()));
        tree.asked_for()
    });
    looked.await.ok().filter(|_| Instant::now() < deadline)
}

pub(super) struct Walk<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) rules: &'a Rules,
    pub(super) known: &'a Known,
    pub(super) patience: Patience,
    pub(super) resolved: Vec<Resolved>,
    /// How many bytes each commit, file and chart takes.
    taken: BTreeMap<String, u64>,
    pub(super) is_settled: bool,
}

impl<'a> Walk<'a> {
    /// Fetches what is named. What is kept is there whether or not its host answers. A fault comes in words that follow its name.
    async fn take(&mut self, named: &Named) -> Result<Mount, String> {
        match named {
            Named::Address(address) => self.address(address).await,
            Named::Chart(chart) => self.chart(chart).await,
        }
    }

    async fn address(&mut self, address: &str) -> Result<Mount, String> {
        let reference = Reference::parse(address).map_err(|why| format!("is not fetched: {why}"))?;
        let url = reference.url();
        if !self.rules.hosts.allow(url) {
            return Err(
                "lies outside of the repository and below no prefix of `spec.remote.hosts`, and nothing is fetched \
                        from elsewhere: add its host there, or copy it in"
                    .to_owned(),
            );
        }
        match &reference {
            Reference::Repository { url, directory, target } => self.repository(address, url, directory, target).await,
            Reference::File { url, sha256 } => self.file(address, url, sha256.as_deref()).await,
        }
    }

    async fn repository(
        &mut self,
        address: &str,
        url: &Url,
        directory: &str,
        target: &Target,
    ) -> Result<Mount, String> {
        let way = TreePath::parse(directory).map_err(|error| format!("is not fetched: {error}"))?;
        let commit = match target {
            Target::Commit(commit) => commit.clone(),
            Target::Name(_) | Target::Head if self.rules.pinned == Pinned::Required => {
                let name = if let Target::Name(name) = target { name } else { "HEAD" };
                return Err(format!(
                    "is not fetched: it names no commit, which `spec.remote.pinned: required` asks for; write `?ref=` with \
                     the 40 digits that `git ls-remote {url} {name}` tells, or set `pinned: resolve`"
                ));
            }
            Target::Name(_) | Target::Head => self.follow(address, url, target).await?,
        };
        let (fetcher, asker) = (self.fetcher, self.asker(url));
        let left = self.bytes_left(commit.as_str());
        let fetched = match fetcher.kept_commit(url, &commit, asker).await {
            Some(kept) => kept,
            None => {
                let fetched = fetcher.commit(url, &commit, asker, left);
                self.patience.ask(url, FETCH_LIMIT, fetched).await.map_err(|error| told(&error))?
            }
        };
        self.count(commit.as_str(), fetched.stored_bytes())?;
        Ok(Mount {
            name: name_of(url, commit.as_str()),
            id: commit.to_string(),
            way,
            content: Content::Repository(Arc::new(fetched)),
        })
    }

    /// The commit that a name stands for: the one of before where the host is away, or where a tag moved and nobody has
    /// approved it.
    async fn follow(&mut self, address: &str, url: &Url, target: &Target) -> Result<Revision, String> {
        self.is_settled = false;
        let before = self.before(address);
        let before = before.and_then(|one| Some((Revision::try_from(one.id.clone()).ok()?, one.is_branch)));
        // What was a tag once is asked about whatever has its name by now: who may push may delete it too.
        let was_branch = before.as_ref().is_none_or(|(_, is_branch)| *is_branch);
        let question = self.fetcher.resolve(url, target, self.asker(url));
        let asked = self.patience.ask(url, FETCH_LIMIT, question).await;
        let asked = asked.map(|(kind, now)| (kind == NameKind::Branch && was_branch, now));
        let (used, is_branch, moved_to, away) = match (asked, before) {
            (Ok((false, now)), Some((before, _))) if now != before && !self.is_approved(now.as_str()) => {
                (before, was_branch, Some(now.to_string()), None)
            }
            (Ok((is_branch, now)), _) => (now, is_branch, None, None),
            (Err(error), Some((before, _))) => (before, was_branch, None, Some(error.to_string())),
            (Err(error), None) => return Err(told(&error)),
        };
        let (address, id) = (address.to_owned(), used.to_string());
        self.resolved.push(Resolved { address, id, version: None, is_branch, moved_to, away });
        Ok(used)
    }

    async fn file(&mut self, address: &str, url: &Url, sha256: Option<&str>) -> Result<Mount, String> {
        let name = url.path_segments().and_then(|mut names| names.next_back()).filter(|name| !name.is_empty());
        let way = TreePath::parse(name.unwrap_or("index")).map_err(|error| format!("is not fetched: {error}"))?;
        if sha256.is_none() && self.rules.pinned == Pinned::Required {
            return Err(format!(
                "is not fetched: it names no digest, which `spec.remote.pinned: required` asks for; write `#sha256=` with \
                 what `curl -sL {url} | sha256sum` tells behind it, or set `pinned: resolve`. A directory of a repository \
                 is named with `?ref=` and a commit"
            ));
        }
        let (id, bytes) = match sha256 {
            Some(sha256) => self.fixed_file(url, sha256).await.map_err(|error| told(&error))?,
            None => self.follow_file(address, url).await?,
        };
        self.count(&id, bytes.len() as u64)?;
        Ok(Mount { name: name_of(url, &id), id, way, content: Content::File(bytes) })
    }

    /// The file with a digest, of which the host is asked where it is not kept.
    async fn fixed_file(&mut self, url: &Url, sha256: &str) -> Result<(String, Arc<[u8]>), FetchError> {
        let (fetcher, asker) = (self.fetcher, self.asker(url));
        match fetcher.kept_file(url, sha256, asker) {
            Some(kept) => Ok((sha256.to_owned(), kept)),
            None => self.patience.ask(url, FILE_LIMIT, fetcher.file(url, Some(sha256), asker)).await,
        }
    }

    /// The file that an address without a digest names now, or the one of before, as for a tag: whether it is meant to
    /// change nothing says.
    async fn follow_file(&mut self, address: &str, url: &Url) -> Result<(String, Arc<[u8]>), String> {
        self.is_settled = false;
        let question = self.fetcher.file(url, None, self.asker(url));
        let asked = self.patience.ask(url, FILE_LIMIT, question).await;
        let before = self.before(address).map(|one| one.id.clone());
        let (keeps, moved_to, away) = match (&asked, before) {
            (Ok((now, _)), Some(before)) if *now != before && !self.is_approved(now) => {
                (Some(before), Some(now.clone()), None)
            }
            (Err(error), Some(before)) => (Some(before), None, Some(error.to_string())),
            _ => (None, None, None),
        };
        let used = match &keeps {
            // The host has it no more, so it is there only while it is kept.
            Some(before) => self.fixed_file(url, before).await,
            None => asked,
        };
        // What is kept of it must not be forgotten with it, else the other one would be taken unasked.
        let id = keeps.or_else(|| used.as_ref().ok().map(|(id, _)| id.clone()));
        let address = address.to_owned();
        let resolved = id.map(|id| Resolved { address, id, version: None, is_branch: false, moved_to, away });
        self.resolved.extend(resolved);
        used.map_err(|error| told(&error))
    }

    /// What an address stood for at the last look that saw it.
    pub(super) fn before(&self, address: &str) -> Option<&Resolved> {
        self.known.resolved.iter().find(|one| one.address == address)
    }

    pub(super) fn is_approved(&self, id: &str) -> bool {
        self.known.approved.contains(id)
    }

    pub(super) fn asker(&self, url: &Url) -> Asker<'a> {
        let Rules { hosts, logins, owner, .. } = self.rules;
        Asker { login: Login::find(logins, url), hosts, deadline: self.patience.until(), owner }
    }

    /// How many bytes may still be taken for something that counts once.
    fn bytes_left(&self, id: &str) -> u64 {
        let others: u64 = self.taken.iter().filter(|(other, _)| *other != id).map(|(_, bytes)| bytes).sum();
        MAX_BASES_BYTES.saturating_sub(others)
    }

    pub(super) fn count(&mut self, id: &str, bytes: u64) -> Result<(), String> {
        if bytes > self.bytes_left(id) {
            let limit_mib = MAX_BASES_BYTES >> 20;
            return Err(format!("is not used: with it the remote bases of the path take more than {limit_mib} MiB"));
        }
        self.taken.insert(id.to_owned(), bytes);
        Ok(())
    }
}

/// Where something has its place: below its host and its path there, with its whole id, so that no two share one.
pub(super) fn name_of(url: &Url, id: &str) -> String {
    let port = url.port().map(|port| format!("_{port}")).unwrap_or_default();
    let path = url.path().trim_matches('/');
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "._-/".contains(char);
    let path: String = path.chars().map(|char| if is_plain(char) { char } else { '_' }).collect();
    let path = path.split('/').filter(|name| !matches!(*name, "" | "." | "..")).collect::<Vec<_>>().join("/");
    format!("{}{port}/{path}@{id}", url.host_str().unwrap_or_default())
}

fn told(error: &FetchError) -> String {
    match error {
        FetchError::Refused { reason } => format!("is not fetched: {reason}"),
        FetchError::OtherContent { .. } => format!("is not used: {error}"),
        FetchError::TooLarge { .. } => format!(
            "is not fetched: it brings more than remote bases and files may take, {} MiB \
             for all of a path and {} for a file",
            MAX_BASES_BYTES >> 20,
            crate::limits::MAX_FILE_BYTES >> 20
        ),
        FetchError::Unauthorized | FetchError::Forbidden | FetchError::NotFound => {
            format!("cannot be fetched: {error}; a login for it belongs in a Secret that `spec.remote.logins` names")
        }
        _ => format!("cannot be fetched: {error}"),
    }
}

/// A single fetch never takes the whole time, and asking leaves some for what is kept.
const _: () = assert!(FETCH_LIMIT.as_secs() < ASKING_LIMIT.as_secs() && ASKING_LIMIT.as_secs() < BASES_LIMIT.as_secs());
