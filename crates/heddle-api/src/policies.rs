//! Policies as they can be followed, each compiled once for all who ask, and the turns of those who go through whole
//! lists of tags with them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use heddle_core::policy::{CompiledPolicy, TagPolicy};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::{ApiError, ApiResult};

/// What compiled policies may take together, in bytes. Beyond it all are forgotten and compiled anew when asked for.
pub const MOST_BYTES: usize = 32 << 20;

/// What a policy takes beside its expressions, about.
const SIZE_BYTES: usize = 2 << 10;

/// So many whole lists of tags, each with those that it is compared with, are gone through at once.
const LISTS_AT_ONCE: usize = 2;

/// See the module.
pub struct Policies {
    known: Mutex<Known>,
    lists: Semaphore,
}

#[derive(Default)]
struct Known {
    compiled: HashMap<TagPolicy, Option<Arc<CompiledPolicy>>>,
    size_bytes: usize,
}

impl Default for Policies {
    fn default() -> Self {
        Self { known: Mutex::default(), lists: Semaphore::new(LISTS_AT_ONCE) }
    }
}

impl Policies {
    /// The policy as it can be followed; `None` for one with a fault. Expressions take their time to compile.
    pub fn of(&self, policy: &TagPolicy) -> Option<Arc<CompiledPolicy>> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).compiled.get(policy) {
            return known.clone();
        }
        let compiled = CompiledPolicy::new(policy).ok().map(Arc::new);
        let size_bytes = SIZE_BYTES + compiled.as_ref().map_or(0, |policy| policy.size_bytes());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.size_bytes + size_bytes > MOST_BYTES {
            *known = Known::default();
        }
        known.size_bytes += size_bytes;
        known.compiled.insert(policy.clone(), compiled.clone());
        compiled
    }

    /// A turn to hold a whole list of tags in memory.
    ///
    /// # Errors
    /// When the program ends.
    pub async fn turn(&self) -> ApiResult<SemaphorePermit<'_>> {
        self.lists.acquire().await.map_err(ApiError::internal)
    }
}
