//! What people asked for: the places that they were shown get their tag, whatever a rule would choose, or the request ends
//! with the reason.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::{
    change::{Gate, Mode},
    id::RequestId,
    image::{Digest, Tag},
    place::PlaceKey,
    request::{Override, ShownPlace},
};
use heddle_manifest::find::Occurrence;
use heddle_wire::automator::{OpenRequest, RefusedRequest, Release, RequestedWrite};

use super::{
    Branch, Choice, Chosen, OpenState, PlanInput, Wanted,
    choice::{has_ended, try_edit, written},
};

/// The requests of a plan, and what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Requests<'a> {
    /// Those that are written, with the index of each of their places.
    live: Vec<(&'a OpenRequest, Vec<usize>)>,
    /// Those of which nothing can be said now; what is proposed for them stays.
    unknown: BTreeSet<RequestId>,
    /// Those that end.
    pub refused: Vec<RefusedRequest>,
}

/// Why a request is not written.
enum Obstacle {
    /// It ends, for this reason.
    Refused(String),
    /// Somebody has to look again first. The places stay as they are.
    Unknown(Vec<usize>),
}

impl<'a> Requests<'a> {
    /// Gives the places of each request what it asks for. Of two that ask for the same place the older one counts.
    pub fn take(input: &PlanInput<'a>, choices: &mut [Chosen<'a>]) -> Self {
        let mut requests = Self::default();
        for request in input.requests {
            let RequestedWrite::Release(release) = &request.write;
            let look = Look { input, request, release };
            match look.places(choices) {
                Ok(places) => {
                    for (index, wanted) in &places {
                        choices[*index].2 = Choice::Update(Box::new(wanted.clone()));
                    }
                    requests.live.push((request, places.into_iter().map(|(index, _)| index).collect()));
                }
                Err(Obstacle::Unknown(places)) => {
                    for index in places {
                        choices[index].2 = Choice::Unknown;
                    }
                    requests.unknown.insert(request.id);
                }
                Err(Obstacle::Refused(reason)) => requests.refuse(request, reason),
            }
        }
        requests
    }

    /// Ends what would be written in part alone, because a place changes together with one that does not get the same.
    /// What is left goes into one commit or pull request: the most careful mode of its places is that of all.
    pub fn keep_whole(&mut self, choices: &mut [Chosen<'a>]) {
        for (request, places) in std::mem::take(&mut self.live) {
            let is_own = |choice: &Choice<'_>| match choice {
                Choice::Update(wanted) => wanted.request.is_some_and(|own| own.id == request.id),
                Choice::Keep | Choice::Unknown => false,
            };
            let lost = places.iter().find(|index| !is_own(&choices[**index].2)).copied();
            let Some(lost) = lost else {
                one_mode(choices, &places);
                self.live.push((request, places));
                continue;
            };
            let place = &choices[lost].1.place;
            let reason = format!(
                "`{}:{}` changes together with a place that does not get the same by the same request, so it cannot be written \
                 alone",
                place.file, place.line
            );
            self.refuse(request, reason);
            for index in places {
                choices[index].2 = Choice::Unknown;
            }
        }
    }

    /// Why an open proposal that was made for a request is to be closed; `None` while it is wanted, or may be.
    pub fn end_of(&self, request: RequestId) -> Option<String> {
        if self.unknown.contains(&request) || self.live.iter().any(|(live, _)| live.id == request) {
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

/// One request before the heads.
struct Look<'i, 'a> {
    input: &'i PlanInput<'a>,
    request: &'a OpenRequest,
    release: &'a Release,
}

impl<'a> Look<'_, 'a> {
    /// What each of its places gets.
    fn places(&self, choices: &[Chosen<'a>]) -> Result<Vec<(usize, Wanted<'a>)>, Obstacle> {
        let here = self.here(choices);
        if self.own_state() == Some(OpenState::Ended) {
            // A read says soon whether it was merged or closed.
            return Err(Obstacle::Unknown(here));
        }
        if self.is_stopped() {
            return Err(Obstacle::Unknown(here));
        }
        self.compare(choices, &here)?;
        let mut places = Vec::with_capacity(here.len());
        for index in &here {
            let (branch, occurrence, choice) = &choices[*index];
            if matches!(choice, Choice::Update(other) if other.request.is_some()) {
                let reason = format!("another request is open for `{}`", at(occurrence));
                return Err(Obstacle::Refused(reason));
            }
            if has_ended(self.input, branch, occurrence) {
                return Err(Obstacle::Unknown(here));
            }
            places.push((*index, self.wanted(branch, occurrence)?));
        }
        // One that is carried counts too: it was among the places of which the person was told how they are written.
        let mode = places.iter().map(|(_, wanted)| wanted.mode).max();
        for (_, wanted) in &mut places {
            wanted.mode = mode.unwrap_or(wanted.mode);
        }
        // A place that has it already, beside others that have not.
        places.retain(|(_, wanted)| !wanted.is_carried());
        Ok(places)
    }

    /// The index of each place of the image in the environment.
    fn here(&self, choices: &[Chosen<'a>]) -> Vec<usize> {
        let is_here = |(branch, occurrence, _): &Chosen<'_>| {
            branch.name == self.request.branch
                && occurrence.image.repository == self.release.image
                && occurrence.environments.contains(&self.release.environment)
        };
        (0..choices.len()).filter(|index| is_here(&choices[*index])).collect()
    }

    /// How the pull request stands that was opened for it, where one was.
    fn own_state(&self) -> Option<OpenState> {
        let own = self.input.open.iter().find(|open| open.proposal.request == Some(self.request.id));
        own.map(|open| open.state)
    }

    /// Whether `.heddle.yaml` cannot be read where it says what is here, so that neither rules nor environments are known,
    /// or names a branch for the environment that was not read.
    fn is_stopped(&self) -> bool {
        let Release { environment, image, places, .. } = self.release;
        let config = self.input.config;
        let mut touched = places.iter().flat_map(|shown| &shown.environments).chain([environment]);
        let is_followed = config
            .environments
            .iter()
            .any(|known| known.name == *environment && known.branch.as_ref() == Some(&self.request.branch));
        let was_read = self.input.branches.iter().any(|branch| branch.name == self.request.branch);
        touched.any(|name| config.stop_for(image, name).is_some()) || (is_followed && !was_read)
    }

    /// Whether the head holds what the person was shown.
    fn compare(&self, choices: &[Chosen<'a>], here: &[usize]) -> Result<(), Obstacle> {
        let Release { environment, image, to, places, .. } = self.release;
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
                // What cannot be read may still hold the place.
                return Err(Obstacle::Unknown(here.to_vec()));
            }
            let place = &gone.place;
            let reason = format!("`{}` holds no `{image}` for `{environment}` any more", place.file);
            return Err(Obstacle::Refused(reason));
        }
        if carried {
            return Err(Obstacle::Refused(format!("`{}` carries it already", self.request.branch)));
        }
        Ok(())
    }

    fn wanted(&self, branch: &'a Branch, occurrence: &'a Occurrence) -> Result<Wanted<'a>, Obstacle> {
        let to_digest = self.digest(occurrence)?.cloned();
        if let Some(reason) = &occurrence.obstacle {
            return Err(Obstacle::Refused(format!("`{}` cannot be written: {reason}", at(occurrence))));
        }
        let target = written(&self.release.to, to_digest.as_ref());
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
        let modes = occurrence.environments.iter().map(mode_in).chain(proposed);
        let mode = modes.max().unwrap_or(Mode::PullRequest).max(self.release.mode);
        Ok(Wanted {
            branch,
            occurrence,
            from: occurrence.image.tag.as_ref(),
            to: self.release.to.clone(),
            to_digest,
            mode: mode.min(Mode::PullRequest),
            gate: None,
            environments: occurrence.environments.iter().collect(),
            rule: rulings().next(),
            request: Some(self.request),
            pushed_at: None,
            why: format!("{} asked for it", self.request.requested.by.name),
        })
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
        let release: &'a Release = self.release;
        release.to_digest.as_ref().map(Some).ok_or_else(|| {
            Obstacle::Refused(format!(
                "a digest belongs beside the tag at `{}`, and that of `{}` is not known: it is once a scan has described the tag",
                at(occurrence),
                release.to
            ))
        })
    }

    /// Holds, freezes and the schedule stop nobody who names them.
    fn pass_gates(&self, occurrence: &Occurrence) -> Result<(), Obstacle> {
        let PlanInput { config, now, .. } = *self.input;
        let Release { image, to, despite, .. } = self.release;
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
