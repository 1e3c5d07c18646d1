//! What promoting now would do: what was healthy in another environment comes without waiting longer, where the rules would
//! take it.

use std::collections::BTreeMap;

use heddle_core::{
    id::{OrganizationId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    request::{Asked, Promotion, PromotionStep, ShownPlace},
};
use heddle_db::{
    Tx,
    changes::{self, Healthy},
    environments,
    occurrences::Occurrence,
};
use heddle_wire::view::WishedPromotion;

use super::{
    Preview,
    back::environments_of,
    gates, head_of, mode_of,
    release::{ground, places},
    rules::{self, Known},
    site::Site,
};
use crate::{
    app::App,
    flow::verdicts,
    problem::{ApiError, ApiResult},
};

/// So many images are promoted at once; of more, some must be named.
pub const MOST_IMAGES: usize = 100;

/// Finds out what promoting now would do.
///
/// # Errors
/// 404 when there is no such environment, 409 when nothing would come of it, or of more than [`MOST_IMAGES`], 422 when the
/// repository, the other environment or the images have to be named otherwise.
pub async fn preview(app: &App, organization: OrganizationId, wanted: &WishedPromotion) -> ApiResult<Preview> {
    if wanted.images.len() > MOST_IMAGES {
        return Err(ApiError::invalid("images", format!("at most {MOST_IMAGES} images are named at once")));
    }
    let mut tx = app.db.organization(organization).await?;
    let environment = wanted.environment.clone();
    let site = Site::find(&mut tx, organization, wanted.repository, &environment).await?;
    let from = followed(&mut tx, site.repository.id, wanted).await?;
    if !site.environments.contains(&from) {
        return Err(ApiError::invalid("from", format!("{} has no environment {from}", site.repository.name)));
    }
    let healthy = healthy(&mut tx, organization, site.repository.id, &from, wanted).await?;
    let names: Vec<String> = healthy.keys().map(ToString::to_string).collect();
    let standing = site.standing(&mut tx, organization, &names).await?;
    let aims = aims(healthy, &site, &standing, wanted)?;
    let head = head_of(&mut tx, site.repository.id, &site.branch).await?;
    let known = rules::find(&mut tx, site.repository.id).await?;
    tx.commit().await?;

    let (mut steps, mut left, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for aim in aims {
        match aim.judge(app, organization, site.repository.id, &from).await? {
            Ok(judged) => {
                notes.extend(judged.notes);
                steps.push(aim.step(&from, judged.verified, &mut notes));
            }
            Err(why) => left.push(why),
        }
    }
    if steps.is_empty() {
        let nothing = || format!("what is healthy in {from} stands in {environment} already, or nothing is");
        let message = if left.is_empty() { nothing() } else { left.join("; ") };
        return Err(ApiError::conflict("nothing-to-write", message));
    }
    let all: Vec<ShownPlace> = steps.iter().flat_map(|step| step.places.iter().cloned()).collect();
    let mode = mode_of(&all, standing.iter(), wanted.by_pull_request || environments_of(&all).len() > 1);
    let asked = Asked::Promotion(Promotion { environment, from, steps });
    let gates = gates(known.as_ref().map(Known::config), &asked, &mut notes);
    let Site { repository, branch, .. } = site;
    Ok(Preview {
        repository,
        branch,
        head,
        asked,
        mode,
        rules_diff: None,
        left,
        gates,
        passed_over: None,
        afterwards: None,
        notes,
    })
}

/// What would come to which places; an image that has its tag at each place has nothing to come.
fn aims(
    healthy: BTreeMap<ImageRepository, Healthy>,
    site: &Site,
    standing: &[Occurrence],
    wanted: &WishedPromotion,
) -> ApiResult<Vec<Aim>> {
    let mut aims = Vec::new();
    for (image, healthy) in healthy {
        let of_image: Vec<Occurrence> = standing.iter().filter(|one| one.image == image).cloned().collect();
        let places = places(&of_image, &wanted.environment, &site.branch);
        if places.is_empty() && wanted.images.contains(&image) {
            return Err(ApiError::invalid("images", format!("{image} stands nowhere in {}", wanted.environment)));
        }
        if places.iter().all(|place| place.tag.as_ref() == Some(&healthy.tag)) {
            continue;
        }
        let is_here =
            |one: &&Occurrence| places.iter().any(|shown| shown.place == one.place) && one.environment.is_some();
        let governing = of_image.iter().filter(is_here).cloned().collect();
        aims.push(Aim { image, to: healthy.tag, to_digest: healthy.digest, places, governing });
    }
    if aims.len() > MOST_IMAGES {
        let message = format!("{} images would be promoted, and {MOST_IMAGES} are the most; name some", aims.len());
        return Err(ApiError::conflict("too-many-images", message));
    }
    Ok(aims)
}

/// The environment from which tags are taken.
async fn followed(tx: &mut Tx, repository: RepositoryId, wanted: &WishedPromotion) -> ApiResult<EnvironmentName> {
    let environment = &wanted.environment;
    if wanted.from.as_ref() == Some(environment) {
        return Err(ApiError::invalid("from", format!("{environment} cannot follow itself; name another environment")));
    }
    if let Some(from) = &wanted.from {
        return Ok(from.clone());
    }
    let promotions = environments::list_promotions(&mut **tx, repository).await?;
    let own = promotions.into_iter().find(|(name, _)| name == environment).map(|(_, promotion)| promotion.from);
    own.ok_or_else(|| {
        let message = format!("`promote` of {environment} names no environment that it follows; name one");
        ApiError::invalid("from", message)
    })
}

/// The newest tag of each image that was healthy there, however long.
async fn healthy(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    from: &EnvironmentName,
    wanted: &WishedPromotion,
) -> ApiResult<BTreeMap<ImageRepository, Healthy>> {
    let all = changes::list_healthy(&mut **tx, organization, repository, &[(from.clone(), 0)]).await?;
    let meant = all.into_iter().filter(|one| wanted.images.is_empty() || wanted.images.contains(&one.image));
    // The later of one image comes later in the list.
    let newest: BTreeMap<ImageRepository, Healthy> = meant.map(|one| (one.image.clone(), one)).collect();
    match wanted.images.iter().find(|image| !newest.contains_key(*image)) {
        Some(missing) => {
            let message = format!("nobody saw a change of {missing} healthy in {from}; release its tag by name");
            Err(ApiError::invalid("images", message))
        }
        None => Ok(newest),
    }
}

/// A tag that is healthy elsewhere, for the places of its image here.
struct Aim {
    image: ImageRepository,
    to: Tag,
    /// What stood beside it there.
    to_digest: Option<Digest>,
    places: Vec<ShownPlace>,
    /// The same places, once for each of their environments, with the rule there.
    governing: Vec<Occurrence>,
}

/// What is to be known of a tag that the rule of each place would take.
#[derive(Default)]
struct Judged {
    notes: Vec<String>,
    /// The digest of which a rule knows that it is signed, where one asks for that. It and no other is written.
    verified: Option<Digest>,
}

impl Aim {
    /// What is to be known where the rule of each place would take the tag; else why one would not. Its age alone keeps nothing
    /// back.
    async fn judge(
        &self,
        app: &App,
        organization: OrganizationId,
        repository: RepositoryId,
        from: &EnvironmentName,
    ) -> ApiResult<Result<Judged, String>> {
        let Self { image, to, to_digest, governing, .. } = self;
        let by_name = |why: &str| format!("{image}: `{to}` is healthy in {from}, and {why}; release it by name");
        let mut found = Judged::default();
        let mut judged: Vec<&Occurrence> = Vec::new();
        for place in governing.iter().filter(|place| place.tag.as_ref() != Some(to)) {
            // Places that differ in nothing that a rule looks at have one answer.
            let is_same = |other: &&&Occurrence| {
                (&other.rule, &other.tag, &other.digest, &other.environment, other.place.key())
                    == (&place.rule, &place.tag, &place.digest, &place.environment, place.place.key())
            };
            if judged.iter().any(|other| is_same(&other)) {
                continue;
            }
            judged.push(place);
            let mut tx = app.db.organization(organization).await?;
            let (_, ground) = ground(&mut tx, organization, (repository, place)).await?;
            tx.commit().await?;
            let Some(ground) = ground else {
                return Ok(Err(by_name("no rule that can be followed says at each place here that it is above")));
            };
            if ground.asks_for_signature() {
                // The rule knows of the image that the tag names now; what ran may be another.
                found.verified = ground.digest_of(to).cloned();
                if found.verified.is_none()
                    || to_digest.as_ref().is_some_and(|ran| Some(ran) != found.verified.as_ref())
                {
                    return Ok(Err(by_name(
                        "the tag names another image by now, so whether it was signed is not known",
                    )));
                }
            }
            let tag = to.clone();
            let decision = verdicts::computed(move || ground.decide_named(&tag)).await?;
            match (decision.chosen, decision.waiting) {
                (Some(chosen), _) if chosen == *to => {}
                (_, Some(waiting)) if waiting.tag == *to && waiting.until.is_some() => {
                    found.notes.push(format!("{image}: `{to}` would wait: {}", waiting.reason));
                }
                (_, Some(waiting)) if waiting.tag == *to => return Ok(Err(by_name(&waiting.reason))),
                _ => return Ok(Err(by_name(&decision.reason))),
            }
        }
        Ok(Ok(found))
    }

    /// What is written.
    fn step(self, from: &EnvironmentName, verified: Option<Digest>, notes: &mut Vec<String>) -> PromotionStep {
        let Self { image, to, to_digest, places, .. } = self;
        let pins = verified.is_some() || places.iter().any(|place| place.digest.is_some());
        let to_digest = verified.or(to_digest);
        if pins && to_digest.is_none() {
            notes.push(format!(
                "{image}: which digest of `{to}` was healthy in {from} is not known; the one that the tag has now is written"
            ));
        }
        PromotionStep { image, to, to_digest: to_digest.filter(|_| pins), places }
    }
}
