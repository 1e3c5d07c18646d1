//! The verdicts of Argo CD: its built-in kinds to the letter, custom resources by rules, and what nobody listed by the
//! words that its status uses.
//!
//! Source: `argo-cd/gitops-engine/pkg/health` and `resource_customizations`. Its words are `Healthy`, `Progressing`,
//! `Degraded`, `Suspended`, `Missing` and `Unknown`.

mod builtin;
mod special;

use serde_json::Value;

use super::{Verdict, generic, rules};
use crate::GroupKind;

/// A hook that is being deleted is judged on.
const HOOK_FINALIZER: &str = "argocd.argoproj.io/hook-finalizer";

/// Judges an object as Argo CD does.
pub(super) fn judge(kind: &GroupKind, object: &Value) -> Verdict {
    let finalizers = object["metadata"]["finalizers"].as_array();
    let is_hook = finalizers.is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == HOOK_FINALIZER));
    if object["metadata"]["deletionTimestamp"].is_string() && !is_hook {
        return Verdict::progressing("Terminating", "it is being deleted");
    }
    find(kind, object).unwrap_or_else(|| generic::judge(kind, object))
}

/// The verdict, where Argo CD or a rule of ours knows the kind.
pub(super) fn find(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    special::judge(kind, object).or_else(|| rules::judge(kind, object)).or_else(|| builtin::judge(kind, object))
}
