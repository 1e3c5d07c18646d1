//! `heddle diff terraform`: is the world as the folder says?

use anyhow::anyhow;
use heddle_core::drift::{Cause, Deviation, DriftTool, PlanHash};
use heddle_reconcile::diff::Mask;
use heddle_wire::drift::{DriftItem, NotLookedAt};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    config::{Config, DiffTerraformArguments, TerraformArguments},
    exit::{Exit, Failure},
    limits::{TOOL_GRACE, TOOL_LIMIT},
    report::{Reporting, Seen, item},
    screen::Screen,
    terraform::{
        Approval, Basis, Import, Locking, Look, Messages, Move, Planned, REST, Severity, Terraform, TerraformFault,
        read_plan,
    },
    told::Told,
    tool::Bounds,
    words::plain,
};

/// The whole answer, as JSON prints it.
#[derive(Serialize)]
struct Answer<'a> {
    tool: &'static str,
    program: String,
    version: &'a str,
    drift: &'a [Told],
    changes: &'a [Told],
    outputs: &'a [Told],
    data: &'a [String],
    moves: &'a [Move],
    imports: &'a [Import],
    not_looked_at: &'a [String],
    /// Whether planning came to its end.
    complete: bool,
    plan_hash: Option<&'a PlanHash>,
}

/// Plans, and tells what the plan says, to the API as well where that is asked for.
pub(crate) async fn run(
    config: &Config,
    arguments: &DiffTerraformArguments,
    screen: &mut Screen,
) -> Result<Exit, Failure> {
    let dir = &arguments.plan.dir;
    let reporting = Reporting::begin(config, &arguments.report, DriftTool::Terraform, dir, None).await?;
    let mut seen = Seen { program: "terraform".to_owned(), ..Seen::default() };
    let ended = look(&arguments.plan, config.plan_key.as_ref(), Shown::Everything, &mut seen, screen).await;
    match reporting {
        Some(reporting) => reporting.settle(ended, seen, screen).await,
        None => ended,
    }
}

/// Whether what a look finds is printed, or noted alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Everything,
    Nothing,
}

/// Plans, and notes what the plan says.
pub(crate) async fn look(
    arguments: &TerraformArguments,
    plan_key: Option<&SecretString>,
    shown: Shown,
    seen: &mut Seen,
    screen: &mut Screen,
) -> Result<Exit, Failure> {
    let bounds = Bounds::new(arguments.time_limit.unwrap_or(TOOL_LIMIT), TOOL_GRACE);
    let terraform = open(arguments, bounds)?;
    seen.program = terraform.name();
    let planned = terraform.plan(Locking::Off).await.map_err(failure)?;
    let look = look_at(&planned)?;
    look.iter().for_each(|look| note(look, seen));
    tell_messages(&planned.messages, look.as_ref(), screen);
    let has_failed = planned.has_failed || look.as_ref().is_none_or(|look| look.is_errored);
    let hash = match &look {
        Some(look) if !has_failed && look.wants_apply() => {
            let basis = terraform.basis(key_of(plan_key)).await.map_err(failure)?;
            approval(&planned, look, &basis, screen).map(|approval| approval.new_hash())
        }
        _ => None,
    };
    seen.plan_hash = hash.clone();
    if let Some(look) = look.as_ref().filter(|_| shown == Shown::Everything) {
        show(look, &terraform, !has_failed, hash.as_ref(), screen)?;
    }
    if has_failed {
        return Err(could_not_plan(&terraform, &planned.messages, arguments));
    }
    Ok(match look.is_some_and(|look| look.is_same()) {
        true => Exit::Done,
        false => Exit::No,
    })
}

/// Notes what a plan says, for the report.
fn note(look: &Look, seen: &mut Seen) {
    let bare = |object: &str, deviation, reason: String| DriftItem {
        object: object.into(),
        deviation,
        cause: Cause::Git,
        reason: Some(reason.into()),
        differences: Vec::new(),
        more: 0,
        by: None,
        at: None,
    };
    let items = &mut seen.items;
    items.extend(look.drift.iter().map(|one| item(one, Cause::Outside)));
    items.extend(look.changes.iter().chain(&look.outputs).map(|one| item(one, Cause::Git)));
    items.extend(look.moves.iter().map(|one| bare(&one.to, Deviation::Moved, format!("from {}", one.from))));
    items.extend(look.imports.iter().map(|one| bare(&one.object, Deviation::Imported, format!("as {}", one.id))));
    seen.not_looked_at.extend(look.not_looked_at.iter().map(|object| NotLookedAt {
        object: object.as_str().into(),
        reason: "the plan puts it off or leaves it out".into(),
    }));
    seen.version = Some(look.version.clone());
}

/// The program that is to plan the folder.
pub(crate) fn open(arguments: &TerraformArguments, bounds: Bounds) -> Result<Terraform, Failure> {
    let named = arguments.program.as_deref();
    Terraform::open(&arguments.dir, named, &arguments.folders, &arguments.var_files, bounds).map_err(failure)
}

/// What a plan says, where there is one; of one that failed, what it came to know.
pub(crate) fn look_at(planned: &Planned) -> Result<Option<Look>, Failure> {
    // Fingerprints are worth nothing outside of this run.
    let mask = Mask::new(Uuid::new_v4().to_string());
    let mut look = planned.json.as_ref().map(|json| read_plan(json, mask)).transpose().map_err(Failure::wrong)?;
    if let Some(look) = look.as_mut().filter(|look| planned.messages.leaves_out && look.not_looked_at.is_empty()) {
        look.not_looked_at.push(REST.to_owned());
    }
    Ok(look)
}

/// What is to be approved; says so where there is nothing.
pub(crate) fn approval<'a>(planned: &Planned, look: &Look, basis: &'a Basis, screen: &Screen) -> Option<Approval<'a>> {
    let approval = Approval::of(planned.json.as_deref()?, look.has_secrets, basis);
    approval.inspect_err(|why| screen.note(&format!("no plan hash: {why}"))).ok()
}

/// The key of the pipeline, as bytes.
pub(crate) fn key_of(plan_key: Option<&SecretString>) -> Option<Vec<u8>> {
    plan_key.map(|key| key.expose_secret().as_bytes().to_vec())
}

/// What the program said, on stderr.
pub(crate) fn tell_messages(messages: &Messages, look: Option<&Look>, screen: &Screen) {
    for (severity, word) in [(Severity::Warning, "warning: "), (Severity::Error, "")] {
        let texts = messages.texts(severity, look.map(|look| &look.secrets));
        texts.iter().for_each(|text| screen.note(&format!("{word}{text}")));
    }
    if messages.more > 0 {
        screen.note(&format!("and {} messages more", messages.more));
    }
}

/// Why there is no whole plan; what was wrong is told already.
pub(crate) fn could_not_plan(terraform: &Terraform, messages: &Messages, arguments: &TerraformArguments) -> Failure {
    let dir = arguments.dir.display();
    let failure = Failure::wrong(anyhow!("`{} plan` failed in {dir}", terraform.name()));
    match messages.wants_init {
        true => failure.remedy(format!("run `{} -chdir={dir} init`, then this again", terraform.name())),
        false => failure,
    }
}

pub(crate) fn failure(fault: TerraformFault) -> Failure {
    let remedy = match &fault {
        TerraformFault::RefreshOnly(_) => Some("take it out of that variable, then this again"),
        TerraformFault::NoProgram => Some("install one, or name it with --program"),
        TerraformFault::Tool(crate::tool::ToolFault::TooSlow(..)) => Some("give it longer with --time-limit"),
        _ => None,
    };
    let failure = Failure::wrong(fault);
    match remedy {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    }
}

/// Prints the look.
pub(crate) fn show(
    look: &Look,
    terraform: &Terraform,
    complete: bool,
    hash: Option<&PlanHash>,
    screen: &Screen,
) -> Result<(), Failure> {
    if screen.is_json() {
        return screen.json(&Answer {
            tool: "terraform",
            program: terraform.name(),
            version: &look.version,
            drift: &look.drift,
            changes: &look.changes,
            outputs: &look.outputs,
            data: &look.data,
            moves: &look.moves,
            imports: &look.imports,
            not_looked_at: &look.not_looked_at,
            complete,
            plan_hash: hash,
        });
    }
    for one in &look.drift {
        let words = if one.state == Deviation::Missing { "was removed outside" } else { "was changed outside" };
        one.show(words, screen)?;
    }
    for one in look.changes.iter().chain(&look.outputs) {
        one.show(to_be(one.state), screen)?;
    }
    for one in &look.moves {
        screen.line(&format!("{} is to be moved from {}", plain(&one.to), plain(&one.from)))?;
    }
    for one in &look.imports {
        screen.line(&format!("{} is to be imported as {}", plain(&one.object), plain(&one.id)))?;
    }
    for one in &look.not_looked_at {
        screen.line(&format!("{} was put off and not looked at", plain(one)))?;
    }
    if !look.data.is_empty() {
        screen.note(&format!("read by an apply alone: {}", look.data.join(", ")));
    }
    hash.map_or(Ok(()), |hash| screen.line(&format!("plan hash: {hash}")))
}

fn to_be(state: Deviation) -> &'static str {
    match state {
        Deviation::Missing => "is to be made",
        Deviation::Changed => "is to be changed",
        Deviation::Replaced => "is to be replaced",
        Deviation::Unwanted => "is to be removed",
        Deviation::Forgotten => "is to be forgotten",
        Deviation::Moved => "is to be moved",
        Deviation::Imported => "is to be imported",
    }
}
