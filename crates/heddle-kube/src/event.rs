//! Kubernetes Events about Syncs, as `kubectl describe sync` and `kubectl events` show them.

use kube::{
    Resource,
    runtime::events::{Event, EventType},
};

use crate::{KubeError, OwnClient, error::bounded, sync::Sync};

/// Longest note of an Event, in bytes. Source: k8s.io/kubernetes `pkg/apis/core/validation/events.go`, `NoteLengthLimit`.
const MAX_NOTE_BYTES: usize = 1024;

/// Something that happened to a Sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// Whether somebody ought to look at it.
    pub is_warning: bool,
    /// One word: what happened.
    pub reason: &'static str,
    /// One word: what was being done.
    pub action: &'static str,
    /// A sentence; what is longer than an Event takes is cut.
    pub note: String,
}

impl OwnClient {
    /// Makes an Event of it. One that says what an earlier one said is counted by that.
    ///
    /// # Errors
    /// When the agent may not, or the API server cannot be asked. Nothing depends on it.
    pub async fn tell_happening(&self, sync: &Sync, happening: Happening) -> Result<(), KubeError> {
        let Happening { is_warning, reason, action, mut note } = happening;
        note.truncate(note.floor_char_boundary(MAX_NOTE_BYTES));
        let event = Event {
            type_: if is_warning { EventType::Warning } else { EventType::Normal },
            reason: reason.to_owned(),
            action: action.to_owned(),
            note: Some(note),
            secondary: None,
        };
        bounded(self.recorder().publish(&event, &sync.object_ref(&()))).await
    }
}
