//! What an update is given: the tags on which its choices depend, and what else decides them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{OrganizationId, RepositoryId},
    image::{ImageRepository, Tag},
    name::EnvironmentName,
};
use heddle_db::{
    Tx,
    changes::{self, Healthy},
    environments::{self, Promotion},
    intents,
    occurrences::{self, Asked},
    repositories::Repository,
};
use heddle_wire::automator::{
    self as wire, Barred, ImageTags, OpenIntent, OpenProposal, PromotionReport, Proven, RepositoryAccess, UpdateWork,
    fingerprint,
};

use super::{
    barred,
    candidates::{self, Choice, Found, Wanted},
    lease::{known_heads, open_proposals, sync_paths},
    request,
};
use crate::{app::App, problem::ApiResult};

/// Finds out what the choices of a repository depend on, where that is not kept yet.
///
/// # Errors
/// When the store cannot be reached.
pub async fn refresh(
    app: &App,
    organization: OrganizationId,
    repository: RepositoryId,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let mut tx = app.db.organization(organization).await?;
    let asked = occurrences::list_asked(&mut *tx, repository).await?;
    tx.commit().await?;
    candidates::refresh(app, organization, &choices(&asked), now).await
}

/// What an update of a repository is given.
///
/// # Errors
/// When the store cannot be reached.
pub async fn work(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    repository: &Repository,
    access: RepositoryAccess,
    now: DateTime<Utc>,
) -> ApiResult<UpdateWork> {
    let asked = occurrences::list_asked(&mut **tx, repository.id).await?;
    let promotions = environments::list_promotions(&mut **tx, repository.id).await?;
    let barred = barred::list(tx, organization, repository.id).await?;
    let open_proposals = open_proposals(tx, repository.id).await?;
    let healthy = changes::list_healthy(&mut **tx, organization, repository.id, &followed(&promotions)).await?;

    let choices = choices(&asked);
    let mut moving = promoted(app, &asked, &promotions, &healthy);
    moving.extend(open_proposals.iter().flat_map(|open| &open.changes).map(|change| change.image.clone()));
    let mut found = candidates::find(app, tx, organization, &choices, Wanted::Unsettled(&moving), now).await?;
    let proven: Vec<Proven> =
        healthy.into_iter().filter(|one| !found.settled.contains(&one.image)).map(proven).collect();
    found.look_up(tx, &named(&found, &barred, &open_proposals), true).await?;
    let healthy: Vec<_> = proven.iter().map(|one| (one.image.clone(), one.tag.clone())).collect();
    found.look_up(tx, &healthy, false).await?;
    found.look_up(tx, &beside(&choices, &healthy), false).await?;

    Ok(UpdateWork {
        repository: access,
        known_heads: known_heads(tx, repository.id).await?,
        asked: Some(fingerprint_of(&asked, &promotions)),
        taken_at: Some(now),
        images: images(&choices, &mut found),
        settled: found.settled.into_iter().collect(),
        sync_paths: sync_paths(tx, repository.id).await?,
        open_intents: intents::list_open(&mut **tx, repository.id).await?.into_iter().map(open_intent).collect(),
        open_proposals,
        requests: request::list_open(tx, organization, repository.id).await?,
        barred,
        proven,
        dashboard_url: app.config.public_url.clone(),
    })
}

/// Each choice once.
fn choices(asked: &[Asked]) -> Vec<Choice> {
    let all = asked.iter();
    let all = all.map(|one| Choice::new(one.image.clone(), &one.policy, one.tag.clone(), one.digest.clone()));
    let mut known = std::collections::HashSet::new();
    all.filter(|choice| known.insert(choice.clone())).collect()
}

/// The environments that others follow, with the seconds for which a tag must have been healthy there at least.
fn followed(promotions: &[(EnvironmentName, Promotion)]) -> Vec<(EnvironmentName, i64)> {
    let mut followed: Vec<(EnvironmentName, i64)> =
        promotions.iter().map(|(_, promotion)| (promotion.from.clone(), promotion.after_secs)).collect();
    followed.sort();
    followed.dedup_by(|next, kept| next.0 == kept.0);
    followed
}

/// The images of which a tag that was healthy where another environment follows may come to something there.
fn promoted(
    app: &App,
    asked: &[Asked],
    promotions: &[(EnvironmentName, Promotion)],
    healthy: &[Healthy],
) -> BTreeSet<ImageRepository> {
    let mut moving = BTreeSet::new();
    let mut by_place: std::collections::HashMap<_, Vec<&Healthy>> = std::collections::HashMap::new();
    for one in healthy {
        by_place.entry((&one.environment, &one.image)).or_default().push(one);
    }
    for one in asked {
        let Some((_, promotion)) = promotions.iter().find(|(name, _)| *name == one.environment) else { continue };
        let Some(named) = by_place.get(&(&promotion.from, &one.image)) else { continue };
        let policy = app.policies.of(&one.policy);
        let in_vain = |healthy: &&Healthy| match (&policy, &one.tag) {
            (Some(policy), Some(current)) => {
                let stands = healthy.until.is_none() && healthy.tag != *current;
                !stands && policy.is_named_in_vain(&healthy.tag, current)
            }
            _ => false,
        };
        if !named.iter().all(in_vain) {
            moving.insert(one.image.clone());
        }
    }
    moving
}

/// Tags that people took back or that are proposed, of images that are not settled: they say something where they are
/// known, also when they are listed no more.
fn named(found: &Found, barred: &[Barred], open: &[OpenProposal]) -> Vec<(ImageRepository, Tag)> {
    let barred = barred.iter().map(|one| (&one.image, &one.tag));
    let proposed = open.iter().flat_map(|open| &open.changes).map(|change| (&change.image, &change.to));
    let known = |(image, _): &(&ImageRepository, &Tag)| found.lists.contains_key(*image);
    let named: BTreeSet<_> = barred.chain(proposed).filter(known).collect();
    named.into_iter().map(|(image, tag)| (image.clone(), tag.clone())).collect()
}

/// Tags that are promoted, at the images that must have the same tag.
fn beside(choices: &[Choice], promoted: &[(ImageRepository, Tag)]) -> Vec<(ImageRepository, Tag)> {
    let mut beside = BTreeSet::new();
    for choice in choices {
        for (_, tag) in promoted.iter().filter(|(image, _)| *image == choice.image) {
            beside.extend(choice.companions().map(|companion| (companion, tag.clone())));
        }
    }
    beside.into_iter().collect()
}

fn images(choices: &[Choice], found: &mut Found) -> Vec<ImageTags> {
    let mut names: BTreeSet<ImageRepository> = choices.iter().map(|choice| choice.image.clone()).collect();
    names.retain(|image| !found.settled.contains(image));
    names.extend(found.lists.keys().cloned());
    names.into_iter().map(|image| ImageTags { list: found.lists.remove(&image), image }).collect()
}

fn fingerprint_of(asked: &[Asked], promotions: &[(EnvironmentName, Promotion)]) -> String {
    let promotions: Vec<(&EnvironmentName, PromotionReport)> = promotions
        .iter()
        .map(|(name, promotion)| {
            (name, PromotionReport { from: promotion.from.clone(), after_secs: promotion.after_secs })
        })
        .collect();
    let asked = asked.iter().map(|one| wire::Asked {
        environment: &one.environment,
        image: &one.image,
        policy: &one.policy,
        tag: one.tag.as_ref(),
        digest: one.digest.as_ref(),
    });
    fingerprint(asked, promotions.iter().map(|(name, promotion)| (*name, promotion)))
}

fn proven(healthy: Healthy) -> Proven {
    let Healthy { environment, image, tag, since, until, .. } = healthy;
    Proven { environment, image, tag, since, until }
}

fn open_intent(intent: intents::Intent) -> OpenIntent {
    OpenIntent {
        id: intent.id,
        proposal: intent.proposal,
        base: intent.base,
        base_branch: intent.base_branch,
        head_branch: intent.head_branch,
        title: intent.title,
        body: intent.body,
    }
}
