//! The local store: a bare, shallow clone for each remote.
//!
//! Every new head leaves one more pack behind and there is no collector, so after [`MAX_PACKS`] of them the clone is
//! made anew beside the old one, which goes when its last snapshot does. A clone that cannot be used is replaced in the
//! same way: everything in here can be had again from the remote.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use heddle_core::git::BranchName;

use crate::{FetchError, Remote, Snapshot, fetch, limits::FETCH_LIMIT};

/// How many packs a clone may gather before it is made anew.
const MAX_PACKS: usize = 40;

/// A directory of clones. One process at a time may use it.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    clones: Arc<Mutex<HashMap<String, SharedClone>>>,
}

/// The clone of one remote. Its lock makes the fetches from one remote serial.
type SharedClone = Arc<tokio::sync::Mutex<LocalClone>>;

#[derive(Debug, Default)]
struct LocalClone {
    current: Option<Arc<Generation>>,
    /// The number of the last generation that this process has opened.
    last: Option<u64>,
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

    fn is_full(&self) -> bool {
        let packs = fs::read_dir(self.dir.join("objects/pack")).into_iter().flatten().flatten();
        packs.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack")).count() > MAX_PACKS
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
        Self { dir: dir.into(), clones: Arc::default() }
    }

    /// Fetches the head of `branch`, one commit deep. When the head is known already, only the list of branches is
    /// asked for. Dropping the future ends the transfer.
    ///
    /// # Errors
    /// See [`FetchError`]; what was fetched before stays readable.
    pub async fn fetch(&self, remote: &Remote, branch: &BranchName) -> Result<Snapshot, FetchError> {
        remote.check()?;
        let shared = self.clone_of(remote);
        let mut clone = shared.lock().await;
        let parent = self.dir.join(directory_name(remote)?);
        let generation = clone.usable(&parent).map_err(FetchError::Store)?;
        let result = self.fetch_into(&generation, remote, branch).await;
        let Err(error @ FetchError::Other(_)) = &result else { return result };
        tracing::warn!(url = %remote.url, %error, "the local clone cannot be used and is made anew");
        clone.retire();
        let generation = clone.usable(&parent).map_err(FetchError::Store)?;
        self.fetch_into(&generation, remote, branch).await
    }

    /// The head of `branch` as the last fetch left it, also that of an earlier process; nothing is asked of the remote.
    /// `None` when the clone does not hold it, or cannot be read.
    pub async fn last(&self, remote: &Remote, branch: &BranchName) -> Option<Snapshot> {
        let shared = self.clone_of(remote);
        let mut clone = shared.lock().await;
        let generation = clone.current(&self.dir.join(directory_name(remote).ok()?)).ok()?;
        let (remote, branch) = (remote.clone(), branch.clone());
        tokio::task::spawn_blocking(move || fetch::open_last(&generation, &remote, &branch)).await.ok().flatten()
    }

    async fn fetch_into(
        &self,
        generation: &Arc<Generation>,
        remote: &Remote,
        branch: &BranchName,
    ) -> Result<Snapshot, FetchError> {
        let stop = Arc::new(AtomicBool::new(false));
        let _stop_on_drop = StopOnDrop(Arc::clone(&stop));
        let (generation, remote, branch) = (Arc::clone(generation), remote.clone(), branch.clone());
        let work = tokio::task::spawn_blocking(move || fetch::fetch(&generation, &remote, &branch, FETCH_LIMIT, &stop));
        match tokio::time::timeout(FETCH_LIMIT, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => Err(FetchError::Other(panicked.to_string())),
            Err(_) => Err(FetchError::TimedOut { limit_secs: FETCH_LIMIT.as_secs() }),
        }
    }

    fn clone_of(&self, remote: &Remote) -> SharedClone {
        let mut clones = self.clones.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(clones.entry(remote.url.as_str().to_owned()).or_default())
    }
}

impl LocalClone {
    /// The directory to fetch into: the one in use, or a new one when that is full.
    fn usable(&mut self, parent: &Path) -> io::Result<Arc<Generation>> {
        if self.current.as_ref().is_some_and(|current| current.is_full()) {
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
        }
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

/// A name that two remotes never share, and that shows no address.
fn directory_name(remote: &Remote) -> Result<String, FetchError> {
    let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, remote.url.as_str().as_bytes());
    id.map(|id| id.to_string()).map_err(FetchError::from_gix)
}

fn numbers_in(parent: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(parent)? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(numbers)
}
