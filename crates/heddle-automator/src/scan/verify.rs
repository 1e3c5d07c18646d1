//! Looks for the signatures that choices ask for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use heddle_core::{
    image::{Digest, Tag},
    policy::{CompiledPolicy, SignatureCheck, Signed, SignerId, Situation, Standing},
};
use heddle_registry::{Attached, Failure, Session};
use heddle_signature::{PublicKey, verify};
use heddle_wire::automator::{ScanWork, ScannedTag, TagDescription};
use tokio::task::block_in_place;

use super::describe::with_descriptions;

/// The signers of the choices, and what is to be found out.
struct Wanted {
    keys: BTreeMap<SignerId, PublicKey>,
    /// The tags that were described, each with those who may have signed it.
    tags: BTreeMap<Tag, Vec<SignerId>>,
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
    let mut fetched: BTreeMap<Digest, Attached> = BTreeMap::new();
    let mut failure = None;
    for scanned in tags {
        let Some(description) = &mut scanned.description else { continue };
        let known = known_checks(work, &scanned.tag, description);
        let mut checks: BTreeMap<SignerId, Signed> = BTreeMap::new();
        let signers = wanted.tags.get(&scanned.tag).map(Vec::as_slice).unwrap_or_default();
        if !signers.is_empty() && failure.is_none() && !enough() {
            let digest = &description.digest;
            let looked_for = match fetched.get(digest) {
                Some(attached) => Ok(attached),
                None => match session.signatures(&work.image, digest).await {
                    Ok(attached) => Ok(&*fetched.entry(digest.clone()).or_insert(attached)),
                    Err(fault) => Err(fault),
                },
            };
            for signer in signers {
                let outcome = match &looked_for {
                    Ok(attached) => judge(attached, &wanted.keys[signer], digest),
                    Err(fault) => Signed::Unknown { reason: fault.reason.clone() },
                };
                checks.insert(signer.clone(), outcome);
            }
            failure = looked_for.err().map(|fault| {
                let reason = format!("the signatures of `{}` could not be read: {}", scanned.tag, fault.reason);
                Failure { reason, ..fault }
            });
        }
        // Of signers that no rule names any more nothing is kept.
        let kept = known.filter(|check| wanted.keys.contains_key(&check.signer)).map(|it| (&it.signer, &it.outcome));
        for (signer, outcome) in kept {
            checks.entry(signer.clone()).or_insert_with(|| outcome.clone());
        }
        description.signatures =
            checks.into_iter().map(|(signer, outcome)| SignatureCheck { signer, outcome }).collect();
    }
    failure
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
    let mut wanted = Wanted { keys: BTreeMap::new(), tags: BTreeMap::new() };
    let list = with_descriptions(work.known.as_ref(), tags, now);
    for choice in work.choices.iter().filter(|choice| !choice.policy.signed_by.is_empty()) {
        let Ok(policy) = CompiledPolicy::new(&choice.policy) else { continue };
        let mut signers = Vec::new();
        for signer in policy.signers() {
            let key = signer.public_key.as_deref().and_then(|pem| PublicKey::parse_pem(pem).ok());
            // What a check is known by follows from the key itself.
            let Some(key) = key.filter(|key| Some(key.id()) == signer.id.as_ref()) else { continue };
            signers.push(key.id().clone());
            wanted.keys.entry(key.id().clone()).or_insert(key);
        }
        let current = Some(Standing::new(choice.current.as_ref(), choice.digest.as_ref()));
        for tag in
            policy.unverified(&Situation { current, tags: &list, barred: &[], companions: &[], now }, &work.refresh)
        {
            let known = list.tags.iter().find(|info| info.tag == tag).map(|info| info.signatures.as_slice());
            let is_known = |signer: &SignerId| {
                let mut checks = known.unwrap_or_default().iter();
                checks.any(|check| check.signer == *signer && check.outcome == Signed::Yes)
            };
            let of_tag = wanted.tags.entry(tag).or_default();
            for signer in signers.iter().filter(|signer| !is_known(signer)) {
                if !of_tag.contains(signer) {
                    of_tag.push(signer.clone());
                }
            }
        }
    }
    wanted
}
