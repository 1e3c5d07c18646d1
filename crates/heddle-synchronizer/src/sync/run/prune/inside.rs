//! Looking into namespaces and definitions that are to go, for what stays and would go with them.
//!
//! The watches do not show all of it: the account may not watch a kind, nobody here has one, or an object was let go of
//! before. So the cluster itself is asked, and what cannot be told stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::StreamExt;
use heddle_kube::{AccountClient, Kinds, KubeError, Served};
use heddle_reconcile::{GroupKind, Holds, LiveObject, ObjectKey, PruneGuard, reason_to_hold};

use super::{super::Run, CONCURRENCY};
use crate::neighbors::Neighbors;

/// Why a namespace or a definition stays that holds more than its entry notes.
const TOO_MANY: &str =
    "more objects of it were let go of and stay than are known by name: delete it by hand when none of them is needed";

/// Something that would go with a namespace or a definition.
struct Inside {
    holder: ObjectKey,
    key: ObjectKey,
}

impl Run<'_> {
    /// What any Sync has noted of these.
    pub(super) fn noted(&self, holders: &[ObjectKey]) -> Vec<(ObjectKey, Holds)> {
        let (neighbors, name) = (&self.context.ctx.neighbors, &self.context.name.name);
        let noted = holders.iter().map(|holder| {
            let mut noted = neighbors.noted_by_others(name, holder);
            self.inventory.find(holder).into_iter().for_each(|entry| noted.merge(&entry.holds));
            (holder.clone(), noted)
        });
        noted.collect()
    }

    /// What stays in these of what is known by name: `noted` when it was let go of, or to go itself and not watched.
    pub(super) async fn look_for_known(
        &mut self,
        noted: &[(ObjectKey, Holds)],
        surplus: &[ObjectKey],
    ) -> BTreeMap<ObjectKey, String> {
        let plurals = self.cluster.kinds().map(Kinds::plurals).unwrap_or_default();
        let live = &self.cluster.observed.live;
        let (mut known, mut held) = (Vec::new(), BTreeMap::new());
        for (holder, noted) in noted {
            if noted.more {
                held.insert(holder.clone(), TOO_MANY.to_owned());
            }
            let unseen = surplus.iter().filter(|key| key.goes_with(holder, &plurals) && !live.covers(key));
            let inside = noted.keys.iter().chain(unseen).filter(|key| !self.context.desired.keys().contains(*key));
            known.extend(inside.map(|key| Inside { holder: holder.clone(), key: key.clone() }));
        }
        let wanted: Vec<&GroupKind> = known.iter().map(|inside| &inside.key.kind).collect();
        let kinds = match self.cluster.kinds_with(&wanted).await {
            Ok(kinds) => kinds,
            Err(error) => return untold(noted.iter().map(|(holder, _)| holder), &error),
        };
        let client = &self.cluster.client;
        let looks: Vec<_> = known.into_iter().map(|inside| stays(client, &kinds, inside)).collect();
        let found: Vec<_> = futures::stream::iter(looks).buffered(CONCURRENCY).collect().await;
        for (holder, why) in found.into_iter().flatten() {
            held.entry(holder).or_insert(why);
        }
        held
    }

    /// What of any Sync stays in these: as far as the account may list it, and what the other Syncs say that they have.
    /// `looked_at` by name was what was noted before.
    pub(super) async fn look_for_any(
        &mut self,
        holders: &[ObjectKey],
        looked_at: &[(ObjectKey, Holds)],
        surplus: &[ObjectKey],
    ) -> BTreeMap<ObjectKey, String> {
        let kinds = match self.cluster.kinds_of_now().await {
            Ok(kinds) => kinds,
            Err(error) => return untold(holders.iter(), &error),
        };
        let client = &self.cluster.client;
        let mut lists = Vec::new();
        for holder in holders {
            lists.extend(kinds_inside(&kinds, holder).into_iter().map(|served| list_inside(client, holder, served)));
        }
        let listed: Vec<_> = futures::stream::iter(lists).buffer_unordered(CONCURRENCY).collect().await;
        let is_answered = listed.iter().any(|(.., listed)| listed.as_ref().err().is_none_or(KubeError::is_of_request));
        let mut found = BTreeMap::new();
        let mut unlistable: BTreeMap<&ObjectKey, BTreeSet<String>> = BTreeMap::new();
        for (holder, kind, listed) in listed {
            let why = match listed {
                Ok(objects) => {
                    let staying = objects.iter().find(|(key, live)| self.is_staying(key, live, surplus));
                    staying.map(|(inside, _)| reason_to_hold(holder, inside))
                }
                // What was let go of there was noted, and the others say what they have.
                Err(KubeError::Forbidden(_)) => {
                    unlistable.entry(holder).or_default().insert(kind.kind.clone());
                    None
                }
                Err(KubeError::NotServed(_)) => None,
                Err(error) => Some(cannot_tell(&error)),
            };
            if let Some(why) = why {
                found.entry(holder.clone()).or_insert(why);
            }
        }
        let (neighbors, name) = (&self.context.ctx.neighbors, &self.context.name.name);
        let plurals = kinds.plurals();
        for holder in holders {
            let unlistable = unlistable.remove(holder).unwrap_or_default();
            let why = of_others(neighbors, name, holder, looked_at, &unlistable, &plurals);
            if let Some(why) = why.or_else(|| unknown_inside(holder, &kinds.unknown_groups)) {
                found.entry(holder.clone()).or_insert(why);
            }
        }
        self.is_answered |= is_answered;
        found
    }

    /// Whether an object that was found stays: it is another Sync's, is wanted, or says so itself. What Kubernetes and
    /// operators made and labelled like ours is nobody's, as among leftovers.
    fn is_staying(&self, key: &ObjectKey, live: &LiveObject, surplus: &[ObjectKey]) -> bool {
        let is_of_a_sync = !live.deleting && !live.is_owned && live.entry.is_some();
        let is_other = live.owner.as_deref().is_some_and(|owner| owner != self.owner());
        let is_ours = self.inventory.find(key).is_some() && !surplus.contains(key);
        is_of_a_sync && (is_other || is_ours || live.guard.reason_to_keep().is_some())
    }
}

/// Why a namespace or a definition stays for what other Syncs have, whether or not the account sees it. `unlistable` are the
/// kinds of which it may not. What a Sync has that has not read its inventory yet can be told by a list alone.
fn held_by_others(
    holder: &ObjectKey,
    others: &[(String, Option<Arc<BTreeSet<ObjectKey>>>)],
    unlistable: &BTreeSet<String>,
    plurals: &BTreeMap<GroupKind, String>,
) -> Option<String> {
    let inside = |holds: &BTreeSet<ObjectKey>| holds.iter().find(|key| key.goes_with(holder, plurals)).cloned();
    let why = others.iter().find_map(|(name, holds)| match holds {
        Some(holds) => inside(holds).map(|key| format!("{}: the Sync {name} has it", reason_to_hold(holder, &key))),
        None if unlistable.is_empty() => None,
        None => Some(format!("it is not known yet what the Sync {name} has in it")),
    })?;
    if unlistable.is_empty() {
        return Some(why);
    }
    let kinds: Vec<&str> = unlistable.iter().map(String::as_str).collect();
    Some(format!("{why}; the account may not list {}", kinds.join(", ")))
}

/// Why a namespace or a definition stays for what other Syncs have or had in it. An object that one of them lets go of
/// meanwhile is in its notes when it is not among what it has any more, so these are read after that; what was noted before
/// was `looked_at` by name.
fn of_others(
    neighbors: &Neighbors,
    name: &str,
    holder: &ObjectKey,
    looked_at: &[(ObjectKey, Holds)],
    unlistable: &BTreeSet<String>,
    plurals: &BTreeMap<GroupKind, String>,
) -> Option<String> {
    let why = held_by_others(holder, &neighbors.held_by_others(name), unlistable, plurals);
    let noted = neighbors.noted_by_others(name, holder);
    let is_looked_at = looked_at.iter().any(|(one, before)| one == holder && before.covers(&noted));
    why.or_else(|| (!is_looked_at).then(|| "another Sync has just let go of something in it".to_owned()))
}

fn cannot_tell(error: &KubeError) -> String {
    format!("what is in it cannot be told: {error}")
}

/// All of them stay, while it is not known what they may hold.
fn untold<'h>(holders: impl Iterator<Item = &'h ObjectKey>, error: &KubeError) -> BTreeMap<ObjectKey, String> {
    holders.map(|holder| (holder.clone(), cannot_tell(error))).collect()
}

/// Why a namespace or a definition stays whose objects may be of an API group that does not answer: which kinds that group
/// has is not known then, and neither is whether any object of them is there.
fn unknown_inside(holder: &ObjectKey, unknown_groups: &[String]) -> Option<String> {
    let may_hold = |group: &&String| {
        let any = GroupKind { group: (*group).clone(), kind: String::new() };
        let any = ObjectKey { kind: any, namespace: Some(holder.name.clone()), name: String::new() };
        any.goes_with(holder, &BTreeMap::new())
    };
    let group = unknown_groups.iter().find(may_hold)?;
    Some(format!(
        "what of the API group `{group}` is in it cannot be told, since the server of that group does not answer: mend it, or \
         delete its APIService"
    ))
}

/// The kinds whose objects go with a namespace or a definition, as far as they can be listed.
fn kinds_inside<'k>(kinds: &'k Kinds, holder: &ObjectKey) -> Vec<&'k Served> {
    let plurals = kinds.plurals();
    let is_inside = |served: &&Served| {
        let any = ObjectKey { kind: served.kind.clone(), namespace: None, name: String::new() };
        served.watchable && if holder.kind.is_namespace() { served.namespaced } else { any.goes_with(holder, &plurals) }
    };
    kinds.iter().filter(is_inside).collect()
}

async fn list_inside<'h>(
    client: &AccountClient,
    holder: &'h ObjectKey,
    served: &'h Served,
) -> (&'h ObjectKey, &'h GroupKind, Result<Vec<(ObjectKey, LiveObject)>, KubeError>) {
    let namespace = holder.kind.is_namespace().then_some(holder.name.as_str());
    (holder, &served.kind, client.list_owned(served, namespace).await)
}

/// Whether a known object stays, and why then what it is in does. What cannot be looked at may stay.
async fn stays(client: &AccountClient, kinds: &Kinds, inside: Inside) -> Option<(ObjectKey, String)> {
    let Inside { holder, key } = inside;
    let served = match kinds.preferred(&key.kind) {
        Some(served) => served,
        None if kinds.unknown_groups.contains(&key.kind.group) => {
            return Some((holder, format!("whether {key} stays cannot be told: its API group does not answer")));
        }
        None => return None,
    };
    let why = match client.find_metadata(&key, served).await {
        Ok(Some(found)) if !found.deleting && matches!(found.guard, PruneGuard::Keep(_)) => {
            reason_to_hold(&holder, &key)
        }
        Ok(_) | Err(KubeError::NotServed(_)) => return None,
        Err(error) => format!("whether {key} stays cannot be told: {error}"),
    };
    Some((holder, why))
}

#[cfg(test)]
mod tests;
