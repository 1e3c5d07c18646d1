//! `heddle diff ansible`: would the playbook change anything?

use anyhow::anyhow;
use heddle_core::drift::{Cause, DriftTool};
use heddle_wire::drift::NotLookedAt;
use serde::Serialize;

use crate::{
    ansible::{Ansible, AnsibleFault, Checked, NotLooked},
    config::{AnsibleArguments, Config},
    exit::{Exit, Failure},
    limits::{TOOL_GRACE, TOOL_LIMIT},
    report::{Reporting, Seen, item},
    screen::Screen,
    told::Told,
    tool::{Bounds, ToolFault},
    words::plain,
};

/// The whole answer, as JSON prints it.
#[derive(Serialize)]
struct Answer<'a> {
    tool: &'static str,
    version: &'a str,
    changes: &'a [Told],
    unreachable: &'a [NotLooked],
    failed: &'a [NotLooked],
    not_checked: &'a [NotLooked],
    plays_without_hosts: &'a [String],
    hosts: usize,
    more: u64,
    /// Whether every host and task was looked at.
    complete: bool,
}

/// Runs the playbook in check mode, and tells what it would change, to the API as well where that is asked for.
pub(crate) async fn run(config: &Config, arguments: &AnsibleArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let (place, only) = (&arguments.playbook, arguments.limit.as_deref());
    let reporting = Reporting::begin(config, &arguments.report, DriftTool::Ansible, place, only).await?;
    let mut seen = Seen { program: "ansible-playbook".to_owned(), ..Seen::default() };
    let ended = look(arguments, &mut seen, screen).await;
    match reporting {
        Some(reporting) => reporting.settle(ended, seen, screen).await,
        None => ended,
    }
}

async fn look(arguments: &AnsibleArguments, seen: &mut Seen, screen: &mut Screen) -> Result<Exit, Failure> {
    let bounds = Bounds::new(arguments.time_limit.unwrap_or(TOOL_LIMIT), TOOL_GRACE);
    let ansible = Ansible::open(arguments, bounds).map_err(failure)?;
    let checked = ansible.check().await.map_err(failure)?;
    note(&checked, seen);
    if !checked.refused.is_empty() {
        return Err(refused(&checked));
    }
    show(&checked, screen)?;
    let is_faulty = !(checked.unreachable.is_empty() && checked.failed.is_empty() && checked.without_hosts.is_empty());
    Ok(match (is_faulty, checked.changes.is_empty()) {
        (true, _) => Exit::Wrong,
        (false, false) => Exit::No,
        (false, true) if checked.is_whole() => Exit::Done,
        // Nothing is known to differ, yet nobody may take it for the same.
        (false, true) => Exit::Wrong,
    })
}

/// Notes what a run found, for the report.
fn note(checked: &Checked, seen: &mut Seen) {
    seen.version = Some(checked.version.clone());
    // Check mode does not tell who moved: the world or the playbook.
    seen.items.extend(checked.changes.iter().map(|one| item(one, Cause::Either)));
    for one in [&checked.unreachable, &checked.failed, &checked.not_checked].into_iter().flatten() {
        let object = format!("{}: {}", one.host, one.task);
        seen.not_looked_at.push(NotLookedAt { object: object.into(), reason: one.reason.as_str().into() });
    }
    for play in &checked.without_hosts {
        seen.not_looked_at.push(NotLookedAt { object: play.as_str().into(), reason: "the play has no host".into() });
    }
    seen.more_not_looked_at = checked.more;
    if !checked.is_whole() && seen.not_looked_at.is_empty() && checked.more == 0 {
        seen.not_looked_at.push(NotLookedAt { object: "the playbook".into(), reason: "it ran on no host".into() });
    }
}

fn refused(checked: &Checked) -> Failure {
    let place = |path: &Option<String>| path.as_ref().map(|path| format!(" ({path})")).unwrap_or_default();
    let tasks: Vec<String> =
        checked.refused.iter().map(|task| format!("`{}`{}", plain(&task.name), place(&task.path))).collect();
    Failure::wrong(anyhow!("these tasks would really run, because they have `check_mode: false`: {}", tasks.join(", ")))
        .remedy("if one only reads, name it with --allow-running, once for each")
}

fn failure(fault: AnsibleFault) -> Failure {
    let remedy = match &fault {
        AnsibleFault::Tool(ToolFault::TooSlow(..)) => Some("give it longer with --time-limit"),
        AnsibleFault::Tool(ToolFault::NotRun(..)) => Some("install ansible-core, or name its program with --program"),
        _ => None,
    };
    let failure = Failure::wrong(fault);
    match remedy {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    }
}

fn show(checked: &Checked, screen: &Screen) -> Result<(), Failure> {
    if screen.is_json() {
        return screen.json(&Answer {
            tool: "ansible",
            version: &checked.version,
            changes: &checked.changes,
            unreachable: &checked.unreachable,
            failed: &checked.failed,
            not_checked: &checked.not_checked,
            plays_without_hosts: &checked.without_hosts,
            hosts: checked.hosts,
            more: checked.more,
            complete: checked.is_whole(),
        });
    }
    checked.changes.iter().try_for_each(|one| one.show("would change", screen))?;
    let rest = [
        ("cannot be reached", &checked.unreachable),
        ("failed", &checked.failed),
        ("cannot be checked", &checked.not_checked),
    ];
    for (words, all) in rest {
        for one in all {
            screen.note(&format!("{}: {} {words}: {}", one.host, one.task, one.reason));
        }
    }
    checked.without_hosts.iter().for_each(|play| screen.note(&format!("no host for the play {play}")));
    if checked.more > 0 {
        screen.note(&format!("and {} findings more", checked.more));
    }
    Ok(())
}
