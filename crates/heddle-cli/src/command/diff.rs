//! `heddle diff`: what differs between objects as they are wanted and as a cluster has them?

mod cluster;

use std::collections::BTreeMap;

use heddle_reconcile::{
    ObjectKey,
    diff::{Difference, Mask, as_text, diff},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::render::render_folder;
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

impl Told {
    fn missing(object: ObjectKey) -> Self {
        Self { object, state: "missing", differences: Vec::new() }
    }

    /// `None` when nothing differs.
    fn changed(object: ObjectKey, differences: Vec<Difference>) -> Option<Self> {
        (!differences.is_empty()).then_some(Self { object, state: "changed", differences })
    }
}

/// Compares every wanted object with the live one of the same name, in a file or in a cluster.
pub(crate) async fn run(arguments: &DiffArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let desired = match arguments.path.is_dir() {
        true => render_folder(&arguments.path, &arguments.programs.kustomize).await?,
        false => read_objects(&arguments.path)?,
    };
    // Fingerprints of Secrets are worth nothing outside of this run.
    let mask = Mask::new(Uuid::new_v4().to_string());
    let (told, faults) = match &arguments.live {
        Some(live) => (with_file(&desired, &read_objects(live)?, &mask), Vec::new()),
        None => cluster::compare(arguments, &desired, &mask, screen).await?,
    };
    show(&told, screen)?;
    if !faults.is_empty() {
        faults.iter().for_each(|fault| screen.note(fault));
        return Ok(Exit::Wrong);
    }
    Ok(if told.is_empty() { Exit::Done } else { Exit::No })
}

fn with_file(desired: &[Value], live: &[Value], mask: &Mask) -> Vec<Told> {
    let live: BTreeMap<ObjectKey, &Value> = live.iter().map(|object| (ObjectKey::of(object), object)).collect();
    let told = |desired: &Value| {
        let object = ObjectKey::of(desired);
        match find(&object, &live) {
            None => Some(Told::missing(object)),
            Some(live) => Told::changed(object, diff(desired, live, mask)),
        }
    };
    desired.iter().filter_map(told).collect()
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
