//! Policies as they can be followed, each read once for a whole plan.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use heddle_core::{
    image::Digest,
    policy::{
        CompiledPolicy, TagPolicy,
        limit::{MAX_POLICIES, MAX_POLICIES_BYTES},
    },
};

/// The policies of a plan. Expressions take their time to compile, and many places share a rule.
#[derive(Default)]
pub(super) struct Policies<'a>(RefCell<Read<'a>>);

#[derive(Default)]
struct Read<'a> {
    policies: HashMap<(&'a TagPolicy, bool), Option<Rc<CompiledPolicy>>>,
    size_bytes: usize,
}

/// Why a policy is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotFollowed {
    /// It has a fault, which was found when it was read.
    Faulty,
    /// The repository has too many, or too large ones.
    TooMany,
}

impl<'a> Policies<'a> {
    /// The policy at a place with a digest or without: where one stands, the digest of the new tag is written beside it.
    ///
    /// # Errors
    /// When it cannot be followed.
    pub(super) fn of(
        &self,
        policy: &'a TagPolicy,
        standing: Option<&Digest>,
    ) -> Result<Rc<CompiledPolicy>, NotFollowed> {
        let key = (policy, policy.writes_digest(standing));
        let mut read = self.0.borrow_mut();
        if let Some(known) = read.policies.get(&key) {
            return known.clone().ok_or(NotFollowed::Faulty);
        }
        if read.policies.len() >= MAX_POLICIES || read.size_bytes >= MAX_POLICIES_BYTES {
            return Err(NotFollowed::TooMany);
        }
        let compiled = CompiledPolicy::new(&TagPolicy { pin_digest: key.1, ..policy.clone() }).ok().map(Rc::new);
        read.size_bytes += compiled.as_ref().map_or(0, |policy| policy.size_bytes());
        read.policies.insert(key, compiled.clone());
        compiled.ok_or(NotFollowed::Faulty)
    }
}

/// What is said of a place whose policy is one too many.
pub(super) fn too_many_in_words() -> String {
    format!(
        "this repository has more than {MAX_POLICIES} different policies, or their expressions need more than \
         {MAX_POLICIES_BYTES} bytes once compiled, so this image is not updated: let more images share a rule"
    )
}
