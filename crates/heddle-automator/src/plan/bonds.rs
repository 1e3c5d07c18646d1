//! Places that change together: all of them get what was chosen, in one commit or pull request, or none does.

use std::collections::BTreeSet;

use heddle_core::{change::Mode, name::EnvironmentName};
use heddle_manifest::{bond, config::Grouping, find::Occurrence};
use heddle_wire::automator::Finding;

use super::{Choice, Chosen, PlanInput, Wanted, choice::written, finding};

/// Holds back every place whose companions do not get the same.
pub(super) fn hold(input: &PlanInput<'_>, choices: &mut [Chosen<'_>], findings: &mut Vec<Finding>) {
    for branch in input.branches {
        let here: Vec<usize> = (0..choices.len()).filter(|index| choices[*index].0.name == branch.name).collect();
        let occurrences: Vec<&Occurrence> = here.iter().map(|index| choices[*index].1).collect();
        for group in bond::groups(&occurrences) {
            let members: Vec<usize> = group.into_iter().map(|member| here[member]).collect();
            settle(input, &members, choices, findings);
        }
    }
}

fn settle(input: &PlanInput<'_>, members: &[usize], choices: &mut [Chosen<'_>], findings: &mut Vec<Finding>) {
    let Some(first) = members.iter().find_map(|index| wanted(&choices[*index])).cloned() else { return };
    let odd = members.iter().copied().find(|index| !agrees(&choices[*index], &first));
    let modes = members.iter().filter_map(|index| wanted(&choices[*index])).map(|wanted| wanted.mode);
    let mode = modes.max().unwrap_or(first.mode);
    let environments = |index: &usize| -> Option<BTreeSet<&EnvironmentName>> {
        let wanted = wanted(&choices[*index])?;
        Some(wanted.environments.iter().copied().collect())
    };
    let scopes: BTreeSet<_> = members.iter().filter_map(environments).collect();
    let wanted_here = || members.iter().filter_map(|index| wanted(&choices[*index]));
    let requests: BTreeSet<_> = wanted_here().map(|wanted| wanted.request.map(|request| request.id)).collect();
    let is_of_request = first.request.is_some();
    let is_one_proposal = requests.len() <= 1
        && (is_of_request || scopes.len() <= 1 || mode == Mode::Commit || input.config.grouping == Grouping::Branch);
    if odd.is_none() && is_one_proposal {
        let gate = members.iter().filter_map(|index| wanted(&choices[*index])?.gate.clone()).next();
        for index in members {
            if let Choice::Update(wanted) = &mut choices[*index].2 {
                wanted.mode = mode;
                wanted.gate.clone_from(&gate);
            }
        }
        return;
    }
    let why = match odd {
        Some(odd) => {
            let place = &choices[odd].1.place;
            format!("`{}:{}` changes with this place and does not get the same", place.file, place.line)
        }
        None if requests.len() > 1 => "what changes with this place is asked for by another request or by none, so it \
                                       would go into another proposal"
            .to_owned(),
        None => "what changes with this place belongs to other environments, so it would go into another pull request"
            .to_owned(),
    };
    for index in members {
        let (branch, occurrence, choice) = &mut choices[*index];
        if matches!(choice, Choice::Update(_)) {
            *choice = Choice::Unknown;
            findings.push(finding(branch, occurrence, "half-written", format!("{why}, so it is not updated")));
        }
    }
}

fn wanted<'c, 'a>(chosen: &'c Chosen<'a>) -> Option<&'c Wanted<'a>> {
    match &chosen.2 {
        Choice::Update(wanted) => Some(wanted),
        Choice::Keep | Choice::Unknown => None,
    }
}

/// Whether a place gets the same, or says it already.
fn agrees((_, occurrence, choice): &Chosen<'_>, first: &Wanted<'_>) -> bool {
    match choice {
        Choice::Update(own) => (&own.to, &own.to_digest) == (&first.to, &first.to_digest),
        Choice::Keep | Choice::Unknown => {
            let target = written(&first.to, first.to_digest.as_ref());
            occurrence.obstacle.is_none() && occurrence.edits(&target).is_ok_and(|edits| edits.is_empty())
        }
    }
}
