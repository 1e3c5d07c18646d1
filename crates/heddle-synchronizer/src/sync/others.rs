//! What this Sync has to do with the others: who waits for whom, and objects that move between them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::Utc;
use heddle_core::git::Revision;
use heddle_kube::FirstSync;
use heddle_reconcile::{Inventory, ObjectKey, Plan, Scope};
use tokio::{sync::watch, time::Instant};

use super::{
    Follower,
    objects::{Wanted, WantedObject},
};
use crate::registry::{Known, Registry};

/// How long another Sync of the same branch is given to come to a revision, before what left the path of this one counts
/// as gone rather than moved.
const MOVE_LIMIT: Duration = Duration::from_secs(30);

/// Objects that are named in a condition.
const NAMED: usize = 5;

/// What this Sync told the others, and what it waits for.
pub(super) struct Others {
    pub changed: watch::Receiver<()>,
    /// The revision that `wants` is about.
    revision: Option<Revision>,
    wants: Arc<BTreeSet<ObjectKey>>,
    holds: Option<Arc<BTreeSet<ObjectKey>>>,
    /// Whether a change of another one may let this one go on.
    pub awaits: bool,
    /// Since when others are waited for at a revision.
    waits_since: Option<(Revision, Instant)>,
    /// A revision of another Sync of the same branch that made this one look.
    noticed: Option<Revision>,
}

impl Others {
    pub fn new(registry: &Registry) -> Self {
        Self {
            changed: registry.subscribe(),
            revision: None,
            wants: Arc::default(),
            holds: None,
            awaits: false,
            waits_since: None,
            noticed: None,
        }
    }
}

impl Follower {
    /// Lets the others know how this Sync is doing.
    pub(super) fn publish(&self) {
        let source = self.spec.as_ref().ok().map(|spec| (spec.repository.clone(), spec.branch.clone()));
        let ready = self.conditions.find("Ready");
        let known = Known {
            uid: self.owner(),
            source,
            suspended: self.sync.spec.suspend,
            depends_on: self.sync.spec.depends_on.iter().map(|reference| reference.name.clone()).collect(),
            revision: self.others.revision.clone(),
            applied: self.applied_revision.clone(),
            is_ready: self.conditions.is_true("Ready"),
            message: ready.map(|ready| ready.message.to_string()).unwrap_or_default(),
            wants: Arc::clone(&self.others.wants),
            holds: self.others.holds.clone(),
        };
        self.shared.registry.publish(&self.name.name, known);
    }

    /// Lets the others know what a revision wants.
    pub(super) fn publish_wants(&mut self, wanted: &Wanted) {
        self.others.awaits = false;
        if self.others.revision.as_ref() != Some(&wanted.revision) {
            self.others.revision = Some(wanted.revision.clone());
        }
        let wants: BTreeSet<ObjectKey> = wanted.objects.iter().map(|object| object.desired.key.clone()).collect();
        if *self.others.wants != wants {
            self.others.wants = Arc::new(wants);
        }
        self.publish();
    }

    /// Notes what the inventory in the cluster holds now.
    pub(super) fn note_holds(&mut self, inventory: &Inventory) {
        let holds: BTreeSet<ObjectKey> = inventory.iter().map(|entry| entry.key.clone()).collect();
        if self.others.holds.as_deref() != Some(&holds) {
            self.others.holds = Some(Arc::new(holds));
        }
    }

    /// Something is new about another Sync.
    pub(super) fn take_others(&mut self) {
        self.unsettled |= self.others.awaits;
        let registry = &self.shared.registry;
        let mut heads =
            registry.others_behind(&self.name.name).into_iter().filter_map(|name| registry.find(&name)?.revision);
        if let Some(head) = heads.next()
            && self.others.noticed.as_ref() != Some(&head)
        {
            self.others.noticed = Some(head);
            self.next_look = Instant::now();
        }
    }

    /// What a new revision waits for before it is applied. What is applied already is kept as it is.
    pub(super) fn awaited_dependency(&mut self, revision: &Revision) -> Option<String> {
        if self.applied_revision.as_ref() == Some(revision) {
            return None;
        }
        let awaited = self.shared.registry.awaited(&self.name.name, revision);
        self.others.awaits |= awaited.is_some();
        awaited
    }

    pub(super) fn scope(&self, objects: &[WantedObject]) -> Scope {
        let registry = &self.shared.registry;
        let was_given_up = |key: &&ObjectKey| {
            let owner = self.view.live.objects.get(key).and_then(|live| live.owner.as_ref());
            owner.is_some_and(|owner| registry.was_given_up(owner, key))
        };
        let keys = objects.iter().map(|object| &object.desired.key);
        Scope {
            owner: self.owner(),
            living: registry.living(),
            given_up: keys.filter(was_given_up).cloned().collect(),
            namespaces: self.sync.spec.namespaces.clone(),
            kinds: self.sync.spec.kinds.clone(),
        }
    }

    /// Whether one of the objects that are refused may be given up soon, by a Sync that has yet to come to this revision.
    pub(super) fn awaits_owner(&mut self, plan: &Plan, wanted: &Wanted, scope: &Scope) -> bool {
        let refused = plan.refusals.iter().map(|refusal| &wanted.objects[refusal.index].desired.key);
        let owners = refused.filter_map(|key| self.view.live.objects.get(key)?.owner.as_ref());
        let owners: Vec<String> = owners
            .filter(|owner| **owner != scope.owner)
            .filter_map(|owner| scope.living.get(owner))
            .cloned()
            .collect();
        self.others.awaits |= !owners.is_empty();
        let behind = self.shared.registry.others_behind(&self.name.name);
        owners.iter().any(|owner| behind.contains(owner)) && self.may_wait(&wanted.revision)
    }

    /// Gives up what another Sync wants: it is not gone, it has moved.
    pub(super) fn give_up(&self, surplus: &mut Vec<ObjectKey>, inventory: &mut Inventory) {
        surplus.retain(|key| {
            let Some(other) = self.shared.registry.other_wanting(&self.name.name, key) else { return true };
            tracing::info!(sync = %self.name, object = %key, "{key} moved to the Sync {other}");
            inventory.forget(key);
            false
        });
    }

    /// Other Syncs that may want what left the path, and have not said so yet.
    pub(super) fn awaited_takers(&mut self, revision: &Revision) -> Vec<String> {
        let behind = self.shared.registry.others_behind(&self.name.name);
        if behind.is_empty() || !self.may_wait(revision) {
            return Vec::new();
        }
        self.others.awaits = true;
        behind
    }

    /// Whether others may still be waited for at this revision; if so, this Sync wakes when that is over.
    fn may_wait(&mut self, revision: &Revision) -> bool {
        let now = Instant::now();
        let since = match &self.others.waits_since {
            Some((known, since)) if known == revision => *since,
            _ => now,
        };
        self.others.waits_since = Some((revision.clone(), since));
        let end = since + MOVE_LIMIT;
        if now >= end {
            return false;
        }
        self.retry_at = Some(self.retry_at.map_or(end, |at| at.min(end)));
        true
    }

    /// Whether the account of this Sync exists. Rights may be bound to a name that nobody has.
    pub(super) async fn has_account(&mut self) -> bool {
        if self.account_exists {
            return true;
        }
        let (account, namespace) = (&self.sync.spec.service_account_name, &self.name.namespace);
        let message = match self.shared.own.has_account(account).await {
            Ok(true) => {
                self.account_exists = true;
                return true;
            }
            Ok(false) => format!(
                "there is no service account `{account}` in the namespace {namespace}: create it, and give it the rights \
                 that the manifests need"
            ),
            Err(error) => format!("the service account `{account}` cannot be used: {error}"),
        };
        self.fail_transiently("Applied", "NoAccount", &message);
        false
    }

    /// Says what a person ought to know and nothing is done about.
    pub(super) fn note_leftovers(&mut self, inventory: &Inventory) {
        let (living, owner) = (self.shared.registry.living(), self.owner());
        let is_left = |key: &ObjectKey, of: &String| {
            let has_owner = if *of == owner { inventory.find(key).is_some() } else { living.contains_key(of) };
            !has_owner && !self.others.wants.contains(key)
        };
        let objects = self.view.live.objects.iter().filter(|(_, live)| !live.deleting);
        let left: Vec<&ObjectKey> = objects
            .filter(|(key, live)| live.owner.as_ref().is_some_and(|of| is_left(key, of)))
            .map(|(key, _)| key)
            .collect();
        if left.is_empty() {
            return self.conditions.remove("Leftovers");
        }
        let named: Vec<String> = left.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if left.len() > NAMED { format!(" and {} more", left.len() - NAMED) } else { String::new() };
        let message = format!(
            "no Sync has {}{more} any more, and nothing deletes them: delete them, or put them into a path",
            named.join(", ")
        );
        self.conditions.set("Leftovers", Some(true), "Found", &message, Utc::now());
    }

    /// Says that an install manifest was applied again with another text, which changes nothing.
    pub(super) fn note_manifest(&mut self) {
        let found = self.manifest.borrow().clone();
        match found {
            FirstSync::Differs { name, fields } if name == self.name.name => {
                let message = format!(
                    "the install manifest says something else about {}: edit the Sync if you mean it",
                    fields.join(", ")
                );
                self.conditions.set("InstallManifest", Some(false), "Differs", &message, Utc::now());
            }
            _ => self.conditions.remove("InstallManifest"),
        }
    }
}
