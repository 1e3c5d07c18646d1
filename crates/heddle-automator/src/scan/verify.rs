//! Looks for the signatures that choices ask for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use heddle_core::{
    image::{Digest, Tag},
    policy::{CompiledPolicy, SignatureCheck, Signed, SignerId, Situation, Standing, TagList},
};
use heddle_registry::{Attached, Failure, Session};
use heddle_signature::{PublicKey, verify};
use heddle_wire::automator::{ScanWork, ScannedTag, TagDescription};
use tokio::task::block_in_place;

use super::{describe::with_descriptions, keep, left};

/// The signers of the choices, and what is to be found out.
#[derive(Default)]
struct Wanted {
    keys: BTreeMap<SignerId, PublicKey>,
    /// The images to look at in their order, each with those who may have signed it.
    images: Vec<Image>,
}

/// An image of which is to be known who signed it.
struct Image {
    digest: Digest,
    /// One of the tags that name it.
    tag: Tag,
    signers: BTreeSet<SignerId>,
}

/// What was found out: of each image that was looked at, by signer. Nothing of what was fetched is kept beyond that.
#[derive(Default)]
struct Looked {
    found: BTreeMap<Digest, BTreeMap<SignerId, Signed>>,
    failure: Option<Failure>,
}

/// Says of each tag that a choice would take if it were signed whether it is. What is not looked at when it is `enough` is
/// left to the next scan. Gives why a signature could not be looked for, where one could not.
pub(super) async fn check_signatures(
    session: &Session,
    work: &ScanWork,
    tags: &mut [ScannedTag],
    now: DateTime<Utc>,
    enough: impl Fn() -> bool,
) -> Option<Failure> {
    // Policies over a long list are work for the processor.
    let wanted = block_in_place(|| wanted(work, tags, now));
    let Looked { found, failure } = look(session, work, &wanted, enough).await;
    for scanned in tags {
        let Some(description) = &mut scanned.description else { continue };
        let mut checks = found.get(&description.digest).cloned().unwrap_or_default();
        // Of signers that no rule names any more nothing is kept.
        let known = known_checks(work, &scanned.tag, description).filter(|it| wanted.keys.contains_key(&it.signer));
        for check in known {
            checks.entry(check.signer.clone()).or_insert_with(|| check.outcome.clone());
        }
        description.signatures =
            checks.into_iter().map(|(signer, outcome)| SignatureCheck { signer, outcome }).collect();
    }
    failure
}

/// Looks for signatures, one image after another. What cannot be read of one keeps nobody from looking at the others, unless
/// they would fare no better.
async fn look(session: &Session, work: &ScanWork, wanted: &Wanted, enough: impl Fn() -> bool) -> Looked {
    let mut looked = Looked::default();
    for (at, image) in wanted.images.iter().enumerate() {
        if enough() {
            let count = wanted.images.len() - at;
            keep(&mut looked.failure, left(format!("the signatures of {count} images are still to be looked for")));
            break;
        }
        let outcomes: BTreeMap<SignerId, Signed> = match session.signatures(&work.image, &image.digest).await {
            // Many signatures by many keys are work for the processor.
            Ok(attached) => block_in_place(|| {
                let judged = |signer: &SignerId| {
                    Some((signer.clone(), judge(&attached, wanted.keys.get(signer)?, &image.digest)))
                };
                image.signers.iter().filter_map(judged).collect()
            }),
            Err(fault) => {
                let unknown = Signed::Unknown { reason: fault.reason.clone() };
                let reason = format!("the signatures of `{}` could not be read: {}", image.tag, fault.reason);
                keep(&mut looked.failure, Failure { reason, ..fault });
                image.signers.iter().map(|signer| (signer.clone(), unknown.clone())).collect()
            }
        };
        looked.found.insert(image.digest.clone(), outcomes);
        if looked.failure.as_ref().is_some_and(Failure::concerns_all) {
            break;
        }
    }
    looked
}

/// What was known of the same digest before.
fn known_checks<'a>(
    work: &'a ScanWork,
    tag: &Tag,
    description: &TagDescription,
) -> impl Iterator<Item = &'a SignatureCheck> + use<'a> {
    let known = work.known.iter().flat_map(|list| &list.tags).find(|info| info.tag == *tag);
    let same = known.filter(|info| info.digest.as_ref() == Some(&description.digest));
    same.into_iter().flat_map(|info| &info.signatures)
}

/// Whether something that is attached is the signature of a key.
fn judge(attached: &Attached, key: &PublicKey, digest: &Digest) -> Signed {
    if attached.evidence.iter().any(|evidence| verify(evidence, key, digest).is_ok()) {
        return Signed::Yes;
    }
    match &attached.left_out {
        Some(reason) => Signed::Unknown { reason: reason.clone() },
        None => Signed::No,
    }
}

fn wanted(work: &ScanWork, tags: &[ScannedTag], now: DateTime<Utc>) -> Wanted {
    let list = with_descriptions(work.known.as_ref(), tags, now);
    let mut wanted = Wanted::default();
    let mut by_choice: Vec<Vec<(Tag, BTreeSet<SignerId>)>> = Vec::new();
    for choice in work.choices.iter().filter(|choice| !choice.policy.signed_by.is_empty()) {
        let Ok(policy) = CompiledPolicy::new(&choice.policy) else { continue };
        let signers = wanted.add_keys(&policy);
        let current = Some(Standing::new(choice.current.as_ref(), choice.digest.as_ref()));
        let situation = Situation { current, tags: &list, barred: &[], companions: &[], now };
        let with_open = |tag: Tag| {
            let open = signers.iter().filter(|signer| !is_known(&list, &tag, signer)).cloned().collect();
            (tag, open)
        };
        by_choice.push(policy.unverified(&situation, &work.refresh).into_iter().map(with_open).collect());
    }
    // The first of each choice come before the second of any, so that no choice waits for all of another.
    let mut ranked: Vec<_> = by_choice.into_iter().flat_map(|tags| tags.into_iter().enumerate()).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let by_tag: BTreeMap<&Tag, &Digest> =
        tags.iter().filter_map(|one| Some((&one.tag, &one.description.as_ref()?.digest))).collect();
    for (_, (tag, signers)) in ranked.into_iter().filter(|(_, (_, signers))| !signers.is_empty()) {
        let Some(digest) = by_tag.get(&tag).copied() else { continue };
        match wanted.images.iter_mut().find(|image| image.digest == *digest) {
            Some(image) => image.signers.extend(signers),
            None => wanted.images.push(Image { digest: digest.clone(), tag, signers }),
        }
    }
    wanted
}

impl Wanted {
    /// Adds the keys of a policy that can be read, and gives what they are known by.
    fn add_keys(&mut self, policy: &CompiledPolicy) -> Vec<SignerId> {
        let mut signers = Vec::new();
        for signer in policy.signers() {
            let key = signer.public_key.as_deref().and_then(|pem| PublicKey::parse_pem(pem).ok());
            // What a check is known by follows from the key itself.
            let Some(key) = key.filter(|key| Some(key.id()) == signer.id.as_ref()) else { continue };
            signers.push(key.id().clone());
            self.keys.entry(key.id().clone()).or_insert(key);
        }
        signers
    }
}

/// Whether a signer is known to have signed what a tag points to.
fn is_known(list: &TagList, tag: &Tag, signer: &SignerId) -> bool {
    let mut checks = list.find(tag).into_iter().flat_map(|info| &info.signatures);
    checks.any(|check| check.signer == *signer && check.outcome == Signed::Yes)
}
