//! Which commit of a branch's own line brought another commit: by parents, never by clocks. Values in, values out.

use std::collections::{HashMap, HashSet};

use heddle_core::git::Revision;
use heddle_github::Commit;

/// Those of `commits` that stand beside the line, each with the commit of it that brought it. `line` is the newest part of
/// a branch's own line, newest first, and `commits` is everything that came with it.
pub fn beside<'a>(line: &'a [Commit], commits: &'a [Commit]) -> Vec<(&'a Commit, &'a Revision)> {
    let by_id: HashMap<&Revision, &Commit> = commits.iter().map(|commit| (&commit.revision, commit)).collect();
    let mut known: HashSet<&Revision> = line.iter().map(|commit| &commit.revision).collect();
    let mut found = Vec::new();
    // The oldest first: what an earlier merge brought, a later one does not bring again.
    for merge in line.iter().rev() {
        let mut next: Vec<&Revision> = merge.parents.iter().skip(1).collect();
        while let Some(commit) = next.pop().and_then(|id| by_id.get(id)) {
            if known.insert(&commit.revision) {
                found.push((*commit, &merge.revision));
                next.extend(&commit.parents);
            }
        }
    }
    found
}

/// The first commit of the branch's own line that is `wanted` or contains it. `commits` is everything that `head` has more
/// than `wanted`, which is an ancestor of it.
pub fn carrier<'a>(head: &'a Revision, wanted: &'a Revision, commits: &'a [Commit]) -> &'a Revision {
    let by_id: HashMap<&Revision, &Commit> = commits.iter().map(|commit| (&commit.revision, commit)).collect();
    let mut containing: HashSet<&Revision> = HashSet::from([wanted]);
    // Hosts list parents before children; where one does not, the loop goes round again.
    loop {
        let before = containing.len();
        for commit in commits {
            if commit.parents.iter().any(|parent| containing.contains(parent)) {
                containing.insert(&commit.revision);
            }
        }
        if containing.len() == before {
            break;
        }
    }
    let (mut at, mut carrier) = (head, head);
    while containing.contains(at) {
        carrier = at;
        match by_id.get(at).and_then(|commit| commit.parents.first()) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    carrier
}

#[cfg(test)]
mod tests;
