//! `heddle diff`: what differs between objects as they are wanted and as a cluster has them?

use std::collections::BTreeMap;

use heddle_reconcile::{
    ObjectKey,
    diff::{Difference, Mask, as_text, diff},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    config::DiffArguments,
    exit::{Exit, Failure},
    objects::read_objects,
    screen::Screen,
};

/// What is to be told of one object.
struct Told {
    object: ObjectKey,
    /// `missing` in the cluster, or `changed`.
    state: &'static str,
    differences: Vec<Difference>,
}

/// Compares every wanted object with the live one of the same name.
pub(crate) fn run(arguments: &DiffArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let desired = read_objects(&arguments.file)?;
    let live = read_objects(&arguments.live)?;
    let live: BTreeMap<ObjectKey, &Value> = live.iter().map(|object| (ObjectKey::of(object), object)).collect();
    // Fingerprints of Secrets are worth nothing outside of this run.
    let mask = Mask::new(Uuid::new_v4().to_string());
    let told: Vec<Told> = desired.iter().filter_map(|desired| compare(desired, &live, &mask)).collect();
    show(&told, screen)?;
    Ok(if told.is_empty() { Exit::Done } else { Exit::No })
}

fn compare(desired: &Value, live: &BTreeMap<ObjectKey, &Value>, mask: &Mask) -> Option<Told> {
    let object = ObjectKey::of(desired);
    match find(&object, live) {
        None => Some(Told { object, state: "missing", differences: Vec::new() }),
        Some(live) => {
            let differences = diff(desired, live, mask);
            (!differences.is_empty()).then_some(Told { object, state: "changed", differences })
        }
    }
}

/// The live object of a name. A manifest may leave its namespace to whoever applies it; then the name must be the only one.
fn find<'a>(object: &ObjectKey, live: &BTreeMap<ObjectKey, &'a Value>) -> Option<&'a Value> {
    if let Some(found) = live.get(object) {
        return Some(found);
    }
    let mut others =
        live.iter().filter(|(key, _)| object.namespace.is_none() && key.kind == object.kind && key.name == object.name);
    match (others.next(), others.next()) {
        (Some((_, found)), None) => Some(found),
        _ => None,
    }
}

fn show(told: &[Told], screen: &Screen) -> Result<(), Failure> {
    if screen.is_json() {
        let all: Vec<Value> = told
            .iter()
            .map(|one| json!({"object": one.object.to_string(), "state": one.state, "differences": one.differences}))
            .collect();
        return screen.json(&all);
    }
    for one in told {
        screen.line(&format!(
            "{} {}",
            one.object,
            if one.state == "missing" { "is not in the cluster" } else { "" }
        ))?;
        screen.text(&as_text(&one.differences))?;
    }
    Ok(())
}
