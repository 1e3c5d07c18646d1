//! What people asked for: the places that they were shown get their tag, whatever a rule would choose, or the request ends
//! with the reason.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::{
    change::{Gate, Mode},
    id::RequestId,
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::PlaceKey,
    policy::{Signed, Signer},
    request::{Asked, Override, ShownPlace, Step},
};
use heddle_manifest::{config::Ruling, find::Occurrence};
use heddle_wire::automator::{OpenRequest, RefusedRequest, WaitingRequest};

use super::{
    Branch, Choice, Chosen, NewText, OpenState, PlanInput, Wanted,
    choice::{has_ended, tag_list, try_edit, written},
    rules,
};
use crate::text::Signature;

/// The requests of a plan, and what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Requests<'a> {
    /// Those that are written.
    live: Vec<Live<'a>>,
    /// Those of which nothing can be said now; what is proposed for them stays.
    pub waiting: Vec<WaitingRequest>,
    /// Those that end.
    pub refused: Vec<RefusedRequest>,
}

/// A request that is written.
#[derive(Debug)]
pub(super) struct Live<'a> {
    /// The request.
    pub request: &'a OpenRequest,
    /// The index of each of its places.
    places: Vec<usize>,
    /// What `.heddle.yaml` becomes, where it asks for that.
    pub rules: Option<NewText>,
}

/// What is said where a read comes first.
pub(super) const ENDED: &str = "a pull request for it was merged or closed, and a read says which";

/// Why a request is not written.
pub(super) enum Obstacle {
    /// It ends, for this reason.
    Refused(String),
    /// Something has to come first, which is said. The places stay as they are.
    Waits(Vec<usize>, String),
}

impl<'a> Requests<'a> {
    /// Gives the places of each request what it asks for. Of two that ask for the same place the older one counts.
    pub fn take(input: &PlanInput<'a>, choices: &mut [Chosen<'a>]) -> Self {
        let mut requests = Self::default();
        for request in input.requests {
            match live(input, request, choices) {
                Ok((places, rules)) => {
                    for (index, wanted) in &places {
                        choices[*index].2 = Choice::Update(Box::new(wanted.clone()));
                    }
                    let places = places.into_iter().map(|(index, _)| index).collect();
                    requests.live.push(Live { request, places, rules });
                }
                Err(Obstacle::Waits(places, reason)) => {
                    for index in places {
                        choices[index].2 = Choice::Unknown;
                    }
                    requests.waiting.push(WaitingRequest { id: request.id, reason });
                }
                Err(Obstacle::Refused(reason)) => requests.refuse(request, reason),
            }
        }
        requests
    }

    /// Ends what would be written in part alone, because a place changes together with one that does not get the same.
    /// What is left goes into one commit or pull request: the most careful mode of its places is that of all.
    pub fn keep_whole(&mut self, choices: &mut [Chosen<'a>]) {
        for live in std::mem::take(&mut self.live) {
            let request = live.request;
            let is_own = |choice: &Choice<'_>| match choice {
                Choice::Update(wanted) => wanted.request.is_some_and(|own| own.id == request.id),
                Choice::Keep | Choice::Unknown => false,
            };
            let lost = live.places.iter().find(|index| !is_own(&choices[**index].2)).copied();
            let Some(lost) = lost else {
                one_mode(choices, &live.places);
                self.live.push(live);
                continue;
            };
            let place = &choices[lost].1.place;
            let reason = format!(
                "`{}:{}` changes together with a place that does not get the same by the same request, so it cannot be written \
                 alone",
                place.file, place.line
            );
            self.refuse(request, reason);
            for index in live.places {
                choices[index].2 = Choice::Unknown;
            }
        }
    }

    /// What `.heddle.yaml` becomes by a request, where it asks for that.
    pub fn rules_of(&self, request: RequestId) -> Option<&NewText> {
        self.live.iter().find(|live| live.request.id == request)?.rules.as_ref()
    }

    /// Those that ask for entries of `.heddle.yaml` alone.
    pub fn of_rules_alone(&self) -> impl Iterator<Item = (&'a OpenRequest, &NewText)> {
        let alone = self.live.iter().filter(|live| live.places.is_empty());
        alone.filter_map(|live| Some((live.request, live.rules.as_ref()?)))
    }

    /// Why an open proposal that was made for a request is to be closed; `None` while it is wanted, or may be.
    pub fn end_of(&self, request: RequestId) -> Option<String> {
        if self.waiting.iter().any(|waiting| waiting.id == request)
            || self.live.iter().any(|live| live.request.id == request)
        {
            return None;
        }
        let refused = self.refused.iter().find(|refused| refused.id == request);
        Some(refused.map_or_else(|| "nobody asks for it any more".to_owned(), |refused| refused.reason.clone()))
    }

    fn refuse(&mut self, request: &OpenRequest, reason: String) {
        self.refused.push(RefusedRequest { id: request.id, reason });
    }
}

/// Writes all of these places as the most careful one of them.
fn one_mode(choices: &mut [Chosen<'_>], places: &[usize]) {
    let modes = places.iter().filter_map(|index| match &choices[*index].2 {
        Choice::Update(wanted) => Some(wanted.mode),
        Choice::Keep | Choice::Unknown => None,
    });
    let Some(mode) = modes.max() else { return };
    for index in places {
        if let Choice::Update(wanted) = &mut choices[*index].2 {
            wanted.mode = mode;
        }
    }
}

/// The index of a place, and what it gets.
type Placed<'a> = (usize, Wanted<'a>);

/// What each place of a request gets, and what `.heddle.yaml` becomes.
fn live<'a>(
    input: &PlanInput<'a>,
    request: &'a OpenRequest,
    choices: &[Chosen<'a>],
) -> Result<(Vec<Placed<'a>>, Option<NewText>), Obstacle> {
    let aims = aims(request);
    let looks: Vec<Look<'_, 'a>> = aims.iter().map(|aim| Look { input, request, aim }).collect();
    let rules = rules::changed(input, request).map_err(|obstacle| match obstacle {
        // The rules must not go on where the request waits.
        Obstacle::Waits(_, reason) => {
            Obstacle::Waits(looks.iter().flat_map(|look| look.here(choices)).collect(), reason)
        }
        refused @ Obstacle::Refused(_) => refused,
    })?;
    let mut places = Vec::new();
    for look in &looks {
        places.extend(look.places(choices)?);
    }
    let mut once = BTreeSet::new();
    if let Some((_, twice)) = places.iter().find(|(index, _)| !once.insert(*index)) {
        return Err(Obstacle::Refused(format!("it asks twice for `{}`", at(twice.occurrence))));
    }
    if places.is_empty() && rules.is_none() {
        return Err(Obstacle::Refused(format!("`{}` carries it already", request.branch)));
    }
    // One that is carried counts too: it was among the places of which the person was told how they are written.
    let by_rules = rules.is_some().then_some(Mode::PullRequest);
    let mode = places.iter().map(|(_, wanted)| wanted.mode).chain(by_rules).max();
    for (_, wanted) in &mut places {
        wanted.mode = mode.unwrap_or(wanted.mode);
    }
    // A place that has it already, beside others that have not.
    places.retain(|(_, wanted)| !wanted.is_carried());
    Ok((places, rules))
}

/// A tag for places of an image in an environment.
struct Aim<'a> {
    environment: &'a EnvironmentName,
    image: &'a ImageRepository,
    to: &'a Tag,
    to_digest: Option<&'a Digest>,
    places: &'a [ShownPlace],
    /// The places are all of the image; else only these.
    is_whole: bool,
}

fn aims(request: &OpenRequest) -> Vec<Aim<'_>> {
    let (environment, is_whole) = match &request.asked {
        Asked::Release(release) => (&release.environment, true),
        Asked::Promotion(promotion) => (&promotion.environment, true),
        Asked::Rollback(rollback) => (&rollback.environment, false),
        Asked::Rules(_) => return Vec::new(),
    };
    let steps = request.asked.steps();
    let aim = |Step { image, to, to_digest, places }| {
        let to_digest = to_digest.or(request.to_digest.as_ref());
        Aim { environment, image, to, to_digest, places, is_whole }
    };
    steps.map(aim).collect()
}

/// One aim of a request before the heads.
struct Look<'i, 'a> {
    input: &'i PlanInput<'a>,
    request: &'a OpenRequest,
    aim: &'i Aim<'a>,
}

impl<'a> Look<'_, 'a> {
    /// What each of its places gets.
    fn places(&self, choices: &[Chosen<'a>]) -> Result<Vec<Placed<'a>>, Obstacle> {
        let here = self.here(choices);
        if self.own_state() == Some(OpenState::Ended) {
            return Err(Obstacle::Waits(here, ENDED.to_owned()));
        }
        if let Some(reason) = self.stop() {
            return Err(Obstacle::Waits(here, reason));
        }
        if self.compare(choices, &here)? {
            return Ok(Vec::new());
        }
        let mut places = Vec::with_capacity(here.len());
        for index in &here {
            let (branch, occurrence, choice) = &choices[*index];
            if matches!(choice, Choice::Update(other) if other.request.is_some()) {
                let reason = format!("another request is open for `{}`", at(occurrence));
                return Err(Obstacle::Refused(reason));
            }
            if has_ended(self.input, branch, occurrence) {
                return Err(Obstacle::Waits(here, ENDED.to_owned()));
            }
            let wanted = self.wanted(branch, occurrence).map_err(|obstacle| match obstacle {
                Obstacle::Waits(_, reason) => Obstacle::Waits(here.clone(), reason),
                refused @ Obstacle::Refused(_) => refused,
            })?;
            places.push((*index, wanted));
        }
        Ok(places)
    }

    /// The index of each place that it is about.
    fn here(&self, choices: &[Chosen<'a>]) -> Vec<usize> {
        let Aim { environment, image, places, is_whole, .. } = self.aim;
        let is_shown = |occurrence: &Occurrence| {
            let is_same = |shown: &ShownPlace| {
                shown.place.file == occurrence.place.file && shown.place.key() == occurrence.place.key()
            };
            *is_whole || places.iter().any(is_same)
        };
        let is_here = |(branch, occurrence, _): &Chosen<'_>| {
            branch.name == self.request.branch
                && !occurrence.is_chart
                && occurrence.image.repository == **image
                && occurrence.environments.contains(environment)
                && is_shown(occurrence)
        };
        (0..choices.len()).filter(|index| is_here(&choices[*index])).collect()
    }

    /// How the pull request stands that was opened for it, where one was.
    fn own_state(&self) -> Option<OpenState> {
        let own = self.input.open.iter().find(|open| open.proposal.request == Some(self.request.id));
        own.map(|open| open.state)
    }

    /// What keeps everybody from knowing what is here: `.heddle.yaml` cannot be read where it says so, or names a branch for
    /// the environment that was not read.
    fn stop(&self) -> Option<String> {
        let Aim { environment, image, places, .. } = *self.aim;
        let config = self.input.config;
        let mut touched = places.iter().flat_map(|shown| &shown.environments).chain([environment]);
        let is_followed = config
            .environments
            .iter()
            .any(|known| known.name == *environment && known.branch.as_ref() == Some(&self.request.branch));
        let was_read = self.input.branches.iter().any(|branch| branch.name == self.request.branch);
        let stop = touched.find_map(|name| config.stop_for(image, name));
        stop.map(|stop| format!("{} (`.heddle.yaml:{}`)", stop.reason, stop.line))
            .or_else(|| (is_followed && !was_read).then(|| format!("`{}` could not be read", self.request.branch)))
    }

    /// Whether the head carries it already. An obstacle where it does not hold what the person was shown.
    fn compare(&self, choices: &[Chosen<'a>], here: &[usize]) -> Result<bool, Obstacle> {
        let Aim { environment, image, to, places, .. } = *self.aim;
        let shown: BTreeMap<(&str, PlaceKey), &ShownPlace> =
            places.iter().map(|shown| ((shown.place.file.as_str(), shown.place.key()), shown)).collect();
        let mut found = BTreeSet::new();
        let mut carried = !here.is_empty();
        for index in here {
            let occurrence = choices[*index].1;
            let key = (occurrence.place.file.as_str(), occurrence.place.key());
            let Some(shown) = shown.get(&key) else {
                let reason = format!("`{}` holds `{image}` too by now, and was not shown", at(occurrence));
                return Err(Obstacle::Refused(reason));
            };
            if let Some(name) = occurrence.environments.iter().find(|name| !shown.environments.contains(name)) {
                let reason = format!("`{}` counts in `{name}` too by now, which was not shown", at(occurrence));
                return Err(Obstacle::Refused(reason));
            }
            found.insert(key);
            let (tag, digest) = (occurrence.image.tag.as_ref(), occurrence.image.digest.as_ref());
            let has_it = tag == Some(to) && self.digest(occurrence)? == digest;
            carried &= has_it;
            if !has_it && (tag, digest) != (shown.tag.as_ref(), shown.digest.as_ref()) {
                let reason = format!(
                    "`{}` says {} by now, and {} stood there when this was asked for",
                    at(occurrence),
                    build(tag, digest),
                    build(shown.tag.as_ref(), shown.digest.as_ref()),
                );
                return Err(Obstacle::Refused(reason));
            }
        }
        if let Some((_, gone)) = shown.iter().find(|(key, _)| !found.contains(*key)) {
            let branch = self.input.branches.iter().find(|branch| branch.name == self.request.branch);
            if branch.is_some_and(Branch::has_unread) {
                let reason = "a file cannot be read, which may still hold the place; its finding says why".to_owned();
                return Err(Obstacle::Waits(here.to_vec(), reason));
            }
            let place = &gone.place;
            let reason = format!("`{}` holds no `{image}` for `{environment}` any more", place.file);
            return Err(Obstacle::Refused(reason));
        }
        Ok(carried)
    }

    fn wanted(&self, branch: &'a Branch, occurrence: &'a Occurrence) -> Result<Wanted<'a>, Obstacle> {
        let to_digest = self.digest(occurrence)?.cloned();
        if let Some(reason) = &occurrence.obstacle {
            return Err(Obstacle::Refused(format!("`{}` cannot be written: {reason}", at(occurrence))));
        }
        let target = written(self.aim.to, to_digest.as_ref());
        if let Err(error) = try_edit(branch, occurrence, &target) {
            return Err(Obstacle::Refused(format!("`{}` cannot be written: {error}", at(occurrence))));
        }
        // What was proposed before a hold or a freeze came stays proposed.
        if self.own_state().is_none() {
            self.pass_gates(occurrence)?;
        }
        let rulings = || occurrence.environments.iter().filter_map(|name| self.input.config.ruling(occurrence, name));
        // A rule that observes writes nothing by itself, so what a person asks for there is theirs to merge, as it is where
        // no rule says how. What is proposed stays a pull request.
        let mode_in = |name| self.input.config.ruling(occurrence, name).map_or(Mode::PullRequest, |rule| rule.mode);
        let proposed = self.own_state().map(|_| Mode::PullRequest);
        let by = &self.request.requested.by.name;
        let modes = occurrence.environments.iter().map(mode_in).chain(proposed);
        let mode = modes.max().unwrap_or(Mode::PullRequest).max(self.request.mode);
        Ok(Wanted {
            branch,
            occurrence,
            from: occurrence.image.tag.as_ref(),
            to: self.aim.to.clone(),
            to_digest,
            mode: mode.min(Mode::PullRequest),
            gate: None,
            environments: occurrence.environments.iter().collect(),
            rule: rulings().next(),
            request: Some(self.request),
            pushed_at: None,
            signature: self.signature(rulings(), occurrence),
            why: match &self.request.asked {
                Asked::Rollback(_) => format!("{by} rolled back to it"),
                Asked::Promotion(promotion) => format!("{by} promoted it from {}", promotion.from),
                Asked::Release(_) | Asked::Rules(_) => format!("{by} asked for it"),
            },
        })
    }

    /// Who is known to have signed what is written, where the rules of the place ask for that.
    fn signature<'r>(&self, rulings: impl Iterator<Item = &'r Ruling>, occurrence: &Occurrence) -> Signature {
        let policies = rulings.filter_map(|ruling| ruling.policy.as_ref());
        let asked: Vec<&Signer> = policies.flat_map(|policy| &policy.signed_by).collect();
        let list = tag_list(self.input, occurrence);
        let listed = list.and_then(|list| list.find(self.aim.to));
        let same = listed.filter(|info| self.aim.to_digest.is_some() && info.digest.as_ref() == self.aim.to_digest);
        let has_signed = |signer: &&&Signer| {
            let checks = same.map_or(&[][..], |info| &info.signatures);
            checks.iter().any(|check| signer.id.as_ref() == Some(&check.signer) && check.outcome == Signed::Yes)
        };
        let named = |signers: Vec<&Signer>| signers.into_iter().map(|signer| signer.name().to_owned()).collect();
        let signed: Vec<&Signer> = asked.iter().filter(has_signed).copied().collect();
        match (asked.is_empty(), signed.is_empty()) {
            (true, _) => Signature::NotAsked,
            (false, true) => Signature::NotKnown(named(asked)),
            (false, false) => Signature::By { signers: named(signed), seen_at: None },
        }
    }

    /// The digest that belongs beside the tag at a place.
    fn digest(&self, occurrence: &Occurrence) -> Result<Option<&'a Digest>, Obstacle> {
        let pins = |name| {
            let ruling = self.input.config.ruling(occurrence, name);
            ruling.and_then(|rule| rule.policy.as_ref()).is_some_and(|policy| policy.writes_digest(None))
        };
        if occurrence.image.digest.is_none() && !occurrence.environments.iter().any(pins) {
            return Ok(None);
        }
        if self.aim.to_digest.is_none() && self.request.awaits_digest {
            let reason = format!("a digest belongs beside the tag, and that of `{}` is looked up first", self.aim.to);
            return Err(Obstacle::Waits(Vec::new(), reason));
        }
        self.aim.to_digest.map(Some).ok_or_else(|| {
            Obstacle::Refused(format!(
                "a digest belongs beside the tag at `{}`, and that of `{}` is not known: it is once a scan has described the tag",
                at(occurrence),
                self.aim.to
            ))
        })
    }

    /// Holds, freezes and the schedule stop nobody who names them: those that stand before the request is written, also where it
    /// puts a hold of its own in their place.
    fn pass_gates(&self, occurrence: &Occurrence) -> Result<(), Obstacle> {
        let (config, now, despite) = (self.input.config, self.input.now, &self.request.despite);
        let Aim { image, to, .. } = *self.aim;
        let of_environment = |name| config.gates_for(image, name, to, now);
        let gates = occurrence.environments.iter().flat_map(of_environment).chain(config.schedule_gate(now));
        let is_passed = |gate: &Gate| Override::of(gate.kind).is_some_and(|named| despite.contains(&named));
        match gates.into_iter().find(|gate| !is_passed(gate)) {
            None => Ok(()),
            Some(Gate { kind, reason, .. }) => Err(Obstacle::Refused(match Override::of(kind) {
                Some(named) => {
                    format!("{reason}; to write it all the same, ask again and name it: `--despite {}`", named.word())
                }
                None => format!("{reason}; mend that first"),
            })),
        }
    }
}

fn at(occurrence: &Occurrence) -> String {
    format!("{}:{}", occurrence.place.file, occurrence.place.line)
}

fn build(tag: Option<&Tag>, digest: Option<&Digest>) -> String {
    match (tag, digest) {
        (None, None) => "no tag".to_owned(),
        (Some(tag), None) => format!("`{tag}`"),
        (None, Some(digest)) => format!("`{}`", digest.short()),
        (Some(tag), Some(digest)) => format!("`{tag}@{}`", digest.short()),
    }
}
