//! The thread that owns the outbox's file.
//!
//! One order after the other: the next state of things is built beside, written whole, and only then taken for true. So
//! memory never says more than the disk, and a kill at any point leaves the state before or after an order. Facts that
//! wait together are written together. It is a thread of its own because a disk may take its time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use chrono::Utc;
use heddle_core::name::SyncName;
use heddle_wire::agent::{DeployFact, Rejected, Report};
use serde::Serialize;
use tokio::sync::oneshot;

use super::kept::{Batch, Kept};
use crate::metrics;

/// Callers whose facts are written at once.
const MOST_TOGETHER: usize = 256;

/// Where an order's caller waits.
type Answer<T> = oneshot::Sender<io::Result<T>>;

/// What the file's owner is asked to do.
enum Order {
    Tell(Vec<DeployFact>, Answer<()>),
    Take { most: usize, most_bytes: usize, answer: Answer<Option<Batch>> },
    Settle(Answer<()>),
    PutBack(Answer<()>),
    Reject { report: Box<Report>, reason: String, answer: Answer<()> },
    Forget(SyncName),
}

/// What the file holds, for those who must not wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog {
    /// How many facts the API has not taken.
    pub waiting: usize,
    /// What the API refused.
    pub rejected: Option<Rejected>,
}

/// The way to the thread. Dropping it ends the thread once all orders are done.
pub(super) struct Writer {
    orders: Option<mpsc::Sender<Order>>,
    backlog: Arc<Mutex<Backlog>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Opens the outbox in `dir`, or makes one with an epoch of its own. A file that cannot be read is replaced.
    ///
    /// # Errors
    /// When the file cannot be written, or no thread be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let file = dir.join("outbox.json");
        let kept = match fs::read(&file).map(|bytes| serde_json::from_slice::<Kept>(&bytes)) {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the outbox cannot be read and begins anew");
                Kept::new()
            }
            Err(_) => Kept::new(),
        };
        write_whole(&file, &kept)?;
        let backlog = Arc::new(Mutex::new(Backlog::default()));
        let owner = Owner { file, kept, backlog: Arc::clone(&backlog) };
        owner.note();
        let (orders, receiver) = mpsc::channel();
        let thread = thread::Builder::new().name("outbox".to_owned()).spawn(move || owner.run(&receiver))?;
        Ok(Self { orders: Some(orders), backlog, thread: Some(thread) })
    }

    pub fn backlog(&self) -> Backlog {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn tell(&self, facts: Vec<DeployFact>) -> io::Result<()> {
        self.ask(|answer| Order::Tell(facts, answer)).await
    }

    pub async fn take(&self, most: usize, most_bytes: usize) -> io::Result<Option<Batch>> {
        self.ask(|answer| Order::Take { most, most_bytes, answer }).await
    }

    pub async fn settle(&self) -> io::Result<()> {
        self.ask(Order::Settle).await
    }

    pub async fn put_back(&self) -> io::Result<()> {
        self.ask(Order::PutBack).await
    }

    /// Keeps a report that the API will never take beside the outbox, and goes on without it.
    pub async fn reject(&self, report: Report, reason: String) -> io::Result<()> {
        self.ask(|answer| Order::Reject { report: Box::new(report), reason, answer }).await
    }

    /// Forgets what was said of a Sync. It stands on disk with the next order.
    pub fn forget(&self, sync: SyncName) {
        if let Some(orders) = &self.orders {
            // A thread that has ended answers the next order with its end.
            let _ended = orders.send(Order::Forget(sync));
        }
    }

    async fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> io::Result<T> {
        let ended = || io::Error::other("the outbox's thread has ended");
        let (answer, answered) = oneshot::channel();
        let orders = self.orders.as_ref().ok_or_else(ended)?;
        orders.send(order(answer)).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Whoever opens the file next finds it whole; a panic was printed.
            let _ended = thread.join();
        }
    }
}

/// The owner of the file.
struct Owner {
    file: PathBuf,
    kept: Kept,
    backlog: Arc<Mutex<Backlog>>,
}

impl Owner {
    fn run(mut self, orders: &mpsc::Receiver<Order>) {
        let mut next = None;
        while let Some(order) = next.take().or_else(|| orders.recv().ok()) {
            match order {
                Order::Tell(facts, answer) => next = self.tell(facts, answer, orders),
                Order::Take { most, most_bytes, answer } => {
                    reply(answer, self.change(|kept| kept.take(most, most_bytes)));
                }
                Order::Settle(answer) => reply(answer, self.change(Kept::settle)),
                Order::PutBack(answer) => reply(answer, self.change(Kept::put_back)),
                Order::Reject { report, reason, answer } => reply(answer, self.reject(&report, &reason)),
                Order::Forget(sync) => self.kept.forget(&sync),
            }
        }
    }

    /// Takes the facts of all who wait already. Gives the first order that is another.
    fn tell(&mut self, facts: Vec<DeployFact>, answer: Answer<()>, orders: &mpsc::Receiver<Order>) -> Option<Order> {
        let (mut facts, mut answers, mut other) = (facts, vec![answer], None);
        while answers.len() < MOST_TOGETHER && other.is_none() {
            match orders.try_recv() {
                Ok(Order::Tell(more, answer)) => {
                    facts.extend(more);
                    answers.push(answer);
                }
                Ok(order) => other = Some(order),
                Err(_) => break,
            }
        }
        let now = Utc::now();
        let told = self.change(|kept| facts.into_iter().for_each(|fact| kept.tell(fact, now)));
        for answer in answers {
            reply(answer, told.as_ref().copied().map_err(again));
        }
        other
    }

    fn reject(&mut self, report: &Report, reason: &str) -> io::Result<()> {
        #[derive(Serialize)]
        struct Refused<'a> {
            reason: &'a str,
            report: &'a Report,
        }
        write_whole(&self.file.with_file_name("rejected.json"), &Refused { reason, report })?;
        self.change(|kept| kept.reject(reason, Utc::now()))
    }

    /// Makes a change true once it stands on disk. What changes nothing is not written.
    fn change<T>(&mut self, change: impl FnOnce(&mut Kept) -> T) -> io::Result<T> {
        let mut next = self.kept.clone();
        let given = change(&mut next);
        if next != self.kept {
            write_whole(&self.file, &next)?;
            self.kept = next;
            self.note();
        }
        Ok(given)
    }

    fn note(&self) {
        let backlog = Backlog { waiting: self.kept.waiting(), rejected: self.kept.rejected.clone() };
        metrics::waiting(backlog.waiting);
        *self.backlog.lock().unwrap_or_else(PoisonError::into_inner) = backlog;
    }
}

/// A caller that is gone needs no answer.
fn reply<T>(answer: Answer<T>, result: io::Result<T>) {
    let _gone = answer.send(result);
}

/// The same error for another caller.
fn again(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

/// Writes a file whole or not at all, also when the machine stops in the middle.
fn write_whole(file: &Path, content: &impl Serialize) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut handle = fs::File::create(&new)?;
    io::Write::write_all(&mut handle, &serde_json::to_vec(content)?)?;
    handle.sync_all()?;
    fs::rename(&new, file)?;
    // The name in its folder is written apart from the file.
    match file.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
