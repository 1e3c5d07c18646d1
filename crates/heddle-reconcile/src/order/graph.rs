//! Which object comes when: the order of kinds, what a person asked for, and what needs what.
//!
//! A namespace comes before what lies in it and a definition before its objects, even where those were asked to come
//! earlier: the two move forward to the first that needs them, as in Argo CD.

use std::collections::{BTreeMap, HashMap, HashSet, btree_map::Entry};

use super::{KindClass, Phase, class_of};
use crate::{DesiredObject, GroupKind, ObjectKey};

/// A moment of an apply. Everything of one step may be applied at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    phase: Phase,
    wave: i32,
    kind: KindClass,
    /// Behind others of the same moment that it needs.
    behind: usize,
}

/// The order of a set of objects.
pub(crate) struct Arranged {
    /// The step of each object; `None` for those that wait for each other in a circle, or for such.
    pub steps: Vec<Option<Step>>,
    /// What each object needs, by place in the list.
    pub needs: Vec<Vec<usize>>,
    /// Those of them that have to be healthy first.
    pub awaited: Vec<Vec<usize>>,
    /// The phase and the wave of each object.
    pub moments: Vec<Moment>,
}

/// A phase, and a wave in it: what people order by annotations.
pub(crate) type Moment = (Phase, i32);

impl Arranged {
    pub(crate) fn new(desired: &[DesiredObject]) -> Self {
        let named: HashSet<&ObjectKey> =
            desired.iter().flat_map(|object| object.order.after.iter().chain(&object.order.awaited)).collect();
        let places = desired.iter().enumerate().rev().filter(|(_, object)| named.contains(&object.key));
        let places: HashMap<&ObjectKey, usize> = places.map(|(index, object)| (&object.key, index)).collect();
        let providers = Providers::new(desired);
        let mut needs: Vec<Vec<usize>> = Vec::with_capacity(desired.len());
        let mut awaited: Vec<Vec<usize>> = Vec::with_capacity(desired.len());
        let mut moments: Vec<Moment> = desired.iter().map(|object| (object.order.phase, object.order.wave)).collect();
        for (index, object) in desired.iter().enumerate() {
            let provided: Vec<usize> = providers.of(object).filter(|provider| *provider != index).collect();
            for provider in &provided {
                moments[*provider] = moments[*provider].min(moments[index]);
            }
            let find =
                |keys: &[ObjectKey]| -> Vec<usize> { keys.iter().filter_map(|key| places.get(key).copied()).collect() };
            let healthy = find(&object.order.awaited);
            needs.push(provided.into_iter().chain(find(&object.order.after)).chain(healthy.iter().copied()).collect());
            awaited.push(healthy);
        }
        let first = |index: usize| {
            let (phase, wave) = moments[index];
            Step { phase, wave, kind: class_of(&desired[index].key.kind), behind: 0 }
        };
        let steps = settle(&needs, first);
        Self { steps, needs, awaited, moments }
    }

    /// The circle that keeps an object from being applied, beginning with itself; `None` when it only waits for others
    /// that are in one.
    pub(crate) fn circle(&self, index: usize) -> Option<Vec<usize>> {
        let mut from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = vec![index];
        while let Some(at) = open.pop() {
            for next in self.needs[at].iter().copied().filter(|next| self.steps[*next].is_none()) {
                if next == index {
                    let mut circle = vec![at];
                    while let Some(before) = from.get(circle.last()?).filter(|_| circle.last() != Some(&index)) {
                        circle.push(*before);
                    }
                    circle.reverse();
                    return Some(circle);
                }
                if let Entry::Vacant(entry) = from.entry(next) {
                    entry.insert(at);
                    open.push(next);
                }
            }
        }
        None
    }
}

/// Each object behind all that it needs.
fn settle(needs: &[Vec<usize>], first: impl Fn(usize) -> Step) -> Vec<Option<Step>> {
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (user, needed) in needs.iter().enumerate() {
        needed.iter().for_each(|one| users[*one].push(user));
    }
    let mut steps: Vec<Option<Step>> = vec![None; needs.len()];
    let mut ready: Vec<usize> = (0..needs.len()).filter(|index| waiting[*index] == 0).collect();
    while let Some(index) = ready.pop() {
        let behind = needs[index].iter().filter_map(|needed| steps[*needed]).map(after).max();
        steps[index] = Some(behind.map_or(first(index), |behind| behind.max(first(index))));
        for user in &users[index] {
            waiting[*user] -= 1;
            if waiting[*user] == 0 {
                ready.push(*user);
            }
        }
    }
    steps
}

fn after(step: Step) -> Step {
    Step { behind: step.behind + 1, ..step }
}

/// Namespaces and definitions among the objects, by what they provide.
struct Providers<'a> {
    namespaces: HashMap<&'a str, usize>,
    definitions: HashMap<&'a GroupKind, usize>,
}

impl<'a> Providers<'a> {
    fn new(desired: &'a [DesiredObject]) -> Self {
        let all = || desired.iter().enumerate();
        let namespaces = all().filter(|(_, object)| object.key.kind.is_namespace());
        Self {
            namespaces: namespaces.map(|(index, object)| (object.key.name.as_str(), index)).collect(),
            definitions: all().filter_map(|(index, object)| Some((object.defines.as_ref()?, index))).collect(),
        }
    }

    fn of(&self, object: &DesiredObject) -> impl Iterator<Item = usize> {
        let namespace = object.key.namespace.as_deref().and_then(|name| self.namespaces.get(name));
        namespace.into_iter().chain(self.definitions.get(&object.key.kind)).copied()
    }
}
