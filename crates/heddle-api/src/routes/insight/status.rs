//! How the registries are: logins that do not do, hosts that are asked less, automators of the organization that are silent.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::ImageRepository,
    registry::{Reach, ReadFault},
};
use heddle_db::{
    DbError, Tx,
    images::{self, Unreadable},
    own_automators::{self, OwnAutomator},
    registry_hosts::{self, Slow},
    registry_logins,
};
use heddle_wire::view::{AUTOMATOR_SILENT, FailingImage, SilentAutomator, SlowHost, UnreadableImages};
use uuid::Uuid;

use crate::flow::unread;

/// So many images are named of those that one login is for.
const NAMED: usize = 5;

/// Hosts beyond this many help nobody.
const SHOWN: i64 = 100;

/// How the registries are.
pub(super) struct Registries {
    pub unreadable: Vec<UnreadableImages>,
    pub slow_hosts: Vec<SlowHost>,
    pub silent_automators: Vec<SilentAutomator>,
    /// Images that nobody scans, with the reason.
    pub unserved: Vec<FailingImage>,
    /// Images that a login, or the lack of one, keeps from being read.
    pub faults: HashMap<ImageRepository, ReadFault>,
}

/// How an organization's registries are.
///
/// # Errors
/// When the store cannot be reached.
pub(super) async fn registries(
    tx: &mut Tx,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> Result<Registries, DbError> {
    let unreadable = images::list_unreadable(&mut **tx, organization, None).await?;
    let logins = registry_logins::list(&mut **tx, organization).await?;
    let reach_of = |id: Uuid| logins.iter().find(|login| login.id == id).map(|login| &login.reach);
    let slow = registry_hosts::list_slow(&mut **tx, organization, SHOWN).await?;
    let automators = own_automators::list(&mut **tx, organization).await?;
    let counts: BTreeMap<Uuid, i64> =
        own_automators::count_images(&mut **tx, organization).await?.into_iter().collect();
    let unserved = own_automators::list_unserved(&mut **tx, organization, None, now - AUTOMATOR_SILENT).await?;
    let unserved = unserved.into_iter().map(|one| {
        let (reason, since) = unread::silent(&one, now);
        FailingImage { image: one.image, reason, since, fault: None }
    });
    Ok(Registries {
        faults: unreadable.iter().map(|one| (one.image.clone(), one.fault)).collect(),
        unreadable: group(unreadable, reach_of),
        slow_hosts: slow.into_iter().map(|host| slow_host(host, now)).collect(),
        silent_automators: automators
            .into_iter()
            .filter(|one| now - one.seen_at.unwrap_or(one.added_at) >= AUTOMATOR_SILENT)
            .map(|one| silent_automator(one, &counts))
            .collect(),
        unserved: unserved.collect(),
    })
}

/// One entry for each login and each thing that is wrong with it, the one with the most images first.
fn group<'a>(all: Vec<Unreadable>, reach_of: impl Fn(Uuid) -> Option<&'a Reach>) -> Vec<UnreadableImages> {
    let mut groups: BTreeMap<(String, ReadFault), Vec<Unreadable>> = BTreeMap::new();
    for one in all {
        let reach = one.login.and_then(&reach_of);
        let login = reach.map_or_else(|| one.image.registry().to_owned(), ToString::to_string);
        groups.entry((login, one.fault)).or_default().push(one);
    }
    let mut groups: Vec<UnreadableImages> = groups.into_iter().map(entry).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

fn entry(((login, fault), members): ((String, ReadFault), Vec<Unreadable>)) -> UnreadableImages {
    let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
    let since = members.iter().map(|one| one.since).min().unwrap_or_default();
    // What the registry said of one of them has the remedy.
    let said = members.first().map(|one| one.reason.clone()).unwrap_or_default();
    let images: Vec<ImageRepository> = members.into_iter().take(NAMED).map(|one| one.image).collect();
    let message = format!("{}. {said}", fault.in_words(&login, count));
    UnreadableImages { message, login, fault, images, count, since }
}

fn slow_host(host: Slow, now: DateTime<Utc>) -> SlowHost {
    let Slow { host, prefix, not_before, throttled, left, since, images } = host;
    let login = match prefix.as_deref() {
        None | Some("") => host.clone(),
        Some(prefix) => format!("{host}/{prefix}"),
    };
    let not_before = not_before.filter(|at| *at > now);
    let message = match (throttled, left) {
        (true, _) => format!("`{host}` asks for fewer requests, so its images wait for each other"),
        (false, Some((limit, remaining))) => {
            format!("`{host}` has {remaining} of {limit} requests left, so its images are read one after the other")
        }
        (false, None) => format!("`{host}` is asked less for a while"),
    };
    SlowHost { login, message, not_before, images, since }
}

fn silent_automator(one: OwnAutomator, counts: &BTreeMap<Uuid, i64>) -> SilentAutomator {
    SilentAutomator {
        images: counts.get(&one.id).copied().unwrap_or_default(),
        name: one.name,
        hosts: one.hosts.iter().map(ToString::to_string).collect(),
        seen_at: one.seen_at,
    }
}
