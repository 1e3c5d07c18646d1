//! What a rule says of the tags of an image at one place, with a word on every tag.

use chrono::Utc;
use heddle_core::{
    id::{OrganizationId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    policy::{Companion, CompiledPolicy, Decision, Selection, Situation, Standing, TagList, TagPolicy, select},
};
use heddle_db::{
    Tx,
    images::{self, Image},
    occurrences::Occurrence,
    tags,
};
use heddle_wire::automator::Barred;

use super::barred;
use crate::problem::{ApiError, ApiResult};

/// A place under a rule, with all that its choice depends on.
pub struct Ground {
    policy: TagPolicy,
    place: Occurrence,
    barred: Vec<Barred>,
    companions: Vec<(ImageRepository, TagList)>,
    /// The tags of the image.
    pub tags: TagList,
}

impl Ground {
    /// `None` where no rule governs the place, or it is broken.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn load(
        tx: &mut Tx,
        organization: OrganizationId,
        (repository, place): (RepositoryId, &Occurrence),
        image: &Image,
    ) -> ApiResult<Option<Self>> {
        let Some(policy) = place.rule.as_ref().and_then(|rule| rule.policy.clone()) else { return Ok(None) };
        let tags = tags::list(&mut **tx, image).await?;
        let barred = barred::list(tx, organization, repository).await?;
        let companions = images::list_named(&mut **tx, organization, &policy.lockstep).await?;
        let companions = tags::list_of(&mut **tx, &companions).await?.into_iter().collect();
        Ok(Some(Self { policy, place: place.clone(), barred, companions, tags }))
    }

    /// What the rule says where the place stands as it does.
    pub fn select(&self) -> Selection {
        self.judge(&self.policy, self.place.tag.as_ref(), self.place.digest.as_ref())
    }

    /// What it would say if what stands there needed no place in its order.
    pub fn select_from_any(&self) -> Selection {
        let policy = TagPolicy { from_any: true, ..self.policy.clone() };
        self.judge(&policy, self.place.tag.as_ref(), self.place.digest.as_ref())
    }

    /// What it would say once a tag stands there.
    pub fn select_after(&self, tag: &Tag) -> Selection {
        self.judge(&self.policy, Some(tag), None)
    }

    /// What it says of a tag that something else than the rule named, such as a promotion.
    pub fn decide_named(&self, named: &Tag) -> Decision {
        let stays = |tag: &Tag| tag == named || Some(tag) == self.place.tag.as_ref();
        let tags = self.tags.tags.iter().filter(|info| stays(&info.tag)).cloned().collect();
        let tags = TagList { tags, ..self.tags.clone() };
        let current = Standing::new(self.place.tag.as_ref(), self.place.digest.as_ref());
        self.situated(&tags, current, |situation| match CompiledPolicy::new(&self.policy) {
            Ok(policy) => policy.decide_named(situation),
            Err(_) => select(&self.policy, situation).decision,
        })
    }

    /// Whether the rule lets in only a digest that was verified, and writes it here.
    pub fn asks_for_signature(&self) -> bool {
        !self.policy.signed_by.is_empty() && self.policy.writes_digest(self.place.digest.as_ref())
    }

    /// What a tag points to, as far as that is known.
    pub fn digest_of(&self, tag: &Tag) -> Option<&Digest> {
        self.tags.find(tag)?.digest.as_ref()
    }

    fn judge(&self, policy: &TagPolicy, tag: Option<&Tag>, digest: Option<&Digest>) -> Selection {
        self.situated(&self.tags, Standing::new(tag, digest), |situation| select(policy, situation))
    }

    fn situated<T>(&self, tags: &TagList, current: Standing<'_>, decide: impl FnOnce(&Situation<'_>) -> T) -> T {
        let companions: Vec<_> = self.companions.iter().map(|(image, tags)| Companion { image, tags }).collect();
        let barred = barred::at(&self.barred, &self.place);
        let (barred, companions) = (barred.as_slice(), companions.as_slice());
        decide(&Situation { current: Some(current), tags, barred, companions, now: Utc::now() })
    }
}

/// Runs what takes the processor a while: policies over long lists.
///
/// # Errors
/// When it panics.
pub async fn computed<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
    tokio::task::spawn_blocking(compute).await.map_err(ApiError::internal)
}
