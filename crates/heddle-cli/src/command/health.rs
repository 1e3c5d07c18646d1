//! `heddle health`: how are the objects in a file doing?

use std::path::Path;

use anyhow::{Context, anyhow};
use chrono::Utc;
use heddle_core::health::HealthStatus;
use heddle_manifest::documents::parse_document;
use heddle_reconcile::{
    ObjectKey,
    health::{Expressions, HealthExpressions, Profile, Verdict, judge_all},
};
use serde_json::{Value, json};

use crate::{
    config::{HealthArguments, HealthProfile},
    exit::{Exit, Failure},
    objects::{read_objects, read_text},
    screen::Screen,
    table::{Cell, Table, Tone},
};

/// Judges every object of a file.
pub(crate) fn run(arguments: &HealthArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let profile = match arguments.profile {
        HealthProfile::Strict => Profile::Strict,
        HealthProfile::Kstatus => Profile::Kstatus,
        HealthProfile::Flux => Profile::Flux,
        HealthProfile::Argo => Profile::Argo,
    };
    let expressions = arguments.expressions.as_deref().map_or(Ok(Vec::new()), read_expressions)?;
    let objects = read_objects(&arguments.file)?;
    let now = arguments.now.unwrap_or_else(Utc::now);
    let mut verdicts = judge_all(profile, &objects, now);
    for (object, verdict) in objects.iter().zip(&mut verdicts) {
        if let Some(checks) = expressions.iter().find(|checks| checks.fit(object)) {
            *verdict = checks.judge(object).map_err(|error| anyhow!("{}: {error}", ObjectKey::of(object)))?;
        }
    }
    show(profile, &objects, &verdicts, screen)?;
    let healthy = verdicts.iter().all(|verdict| verdict.status == HealthStatus::Healthy);
    Ok(if healthy { Exit::Done } else { Exit::No })
}

fn show(profile: Profile, objects: &[Value], verdicts: &[Verdict], screen: &Screen) -> Result<(), Failure> {
    let rows = || objects.iter().zip(verdicts).map(|(object, verdict)| (ObjectKey::of(object).to_string(), verdict));
    if screen.is_json() {
        let all: Vec<Value> = rows()
            .map(|(object, verdict)| {
                json!({
                    "object": object, "status": profile.word(verdict.status), "reason": verdict.reason,
                    "message": verdict.message,
                })
            })
            .collect();
        return screen.json(&all);
    }
    let mut table = Table::new(&["OBJECT", "STATUS", "REASON", "MESSAGE"]);
    for (object, verdict) in rows() {
        let tone = match verdict.status {
            HealthStatus::Healthy => Tone::Good,
            HealthStatus::Progressing | HealthStatus::Terminating => Tone::Moving,
            HealthStatus::Suspended | HealthStatus::Unknown => Tone::Waiting,
            HealthStatus::Missing | HealthStatus::Degraded => Tone::Bad,
        };
        let status = Cell::toned(profile.word(verdict.status), tone);
        table.row(vec![Cell::new(object), status, Cell::new(&verdict.reason), Cell::new(&verdict.message)]);
    }
    screen.table(&table)
}

fn read_expressions(path: &Path) -> Result<Vec<Expressions>, Failure> {
    let context = || format!("{} holds no health expressions", path.display());
    let value = parse_document(&read_text(path)?).with_context(context)?;
    let written: Vec<HealthExpressions> = serde_json::from_value(value).with_context(context)?;
    let read = written.iter().map(|checks| Expressions::read(checks).with_context(context).map_err(Failure::from));
    read.collect()
}
