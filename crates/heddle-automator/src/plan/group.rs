//! Gathers what is wanted into commits and pull requests, beside those that are open.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::{
    change::{Gate, GateKind, Mode},
    git::BranchName,
    id::{ProposalId, RequestId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::PlaceKey,
};
use heddle_manifest::{config::Grouping, find::Occurrence};
use heddle_wire::automator::{Finding, GatedChange, OpenProposal, PlanRequest, PlannedChange, ProposedChange};
use sha2::{Digest as _, Sha256};

use super::{Choice, Chosen, OpenState, OpenView, Plan, PlanInput, Requests, Wanted, joined, rules, write};

/// One commit or pull request to be.
struct Group<'a> {
    key: Key<'a>,
    wanted: Vec<&'a Wanted<'a>>,
}

/// What belongs into one commit or pull request. Two of them are never one, whatever they are called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    branch: &'a BranchName,
    mode: Mode,
    scope: Scope<'a>,
}

/// Which changes of a branch and a mode belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Scope<'a> {
    /// All of them.
    Everything,
    /// Those of the same environments.
    Environments(BTreeSet<&'a EnvironmentName>),
    /// Those of the same environments and one image.
    Image(BTreeSet<&'a EnvironmentName>, &'a ImageRepository),
    /// Those that a person asked for, whose commit names that person and nobody else's changes.
    Request(RequestId),
}

pub(super) fn gather<'a>(
    input: &PlanInput<'a>,
    choices: Vec<Chosen<'a>>,
    requests: Requests<'a>,
    mut unsigned: BTreeMap<ProposalId, String>,
    findings: Vec<Finding>,
) -> Plan {
    let request = PlanRequest {
        proposals: Vec::new(),
        gated: Vec::new(),
        superseded: Vec::new(),
        refused: requests.refused.clone(),
        waiting: requests.waiting.clone(),
        findings,
        next_due_at: None,
    };
    let mut plan = Plan { request, writes: Vec::new(), closes: Vec::new(), foreign: BTreeSet::new() };
    let wanted: Vec<&Wanted<'_>> = choices
        .iter()
        .filter_map(|(_, _, choice)| match choice {
            Choice::Update(wanted) => Some(&**wanted),
            _ => None,
        })
        .collect();
    for (wanted, gate) in wanted.iter().filter_map(|wanted| Some((*wanted, wanted.gate.as_ref()?))) {
        add_gated(&[wanted], gate, &mut plan);
    }
    let by_rules = input.open.iter().filter(|open| open.proposal.request.is_none()).count();
    let mut open_count = u32::try_from(by_rules).unwrap_or(u32::MAX);
    let groups = named(input, groups(input.config.grouping, &wanted));
    for Named { group, name, open } in &groups {
        let open = *open;
        let Some(gate) = gate_of(input, group, open, open_count) else {
            let standing = OpenState::Ours { conflicting: false };
            let settled = open.is_some_and(|open| open.state == standing && is_written(open.proposal, group));
            if !settled {
                open_count = open_count.saturating_add(u32::from(open.is_none() && group.is_limited()));
                let rules = group.request().and_then(|request| requests.rules_of(request));
                let (proposal, texts) = write::proposal(&group.wanted, group.key.mode, name, open, rules);
                plan.request.proposals.push(proposal);
                plan.writes.push(texts);
            }
            continue;
        };
        if let Some(open) = open.filter(|open| open.state == OpenState::Person) {
            if is_written(open.proposal, group) {
                continue;
            }
            plan.foreign.insert(open.proposal.id);
        }
        add_gated(&group.wanted, &gate, &mut plan);
    }
    rules::propose(input, &requests, &mut plan);
    // One that is written anew brings only what counts as signed.
    for moved in plan.request.proposals.iter().filter_map(|proposal| proposal.updates) {
        unsigned.remove(&moved);
    }
    for open in input.open.iter().filter(|open| open.is_ours()) {
        let ended = match open.proposal.request {
            Some(request) => requests.end_of(request),
            None => superseded(open.proposal, &choices)
                .or_else(|| regrouped(open.proposal, &groups).map(ToOwned::to_owned))
                .or_else(|| unsigned.remove(&open.proposal.id)),
        };
        if let Some(reason) = ended {
            plan.request.superseded.push(open.proposal.id);
            plan.closes.push((open.proposal.id, reason));
        }
    }
    // What time alone keeps back is looked at again when that time has come.
    plan.request.next_due_at = plan.request.gated.iter().filter_map(|gated| gated.gate.until).min();
    plan
}

/// Commits take everything of a branch; pull requests what the grouping says, of the same environments unless it takes all.
fn groups<'a>(grouping: Grouping, wanted: &[&'a Wanted<'a>]) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<Key<'a>, Vec<&'a Wanted<'a>>> = BTreeMap::new();
    for wanted in wanted.iter().filter(|wanted| wanted.gate.is_none()) {
        let environments = || wanted.environments.iter().copied().collect();
        let scope = match (wanted.request, wanted.mode, grouping) {
            (Some(request), ..) => Scope::Request(request.id),
            (None, Mode::Commit, _) | (None, _, Grouping::Branch) => Scope::Everything,
            (None, _, Grouping::Environment) => Scope::Environments(environments()),
            (None, _, Grouping::Image) => Scope::Image(environments(), &wanted.occurrence.image.repository),
        };
        groups.entry(Key { branch: &wanted.branch.name, mode: wanted.mode, scope }).or_default().push(wanted);
    }
    groups.into_iter().map(|(key, wanted)| Group { key, wanted }).collect()
}

impl Group<'_> {
    /// What people call it: a proposal's branch is named after it, in which a slash would make a folder.
    fn plain_name(&self) -> String {
        match &self.key.scope {
            Scope::Everything if self.key.mode == Mode::Commit => self.environments(),
            Scope::Request(_) => format!("{}-by-request", self.environments()),
            Scope::Everything => "all".to_owned(),
            Scope::Environments(environments) => joined(environments.iter().copied()),
            Scope::Image(environments, image) => {
                format!("{}-{}", joined(environments.iter().copied()), image.path().replace('/', "-"))
            }
        }
    }

    /// The request that it carries out, and nothing else beside it.
    fn request(&self) -> Option<RequestId> {
        match self.key.scope {
            Scope::Request(request) => Some(request),
            Scope::Everything | Scope::Environments(_) | Scope::Image(..) => None,
        }
    }

    fn environments(&self) -> String {
        joined(self.wanted.iter().flat_map(|wanted| wanted.environments.iter().copied()))
    }

    /// Whether the limit of open pull requests is for it. A person who asks for one has decided.
    fn is_limited(&self) -> bool {
        self.key.mode == Mode::PullRequest && !matches!(self.key.scope, Scope::Request(_))
    }

    /// A name that no other group of the branch has.
    fn exact_name(&self) -> String {
        let whole = match &self.key.scope {
            Scope::Everything => String::new(),
            Scope::Environments(environments) => joined(environments.iter().copied()),
            Scope::Image(environments, image) => format!("{} {image}", joined(environments.iter().copied())),
            Scope::Request(request) => request.to_string(),
        };
        format!("{}-{}", self.plain_name(), hex::encode(&Sha256::digest(whole)[..4]))
    }

    /// Whether everything that a proposal brings belongs here.
    fn may_hold(&self, proposal: &OpenProposal) -> bool {
        proposal.base_branch == *self.key.branch
            && proposal.request == self.request()
            && proposal.changes.iter().all(|change| match &self.key.scope {
                Scope::Everything | Scope::Request(_) => true,
                Scope::Environments(environments) => environments.contains(&change.environment),
                Scope::Image(environments, image) => {
                    environments.contains(&change.environment) && change.image == **image
                }
            })
    }
}

/// A group with its name, and the open proposal that is moved on for it.
struct Named<'a> {
    group: Group<'a>,
    name: String,
    open: Option<&'a OpenView<'a>>,
}

/// Gives each group a name of its own. One that is proposed already keeps the name under which it is.
fn named<'a>(input: &PlanInput<'a>, groups: Vec<Group<'a>>) -> Vec<Named<'a>> {
    let plain: Vec<(&BranchName, String)> = groups.iter().map(|group| (group.key.branch, group.plain_name())).collect();
    let named = |(at, group): (usize, Group<'a>)| {
        let (branch, name) = &plain[at];
        let exact = group.exact_name();
        let open = open_for(input, &group, &[name, &exact]);
        let proposed = |open: &&OpenView<'_>| open.proposal.base_branch == **branch && open.proposal.group == *name;
        let is_taken = plain.iter().filter(|other| *other == &plain[at]).count() > 1
            || input.open.iter().any(|open| proposed(&open));
        let name = match open {
            Some(open) => open.proposal.group.clone(),
            None if is_taken => exact,
            None => name.clone(),
        };
        Named { group, name, open }
    };
    groups.into_iter().enumerate().map(named).collect()
}

fn open_for<'a>(input: &PlanInput<'a>, group: &Group<'_>, names: &[&String]) -> Option<&'a OpenView<'a>> {
    let mut open = input.open.iter().filter(|open| open.state != OpenState::Ended);
    let is_named = |open: &OpenView<'_>| open.proposal.request.is_some() || names.contains(&&open.proposal.group);
    open.find(|open| group.key.mode == Mode::PullRequest && is_named(open) && group.may_hold(open.proposal))
}

fn gate_of(input: &PlanInput<'_>, group: &Group<'_>, open: Option<&OpenView<'_>>, open_count: u32) -> Option<Gate> {
    if let Some(open) = open {
        let number = open.proposal.number.map_or_else(String::new, |number| format!(" (#{number})"));
        return (open.state == OpenState::Person).then(|| Gate {
            kind: GateKind::Branch,
            reason: format!("someone committed to the open pull request{number}: merge or close it"),
            until: None,
        });
    }
    let limit = input.config.open_limit.filter(|limit| group.is_limited() && open_count >= *limit)?;
    Some(Gate { kind: GateKind::Limit, reason: format!("{limit} proposals are open, which is the limit"), until: None })
}

fn add_gated(wanted: &[&Wanted<'_>], gate: &Gate, plan: &mut Plan) {
    let Some(first) = wanted.first() else { return };
    for change in write::changes(wanted) {
        let known = plan.request.gated.iter_mut().find(|known| {
            let other = &known.change;
            let same = (&other.environment, &other.image) == (&change.environment, &change.image)
                && (&other.from, &other.to, &other.to_digest) == (&change.from, &change.to, &change.to_digest);
            same && known.base_branch == first.branch.name && known.gate == *gate
        });
        match known {
            Some(known) => merge(&mut known.change, change),
            None => plan.request.gated.push(GatedChange {
                change,
                base_branch: first.branch.name.clone(),
                mode: first.mode,
                gate: gate.clone(),
            }),
        }
    }
}

fn merge(known: &mut PlannedChange, other: PlannedChange) {
    known.places.extend(other.places);
    known.diff.push_str(&other.diff);
}

/// Whether the open proposal already brings exactly this.
fn is_written(open: &OpenProposal, group: &Group<'_>) -> bool {
    type To<'a> = (&'a Tag, Option<&'a Digest>);
    type Line<'a> = (&'a EnvironmentName, String, To<'a>, &'a str, PlaceKey);
    let proposed: BTreeSet<Line<'_>> = open
        .changes
        .iter()
        .flat_map(|change| {
            change.places.iter().map(move |place| {
                let (image, to) = (change.image.to_string(), (&change.to, change.to_digest.as_ref()));
                (&change.environment, image, to, place.file.as_str(), place.key())
            })
        })
        .collect();
    let planned: BTreeSet<Line<'_>> = group
        .wanted
        .iter()
        .flat_map(|wanted| {
            wanted.environments.iter().map(|environment| {
                let place = &wanted.occurrence.place;
                let image = wanted.occurrence.image.repository.to_string();
                let to = (&wanted.to, wanted.to_digest.as_ref());
                (*environment, image, to, place.file.as_str(), place.key())
            })
        })
        .collect();
    proposed == planned
}

/// Why a proposal is closed whose places another takes over.
const REGROUPED: &str = "`updates.group` is another now, so its changes are proposed elsewhere";

/// Why a proposal is closed for whose place a person asked otherwise.
const ASKED_FOR: &str = "somebody asked for another tag at its places, which is proposed elsewhere";

/// Why a proposal is closed whose places others bring by now.
fn regrouped(open: &OpenProposal, groups: &[Named<'_>]) -> Option<&'static str> {
    let here =
        |named: &&Named<'_>| named.group.key.mode == Mode::PullRequest && *named.group.key.branch == open.base_branch;
    let groups: Vec<&Named<'_>> = groups.iter().filter(here).collect();
    let brings = |named: &Named<'_>, change: &ProposedChange, place: &PlaceKey| {
        named.group.wanted.iter().any(|wanted| {
            let occurrence = wanted.occurrence;
            occurrence.place.key() == *place && occurrence.environments.contains(&change.environment)
        })
    };
    let mut places =
        open.changes.iter().flat_map(|change| change.places.iter().map(move |place| (change, place.key())));
    let mut is_asked_for = false;
    let is_brought = |(change, place): (&ProposedChange, PlaceKey)| {
        let by = groups.iter().find(|group| brings(group, change, &place));
        is_asked_for |= by.is_some_and(|named| matches!(named.group.key.scope, Scope::Request(_)));
        by.is_some()
    };
    let is_elsewhere = groups.iter().all(|named| named.name != open.group) && places.all(is_brought);
    is_elsewhere.then_some(if is_asked_for { ASKED_FOR } else { REGROUPED })
}

/// Why an open proposal is to be closed: nothing of it is wanted any more, and that is certain.
fn superseded(open: &OpenProposal, choices: &[Chosen<'_>]) -> Option<String> {
    let base = &open.base_branch;
    let on_base = || choices.iter().filter(|(branch, ..)| branch.name == *base);
    // What cannot be read may still hold the place.
    let broken = on_base().next().is_none_or(|(branch, ..)| branch.has_unread());
    let mut carried = true;
    for (change, place) in open.changes.iter().flat_map(|change| change.places.iter().map(move |place| (change, place)))
    {
        let at_place = on_base().find(|(_, occurrence, _)| {
            occurrence.place.key() == place.key() && occurrence.environments.contains(&change.environment)
        });
        match at_place {
            Some((_, occurrence, _)) if carries(occurrence, change) => {}
            Some((_, _, Choice::Keep)) => carried = false,
            Some((_, _, Choice::Update(_) | Choice::Unknown)) => return None,
            None if broken => return None,
            None => carried = false,
        }
    }
    Some(if carried {
        format!("`{base}` already carries what it proposes")
    } else {
        "nothing asks for what it proposes any more".to_owned()
    })
}

fn carries(occurrence: &Occurrence, change: &ProposedChange) -> bool {
    let image = &occurrence.image;
    image.repository == change.image
        && image.tag.as_ref() == Some(&change.to)
        && (change.to_digest.is_none() || image.digest == change.to_digest)
}
