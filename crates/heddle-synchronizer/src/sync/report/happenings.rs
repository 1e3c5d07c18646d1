//! What a run has done, as Events of Kubernetes tell it. A run that did nothing and found nothing new tells nothing.

use heddle_kube::Happening;
use heddle_wire::agent::DriftReport;

use super::super::run::{Compared, Pruned};

/// Drifts that are told one by one; of more their number is.
const ONE_BY_ONE: usize = 3;

/// What happened in a run. `before` is what the one before came to, `healed` are the drifts that were put back in it.
pub(in crate::sync) fn happenings(
    compared: &Compared,
    before: Option<&Compared>,
    healed: &[&DriftReport],
) -> Vec<Happening> {
    let revision = compared.revision.short();
    let normal = |reason, action, note| Happening { is_warning: false, reason, action, note };
    let warning = |reason, action, note| Happening { is_warning: true, reason, action, note };
    let mut told = Vec::new();
    if compared.applied > healed.len() {
        told.push(normal("Applied", "Apply", format!("applied {} objects of {revision}", compared.applied)));
    }
    if let Some(error) = compared.errors.first()
        && before.is_none_or(|before| before.errors != compared.errors)
    {
        let object = error.object.as_deref().map(|object| format!("{object}: ")).unwrap_or_default();
        let note = format!("{} errors in {revision}, the first: {object}{}", compared.errors.len(), &*error.message);
        told.push(warning("Failed", "Apply", note));
    }
    if compared.deleted > 0 {
        told.push(normal("Pruned", "Prune", format!("deleted {} objects that left the path", compared.deleted)));
    }
    if let Some(first) = compared.kept.first() {
        let others = match compared.kept.len() {
            1 => String::new(),
            many => format!(", and {} more", many - 1),
        };
        let note = format!("{} left the path and stays: {}{others}; no Sync has it any more", first.key, first.reason);
        told.push(normal("Kept", "Prune", note));
    }
    if let Pruned::Stopped(stopped) = &compared.pruned
        && before.and_then(|before| before.pruned.stopped()) != Some(stopped)
    {
        told.push(warning("PruneStopped", "Prune", format!("stopped: {}", stopped.reason)));
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

#[cfg(test)]
mod tests;
