//! `heddle sync terraform`: applies exactly what somebody approved.

use anyhow::anyhow;
use heddle_core::drift::DriftTool;
use secrecy::SecretString;

use super::diff::terraform::{
    Shown, approval, could_not_plan, failure, key_of, look, look_at, open, show, tell_messages,
};
use crate::{
    config::{Config, SyncTerraformArguments},
    exit::{Exit, Failure},
    limits::{APPLY_GRACE, APPLY_LIMIT},
    report::{Reporting, Seen},
    screen::Screen,
    terraform::{Locking, Look, Messages, Planned, Terraform},
    tool::Bounds,
};

/// Applies what was approved, and tells the API what is left where that is asked for.
pub(crate) async fn terraform(
    config: &Config,
    arguments: &SyncTerraformArguments,
    screen: &mut Screen,
) -> Result<Exit, Failure> {
    let plan_key = config.plan_key.as_ref();
    let dir = &arguments.plan.dir;
    let reporting = Reporting::begin(config, &arguments.report, DriftTool::Terraform, dir, None).await?;
    // What is refused changes nothing, so that there is nothing to tell.
    let approved = plan_approved(arguments, plan_key, screen).await?;
    let ended = apply(&approved, screen).await;
    let Some(mut reporting) = reporting else { return ended };
    // An apply that failed half way leaves something too.
    reporting.begin_again();
    let mut seen = Seen { program: "terraform".to_owned(), ..Seen::default() };
    let left = look(&arguments.plan, plan_key, Shown::Nothing, &mut seen, screen).await;
    match (ended, reporting.settle(left, seen, screen).await) {
        (Ok(exit), Ok(_)) => Ok(exit),
        (Ok(_), Err(failure)) => Err(failure),
        (Err(failure), told) => {
            told.err().iter().for_each(|failure| screen.fail(failure));
            Err(failure)
        }
    }
}

/// A plan whose hash is the approved one.
struct Approved {
    terraform: Terraform,
    planned: Planned,
    look: Look,
}

/// Plans anew, under the lock.
async fn plan_approved(
    arguments: &SyncTerraformArguments,
    plan_key: Option<&SecretString>,
    screen: &mut Screen,
) -> Result<Approved, Failure> {
    let bounds = Bounds::new(arguments.plan.time_limit.unwrap_or(APPLY_LIMIT), APPLY_GRACE);
    let terraform = open(&arguments.plan, bounds)?;
    let planned = terraform.plan(Locking::On).await.map_err(failure)?;
    let look = look_at(&planned)?;
    tell_messages(&planned.messages, look.as_ref(), screen);
    let Some(look) = look.filter(|look| !planned.has_failed && !look.is_errored) else {
        return Err(could_not_plan(&terraform, &planned.messages, &arguments.plan));
    };
    if !look.wants_apply() {
        return Err(Failure::wrong(anyhow!("nothing was applied: there is nothing to apply any more")));
    }
    let basis = terraform.basis(key_of(plan_key)).await.map_err(failure)?;
    let now = approval(&planned, &look, &basis, screen).map(|approval| approval.hash_like(&arguments.approve));
    if now.as_ref() != Some(&arguments.approve) {
        show(&look, &terraform, true, now.as_ref(), screen)?;
        let now = now.map_or_else(|| "none".to_owned(), |now| now.to_string());
        let refused =
            anyhow!("nothing was applied: the plan is another one; approved {}, now {now}", arguments.approve);
        return Err(Failure::wrong(refused).remedy("look at `heddle diff terraform` again, and approve what it prints"));
    }
    Ok(Approved { terraform, planned, look })
}

/// Applies exactly that plan.
async fn apply(approved: &Approved, screen: &Screen) -> Result<Exit, Failure> {
    let Approved { terraform, planned, look } = approved;
    let (is_done, messages) = terraform.apply(planned).await.map_err(failure)?;
    tell_messages(&messages, Some(look), screen);
    if !is_done {
        return Err(Failure::wrong(anyhow!("`{} apply` failed", terraform.name()))
            .remedy("what was applied before stays; `heddle diff terraform` says what is left"));
    }
    tell(&messages, screen)?;
    Ok(Exit::Done)
}

fn tell(messages: &Messages, screen: &Screen) -> Result<(), Failure> {
    let Some(done) = messages.summary else { return Ok(()) };
    match screen.is_json() {
        true => screen.json(&done),
        false => screen.line(&format!("applied: {} added, {} changed, {} removed", done.add, done.change, done.remove)),
    }
}
