//! Wakes the automators that wait at this replica, one for each thing that may be due.
//!
//! Who was woken looks for work, and wakes the next one when it found some; so as many come as there is work, not all that
//! wait. When something becomes due by the clock is asked for once, not by each of them.

use std::{sync::Mutex, time::Duration};

use heddle_db::notice::{Notice, NoticeStream};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

#[cfg(test)]
mod tests;

/// For so long the answer when something becomes due by the clock is taken for true. Whatever becomes due earlier is
/// announced.
const FRESH: Duration = Duration::from_secs(1);

/// Shared by all who wait for work.
#[derive(Default)]
pub struct Bell {
    /// One permit for one who looks.
    wake: Notify,
    plan: Mutex<Plan>,
    planned: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Plan {
    /// When something becomes due.
    due: Option<Instant>,
    /// When that was asked.
    asked_at: Option<Instant>,
}

impl Bell {
    /// Waits until it is this one's turn to look for work.
    pub async fn rung(&self) {
        self.wake.notified().await;
    }

    /// Wakes one who waits, else the next one who comes.
    pub fn ring(&self) {
        self.wake.notify_one();
    }

    /// One who looks for work now. Who is interrupted in it leaves the turn to another.
    pub fn turn(&self) -> Turn<'_> {
        Turn { bell: Some(self) }
    }

    /// Whether somebody asked a moment ago when something becomes due.
    pub fn is_planned(&self) -> bool {
        self.read().asked_at.is_some_and(|at| at.elapsed() < FRESH)
    }

    /// Something becomes due in this time; `None` when nothing is planned.
    pub fn plan(&self, due_in: Option<Duration>) {
        let now = Instant::now();
        *self.lock() = Plan { due: due_in.map(|due_in| now + due_in), asked_at: Some(now) };
        self.planned.notify_one();
    }

    /// Rings when work is announced and when it becomes due, until `shutdown` or until nothing is announced any more.
    pub async fn run(&self, mut notices: NoticeStream, shutdown: CancellationToken) {
        loop {
            let due = self.read().due;
            let due_by_clock = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                notice = notices.next() => match notice {
                    Some(Notice::Work | Notice::Missed) => self.ring(),
                    Some(_) => {}
                    None => return,
                },
                () = self.planned.notified() => {}
                () = due_by_clock => {
                    *self.lock() = Plan::default();
                    self.ring();
                }
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn read(&self) -> Plan {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A turn to look for work.
#[must_use]
pub struct Turn<'a> {
    bell: Option<&'a Bell>,
}

impl Turn<'_> {
    /// There was some: there may be more.
    pub fn found(mut self) {
        if let Some(bell) = self.bell.take() {
            // The lease that was just made may run out before anything else becomes due.
            bell.lock().asked_at = None;
            bell.ring();
        }
    }

    /// There was none.
    pub fn found_nothing(mut self) {
        self.bell = None;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(bell) = self.bell {
            bell.ring();
        }
    }
}
