//! Until when a render may go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::limits::PATH_LIMIT;

/// Ends a render from another thread. Clones end the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Ends a render when this is dropped.
#[derive(Debug)]
pub struct StopOnDrop(Stop);

/// How long a render may take, and who may end it before.
#[derive(Debug, Clone)]
pub struct Until {
    limit: Duration,
    deadline: Instant,
    stop: Stop,
}

impl Stop {
    /// Ends the render when what this gives is dropped.
    pub fn on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.clone())
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Default for Until {
    /// [`PATH_LIMIT`] from now on.
    fn default() -> Self {
        Self::within(PATH_LIMIT, &Stop::default())
    }
}

impl Until {
    /// For so long from now on, or until it is stopped.
    pub fn within(limit: Duration, stop: &Stop) -> Self {
        Self { limit, deadline: Instant::now() + limit, stop: stop.clone() }
    }

    /// Whether it has to end now.
    pub(super) fn is_over(&self) -> bool {
        self.stop.is_set() || Instant::now() >= self.deadline
    }

    /// The whole time.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }
}
