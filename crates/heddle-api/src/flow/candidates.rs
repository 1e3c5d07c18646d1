//! The tags on which choices depend. They are made from a whole list of tags when that changed, one image at a time, and
//! kept; whoever chooses is given them and never the list.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
    policy::{Companion, Situation, Standing, TagInfo, TagList, TagPolicy},
};
use heddle_db::{
    Tx,
    candidates::{self, Kept},
    images::{self, Image},
    tags,
};
use uuid::Uuid;

use crate::{
    app::App,
    problem::{ApiError, ApiResult},
};

/// So many images are looked at in one transaction when the candidates of many are made.
const AT_ONCE: usize = 20;

/// Which code made what is kept. Count it up whenever `heddle_core::policy` chooses otherwise, or a [`TagList`] is written
/// otherwise: what an older program kept counts no more then.
const FORM: u32 = 4;

/// A choice, at each place where the same stands under the same policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The image.
    pub image: ImageRepository,
    /// The policy; where a digest stands it writes one.
    policy: TagPolicy,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Choice {
    /// What a rule with this policy is to choose where this image stands.
    pub fn new(image: ImageRepository, policy: &TagPolicy, tag: Option<Tag>, digest: Option<Digest>) -> Self {
        let pin_digest = policy.writes_digest(digest.as_ref());
        Self { image, policy: TagPolicy { pin_digest, ..policy.clone() }, tag, digest }
    }

    /// The policy as it is followed at the place.
    pub fn policy(&self) -> &TagPolicy {
        &self.policy
    }

    /// What stands at the place.
    pub fn standing(&self) -> Standing<'_> {
        Standing::new(self.tag.as_ref(), self.digest.as_ref())
    }

    fn hash(&self) -> ApiResult<Vec<u8>> {
        let text = serde_json::to_vec(&(FORM, &self.policy, &self.tag, &self.digest)).map_err(ApiError::internal)?;
        Ok(digest::digest(&digest::SHA256, &text).as_ref().to_vec())
    }

    /// The images that must have the same tag.
    pub fn companions(&self) -> impl Iterator<Item = ImageRepository> {
        self.policy.lockstep.iter().filter_map(|name| name.parse().ok())
    }
}

/// Choices with the images on which they depend.
struct Asked<'a> {
    /// By image and hash, so that whoever keeps what was made does so in the same order.
    choices: BTreeMap<(Uuid, Vec<u8>), &'a Choice>,
    watched: HashMap<ImageRepository, Image>,
}

impl<'a> Asked<'a> {
    async fn load(tx: &mut Tx, organization: OrganizationId, choices: &'a [Choice]) -> ApiResult<Self> {
        let mut names: BTreeSet<String> = choices.iter().map(|choice| choice.image.to_string()).collect();
        names.extend(choices.iter().flat_map(|choice| choice.policy.lockstep.iter().cloned()));
        let names: Vec<String> = names.into_iter().collect();
        let watched = images::list_named(&mut **tx, organization, &names).await?;
        let watched: HashMap<_, _> = watched.into_iter().map(|image| (image.image.clone(), image)).collect();
        let mut known = BTreeMap::new();
        for choice in choices {
            if let Some(image) = watched.get(&choice.image).filter(|image| image.complete && image.scanned_at.is_some())
            {
                known.insert((image.id, choice.hash()?), choice);
            }
        }
        Ok(Self { choices: known, watched })
    }

    /// Versions of the lists on which a choice depends. One that is not known to its end counts as another.
    fn versions(&self, choice: &Choice) -> Vec<i64> {
        let version = |image: ImageRepository| {
            self.watched.get(&image).map_or(-1, |image| image.tags_version * 2 + i64::from(image.complete))
        };
        std::iter::once(choice.image.clone()).chain(choice.companions()).map(version).collect()
    }

    /// What is kept and still true.
    async fn kept(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        of: impl Fn(&Choice) -> bool,
        with_settled: bool,
        now: DateTime<Utc>,
    ) -> ApiResult<HashMap<(Uuid, Vec<u8>), Kept>> {
        let keys: Vec<_> = self.choices.iter().filter(|(_, choice)| of(choice)).map(|(key, _)| key.clone()).collect();
        let mut kept = candidates::list(&mut **tx, organization, &keys, with_settled).await?;
        kept.retain(|key, kept| {
            let choice = self.choices.get(key);
            choice.is_some_and(|choice| kept.versions == self.versions(choice))
                && kept.until.is_none_or(|until| now < until)
        });
        Ok(kept)
    }

    /// Finds out on what choices for one image depend, and keeps it.
    async fn make(
        &self,
        app: &App,
        tx: &mut Tx,
        organization: OrganizationId,
        choices: Vec<(&(Uuid, Vec<u8>), &Choice)>,
        now: DateTime<Utc>,
    ) -> ApiResult<Vec<((Uuid, Vec<u8>), Kept)>> {
        let Some(image) = choices.first().and_then(|(_, choice)| self.watched.get(&choice.image)) else {
            return Ok(Vec::new());
        };
        let turn = app.policies.turn().await?;
        let list = tags::list(&mut **tx, image).await?;
        let names: BTreeSet<ImageRepository> = choices.iter().flat_map(|(_, choice)| choice.companions()).collect();
        let mut companions = Vec::new();
        for companion in names.iter().filter_map(|name| self.watched.get(name)) {
            if companion.scanned_at.is_some() {
                companions.push((companion.image.clone(), tags::list(&mut **tx, companion).await?));
            }
        }
        let (mut keys, mut asked) = (Vec::new(), Vec::new());
        for (key, choice) in choices {
            keys.push(key.clone());
            asked.push((choice.clone(), self.versions(choice)));
        }
        let app = app.clone();
        // Policies over long lists are work for the processor.
        let made = tokio::task::spawn_blocking(move || {
            let look = |(choice, versions): (Choice, Vec<i64>)| look(&app, &choice, versions, &list, &companions, now);
            asked.into_iter().map(look).collect::<Vec<Kept>>()
        });
        let made: Vec<_> = keys.into_iter().zip(made.await.map_err(ApiError::internal)?).collect();
        // What is kept is locked until the transaction ends, and another one may wait for it with a turn.
        drop(turn);
        for ((image, choice), kept) in &made {
            candidates::keep(&mut **tx, organization, *image, choice, kept, now).await?;
        }
        Ok(made)
    }
}

fn look(
    app: &App,
    choice: &Choice,
    versions: Vec<i64>,
    list: &TagList,
    companions: &[(ImageRepository, TagList)],
    now: DateTime<Utc>,
) -> Kept {
    let Some(policy) = app.policies.of(&choice.policy) else {
        let none = TagList { tags: Vec::new(), dropped: Vec::new(), ..list.clone() };
        return Kept { versions, settled: false, until: None, tags: Some(none) };
    };
    let companions: Vec<_> = companions.iter().map(|(image, tags)| Companion { image, tags }).collect();
    let found = policy.candidates(&Situation {
        current: Some(choice.standing()),
        tags: list,
        barred: &[],
        companions: &companions,
        now,
    });
    Kept { versions, settled: found.settled, until: found.until, tags: Some(found.tags) }
}

/// Makes what is missing for these choices, some images at a time in transactions of their own: what is made stays when the
/// rest fails.
///
/// # Errors
/// When the store cannot be reached.
pub async fn refresh(app: &App, organization: OrganizationId, choices: &[Choice], now: DateTime<Utc>) -> ApiResult<()> {
    for _ in 0..=choices.len() / AT_ONCE {
        let mut tx = app.db.organization(organization).await?;
        let made = make_stale(app, &mut tx, organization, choices, AT_ONCE, now).await?;
        tx.commit().await?;
        if made < AT_ONCE {
            break;
        }
    }
    Ok(())
}

/// Makes what is missing for these choices; gives for how many images.
///
/// # Errors
/// When the store cannot be reached.
pub async fn make_stale(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    choices: &[Choice],
    most: usize,
    now: DateTime<Utc>,
) -> ApiResult<usize> {
    let asked = Asked::load(tx, organization, choices).await?;
    let kept = asked.kept(tx, organization, |_| true, false, now).await?;
    let mut stale: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for (key, choice) in asked.choices.iter().filter(|(key, _)| !kept.contains_key(*key)) {
        stale.entry(key.0).or_default().push((key, *choice));
    }
    let made = stale.len().min(most);
    for (_, choices) in stale.into_iter().take(most) {
        asked.make(app, tx, organization, choices, now).await?;
    }
    Ok(made)
}

/// What choices depend on.
#[derive(Debug, Default)]
pub struct Found {
    /// The tags of each image of which some are needed.
    pub lists: BTreeMap<ImageRepository, TagList>,
    /// Images of which every choice stays with what stands.
    pub settled: BTreeSet<ImageRepository>,
    watched: HashMap<ImageRepository, Image>,
    /// Images whose tags changed at this moment, so that what a choice depends on is not known. They have no list.
    unknown: BTreeSet<ImageRepository>,
}

/// Which tags are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// Those of every choice.
    All,
    /// Those of choices that lead to something, and of these images.
    Unsettled(&'a BTreeSet<ImageRepository>),
}

/// What these choices depend on; what is not kept yet is made. An image that no scan read to its end has no list.
///
/// # Errors
/// When the store cannot be reached.
pub async fn find(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    choices: &[Choice],
    wanted: Wanted<'_>,
    now: DateTime<Utc>,
) -> ApiResult<Found> {
    make_stale(app, tx, organization, choices, usize::MAX, now).await?;
    let asked = Asked::load(tx, organization, choices).await?;
    let mut kept = asked.kept(tx, organization, |_| true, matches!(wanted, Wanted::All), now).await?;
    let mut unsettled = BTreeSet::new();
    for (key, choice) in &asked.choices {
        if kept.get(key).is_none_or(|kept| !kept.settled) {
            unsettled.insert(choice.image.clone());
        }
    }
    if let Wanted::Unsettled(also) = wanted {
        unsettled.extend(also.iter().cloned());
        // Beside a choice that leads to something, those that stay need their tags too.
        kept.extend(asked.kept(tx, organization, |choice| unsettled.contains(&choice.image), true, now).await?);
    }
    let needed = |image: &ImageRepository| matches!(wanted, Wanted::All) || unsettled.contains(image);
    let mut found = Found { watched: asked.watched.clone(), ..Found::default() };
    let missing = asked.choices.iter().filter(|(key, _)| kept.get(*key).is_none_or(|kept| kept.tags.is_none()));
    found.unknown = missing.map(|(_, choice)| choice.image.clone()).filter(|image| needed(image)).collect();
    let mut companions: Vec<(ImageRepository, Tag)> = Vec::new();
    for (key, choice) in &asked.choices {
        if !unsettled.contains(&choice.image) {
            found.settled.insert(choice.image.clone());
        }
        let Some(tags) = kept.remove(key).and_then(|kept| kept.tags) else { continue };
        let names = || tags.tags.iter().map(|info| info.tag.clone());
        companions.extend(choice.companions().flat_map(|image| names().map(move |tag| (image.clone(), tag))));
        found.add(&choice.image, tags.tags, tags.dropped);
    }
    found.look_up(tx, &companions, false).await?;
    found.see(tx, choices).await?;
    Ok(found)
}

impl Found {
    /// Adds what is known of tags by their names: those that are listed, and with `dropped` those that are listed no more.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn look_up(&mut self, tx: &mut Tx, names: &[(ImageRepository, Tag)], dropped: bool) -> ApiResult<()> {
        let scanned = |image: &ImageRepository| self.watched.get(image).filter(|image| image.scanned_at.is_some());
        let by_id: HashMap<Uuid, ImageRepository> =
            names.iter().filter_map(|(image, _)| Some((scanned(image)?.id, image.clone()))).collect();
        let asked: Vec<(Uuid, &Tag)> =
            names.iter().filter_map(|(image, tag)| Some((scanned(image)?.id, tag))).collect();
        // A list of which no tag is asked for by name is a list all the same.
        for image in by_id.values() {
            self.add(image, Vec::new(), Vec::new());
        }
        for (image, info, listed) in tags::list_named(&mut **tx, &asked).await? {
            match (by_id.get(&image), listed) {
                (Some(image), true) => self.add(image, vec![info], Vec::new()),
                (Some(image), false) if dropped => self.add(image, Vec::new(), vec![info]),
                _ => {}
            }
        }
        Ok(())
    }

    /// Says when it was last seen what the tags name that a rule takes without their digest. What is kept of a choice does not
    /// know: each scan sees it, and mostly nothing differs.
    async fn see(&mut self, tx: &mut Tx, choices: &[Choice]) -> ApiResult<()> {
        let bare: BTreeSet<&ImageRepository> =
            choices.iter().filter(|choice| choice.policy.writes_bare_tags()).map(|choice| &choice.image).collect();
        for image in bare {
            let (Some(known), Some(list)) = (self.watched.get(image), self.lists.get_mut(image)) else { continue };
            let names: Vec<(Uuid, Tag)> = list.tags.iter().map(|info| (known.id, info.tag.clone())).collect();
            let names: Vec<(Uuid, &Tag)> = names.iter().map(|(id, tag)| (*id, tag)).collect();
            let now: HashMap<Tag, TagInfo> = tags::list_named(&mut **tx, &names)
                .await?
                .into_iter()
                .map(|(_, info, _)| (info.tag.clone(), info))
                .collect();
            for info in &mut list.tags {
                info.seen_at = now.get(&info.tag).and_then(|now| now.seen_at);
            }
        }
        Ok(())
    }

    fn add(&mut self, image: &ImageRepository, tags: Vec<TagInfo>, dropped: Vec<TagInfo>) {
        let Some(known) = self.watched.get(image).filter(|_| !self.unknown.contains(image)) else { return };
        let list = self.lists.entry(image.clone()).or_insert_with(|| TagList {
            tags: Vec::new(),
            dropped: Vec::new(),
            complete: known.complete,
            watched_since: known.watched_since,
        });
        for (held, more) in [(&mut list.tags, tags), (&mut list.dropped, dropped)] {
            let new: Vec<TagInfo> =
                more.into_iter().filter(|info| !held.iter().any(|held| held.tag == info.tag)).collect();
            held.extend(new);
        }
    }
}
