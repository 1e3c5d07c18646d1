//! What people asked to be written into `.heddle.yaml`: holds and freezes that come, change or go.

use heddle_core::{change::Mode, id::RequestId};
use heddle_manifest::config::{CONFIG_FILE, ChangeError, Surroundings, change};
use heddle_wire::automator::{OpenRequest, PlannedProposal};

use super::{
    NewText, OpenState, OpenView, Plan, PlanInput, Requests,
    request::{ENDED, Obstacle},
    write,
};
use crate::text;

/// `.heddle.yaml` of the default branch, as bytes that may be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RulesFile {
    /// There is none.
    Missing,
    /// Its text.
    Text(String),
    /// It is a link or no UTF-8, so that no edit of it keeps every byte.
    Unreadable,
}

/// What `.heddle.yaml` becomes by a request; `None` where it asks for nothing there.
pub(super) fn changed(input: &PlanInput<'_>, request: &OpenRequest) -> Result<Option<NewText>, Obstacle> {
    let edits = request.asked.edits();
    if edits.is_empty() {
        return Ok(None);
    }
    if own(input, request.id).is_some_and(|open| open.state == OpenState::Ended) {
        return Err(Obstacle::Waits(Vec::new(), ENDED.to_owned()));
    }
    let refused = |reason: &str| Err(Obstacle::Refused(reason.to_owned()));
    if request.branch != *input.default_branch {
        return refused("only the default branch's `.heddle.yaml` counts, and the environment is on another branch");
    }
    let text = match input.rules_file {
        RulesFile::Missing => None,
        RulesFile::Text(text) => Some(text.as_str()),
        RulesFile::Unreadable => return refused("`.heddle.yaml` is a link or no UTF-8, and is not edited"),
    };
    let change = match change(text, edits, &surroundings(input)) {
        Ok(change) => change,
        // Until it is mended nothing is written, and no request ends.
        Err(error @ ChangeError::Broken { .. }) => return Err(Obstacle::Waits(Vec::new(), error.to_string())),
        // The rest of the request is still to be written.
        Err(ChangeError::Same) if request.asked.places().next().is_some() => return Ok(None),
        Err(other) => return Err(Obstacle::Refused(other.to_string())),
    };
    let shown = request.asked.touched();
    if let Some(name) = change.environments.iter().find(|name| !shown.contains(*name)) {
        return Err(Obstacle::Refused(format!("it would count in `{name}` too by now, which was not shown")));
    }
    Ok(Some(NewText { path: CONFIG_FILE.to_owned(), text: change.text }))
}

/// All environments, those too that only a Sync names, and the places that several of them share.
fn surroundings(input: &PlanInput<'_>) -> Surroundings {
    let found = || input.branches.iter().flat_map(|branch| &branch.found.occurrences);
    let named = input.config.environments.iter().map(|one| &one.name);
    Surroundings::of(
        named.chain(found().flat_map(|one| &one.environments)),
        found().map(|one| (&one.image.repository, &one.environments)),
    )
}

fn own<'i, 'a>(input: &'i PlanInput<'a>, request: RequestId) -> Option<&'i OpenView<'a>> {
    input.open.iter().find(|open| open.proposal.request == Some(request))
}

/// A pull request for each request that asks for entries of `.heddle.yaml` alone, beside those that are open.
pub(super) fn propose(input: &PlanInput<'_>, requests: &Requests<'_>, plan: &mut Plan) {
    let Some(branch) = input.branches.iter().find(|branch| branch.name == *input.default_branch) else { return };
    for (request, file) in requests.of_rules_alone() {
        let open = own(input, request.id);
        if open.is_some_and(|open| open.state != (OpenState::Ours { conflicting: true })) {
            continue;
        }
        let before = match input.rules_file {
            RulesFile::Text(text) => text.as_str(),
            RulesFile::Missing | RulesFile::Unreadable => "",
        };
        plan.request.proposals.push(PlannedProposal {
            updates: open.map(|open| open.proposal.id),
            request: Some(request.id),
            mode: Mode::PullRequest,
            group: "rules-by-request".to_owned(),
            base_branch: branch.name.clone(),
            base: branch.head.clone(),
            expected_head: open.and_then(|open| open.head.or(open.proposal.head.as_ref())).cloned(),
            title: text::rules_title(request.asked.edits()),
            body: text::rules(
                &request.requested,
                request.asked.edits(),
                &write::unified(CONFIG_FILE, before, &file.text),
            ),
            changes: Vec::new(),
        });
        plan.writes.push(vec![file.clone()]);
    }
}
