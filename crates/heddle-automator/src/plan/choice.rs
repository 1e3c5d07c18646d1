//! What each place should get.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    rc::Rc,
};

use heddle_core::{
    change::{Gate, GateKind, Mode},
    id::ProposalId,
    image::{Digest, Tag},
    name::EnvironmentName,
    policy::{BarredTag, Companion, CompiledPolicy, Decision, Situation, Standing, TagList},
};
use heddle_manifest::{
    EditError, Target,
    config::{Promotion, Ruling},
    edit,
    find::Occurrence,
};
use heddle_wire::automator::{Barred, Finding, ProposedChange};

use super::{
    Branch, Choice, OpenState, OpenView, PlanInput, Wanted, finding,
    policies::{NotFollowed, Policies, too_many_in_words},
    promotion,
};
use crate::text::Signature;

/// Chooses for one place: the tag must be chosen by the rule of each of its environments.
pub(super) fn choose<'a>(
    input: &PlanInput<'a>,
    policies: &Policies<'a>,
    branch: &'a Branch,
    occurrence: &'a Occurrence,
    findings: &mut Vec<Finding>,
) -> Choice<'a> {
    let rules = match governing(input, policies, branch, occurrence, findings) {
        Ok(rules) => rules,
        Err(choice) => return choice,
    };
    if occurrence.obstacle.is_some() || has_ended(input, branch, occurrence) {
        return Choice::Unknown;
    }
    let from = occurrence.image.tag.as_ref();
    let Aim { to, to_digest, why, waiting, signature } = match target(input, branch, occurrence, &rules, findings) {
        Ok(aim) => aim,
        Err(choice) => return choice,
    };
    if let Err(error) = try_edit(branch, occurrence, &written(&to, to_digest.as_ref())) {
        let remedy = remedy(branch, occurrence, &rules, &to);
        let message = format!("this image is not updated: {error}{remedy}");
        findings.push(finding(branch, occurrence, "not-editable", message));
        return Choice::Unknown;
    }
    let mode = rules.iter().map(|governed| governed.rule.mode).max().unwrap_or(Mode::Observe);
    let gate = gate(input, occurrence, mode, &rules, &to).or(waiting).or_else(|| input.config.schedule_gate(input.now));
    // When a tag came to point elsewhere is not known here.
    let pushed_at = tag_list(input, occurrence)
        .and_then(|list| list.find(&to).filter(|_| from != Some(&to)))
        .map(|info| info.first_seen_at);
    Choice::Update(Box::new(Wanted {
        branch,
        occurrence,
        from,
        to,
        to_digest,
        mode,
        gate,
        environments: rules.iter().map(|governed| governed.environment).collect(),
        rule: rules.first().map(|governed| governed.rule),
        request: None,
        pushed_at,
        signature,
        why,
    }))
}

/// The rule of a place in one of its environments.
struct Governed<'a> {
    environment: &'a EnvironmentName,
    rule: &'a Ruling,
    policy: Rc<CompiledPolicy>,
    /// Whether the rule follows the digest of a tag.
    follows: bool,
}

/// The rule in each environment of the place. A place that only some of its environments update is not written.
fn governing<'a>(
    input: &PlanInput<'a>,
    policies: &Policies<'a>,
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
            Some(rule) => {
                let written = rule.policy.as_ref().ok_or(Choice::Unknown)?;
                let policy = match policies.of(written, occurrence.image.digest.as_ref()) {
                    Ok(policy) => policy,
                    Err(NotFollowed::Faulty) => return Err(Choice::Unknown),
                    Err(NotFollowed::TooMany) => {
                        findings.push(finding(branch, occurrence, "too-many-policies", too_many_in_words()));
                        return Err(Choice::Unknown);
                    }
                };
                governed.push(Governed { environment, rule, policy, follows: written.digest.is_some() });
            }
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
    /// It is too young for one of the rules, or not known to be signed.
    waiting: Option<Gate>,
    signature: Signature,
}

/// The tag that each environment chooses, and why; what is proposed already while that cannot be known. A tag that only
/// its age keeps back is aimed at too, and waits.
fn target<'a>(
    input: &PlanInput<'_>,
    branch: &Branch,
    occurrence: &Occurrence,
    rules: &[Governed<'_>],
    findings: &mut Vec<Finding>,
) -> Result<Aim, Choice<'a>> {
    let proposed = proposed(input, branch, occurrence);
    let from = occurrence.image.tag.as_ref();
    let may_stay = |governed: &Governed<'_>, tag: &Tag| {
        from.is_none_or(|from| governed.policy.floats(from) || governed.policy.is_above(tag, from))
    };
    let kept = |otherwise: Choice<'a>| match proposed {
        // Nothing is written again whose signature nobody vouches for now.
        Some(_) if rules.iter().any(|governed| !governed.policy.signers().is_empty()) => Err(Choice::Unknown),
        Some(change) if rules.iter().all(|governed| may_stay(governed, &change.to)) => {
            let why = "it was chosen when it was proposed, and is kept".to_owned();
            let (to, to_digest) = (change.to.clone(), change.to_digest.clone());
            // By no rule here is one asked for.
            Ok(Aim { to, to_digest, why, waiting: None, signature: Signature::NotAsked })
        }
        _ => Err(otherwise),
    };
    if input.settled.contains(&occurrence.image.repository) {
        return kept(Choice::Keep);
    }
    let Some(list) = tag_list(input, occurrence).filter(|list| list.complete && !list.tags.is_empty()) else {
        return kept(Choice::Unknown);
    };
    let place = Place { input, occurrence, list };
    let decided: Vec<(&Governed<'_>, Decision)> =
        rules.iter().map(|governed| (governed, place.decide(governed))).collect();
    if let Some(message) = decided.iter().find_map(|(governed, decision)| place.unplaced(governed, decision)) {
        findings.push(finding(branch, occurrence, "current", message));
        return kept(Choice::Unknown);
    }
    if rules.iter().any(|governed| place.is_undescribed(governed)) {
        return kept(Choice::Unknown);
    }
    let mut aim: Option<(Aim, &EnvironmentName)> = None;
    for (governed, decision) in decided {
        let listed = |tag: &Tag| list.tags.iter().any(|info| info.tag == *tag);
        let newer = |tag: &Tag| decision.chosen.as_ref().is_some_and(|chosen| governed.policy.is_above(chosen, tag));
        // What was proposed and is not in the list any more is no reason to go back.
        let vanished = |tag: &&Tag| decision.chosen.as_ref() != Some(tag) && !listed(tag) && !newer(tag);
        if proposed.map(|change| &change.to).filter(vanished).is_some() {
            return kept(Choice::Keep);
        }
        let own = place.aim(governed, decision)?;
        match &mut aim {
            Some((other, first)) if (&other.to, &other.to_digest) != (&own.to, &own.to_digest) => {
                let message = format!(
                    "`{first}` and `{}` share this place and choose different tags, so it is not updated",
                    governed.environment
                );
                findings.push(finding(branch, occurrence, "shared-place", message));
                return Err(Choice::Keep);
            }
            // The rule that lets it in last decides, and what time alone does not settle comes after all times.
            Some((other, _)) => {
                let waiting = [other.waiting.take(), own.waiting].into_iter().flatten();
                other.waiting = waiting.max_by_key(|gate| (gate.until.is_none(), gate.until));
                other.signature = mem::take(&mut other.signature).and(own.signature);
            }
            None => aim = Some((own, governed.environment)),
        }
    }
    aim.map(|(aim, _)| aim).ok_or(Choice::Keep)
}

/// A place with the tags of its image.
struct Place<'p> {
    input: &'p PlanInput<'p>,
    occurrence: &'p Occurrence,
    list: &'p TagList,
}

impl Place<'_> {
    /// Why nothing says which tag is above what runs, where a rule is to choose. A promotion names its tag.
    fn unplaced(&self, governed: &Governed<'_>, decision: &Decision) -> Option<String> {
        if decision.is_placed || self.promotion(governed).is_some() || governed.policy.takes_any() {
            return None;
        }
        let rest = if self.is_undescribed(governed) { "; the next scan compares more tags with it" } else { "" };
        Some(format!("{}{rest}", decision.reason))
    }

    /// Whether a tag is still to be described on which the choice depends.
    fn is_undescribed(&self, governed: &Governed<'_>) -> bool {
        let undescribed = match self.promotion(governed) {
            Some(_) => CompiledPolicy::undescribed_named,
            None => CompiledPolicy::undescribed,
        };
        !self.decided(governed, self.list, undescribed).is_empty()
    }

    fn promotion(&self, governed: &Governed<'_>) -> Option<&Promotion> {
        self.input.config.promotion_of(governed.environment)
    }

    /// What a rule chooses; among the tags that a promotion names where there is one.
    fn decide(&self, governed: &Governed<'_>) -> Decision {
        match self.promotion(governed) {
            None => self.decided(governed, self.list, CompiledPolicy::decide),
            Some(promotion) => {
                let (image, from) = (&self.occurrence.image.repository, self.occurrence.image.tag.as_ref());
                let tags = promotion::promoted(self.input, promotion, image, self.list, from);
                self.decided(governed, &tags, CompiledPolicy::decide_named)
            }
        }
    }

    /// What a rule aims at, or what waits for a promotion; [`Choice::Keep`] when what runs is right.
    fn aim<'a>(&self, governed: &Governed<'_>, decision: Decision) -> Result<Aim, Choice<'a>> {
        let (Some(promotion), Err(Choice::Keep)) = (self.promotion(governed), self.aim_of(governed, decision.clone()))
        else {
            return self.aim_of(governed, decision);
        };
        let image = &self.occurrence.image.repository;
        let standing = promotion::standing(self.input, promotion, image, self.list);
        let below = self.decided(governed, &standing, CompiledPolicy::decide_named);
        if let Some(waiting) = below.waiting.filter(|waiting| waiting.gate == GateKind::Promotion) {
            let gate = promotion::below(promotion, &waiting.reason);
            let to_digest = self.digest_of(governed, &waiting.tag)?;
            let (why, signature) = (gate.reason.clone(), self.signature(governed, &waiting.tag));
            return Ok(Aim { to: waiting.tag, to_digest, why, waiting: Some(gate), signature });
        }
        let whole = self.decided(governed, self.list, CompiledPolicy::decide);
        let mut unproven = self.aim_of(governed, whole)?;
        unproven.waiting = Some(promotion::gate(self.input, promotion, image, &unproven.to));
        Ok(unproven)
    }

    fn digest_of<'a>(&self, governed: &Governed<'_>, tag: &Tag) -> Result<Option<Digest>, Choice<'a>> {
        if !governed.policy.pins_digest() {
            return Ok(None);
        }
        let info = self.list.find(tag);
        info.and_then(|info| info.digest.clone()).map(Some).ok_or(Choice::Unknown)
    }

    fn aim_of<'a>(&self, governed: &Governed<'_>, decision: Decision) -> Result<Aim, Choice<'a>> {
        let Self { input, occurrence, .. } = *self;
        let standing = occurrence.image.digest.as_ref();
        let said = |reason: String| format!("{reason} (`{}:{}`)", governed.rule.file, governed.rule.line);
        if let Some(to) = decision.chosen {
            let to_digest = self.digest_of(governed, &to)?;
            let signature = self.signature(governed, &to);
            if occurrence.image.tag.as_ref() != Some(&to) {
                let waiting = self.unseen(governed, &to);
                return Ok(Aim { to, to_digest, why: said(decision.reason), waiting, signature });
            }
            // A pin stays with its tag; only a rule that follows the digest moves it.
            let moved = to_digest.filter(|digest| standing != Some(digest) && (standing.is_none() || governed.follows));
            let moved = moved.filter(|digest| !is_barred(input, occurrence, governed.environment, &to, digest));
            if let Some(digest) = moved {
                let why = said(format!("`{to}` is {} now", digest.short()));
                return Ok(Aim { to, to_digest: Some(digest), why, waiting: None, signature });
            }
        }
        let Some(waiting) = decision.waiting.filter(|waiting| waiting.gate != GateKind::Promotion) else {
            return Err(Choice::Keep);
        };
        let to_digest = self.digest_of(governed, &waiting.tag)?;
        let reason = said(waiting.reason);
        let gate = Gate { kind: waiting.gate, reason: reason.clone(), until: waiting.until };
        let signature = self.signature(governed, &waiting.tag);
        Ok(Aim { to: waiting.tag, to_digest, why: reason, waiting: Some(gate), signature })
    }

    /// What keeps a tag back that is written without the digest that was verified.
    fn unseen(&self, governed: &Governed<'_>, tag: &Tag) -> Option<Gate> {
        let info = self.list.find(tag)?;
        let reason = governed.policy.unseen(info, self.input.now)?;
        let reason = format!("{reason} (`{}:{}`)", governed.rule.file, governed.rule.line);
        Some(Gate { kind: GateKind::Signature, reason, until: None })
    }

    /// By whom a tag is signed, of those whom the rule names.
    fn signature(&self, governed: &Governed<'_>, tag: &Tag) -> Signature {
        let info = self.list.find(tag);
        let signers: BTreeSet<String> =
            info.into_iter().flat_map(|info| governed.policy.signers_of(info)).map(ToOwned::to_owned).collect();
        if signers.is_empty() {
            Signature::NotAsked
        } else {
            Signature::By { signers, seen_at: info.and_then(|info| info.seen_at) }
        }
    }

    /// What a policy says of tags in the situation of this place.
    fn decided<T>(
        &self,
        governed: &Governed<'_>,
        tags: &TagList,
        decide: impl Fn(&CompiledPolicy, &Situation<'_>) -> T,
    ) -> T {
        let Self { input, occurrence, .. } = *self;
        let here = |barred: &&Barred| is_here(barred, occurrence, governed.environment);
        let barred = input.barred.iter().filter(here);
        let barred: Vec<BarredTag<'_>> =
            barred.map(|barred| BarredTag { tag: &barred.tag, reason: &barred.reason }).collect();
        let lists = input.images.iter().filter_map(|image| Some((&image.image, image.list.as_ref()?)));
        let companions: Vec<Companion<'_>> = lists.map(|(image, tags)| Companion { image, tags }).collect();
        let current = Some(Standing::new(occurrence.image.tag.as_ref(), occurrence.image.digest.as_ref()));
        let (barred, companions) = (barred.as_slice(), companions.as_slice());
        decide(&governed.policy, &Situation { current, tags, barred, companions, now: input.taken_at })
    }
}

/// The open proposals by which an image would be merged that certainly does not count as signed, each with the reason: a key
/// was taken out or replaced, or the rule asks for a signature since.
pub(super) fn unsigned<'a>(input: &PlanInput<'a>, policies: &Policies<'a>) -> BTreeMap<ProposalId, String> {
    let mut found = BTreeMap::new();
    for open in input.open.iter().filter(|open| open.is_ours() && open.proposal.request.is_none()) {
        let base = input.branches.iter().filter(|branch| branch.name == open.proposal.base_branch);
        let places = base.flat_map(|branch| branch.found.occurrences.iter().map(move |place| (branch, place)));
        let reason = places.into_iter().find_map(|(branch, occurrence)| {
            let change = brought_by(open, branch, occurrence)?;
            refused_by(input, policies, occurrence, change)
        });
        found.extend(reason.map(|reason| (open.proposal.id, reason)));
    }
    found
}

/// Why one of the rules of a place refuses what is proposed for it.
fn refused_by<'a>(
    input: &PlanInput<'a>,
    policies: &Policies<'a>,
    occurrence: &'a Occurrence,
    change: &ProposedChange,
) -> Option<String> {
    let image = &occurrence.image;
    if image.tag.as_ref() == Some(&change.to) && (change.to_digest.is_none() || image.digest == change.to_digest) {
        return None;
    }
    occurrence.environments.iter().find_map(|environment| {
        let rule = input.config.ruling(occurrence, environment)?;
        let policy = policies.of(rule.policy.as_ref()?, image.digest.as_ref()).ok()?;
        let why = policy.refuses(&change.to, change.to_digest.as_ref(), tag_list(input, occurrence))?;
        Some(format!("`{}` does not count as signed: {why}", change.to))
    })
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

/// What an open proposal of ours brings to the place.
fn proposed<'a>(input: &PlanInput<'a>, branch: &Branch, occurrence: &Occurrence) -> Option<&'a ProposedChange> {
    let ours = input.open.iter().filter(|open| open.is_ours());
    ours.filter_map(|open| brought_by(open, branch, occurrence)).next()
}

/// Whether a proposal for the place was merged or closed and nobody has read what that means.
pub(super) fn has_ended(input: &PlanInput<'_>, branch: &Branch, occurrence: &Occurrence) -> bool {
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

pub(super) fn tag_list<'a>(input: &PlanInput<'a>, occurrence: &Occurrence) -> Option<&'a TagList> {
    input.images.iter().find(|image| image.image == occurrence.image.repository)?.list.as_ref()
}

/// What keeps the change back, the schedule and the tag's age aside.
fn gate(input: &PlanInput<'_>, occurrence: &Occurrence, mode: Mode, rules: &[Governed<'_>], to: &Tag) -> Option<Gate> {
    let image = &occurrence.image.repository;
    let of_config = |governed: &Governed<'_>| input.config.gate_for(image, governed.environment, to, input.now);
    if let Some(gate) = rules.iter().find_map(of_config) {
        return Some(gate);
    }
    let observing = rules.iter().find(|one| one.rule.mode == Mode::Observe && mode == Mode::Observe);
    observing.map(|Governed { rule, .. }| Gate {
        kind: GateKind::Observe,
        reason: format!("the rule observes only (`{}:{}`)", rule.file, rule.line),
        until: None,
    })
}

/// The ways out where a place takes the tag, and not the digest whose signature was verified.
fn remedy(branch: &Branch, occurrence: &Occurrence, rules: &[Governed<'_>], to: &Tag) -> &'static str {
    let by_signature = rules.iter().any(|governed| governed.policy.signers().iter().any(|signer| !signer.tag_only));
    if by_signature && occurrence.image.digest.is_none() && try_edit(branch, occurrence, &written(to, None)).is_ok() {
        return "; `signed_by` writes the digest that was verified: give the place one, or write `tag_only: true` beside \
                the signer's `key` to take a tag that may move";
    }
    ""
}

/// What is written at a place.
pub(super) fn written(to: &Tag, to_digest: Option<&Digest>) -> Target {
    Target { digest: to_digest.cloned(), ..Target::tag(to.clone()) }
}

/// The files of a place with the target in it, to learn early whether it can be written.
pub(super) fn try_edit(branch: &Branch, occurrence: &Occurrence, target: &Target) -> Result<String, EditError> {
    let text = branch.files.get(&occurrence.place.file).unwrap_or_default();
    edit(text, &occurrence.edits(target)?)
}
