//! What an update writes: places, tags and open proposals in, announcements and new texts out. Pure.
//!
//! Nothing here decides which tag is right (that is `heddle_core::policy`) or where images stand (that is
//! `heddle_manifest`); it joins both with what is already proposed. When something is not known, because a list is
//! incomplete, a rule is broken or a place cannot be edited, what is proposed stays as it is.

mod bonds;
mod choice;
mod group;
mod policies;
mod promotion;
mod request;
mod rules;
mod write;

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, Mode},
    git::{BranchName, Revision},
    id::{ProposalId, RequestId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
};
use heddle_manifest::{Config, Files, Found, config::Ruling, find::Occurrence};
use heddle_wire::automator::{
    Barred, Finding, ImageTags, OpenProposal, OpenRequest, PlanRequest, PlannedProposal, Proven,
};

use self::request::Requests;
pub use self::rules::RulesFile;
use crate::text::Signature;

/// A branch as it was read.
#[derive(Debug, Clone)]
pub struct Branch {
    /// Its name.
    pub name: BranchName,
    /// Its head.
    pub head: Revision,
    /// Its texts.
    pub files: Files,
    /// The files among them that are executable, and stay so.
    pub executable: BTreeSet<String>,
    /// What stands in them.
    pub found: Found,
}

impl Branch {
    /// Whether a file could not be read, so that it may hold what is not found.
    fn has_unread(&self) -> bool {
        const UNREAD: [&str; 5] = ["broken-yaml", "template", "too-large", "broken-kustomization", "missing-file"];
        self.found.findings.iter().any(|finding| UNREAD.contains(&finding.code))
    }
}

/// An open proposal, as GitHub has it now.
#[derive(Debug, Clone, Copy)]
pub struct OpenView<'a> {
    /// The proposal.
    pub proposal: &'a OpenProposal,
    /// Where it stands.
    pub state: OpenState,
    /// The head of its branch now: ours, or a merge of the base on top of it.
    pub head: Option<&'a Revision>,
}

/// Where an open proposal stands on GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenState {
    /// Every commit on its branch is ours.
    Ours {
        /// It cannot be merged into its base any more.
        conflicting: bool,
    },
    /// A person committed to its branch.
    Person,
    /// It was merged or closed, or cannot be seen, and no read has said so yet. Its places are left alone.
    Ended,
}

impl OpenView<'_> {
    fn is_ours(&self) -> bool {
        matches!(self.state, OpenState::Ours { .. })
    }
}

/// All that a plan depends on.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The rules.
    pub config: &'a Config,
    /// The file that holds them.
    pub rules_file: &'a RulesFile,
    /// The branch whose rules count.
    pub default_branch: &'a BranchName,
    /// The branches that environments follow.
    pub branches: &'a [Branch],
    /// The tags of each image, as far as a choice depends on them.
    pub images: &'a [ImageTags],
    /// The images for which no rule chooses anything but what stands.
    pub settled: &'a HashSet<ImageRepository>,
    /// What is proposed.
    pub open: &'a [OpenView<'a>],
    /// What people took back.
    pub barred: &'a [Barred],
    /// What was healthy, and where.
    pub proven: &'a [Proven],
    /// What people asked for, the oldest first.
    pub requests: &'a [OpenRequest],
    /// The time at which the tags were taken. A choice is made as of then: what has become old enough since may be among
    /// the tags that were left out.
    pub taken_at: DateTime<Utc>,
    /// The time of the plan.
    pub now: DateTime<Utc>,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The announcement.
    pub request: PlanRequest,
    /// The texts of each proposal, in the order of [`PlanRequest::proposals`].
    pub writes: Vec<Vec<NewText>>,
    /// Open proposals to close, each with the reason.
    pub closes: Vec<(ProposalId, String)>,
    /// Open proposals on whose branch a person committed, and for which something newer waits.
    pub foreign: BTreeSet<ProposalId>,
}

impl Plan {
    /// Forgets what was planned for requests that ended meanwhile.
    pub fn leave_out(&mut self, ended: &[RequestId]) {
        let is_left = |proposal: &PlannedProposal| !proposal.request.is_some_and(|request| ended.contains(&request));
        let proposals = std::mem::take(&mut self.request.proposals);
        let planned = proposals.into_iter().zip(std::mem::take(&mut self.writes));
        (self.request.proposals, self.writes) = planned.filter(|(proposal, _)| is_left(proposal)).unzip();
    }
}

/// A file with its new text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewText {
    /// The file.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// A place that is to get another tag or digest.
#[derive(Debug, Clone)]
struct Wanted<'a> {
    branch: &'a Branch,
    occurrence: &'a Occurrence,
    /// The tag that stands there, where one does.
    from: Option<&'a Tag>,
    to: Tag,
    to_digest: Option<Digest>,
    mode: Mode,
    gate: Option<Gate>,
    /// The environments of the place.
    environments: Vec<&'a EnvironmentName>,
    /// The rule in the first of them that has one.
    rule: Option<&'a Ruling>,
    /// The request that asks for it; else the rules do.
    request: Option<&'a OpenRequest>,
    pushed_at: Option<DateTime<Utc>>,
    /// What is known of the signature of what it gets.
    signature: Signature,
    why: String,
}

impl Wanted<'_> {
    /// Whether the place says it already.
    fn is_carried(&self) -> bool {
        let image = &self.occurrence.image;
        image.tag.as_ref() == Some(&self.to) && image.digest == self.to_digest
    }
}

/// A place, and what follows for it.
type Chosen<'a> = (&'a Branch, &'a Occurrence, Choice<'a>);

/// What follows for a place.
#[derive(Debug, Clone)]
enum Choice<'a> {
    /// It gets another tag or digest, perhaps later.
    Update(Box<Wanted<'a>>),
    /// It stays as it is, and nothing should be proposed for it.
    Keep,
    /// Nobody knows; what is proposed for it stays.
    Unknown,
}

/// Plans one update of a repository.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let mut findings = Vec::new();
    let mut choices = Vec::new();
    let policies = policies::Policies::default();
    for branch in input.branches {
        for occurrence in &branch.found.occurrences {
            let choice = choice::choose(input, &policies, branch, occurrence, &mut findings);
            choices.push((branch, occurrence, choice));
        }
    }
    let mut requests = Requests::take(input, &mut choices);
    bonds::hold(input, &mut choices, &mut findings);
    requests.keep_whole(&mut choices);
    let unsigned = choice::unsigned(input, &policies);
    group::gather(input, choices, requests, unsigned, findings)
}

/// The names of environments, each once.
fn joined<'a>(environments: impl Iterator<Item = &'a EnvironmentName>) -> String {
    let names: BTreeSet<&str> = environments.map(EnvironmentName::as_str).collect();
    names.into_iter().collect::<Vec<_>>().join("+")
}

/// A finding about a place.
fn finding(branch: &Branch, occurrence: &Occurrence, code: &str, message: String) -> Finding {
    Finding {
        branch: branch.name.clone(),
        file: occurrence.place.file.clone(),
        line: occurrence.place.line,
        column: 1,
        code: code.to_owned(),
        message,
        blocks: true,
    }
}

#[cfg(test)]
mod tests;
