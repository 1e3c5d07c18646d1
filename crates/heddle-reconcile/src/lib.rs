//! Decides what to do with a cluster: the order of applying, what to prune and when to ask first, who drifted, how objects
//! are doing.
//!
//! Values in, values out: no IO, no async, no clock. What an object is and how it is fetched or written is not known here.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr))]

#[cfg(test)]
#[path = "../../heddle-core/tests/it/cases.rs"]
mod cases;
mod defaults;
pub mod diff;
mod drift;
mod gate;
mod generated;
pub mod health;
mod hook;
mod inherited;
mod inventory;
mod object;
mod order;
mod origin;
mod plan;
mod prune;
mod wildcard;
mod workload;

pub use defaults::{DefaultsPatch, RefusedField, without_defaults};
pub use drift::{
    Contest, Contested, DriftRules, DriftVerdict, FIGHT_WINDOW, FightBreaker, LONGEST_PAUSE, LookReason, MAX_HEALS,
    OwnEntry, Settled, Takeover, changed_fields, find_field, hash_holders, judge_drift, lost_fields, managers_of,
    own_leaves,
};
pub use gate::{Opened, Progress, Waiting, Why};
pub use generated::{generated_paths, generated_rules, keep_generated, without_generated};
pub use hook::{Hook, HookEnd, ended_hooks, hook_manifest, run_of};
pub use inherited::{Controller, Extent, Inherited, LEAVING_MANAGER, Tool, raised};
pub use inventory::{Holds, Inventory, InventoryEntry, MAX_HOLDS};
pub use object::{GroupKind, ObjectKey, hash_text};
pub use order::{KindClass, Order, Phase, class_of};
pub use origin::{Origin, Suspect, suspects};
pub use plan::{Apply, DesiredObject, Live, LiveObject, Plan, Reason, Refusal, Scope, has_drifted, plan};
pub use prune::{
    Prune, PruneGuard, PruneRules, PruneVerdict, Reached, Spared, Stopped, Terminating, judge_prune, reason_to_hold,
};
pub use workload::{images_of, is_workload};

/// The field manager of everything that is applied.
pub const FIELD_MANAGER: &str = "heddle";

/// The label on everything that is applied; its value is the UID of the Sync.
pub const OWNER_LABEL: &str = "heddle.dev/sync";

/// An object with this annotation and the value `keep` is never pruned.
pub const PRUNE_ANNOTATION: &str = "heddle.dev/prune";

/// The annotation of a Sync that lets the stopped prune with this plan go on.
pub const APPROVE_PRUNE_ANNOTATION: &str = "heddle.dev/approve-prune";
