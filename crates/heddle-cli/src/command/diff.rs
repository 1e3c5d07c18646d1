//! `heddle diff`: what differs between objects as they are wanted and as a cluster has them?

mod ansible;
mod cluster;
pub(crate) mod terraform;

use std::{collections::BTreeMap, path::Path};

use anyhow::anyhow;
use heddle_core::drift::{Cause, Deviation, DriftTool};
use heddle_reconcile::{
    ObjectKey,
    diff::{Difference, Mask, diff},
    keep_generated,
};
use heddle_source::RenderedObject;
use heddle_wire::drift::NotLookedAt;
use serde_json::Value;
use uuid::Uuid;

use super::render::{Around, render_folder};
use crate::{
    config::{ClusterDiffArguments, Config, DiffArguments, DiffTool},
    exit::{Exit, Failure},
    objects::read_objects,
    report::{Reporting, Seen, item},
    screen::Screen,
    told::Told,
};

/// Compares with whatever the arguments name.
pub(crate) async fn run(config: &Config, arguments: &DiffArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    match &arguments.tool {
        Some(DiffTool::Terraform(arguments)) => terraform::run(config, arguments, screen).await,
        Some(DiffTool::Ansible(arguments)) => ansible::run(config, arguments, screen).await,
        None => kubernetes(config, &arguments.cluster, screen).await,
    }
}

/// Compares, and tells the API as well where that is asked for.
async fn kubernetes(config: &Config, arguments: &ClusterDiffArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let path = arguments.path.as_deref().ok_or_else(|| anyhow!("name a folder or a file"))?;
    let reporting = Reporting::begin(config, &arguments.report, DriftTool::Kubernetes, path, None).await?;
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let mut seen = Seen { program: "heddle".to_owned(), version, ..Seen::default() };
    let ended = with_cluster(arguments, path, &mut seen, screen).await;
    match reporting {
        Some(reporting) => reporting.settle(ended, seen, screen).await,
        None => ended,
    }
}

/// Compares every wanted object with the live one of the same name, in a file or in a cluster.
async fn with_cluster(
    arguments: &ClusterDiffArguments,
    path: &Path,
    seen: &mut Seen,
    screen: &mut Screen,
) -> Result<Exit, Failure> {
    let desired = match path {
        stdin if stdin == Path::new("-") => {
            let plain = |value| RenderedObject { value, ..RenderedObject::default() };
            read_objects(stdin)?.into_iter().map(plain).collect()
        }
        path => {
            let fields = (&arguments.fields, arguments.namespace.as_deref());
            let ask = async || match &arguments.live {
                Some(_) => Ok(Around::default()),
                None => cluster::around(arguments).await,
            };
            render_folder(path, fields, &arguments.programs, screen, ask).await?
        }
    };
    // Fingerprints of Secrets are worth nothing outside of this run.
    let mask = Mask::new(Uuid::new_v4().to_string());
    let (told, faults) = match &arguments.live {
        Some(live) => (with_file(&desired, &read_objects(live)?, &mask), Vec::new()),
        None => cluster::compare(arguments, &desired, &mask, screen).await?,
    };
    seen.items.extend(told.iter().map(|one| item(one, Cause::Either)));
    seen.not_looked_at.extend(faults.iter().map(|fault| {
        let (object, reason) = fault.split_once(": ").unwrap_or((fault, "it could not be compared"));
        NotLookedAt { object: object.into(), reason: reason.into() }
    }));
    show(&told, screen)?;
    if !faults.is_empty() {
        faults.iter().for_each(|fault| screen.note(fault));
        return Ok(Exit::Wrong);
    }
    Ok(if told.is_empty() { Exit::Done } else { Exit::No })
}

fn with_file(desired: &[RenderedObject], live: &[Value], mask: &Mask) -> Vec<Told> {
    let live: BTreeMap<ObjectKey, &Value> = live.iter().map(|object| (ObjectKey::of(object), object)).collect();
    let told = |desired: &RenderedObject| {
        let mut manifest = desired.value.clone();
        let mut object = ObjectKey::of(&manifest);
        if object.namespace.is_none() && !live.contains_key(&object) {
            object.namespace = desired.namespace.clone().filter(|_| find(&object, &live).is_none());
        }
        match find(&object, &live) {
            None => Some(Told::missing(ObjectKey::of(&manifest).to_string())),
            Some(live) => {
                keep_generated(&mut manifest, live, &desired.generated.fields);
                Told::changed(object.to_string(), hidden(desired, diff(&manifest, live, mask), mask))
            }
        }
    };
    desired.iter().filter_map(told).collect()
}

/// Differences in an object, with no value told that was encrypted. Of Secrets none is told anyway.
fn hidden(object: &RenderedObject, mut differences: Vec<Difference>, mask: &Mask) -> Vec<Difference> {
    if object.is_opened && object.value["kind"] != "Secret" {
        for difference in &mut differences {
            let values = [&mut difference.live, &mut difference.desired].into_iter().flatten();
            values.for_each(|value| *value = mask.fingerprint(value));
        }
    }
    differences
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
        return screen.json(&told);
    }
    let words = |one: &Told| if one.state == Deviation::Missing { "is not in the cluster" } else { "" };
    told.iter().try_for_each(|one| one.show(words(one), screen))
}
