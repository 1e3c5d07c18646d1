//! The local store: a bare, shallow clone for each remote.
//!
//! Every new head leaves one more pack behind and there is no collector, so a clone that has gathered many is made anew
//! beside the old one, which goes when its last snapshot does. A clone that cannot be used is replaced in the same way, and
//! one that nobody wants is removed: everything in here can be had again from the remote.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::SystemTime,
};

use heddle_core::git::{BranchName, Revision};
use url::Url;

use crate::{
    FetchError, Remote, Snapshot,
    fetch::{self, Asked, Want, Way},
    limits::{FETCH_LIMIT, MAX_CLONE_BYTES, MAX_PACKS},
};

/// Of so many branches and logins of a clone it is known whom their last fetch answers.
const MOST_KINDS: usize = 16;

/// A directory of clones. One process at a time may use it.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    most_bytes: Option<u64>,
    clones: Arc<Mutex<HashMap<String, SharedClone>>>,
}

/// The clone of one remote, under the name of its directory.
#[derive(Debug, Clone, Default)]
struct SharedClone {
    /// How many have asked for a fetch so far.
    asked: Arc<AtomicU64>,
    /// Its lock makes the fetches from one remote serial; a fetch that nobody waits for any more keeps it until it has
    /// ended.
    clone: Arc<tokio::sync::Mutex<LocalClone>>,
}

#[derive(Debug, Default)]
struct LocalClone {
    /// The last fetches that went well, each of another kind, the newest last.
    fetched: VecDeque<Fetched>,
    current: Option<Arc<Generation>>,
    /// The number of the last generation that this process has opened.
    last: Option<u64>,
    /// Those before it.
    retired: Vec<Weak<Generation>>,
}

/// A fetch that went well: it answers all who asked for the same, as the same, before it began.
#[derive(Debug)]
struct Fetched {
    remote: Remote,
    asked: Asked,
    /// How many had asked when it began.
    answers: u64,
}

impl Fetched {
    fn is_for(&self, remote: &Remote, asked: &Asked) -> bool {
        self.asked == *asked && self.remote.is_the_same_as(remote)
    }
}

/// One directory that holds a clone.
#[derive(Debug)]
pub(crate) struct Generation {
    dir: PathBuf,
    number: u64,
    obsolete: AtomicBool,
}

impl Generation {
    fn at(parent: &Path, number: u64) -> Self {
        Self { dir: parent.join(number.to_string()), number, obsolete: AtomicBool::new(false) }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn stored_bytes(&self) -> u64 {
        size_bytes(&self.dir)
    }

    fn is_full(&self) -> bool {
        let entries = fs::read_dir(self.dir.join("objects/pack")).into_iter().flatten().flatten();
        let packs = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack"));
        let sizes: Vec<u64> = packs.map(|pack| pack.metadata().map_or(0, |metadata| metadata.len())).collect();
        sizes.len() > MAX_PACKS || sizes.iter().sum::<u64>() > MAX_CLONE_BYTES
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if self.obsolete.load(Ordering::Relaxed)
            && let Err(error) = fs::remove_dir_all(&self.dir)
        {
            tracing::warn!(dir = %self.dir.display(), %error, "could not remove a replaced clone");
        }
    }
}

impl Store {
    /// Uses `dir`, which is made when it does not exist.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), most_bytes: None, clones: Arc::default() }
    }

    /// With at most so many bytes on disk: after a fetch that goes beyond, the clones that were longest not fetched into
    /// are removed, but for those in use.
    #[must_use]
    pub fn holding(self, most_bytes: u64) -> Self {
        Self { most_bytes: Some(most_bytes), ..self }
    }

    /// Fetches the head of `branch`, one commit deep. When the head is known already, only the list of branches is
    /// asked for, and nothing where a fetch with the same login began after this was called: however many ask
    /// at once for one branch as one login, two fetches do. Dropping the future ends the transfer.
    ///
    /// # Errors
    /// See [`FetchError`]; what was fetched before stays readable.
    pub async fn fetch(&self, remote: &Remote, branch: &BranchName) -> Result<Snapshot, FetchError> {
        remote.check()?;
        let name = directory_name(remote.url.as_str())?;
        self.fetch_into(name, remote, Asked::branch(branch)).await
    }

    /// The head of `branch` as the last fetch left it, also that of an earlier process; nothing is asked of the remote.
    /// `None` when the clone does not hold it, or cannot be read.
    pub async fn last(&self, remote: &Remote, branch: &BranchName) -> Option<Snapshot> {
        let name = directory_name(remote.url.as_str()).ok()?;
        self.open_kept(name, remote, Want::Branch(branch.clone())).await
    }

    /// One commit that is kept for `owner`. Nothing is asked of the remote.
    pub(crate) async fn find_commit(&self, remote: &Remote, owner: &str, commit: &Revision) -> Option<Snapshot> {
        let name = name_of_commit(remote, owner, commit).ok()?;
        self.open_kept(name, remote, Want::Commit(commit.clone())).await
    }

    /// One commit, in a clone of its own for each `owner`: what is kept is shared by those who were let through to it alone.
    /// What may be asked of the remote says `asked`.
    pub(crate) async fn fetch_commit(
        &self,
        remote: &Remote,
        owner: &str,
        commit: &Revision,
        asked: impl AsyncFnOnce() -> Result<(Remote, Asked), FetchError>,
    ) -> Result<Snapshot, FetchError> {
        let name = name_of_commit(remote, owner, commit)?;
        let (remote, asked) = asked().await?;
        self.fetch_into(name, &remote, asked).await
    }

    /// Fetches into the clone of this name.
    async fn fetch_into(&self, name: String, remote: &Remote, asked: Asked) -> Result<Snapshot, FetchError> {
        let parent = self.dir.join(&name);
        let SharedClone { asked: all, clone } = self.clone_of(name);
        let before = all.fetch_add(1, Ordering::Relaxed);
        let mut clone = clone.lock_owned().await;
        let stop = Arc::new(AtomicBool::new(false));
        let _stop_on_drop = StopOnDrop(Arc::clone(&stop));
        let (remote, store) = (remote.clone(), self.clone());
        let work = tokio::task::spawn_blocking(move || {
            if let Some(answer) = clone.answer(&remote, &asked, before) {
                return Ok(answer);
            }
            let answers = all.load(Ordering::Relaxed);
            let size = size_bytes(&parent);
            let fetched = clone.fetch(&parent, &remote, &asked, &stop);
            let has_grown = size_bytes(&parent) > size;
            if fetched.is_ok() {
                clone.note(Fetched { remote, asked, answers });
            }
            drop(clone);
            if has_grown {
                store.trim();
            }
            fetched
        });
        match tokio::time::timeout(FETCH_LIMIT, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => Err(FetchError::Other(panicked.to_string())),
            Err(_) => Err(FetchError::TimedOut { limit_secs: FETCH_LIMIT.as_secs() }),
        }
    }

    /// What the clone of this name holds.
    async fn open_kept(&self, name: String, remote: &Remote, want: Want) -> Option<Snapshot> {
        let parent = self.dir.join(&name);
        let mut clone = self.clone_of(name).clone.lock_owned().await;
        let remote = remote.clone();
        let work = tokio::task::spawn_blocking(move || {
            let generation = clone.current(&parent).ok()?;
            let kept = fetch::open_last(&generation, &remote, &want)?;
            touch(generation.dir()).ok()?;
            Some(kept)
        });
        work.await.ok().flatten()
    }

    /// The commits to which references of the remote point, by the full names of the references. Nothing is kept.
    pub(crate) async fn list_references(
        remote: &Remote,
        names: Vec<String>,
        within: (Way, std::time::Duration),
    ) -> Result<Vec<(String, Revision)>, FetchError> {
        remote.check()?;
        let remote = remote.clone();
        let work = tokio::task::spawn_blocking(move || {
            let dir = tempfile::Builder::new().prefix("heddle-asking-").tempdir().map_err(FetchError::Store)?;
            fetch::list_references(dir.path(), &remote, &names, within)
        });
        work.await.unwrap_or_else(|panicked| Err(FetchError::Other(panicked.to_string())))
    }

    /// Removes the clones of all other remotes, also those of earlier processes. One that is in use stays until the next
    /// time. Blocks its thread.
    ///
    /// # Errors
    /// When the directory cannot be read, or a clone cannot be removed.
    pub fn keep_only<'a>(&self, wanted: impl IntoIterator<Item = &'a Url>) -> io::Result<()> {
        let wanted: BTreeSet<String> = wanted.into_iter().filter_map(|url| directory_name(url.as_str()).ok()).collect();
        self.names()?.into_iter().filter(|name| !wanted.contains(name)).try_for_each(|name| self.remove(&name))
    }

    /// Removes what is beyond the bound. What cannot be removed now is tried again after the next fetch.
    fn trim(&self) {
        let Some(most_bytes) = self.most_bytes else { return };
        let trimmed = self.names().and_then(|names| {
            let sized = names.into_iter().map(|name| {
                let dir = self.dir.join(&name);
                (used_at(&dir), size_bytes(&dir), name)
            });
            let mut clones: Vec<(SystemTime, u64, String)> = sized.collect();
            clones.sort();
            let mut bytes: u64 = clones.iter().map(|(_, bytes, _)| bytes).sum();
            for (_, size, name) in clones {
                if bytes > most_bytes {
                    self.remove(&name)?;
                    bytes -= size.saturating_sub(size_bytes(&self.dir.join(&name)));
                }
            }
            Ok(())
        });
        if let Err(error) = trimmed {
            tracing::warn!(dir = %self.dir.display(), %error, "could not remove old clones");
        }
    }

    /// Removes a clone unless it is in use: nobody may begin to use it meanwhile, so the map stays locked.
    fn remove(&self, name: &str) -> io::Result<()> {
        let mut clones = self.clones.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = clones.get_mut(name) {
            let Some(clone) = Arc::get_mut(&mut shared.clone) else { return Ok(()) };
            if clone.get_mut().is_read() {
                return Ok(());
            }
            clones.remove(name);
        }
        match fs::remove_dir_all(self.dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The directories of all clones.
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn clone_of(&self, name: String) -> SharedClone {
        let mut clones = self.clones.lock().unwrap_or_else(PoisonError::into_inner);
        clones.entry(name).or_default().clone()
    }
}

impl LocalClone {
    /// What the last fetch brought, where it began after so many had asked, for the same and as the same.
    fn answer(&self, remote: &Remote, asked: &Asked, before: u64) -> Option<Snapshot> {
        let fetched = self.fetched.iter().find(|fetched| fetched.is_for(remote, asked))?;
        if before >= fetched.answers {
            return None;
        }
        fetch::open_last(self.current.as_ref()?, remote, &asked.want)
    }

    fn note(&mut self, fetched: Fetched) {
        self.fetched.retain(|known| !known.is_for(&fetched.remote, &fetched.asked));
        self.fetched.push_back(fetched);
        if self.fetched.len() > MOST_KINDS {
            self.fetched.pop_front();
        }
    }

    /// Fetches into the clone, and into one that is made anew where this one cannot be used.
    fn fetch(
        &mut self,
        parent: &Path,
        remote: &Remote,
        asked: &Asked,
        stop: &AtomicBool,
    ) -> Result<Snapshot, FetchError> {
        let generation = self.usable(parent).map_err(FetchError::Store)?;
        // How long ago a clone was used decides which goes first.
        touch(generation.dir()).map_err(FetchError::Store)?;
        let result = fetch::fetch(&generation, remote, asked, FETCH_LIMIT, stop);
        let Err(error @ FetchError::Other(_)) = &result else { return result };
        if stop.load(Ordering::Relaxed) {
            return result;
        }
        tracing::warn!(url = %remote.url, %error, "the local clone cannot be used and is made anew");
        self.retire();
        let generation = self.usable(parent).map_err(FetchError::Store)?;
        fetch::fetch(&generation, remote, asked, FETCH_LIMIT, stop)
    }

    /// The directory to fetch into: the one in use, or a new one when that is full.
    fn usable(&mut self, parent: &Path) -> io::Result<Arc<Generation>> {
        if self.current(parent)?.is_full() {
            self.retire();
        }
        self.current(parent)
    }

    /// The directory in use; at first what an earlier process left.
    fn current(&mut self, parent: &Path) -> io::Result<Arc<Generation>> {
        if let Some(current) = &self.current {
            return Ok(Arc::clone(current));
        }
        let generation = match self.last {
            Some(last) => Generation::at(parent, last + 1),
            None => first_generation(parent)?,
        };
        self.last = Some(generation.number);
        Ok(Arc::clone(self.current.insert(Arc::new(generation))))
    }

    /// Gives up the directory in use; it is removed when no snapshot reads from it any more.
    fn retire(&mut self) {
        if let Some(current) = self.current.take() {
            current.obsolete.store(true, Ordering::Relaxed);
            self.retired.retain(|retired| retired.strong_count() > 0);
            self.retired.push(Arc::downgrade(&current));
        }
    }

    /// Whether a snapshot reads from it.
    fn is_read(&self) -> bool {
        let is_retired_read = self.retired.iter().any(|retired| retired.strong_count() > 0);
        is_retired_read || self.current.as_ref().is_some_and(|current| Arc::strong_count(current) > 1)
    }
}

/// What an earlier process left: its newest clone, else a new directory. The rest is removed.
fn first_generation(parent: &Path) -> io::Result<Generation> {
    fs::create_dir_all(parent)?;
    let mut numbers = numbers_in(parent)?;
    numbers.sort_unstable();
    let newest = numbers.pop().map(|number| Generation::at(parent, number));
    for number in numbers {
        fs::remove_dir_all(parent.join(number.to_string()))?;
    }
    Ok(newest.unwrap_or_else(|| Generation::at(parent, 0)))
}

/// Tells the blocking fetch to end when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn name_of_commit(remote: &Remote, owner: &str, commit: &Revision) -> Result<String, FetchError> {
    directory_name(&format!("{}\n{commit}\n{owner}", remote.url))
}

/// A name that two remotes never share, and that shows no address.
fn directory_name(what: &str) -> Result<String, FetchError> {
    let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, what.as_bytes());
    id.map(|id| id.to_string()).map_err(FetchError::from_gix)
}

fn numbers_in(parent: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(parent)? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(numbers)
}

/// Notes that a clone is used now.
fn touch(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::File::open(dir)?.set_modified(SystemTime::now())
}

/// When a clone was last used.
fn used_at(dir: &Path) -> SystemTime {
    let generations = fs::read_dir(dir).into_iter().flatten().flatten();
    let times = generations.filter_map(|generation| generation.metadata().ok()?.modified().ok());
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// What a directory takes; what is gone meanwhile takes nothing.
fn size_bytes(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size_bytes(&entry.path()),
        _ => entry.metadata().map_or(0, |metadata| metadata.len()),
    });
    sizes.sum()
}
