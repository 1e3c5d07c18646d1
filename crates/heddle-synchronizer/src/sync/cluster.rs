//! One cluster as one account of it sees it: what it serves, what the watches saw, what this Sync has in it.
//!
//! Whoever acts as another account has another [`ClusterState`]: nothing of one can be used by the other.

mod beyond;
mod kinds;
mod observed;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use heddle_kube::{
    Account, AccountClient, Kinds, KubeError, OwnClient, Served, StoredInventory, WatchEvent, WatchPlace, Watches,
    sync::Sync,
};
use heddle_reconcile::{Inventory, ObjectKey};
use tokio::{sync::mpsc, time::Instant};

pub(crate) use observed::BLIND_AFTER;
pub(super) use observed::Observed;

use super::{
    Context,
    desired::{Desired, PlacedObject},
};

/// How long the first lists of new watches are waited for.
pub(crate) const LIST_LIMIT: Duration = Duration::from_secs(20);

/// Lists at a time.
const CONCURRENCY: usize = 8;

/// How long what the watches see is gathered before anything is made of it: a rollout comes as a burst.
const BURST: Duration = Duration::from_millis(50);

/// What the agent knows of a cluster, as one account.
pub(super) struct ClusterState {
    pub client: AccountClient,
    pub observed: Observed,
    account: Account,
    owner: String,
    /// Whether the account was seen to exist.
    has_account: bool,
    kinds: Option<Arc<Kinds>>,
    /// Whether what is served may be something else than when it was asked for.
    kinds_are_old: bool,
    /// Whether the kinds are those of this look, so that what is not among them is not served.
    kinds_are_of_now: bool,
    watches: Watches,
    events: mpsc::Receiver<WatchEvent>,
    /// What the cluster holds; `None` until it was read.
    inventory: Option<StoredInventory>,
    /// Objects that are new to this Sync and of which it cannot be told whether another one has them, and why.
    pub unknown_owners: HashMap<ObjectKey, KubeError>,
    /// The UIDs of the Syncs that there were when the objects of others were listed at every place.
    syncs_then: Option<BTreeSet<String>>,
}

/// Why nothing can be compared.
#[derive(Debug, Clone)]
pub(super) struct ClusterFault {
    /// One word.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

impl From<KubeError> for ClusterFault {
    fn from(error: KubeError) -> Self {
        Self { reason: "ClusterFault", message: error.to_string() }
    }
}

impl ClusterState {
    /// Begins as the account that a Sync names. Nothing is asked of the API server yet.
    ///
    /// # Errors
    /// When the connection to the cluster is not set up right.
    pub fn open(ctx: &Context, sync: &Sync) -> Result<Self, ClusterFault> {
        let account =
            Account { namespace: ctx.own.namespace().to_owned(), name: sync.spec.service_account_name.clone() };
        let owner = sync.metadata.uid.clone().unwrap_or_default();
        let client = ctx
            .cluster
            .as_account(&account)
            .map_err(|error| ClusterFault { reason: "NoAccount", message: error.to_string() })?;
        let (watches, events) = Watches::new(client.clone(), &owner);
        Ok(Self {
            client,
            observed: Observed::default(),
            account,
            owner,
            has_account: false,
            kinds: None,
            kinds_are_old: false,
            kinds_are_of_now: false,
            watches,
            events,
            inventory: None,
            unknown_owners: HashMap::new(),
            syncs_then: None,
        })
    }

    /// What the cluster holds of this Sync; `None` until it was read.
    pub fn inventory(&self) -> Option<&Inventory> {
        self.inventory.as_ref().map(|stored| &stored.inventory)
    }

    /// What the cluster served when that was asked last.
    pub fn kinds(&self) -> Option<&Kinds> {
        self.kinds.as_deref()
    }

    /// Reads what every run needs and no run changes: the account, the inventory, the kinds. All that is known already
    /// costs nothing.
    ///
    /// # Errors
    /// When the API server cannot be asked, or there is no such account.
    pub async fn prepare(&mut self, own: &OwnClient, sync: &Sync) -> Result<(), ClusterFault> {
        let account = async {
            match self.has_account {
                true => Ok(()),
                false => find_account(own, &self.account).await,
            }
        };
        let inventory = async {
            match &self.inventory {
                Some(_) => Ok(None),
                None => own.load_inventory(sync).await.map(Some),
            }
        };
        let kinds = async {
            match &self.kinds {
                Some(_) => Ok(None),
                None => self.client.list_kinds().await.map(Some),
            }
        };
        // The account first: of one that is not there the others are errors too.
        let (account, inventory, kinds) = tokio::join!(account, inventory, kinds);
        account?;
        self.has_account = true;
        if let Some(inventory) = inventory? {
            self.inventory = Some(inventory);
        }
        if let Some(kinds) = kinds? {
            self.kinds = Some(Arc::new(kinds));
        }
        Ok(())
    }

    /// Watches every place where this Sync has or wants objects, waits for the first lists, and looks for objects of other
    /// Syncs where that may matter. `living` are the UIDs of all Syncs.
    ///
    /// # Errors
    /// When the API server cannot be asked about the objects of others.
    pub async fn refresh(&mut self, desired: &Desired, living: &BTreeMap<String, String>) -> Result<(), ClusterFault> {
        self.observed.remember(desired.hooks().map(|object| object.key().clone()).collect());
        let places = self.places(desired);
        let watched = places.iter().filter(|(_, served)| served.watchable);
        let added = self.watches.set(watched.clone().map(|(place, served)| (place.clone(), served.clone())).collect());
        self.observed.watch(&watched.map(|(place, _)| place.clone()).collect(), &added);
        self.await_lists().await;
        let beyond = self.places_before_a_plan(desired, &places, living);
        self.look_beyond(beyond, &places).await?;
        self.look_for_owners(desired, living).await;
        self.look_for_missed(desired).await;
        Ok(())
    }

    fn places(&self, desired: &Desired) -> BTreeMap<WatchPlace, Served> {
        let kinds = self.kinds.as_deref();
        let known = self.inventory().into_iter().flat_map(Inventory::iter).filter_map(|entry| {
            let kind = &entry.key.kind;
            let served = kinds.and_then(|kinds| kinds.find(kind, &entry.version).or_else(|| kinds.preferred(kind)))?;
            Some((&entry.key, served))
        });
        let wanted = desired.objects().iter().map(|object| (object.key(), &object.served));
        let mut places = BTreeMap::new();
        for (key, served) in wanted.chain(known) {
            places.entry(place_of(key)).or_insert_with(|| served.clone());
        }
        places
    }

    /// Waits for the first list of every place, also where a comparison before began to watch it and was cut short.
    async fn await_lists(&mut self) {
        let deadline = Instant::now() + LIST_LIMIT;
        while self.observed.awaits_lists() {
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Ok(Some(event)) => drop(self.take_in(event)),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// An object that was ours and is not seen any more may have lost its label alone: then somebody's entry says who did
    /// it.
    async fn look_for_missed(&mut self, desired: &Desired) {
        let Some(inventory) = self.inventory() else { return };
        let is_missed = |object: &&PlacedObject| {
            let is_applied = inventory.find(object.key()).is_some_and(|entry| entry.manifest.is_some());
            is_applied && object.desired.order.hook.is_none() && self.observed.is_missed(object.key())
        };
        let missed: Vec<&PlacedObject> = desired.objects().iter().filter(is_missed).collect();
        for object in missed {
            if let Ok(Some(found)) = self.client.find_metadata(object.key(), &object.served).await
                && found.owner.as_deref() != Some(self.owner.as_str())
            {
                self.observed.observe_lost(object.key(), found);
            }
        }
    }

    /// The next thing that the watches see. Dropping the future loses nothing.
    pub async fn next_event(&mut self) -> Option<WatchEvent> {
        self.events.recv().await
    }

    /// Takes in what the watches see, and what else they see within a moment. Says whether it makes another comparison
    /// worth while.
    pub async fn observe(&mut self, event: WatchEvent) -> bool {
        let until = Instant::now() + BURST;
        let (mut next, mut is_news) = (Some(event), false);
        while let Some(event) = next {
            is_news |= self.take_in(event);
            next = tokio::time::timeout_at(until, self.events.recv()).await.ok().flatten();
        }
        is_news
    }

    fn take_in(&mut self, event: WatchEvent) -> bool {
        if let WatchEvent::Object(object) = &event {
            self.kinds_are_old |= object.key.kind.is_definition();
        }
        let inventory = self.inventory.as_ref().map(|stored| &stored.inventory);
        let is_unserved = self.observed.observe(event, inventory, Utc::now());
        self.kinds_are_old |= is_unserved;
        is_unserved
    }

    /// Has the cluster hold another inventory. What could not be written is not known here either.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be applied.
    pub async fn save(&mut self, own: &OwnClient, sync: &Sync, next: Inventory) -> Result<(), KubeError> {
        let Some(stored) = &mut self.inventory else {
            return Err(KubeError::Refused("the inventory was not read yet".to_owned()));
        };
        own.save_inventory(sync, stored, next).await
    }
}

fn place_of(key: &ObjectKey) -> WatchPlace {
    (key.kind.clone(), key.namespace.clone())
}

/// Whether the account exists. Rights may be bound to a name that nobody has.
async fn find_account(own: &OwnClient, account: &Account) -> Result<(), ClusterFault> {
    let Account { namespace, name } = account;
    let message = match own.has_account(name).await {
        Ok(true) => return Ok(()),
        Ok(false) => format!(
            "there is no service account `{name}` in the namespace {namespace}: create it, and give it the rights that the \
             manifests need"
        ),
        Err(error) => format!("the service account `{name}` cannot be used: {error}"),
    };
    Err(ClusterFault { reason: "NoAccount", message })
}
