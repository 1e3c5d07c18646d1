//! What a run has done, as Events of Kubernetes tell it. A run that did nothing and found nothing new tells nothing.

use heddle_core::git::Revision;
use heddle_kube::Happening;
use heddle_wire::agent::DriftReport;

use super::super::run::{Compared, Done, Pruned};

/// Drifts that are told one by one; of more their number is.
const ONE_BY_ONE: usize = 3;

fn normal(reason: &'static str, action: &'static str, note: String) -> Happening {
    Happening { is_warning: false, reason, action, note }
}

fn warning(reason: &'static str, action: &'static str, note: String) -> Happening {
    Happening { is_warning: true, reason, action, note }
}

/// What a run has done for a revision, whether or not it came to its end. `healed` are the drifts that were put back in it.
pub(in crate::sync) fn done(done: &Done, revision: &Revision, healed: &[&DriftReport]) -> Vec<Happening> {
    let revision = revision.short();
    let mut told = Vec::new();
    if done.applied > healed.len() {
        told.push(normal("Applied", "Apply", format!("applied {} objects of {revision}", done.applied)));
    }
    if done.deleted > 0 {
        told.push(normal("Pruned", "Prune", format!("deleted {} objects that left the path", done.deleted)));
    }
    if let Some(first) = done.kept.first() {
        let others = match done.kept.len() {
            1 => String::new(),
            many => format!(", and {} more", many - 1),
        };
        let note = format!("{} left the path and stays: {}{others}; no Sync has it any more", first.key, first.reason);
        told.push(normal("Kept", "Prune", note));
    }
    match healed.len() {
        0 => {}
        1..=ONE_BY_ONE => told.extend(healed.iter().map(|drift| {
            let who = drift.manager.as_deref().map(|who| format!(" by {who}")).unwrap_or_default();
            let fields: Vec<&str> = drift.fields.iter().map(|field| &**field).collect();
            let what = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
            normal("DriftHealed", "Heal", format!("{} was changed{who} and put back{what}", &*drift.object))
        })),
        many => told.push(normal("DriftHealed", "Heal", format!("{many} objects were changed by others and put back"))),
    }
    told
}

/// What a comparison has found. `before` is what the one before came to.
pub(in crate::sync) fn found(compared: &Compared, before: Option<&Compared>) -> Vec<Happening> {
    let mut told = Vec::new();
    if let Some(error) = compared.errors.first()
        && before.is_none_or(|before| before.errors != compared.errors)
    {
        let revision = compared.revision.short();
        let object = error.object.as_deref().map(|object| format!("{object}: ")).unwrap_or_default();
        let note = format!("{} errors in {revision}, the first: {object}{}", compared.errors.len(), &*error.message);
        told.push(warning("Failed", "Apply", note));
    }
    if let Pruned::Stopped(stopped) = &compared.pruned
        && before.and_then(|before| before.pruned.stopped()) != Some(stopped)
    {
        told.push(warning("PruneStopped", "Prune", format!("stopped: {}", stopped.reason)));
    }
    told
}

#[cfg(test)]
mod tests;
