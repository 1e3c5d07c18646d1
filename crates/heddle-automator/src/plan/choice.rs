//! What each place should get.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, GateKind, Mode},
    image::{Digest, Tag},
    name::EnvironmentName,
    policy::{BarredTag, Companion, CompiledPolicy, SelectInput, Selection, Situation, TagList, TagPolicy, select},
};
use heddle_manifest::{EditError, Target, config::Ruling, edit, find::Occurrence};
use heddle_wire::automator::{Barred, Finding, ProposedChange};

use super::{Branch, Choice, OpenState, OpenView, PlanInput, Wanted, finding, promotion};

/// Chooses for one place: the tag must be chosen by the rule of each of its environments.
pub(super) fn choose<'a>(
    input: &PlanInput<'a>,
    branch: &'a Branch,
    occurrence: &'a Occurrence,
    findings: &mut Vec<Finding>,
) -> Choice<'a> {
    let rules = match governing(input, branch, occurrence, findings) {
        Ok(rules) => rules,
        Err(choice) => return choice,
    };
    if occurrence.obstacle.is_some() || has_ended(input, branch, occurrence) {
        return Choice::Unknown;
    }
    let Some(from) = &occurrence.image.tag else {
        let message = "this image has no tag, so nothing says what it is updated from: write one".to_owned();
        findings.push(finding(branch, occurrence, "no-tag", message));
        return Choice::Unknown;
    };
    let Aim { to, to_digest, why, waiting } = match target(input, branch, occurrence, from, &rules, findings) {
        Ok(aim) => aim,
        Err(choice) => return choice,
    };
    if let Err(error) = try_edit(branch, occurrence, &written(&to, to_digest.as_ref())) {
        let message = format!("this image is not updated: {error}");
        findings.push(finding(branch, occurrence, "not-editable", message));
        return Choice::Unknown;
    }
    let mode = rules.iter().map(|(_, rule, _)| rule.mode).max().unwrap_or(Mode::Observe);
    let gate = gate(input, occurrence, mode, &rules, &to).or(waiting).or_else(|| input.config.schedule_gate(input.now));
    // When a tag came to point elsewhere is not known here.
    let pushed_at = tag_list(input, occurrence)
        .and_then(|list| list.tags.iter().find(|info| info.tag == to && to != *from))
        .map(|info| info.first_seen_at);
    let rules = rules.into_iter().map(|(environment, rule, _)| (environment, rule)).collect();
    Choice::Update(Box::new(Wanted { branch, occurrence, from, to, to_digest, mode, gate, rules, pushed_at, why }))
}

type Governed<'a> = (&'a EnvironmentName, &'a Ruling, &'a TagPolicy);

/// The rule in each environment of the place. A place that only some of its environments update is not written.
fn governing<'a>(
    input: &PlanInput<'a>,
    branch: &'a Branch,
    occurrence: &'a Occurrence,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Governed<'a>>, Choice<'a>> {
    let mut governed = Vec::new();
    let mut ungoverned = Vec::new();
    let image = &occurrence.image.repository;
    let follows = |name: &&EnvironmentName| {
        let promotion = input.config.promotion_of(name);
        promotion.is_some_and(|promotion| occurrence.environments.contains(&promotion.from))
    };
    if let Some(name) = occurrence.environments.iter().find(follows) {
        let message = format!(
            "`{name}` follows an environment that shares this place, so it is not updated: give each an `images:` entry of \
             its own in its overlay"
        );
        findings.push(finding(branch, occurrence, "shared-place", message));
        return Err(Choice::Keep);
    }
    for environment in &occurrence.environments {
        match input.config.ruling(occurrence, environment) {
            Some(rule) => governed.push((environment, rule, rule.policy.as_ref().ok_or(Choice::Unknown)?)),
            // A stop without a rule is a configuration that cannot be read: the rule may be there.
            None if input.config.stop_for(image, environment).is_some() => return Err(Choice::Unknown),
            None => ungoverned.push(environment),
        }
    }
    match (governed.is_empty(), ungoverned.first()) {
        (true, _) => Err(Choice::Keep),
        (false, None) => Ok(governed),
        (false, Some(name)) => {
            let message = format!("`{name}` shares this place and no rule updates it there, so it is not updated");
            findings.push(finding(branch, occurrence, "shared-place", message));
            Err(Choice::Keep)
        }
    }
}

/// What a place is to get.
struct Aim {
    to: Tag,
    /// Where one is written beside the tag.
    to_digest: Option<Digest>,
    why: String,
    /// It is too young for one of the rules.
    waiting: Option<Gate>,
}

/// The tag that each environment chooses, and why; what is proposed already while that cannot be known. A tag that only
/// its age keeps back is aimed at too, and waits.
fn target<'a>(
    input: &PlanInput<'_>,
    branch: &Branch,
    occurrence: &Occurrence,
    from: &Tag,
    rules: &[Governed<'_>],
    findings: &mut Vec<Finding>,
) -> Result<Aim, Choice<'a>> {
    let proposed = proposed(input, branch, occurrence);
    let kept = |otherwise: Choice<'a>| match proposed {
        Some(change) if rules.iter().all(|(_, _, policy)| is_above(policy, &change.to, from)) => {
            let why = "it was chosen when it was proposed, and is kept".to_owned();
            Ok(Aim { to: change.to.clone(), to_digest: change.to_digest.clone(), why, waiting: None })
        }
        _ => Err(otherwise),
    };
    let Some(list) = tag_list(input, occurrence).filter(|list| list.complete && !list.tags.is_empty()) else {
        return kept(Choice::Unknown);
    };
    if rules.iter().any(|(_, _, policy)| is_undescribed(policy, occurrence, from, list, input.now)) {
        return kept(Choice::Unknown);
    }
    let mut aim: Option<(Aim, &EnvironmentName)> = None;
    for (environment, rule, policy) in rules {
        let whole = selected(input, occurrence, environment, policy, list, from);
        let image = &occurrence.image.repository;
        let promotion = input.config.promotion_of(environment);
        let selection = promotion.map_or_else(
            || whole.clone(),
            |promotion| {
                let tags = promotion::promoted(input, promotion, image, list, from);
                selected(input, occurrence, environment, policy, &tags, from)
            },
        );
        let listed = |tag: &Tag| list.tags.iter().any(|info| info.tag == *tag);
        // What was proposed and is not in the list any more is no reason to go back.
        if proposed.map(|change| &change.to).is_some_and(|tag| {
            selection.chosen.as_ref() != Some(tag) && !listed(tag) && !newer(policy, &selection, tag)
        }) {
            return kept(Choice::Keep);
        }
        let governed = (*environment, *rule, *policy);
        let own = match (aim_of(input, occurrence, governed, list, selection), promotion) {
            (Err(Choice::Keep), Some(promotion)) => {
                let mut unproven = aim_of(input, occurrence, governed, list, whole)?;
                unproven.waiting = Some(promotion::gate(input, promotion, image, &unproven.to));
                unproven
            }
            (aim, _) => aim?,
        };
        match &mut aim {
            Some((other, first)) if (&other.to, &other.to_digest) != (&own.to, &own.to_digest) => {
                let message = format!(
                    "`{first}` and `{environment}` share this place and choose different tags, so it is not updated"
                );
                findings.push(finding(branch, occurrence, "shared-place", message));
                return Err(Choice::Keep);
            }
            // The rule that lets it in last decides.
            Some((other, _)) => {
                other.waiting = [other.waiting.take(), own.waiting].into_iter().flatten().max_by_key(|gate| gate.until)
            }
            None => aim = Some((own, environment)),
        }
    }
    aim.map(|(aim, _)| aim).ok_or(Choice::Keep)
}

/// What a rule aims at; [`Choice::Keep`] when what runs is right.
fn aim_of<'a>(
    input: &PlanInput<'_>,
    occurrence: &Occurrence,
    (environment, rule, policy): Governed<'_>,
    list: &TagList,
    selection: Selection,
) -> Result<Aim, Choice<'a>> {
    let standing = occurrence.image.digest.as_ref();
    let said = |reason: String| format!("{reason} (`{}:{}`)", rule.file, rule.line);
    let digest_of = |tag: &Tag| match policy.writes_digest(standing) {
        false => Ok(None),
        true => list.tags.iter().find(|info| info.tag == *tag).and_then(|info| info.digest.clone()).map(Some).ok_or(()),
    };
    if let Some(to) = selection.chosen {
        let to_digest = digest_of(&to).map_err(|()| Choice::Unknown)?;
        if occurrence.image.tag.as_ref() != Some(&to) {
            return Ok(Aim { to, to_digest, why: said(selection.reason), waiting: None });
        }
        // A pin stays with its tag; only a rule that follows the digest moves it.
        let moved =
            to_digest.filter(|digest| standing != Some(digest) && (standing.is_none() || policy.digest.is_some()));
        let moved = moved.filter(|digest| !is_barred(input, occurrence, environment, &to, digest));
        if let Some(digest) = moved {
            let why = said(format!("`{to}` is {} now", digest.short()));
            return Ok(Aim { to, to_digest: Some(digest), why, waiting: None });
        }
    }
    let Some(waiting) = selection.waiting else { return Err(Choice::Keep) };
    let to_digest = digest_of(&waiting.tag).map_err(|()| Choice::Unknown)?;
    let reason = said(waiting.reason);
    let gate = Gate { kind: GateKind::Age, reason: reason.clone(), until: Some(waiting.until) };
    Ok(Aim { to: waiting.tag, to_digest, why: reason, waiting: Some(gate) })
}

/// Whether a person took this digest back where it came without another tag.
fn is_barred(
    input: &PlanInput<'_>,
    occurrence: &Occurrence,
    environment: &EnvironmentName,
    tag: &Tag,
    digest: &Digest,
) -> bool {
    let mut here = input.barred.iter().filter(|barred| is_here(barred, occurrence, environment));
    here.any(|barred| barred.tag == *tag && barred.digest.as_ref() == Some(digest))
}

fn is_here(barred: &Barred, occurrence: &Occurrence, environment: &EnvironmentName) -> bool {
    barred.environment == *environment
        && barred.image == occurrence.image.repository
        && barred.place == occurrence.place.key()
}

fn newer(policy: &TagPolicy, selection: &Selection, tag: &Tag) -> bool {
    selection.chosen.as_ref().is_some_and(|chosen| is_above(policy, chosen, tag))
}

fn is_above(policy: &TagPolicy, tag: &Tag, other: &Tag) -> bool {
    CompiledPolicy::new(policy).is_ok_and(|policy| policy.is_above(tag, other))
}

/// Whether a tag is still to be described on which the choice depends.
fn is_undescribed(policy: &TagPolicy, occurrence: &Occurrence, from: &Tag, tags: &TagList, now: DateTime<Utc>) -> bool {
    let situation = Situation { current: Some(from), tags, barred: &[], signatures: &[], companions: &[], now };
    let pin_digest = policy.writes_digest(occurrence.image.digest.as_ref());
    CompiledPolicy::new(&TagPolicy { pin_digest, ..policy.clone() })
        .is_ok_and(|policy| !policy.undescribed(&situation).is_empty())
}

fn selected(
    input: &PlanInput<'_>,
    occurrence: &Occurrence,
    environment: &EnvironmentName,
    policy: &TagPolicy,
    tags: &TagList,
    from: &Tag,
) -> Selection {
    let here = |barred: &&Barred| is_here(barred, occurrence, environment);
    let barred: Vec<BarredTag<'_>> =
        input.barred.iter().filter(here).map(|barred| BarredTag { tag: &barred.tag, reason: &barred.reason }).collect();
    let lists = input.images.iter().filter_map(|image| Some((&image.image, image.list.as_ref()?)));
    let companions: Vec<Companion<'_>> = lists.map(|(image, tags)| Companion { image, tags }).collect();
    let (current, barred, companions) = (Some(from), barred.as_slice(), companions.as_slice());
    select(&SelectInput { policy, current, tags, barred, companions, now: input.now })
}

/// What an open proposal of ours brings to the place.
fn proposed<'a>(input: &PlanInput<'a>, branch: &Branch, occurrence: &Occurrence) -> Option<&'a ProposedChange> {
    let ours = input.open.iter().filter(|open| open.is_ours());
    ours.filter_map(|open| brought_by(open, branch, occurrence)).next()
}

/// Whether a proposal for the place was merged or closed and nobody has read what that means.
fn has_ended(input: &PlanInput<'_>, branch: &Branch, occurrence: &Occurrence) -> bool {
    let ended = input.open.iter().filter(|open| open.state == OpenState::Ended);
    ended.into_iter().any(|open| brought_by(open, branch, occurrence).is_some())
}

fn brought_by<'a>(open: &OpenView<'a>, branch: &Branch, occurrence: &Occurrence) -> Option<&'a ProposedChange> {
    let key = occurrence.place.key();
    let mut changes = open.proposal.changes.iter().filter(|_| open.proposal.base_branch == branch.name);
    changes.find(|change| {
        change.image == occurrence.image.repository
            && occurrence.environments.contains(&change.environment)
            && change.places.iter().any(|place| place.key() == key)
    })
}

fn tag_list<'a>(input: &PlanInput<'a>, occurrence: &Occurrence) -> Option<&'a TagList> {
    input.images.iter().find(|image| image.image == occurrence.image.repository)?.list.as_ref()
}

/// What keeps the change back, the schedule and the tag's age aside.
fn gate(input: &PlanInput<'_>, occurrence: &Occurrence, mode: Mode, rules: &[Governed<'_>], to: &Tag) -> Option<Gate> {
    let image = &occurrence.image.repository;
    let of_config = |(environment, ..): &Governed<'_>| input.config.gate_for(image, environment, to, input.now);
    if let Some(gate) = rules.iter().find_map(of_config) {
        return Some(gate);
    }
    let observing = rules.iter().find(|(_, rule, _)| rule.mode == Mode::Observe && mode == Mode::Observe);
    observing.map(|(_, rule, _)| Gate {
        kind: GateKind::Observe,
        reason: format!("the rule observes only (`{}:{}`)", rule.file, rule.line),
        until: None,
    })
}

/// What is written at a place.
pub(super) fn written(to: &Tag, to_digest: Option<&Digest>) -> Target {
    Target { digest: to_digest.cloned(), ..Target::tag(to.clone()) }
}

/// The files of a place with the target in it, to learn early whether it can be written.
fn try_edit(branch: &Branch, occurrence: &Occurrence, target: &Target) -> Result<String, EditError> {
    let text = branch.files.get(&occurrence.place.file).unwrap_or_default();
    edit(text, &occurrence.edits(target)?)
}
