//! Joins where images stand with what is said of them beside it.

use std::collections::{HashMap, HashSet};

use heddle_core::{change::Mode, image::ImageRepository};

use crate::{
    Config, Files, Finding, Found,
    config::read_comment,
    find::{FindInput, Occurrence, find_places},
    peers::{Brought, Wish},
    ruling::{Beside, Ruling},
    yaml::Position,
};

/// Finds every place on a branch that says which image runs, with the environments it belongs to and what is said of it
/// beside it.
pub fn find(input: &FindInput<'_>) -> Found {
    let mut found = find_places(input);
    say_beside(input.files, &mut found);
    found.findings.sort();
    found.findings.dedup();
    found
}

impl Found {
    /// Takes away that a chart cannot be written where nothing would move it: `Chart.lock` stands beside most charts.
    pub fn leave_out_idle_charts(&mut self, config: &Config) {
        let is_idle = |one: &&Occurrence| {
            one.is_chart && one.environments.iter().all(|environment| config.ruling(one, environment).is_none())
        };
        let at = |one: &Occurrence| Some((one.place.file.clone(), one.value.spot()?.position));
        let idle: HashSet<(String, Position)> = self.occurrences.iter().filter(is_idle).filter_map(at).collect();
        let is_at_idle = |finding: &Finding| idle.contains(&(finding.file.clone(), finding.position));
        self.findings.retain(|finding| finding.code != "not-editable" || !is_at_idle(finding));
    }
}

/// What stands beside the images: our own comments, and what people bring.
fn say_beside(files: &Files, found: &mut Found) {
    let brought = Brought::read(files, &found.occurrences);
    let mut wishes: HashMap<&ImageRepository, Vec<&Wish>> = HashMap::new();
    brought.wishes.iter().for_each(|wish| wishes.entry(&wish.image).or_default().push(wish));
    for (index, occurrence) in found.occurrences.iter_mut().enumerate() {
        let (place, policy, is_chart) = (&occurrence.place, occurrence.policy.as_ref(), occurrence.is_chart);
        if let Some((comment, findings)) =
            policy.and_then(|found| read_comment(found, &place.file, place.line, is_chart))
        {
            found.findings.extend(findings);
            occurrence.beside = Some(comment);
            continue;
        }
        let mut meant = wishes.get(&occurrence.image.repository).into_iter().flatten();
        occurrence.beside = meant.find(|wish| wish.covers(index, occurrence)).map(|wish| of_peer(wish));
    }
    found.unfollowed = brought.faults;
}

/// What a peer wishes. Heddle is new to such a repository, so a person merges; what is only watched today stays so.
fn of_peer(wish: &Wish) -> Beside {
    let mode = if wish.mode == Mode::Observe { Mode::Observe } else { Mode::PullRequest };
    let (file, line) = (wish.origin.file.clone(), wish.origin.line);
    Beside::Peer(Ruling { file, line, policy: Some(wish.policy.clone()), mode, interval: None })
}
