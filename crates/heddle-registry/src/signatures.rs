//! What is attached to an image as its signature, in the two ways in which registries keep that: as referrers, and under a
//! tag that is made of the image's digest.
//!
//! Source: OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema"; cosign,
//! `specs/SIGNATURE_SPEC.md`.

use std::collections::BTreeMap;

use heddle_core::image::{Digest, ImageRepository};
use heddle_signature::{Evidence, SIGNED};
use oci_distribution::manifest::OCI_IMAGE_INDEX_MEDIA_TYPE;
use reqwest::{
    StatusCode,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    ask::{Failure, failed, read_body, within},
    describe::{Body, accepted},
    limits::{
        MAX_ATTACHED_BYTES, MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_PAYLOAD_BYTES, MAX_REFERRER_PAGES,
        MAX_SIGNATURES, SIGNATURES_DEADLINE,
    },
    quirks,
    session::Session,
    walk::next_page,
};

/// The layer of a manifest that is a payload of simple signing, and the annotation with its signature.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// What a referrer with simple signing says that it is.
const SIMPLE_ARTIFACT: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";

/// How the type of a bundle begins, whatever its version.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// The annotation of a bundle that says what it claims of the image.
const PREDICATE: &str = "dev.sigstore.bundle.predicateType";

/// What is attached to an image as its signature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// What was fetched. All of it is whatever somebody with the right to push wrote.
    pub evidence: Vec<Evidence>,
    /// Why something that may be a signature was not fetched, in a sentence without text of the registry.
    pub left_out: Option<String>,
}

impl Attached {
    /// Notes that something was not looked at; the first reason is told.
    fn leave_out(&mut self, reason: impl Into<String>) {
        self.left_out.get_or_insert_with(|| reason.into());
    }

    /// Whether there is room for one more of so many bytes; else it is noted as left out.
    fn has_room(&mut self, size_bytes: usize) -> bool {
        let held: usize = self.evidence.iter().map(size).sum();
        let has_room = self.evidence.len() < MAX_SIGNATURES && held + size_bytes <= MAX_ATTACHED_BYTES;
        if !has_room {
            let (count, mebibytes) = (MAX_SIGNATURES, MAX_ATTACHED_BYTES >> 20);
            self.leave_out(format!(
                "it has more signatures than the {count}, or {mebibytes} MiB, that are looked at, and the others were not"
            ));
        }
        has_room
    }
}

/// How many bytes of memory a piece of evidence takes.
fn size(evidence: &Evidence) -> usize {
    match evidence {
        Evidence::Simple { payload, signature } => payload.len() + signature.len(),
        Evidence::Bundle(bytes) => bytes.len(),
    }
}

/// What stands in an index or a manifest is read one by one: whoever may push attaches what they like, and what cannot be read
/// must hide nothing beside it.
#[derive(Deserialize)]
struct Index {
    manifests: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: Option<String>,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, Value>>,
}

impl Descriptor {
    /// Reads what may be one; what is none of these is noted as left out.
    fn read_all(listed: Vec<Value>, attached: &mut Attached) -> Vec<Self> {
        let read = |one| serde_json::from_value(one).map_err(|_| attached.leave_out("something of it cannot be read"));
        listed.into_iter().map(read).filter_map(Result::ok).collect()
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name)?.as_str()
    }

    fn is_bundle(&self) -> bool {
        self.artifact_type.as_deref().unwrap_or_default().starts_with(BUNDLE)
    }

    /// Whether a referrer says that it is a signature.
    fn says_signature(&self) -> bool {
        self.artifact_type.as_deref() == Some(SIMPLE_ARTIFACT)
            || (self.is_bundle() && self.annotation(PREDICATE) == Some(SIGNED))
    }

    /// Whether it may be one. A bundle that says that it claims something else is none.
    fn may_be_signature(&self) -> bool {
        self.says_signature() || (self.is_bundle() && self.annotation(PREDICATE).is_none())
    }

    /// Its digest, in a form that can be asked for.
    fn checked_digest(&self) -> Option<Digest> {
        self.digest.as_deref()?.parse().ok()
    }
}

/// What stands behind a reference.
enum Fetched<T> {
    Gone,
    Whole(T),
    /// Something else, or too large.
    Unreadable,
}

impl Session {
    /// Fetches what is attached to an image as its signature; nothing of it is verified. `digest` is that of the manifest or
    /// index that a tag points to. Limits: [`crate::limits`]. Where some of it cannot be fetched, what was fetched is given all
    /// the same, and why that is not all.
    ///
    /// # Errors
    /// When the registry cannot be asked now, or not in time, and gave nothing; or when it asks for fewer requests or another
    /// login. That it has nothing is an answer.
    pub async fn signatures(&self, image: &ImageRepository, digest: &Digest) -> Result<Attached, Failure> {
        let late = || {
            let seconds = SIGNATURES_DEADLINE.as_secs();
            failed(format!("`{}` did not give the image's signatures within {seconds} s", image.registry()))
        };
        let mut attached = Attached::default();
        match within(SIGNATURES_DEADLINE, self.gather(image, digest, &mut attached), late).await {
            Ok(()) => Ok(attached),
            Err(fault) if attached.evidence.is_empty() || fault.concerns_all() => Err(fault),
            Err(fault) => {
                attached.leave_out(fault.reason);
                Ok(attached)
            }
        }
    }

    async fn gather(&self, image: &ImageRepository, digest: &Digest, attached: &mut Attached) -> Result<(), Failure> {
        let tag = digest.as_str().replace(':', "-");
        // First, so that no number of referrers hides it.
        let older = self.take(image, &format!("{tag}.sig"), false, attached).await;
        if older.as_ref().is_err_and(Failure::concerns_all) {
            return older;
        }
        self.take_referrers(image, digest, &tag, attached).await.and(older)
    }

    async fn take_referrers(
        &self,
        image: &ImageRepository,
        digest: &Digest,
        tag: &str,
        attached: &mut Attached,
    ) -> Result<(), Failure> {
        let mut referrers = Vec::new();
        let mut outcome = self.list_referrers(image, digest, tag, &mut referrers, attached).await;
        if outcome.as_ref().is_err_and(Failure::concerns_all) {
            return outcome;
        }
        referrers.retain(Descriptor::may_be_signature);
        // What says that it is one comes before what says nothing.
        referrers.sort_by_key(|referrer| !referrer.says_signature());
        for referrer in &referrers {
            let Some(digest) = referrer.checked_digest() else {
                attached.leave_out(NO_DIGEST);
                continue;
            };
            if !attached.has_room(0) {
                break;
            }
            let taken = self.take(image, digest.as_str(), true, attached).await;
            if taken.as_ref().is_err_and(Failure::concerns_all) {
                return taken;
            }
            outcome = outcome.and(taken);
        }
        outcome
    }

    /// Adds what refers to an image. Where a registry cannot be asked that, who attaches something lists it under a tag.
    async fn list_referrers(
        &self,
        image: &ImageRepository,
        digest: &Digest,
        tag: &str,
        referrers: &mut Vec<Descriptor>,
        attached: &mut Attached,
    ) -> Result<(), Failure> {
        let mut url = self.address(image, &format!("referrers/{digest}")).await?;
        let asked: HeaderMap = [(ACCEPT, HeaderValue::from_static(OCI_IMAGE_INDEX_MEDIA_TYPE))].into_iter().collect();
        for page in 0..MAX_REFERRER_PAGES {
            let answer = self.get(image, &url, &asked).await?;
            if page == 0 && has_no_referrers(answer.status()) {
                let listed = self.fetched::<Index>(image, tag).await?;
                referrers.extend(of_fallback(listed, attached));
                return Ok(());
            }
            self.check_status(&answer, image)?;
            let link = quirks::of_answer(image.registry(), answer.headers()).link;
            let next = next_page(answer.headers(), (answer.url(), &url), link, self.base().await?)?;
            let body = read_body(answer, MAX_MANIFEST_BYTES).await;
            let body = body.map_err(|_| failed("the list of what is attached to the image cannot be read"))?;
            let listed = serde_json::from_slice::<Index>(&body).ok().and_then(|index| index.manifests);
            let listed = listed.ok_or_else(|| failed("the list of what is attached to the image is no index"))?;
            referrers.extend(Descriptor::read_all(listed, attached));
            let Some(next) = next else { return Ok(()) };
            url = next;
        }
        attached.leave_out("too much is attached to the image to look through all of it");
        Ok(())
    }

    /// Fetches the signatures in a manifest. One that a list names is there.
    async fn take(
        &self,
        image: &ImageRepository,
        reference: &str,
        is_listed: bool,
        attached: &mut Attached,
    ) -> Result<(), Failure> {
        let layers = match self.fetched::<Manifest>(image, reference).await? {
            Fetched::Gone if !is_listed => return Ok(()),
            Fetched::Gone | Fetched::Unreadable => None,
            Fetched::Whole(manifest) => manifest.layers,
        };
        let Some(layers) = layers else {
            attached.leave_out("the manifest of one of its signatures is gone, too large or none");
            return Ok(());
        };
        let mut outcome = Ok(());
        for layer in Descriptor::read_all(layers, attached) {
            let taken = self.take_layer(image, &layer, attached).await;
            if taken.as_ref().is_err_and(Failure::concerns_all) {
                return taken;
            }
            outcome = outcome.and(taken);
        }
        outcome
    }

    /// Fetches a signature, where a layer is one.
    async fn take_layer(
        &self,
        image: &ImageRepository,
        layer: &Descriptor,
        attached: &mut Attached,
    ) -> Result<(), Failure> {
        let kind = layer.media_type.as_deref().unwrap_or_default();
        let signature = layer.annotation(SIGNATURE).filter(|_| kind == SIMPLE_SIGNING);
        let limit = match signature {
            Some(_) => MAX_PAYLOAD_BYTES,
            None if kind.starts_with(BUNDLE) => MAX_BUNDLE_BYTES,
            None => return Ok(()),
        };
        if !attached.has_room(limit + signature.map_or(0, str::len)) {
            return Ok(());
        }
        let Some(digest) = layer.checked_digest() else {
            attached.leave_out(NO_DIGEST);
            return Ok(());
        };
        match (self.body(image, &format!("blobs/{digest}"), &HeaderMap::new(), limit).await?, signature) {
            (Body::Gone, _) => attached.leave_out("one of its signatures is listed, and is not there"),
            (Body::TooLarge, _) => {
                attached.leave_out(format!("one of its signatures has more than {} KiB", limit >> 10));
            }
            (Body::Whole(payload), Some(signature)) => {
                attached.evidence.push(Evidence::Simple { payload, signature: signature.to_owned() });
            }
            (Body::Whole(bundle), None) => attached.evidence.push(Evidence::Bundle(bundle)),
        }
        Ok(())
    }

    /// A manifest or index.
    async fn fetched<T: DeserializeOwned>(
        &self,
        image: &ImageRepository,
        reference: &str,
    ) -> Result<Fetched<T>, Failure> {
        match self.body(image, &format!("manifests/{reference}"), &accepted(), MAX_MANIFEST_BYTES).await? {
            Body::Gone => Ok(Fetched::Gone),
            Body::Whole(bytes) => Ok(serde_json::from_slice(&bytes).map_or(Fetched::Unreadable, Fetched::Whole)),
            Body::TooLarge => Ok(Fetched::Unreadable),
        }
    }
}

const NO_DIGEST: &str = "one of its signatures has no digest by which it can be fetched";

/// What stands in the list under a tag.
fn of_fallback(listed: Fetched<Index>, attached: &mut Attached) -> Vec<Descriptor> {
    let listed = match listed {
        Fetched::Gone => return Vec::new(),
        Fetched::Unreadable => None,
        Fetched::Whole(index) => index.manifests,
    };
    if listed.is_none() {
        attached.leave_out("the list of what is attached to the image is no index, or too large");
    }
    Descriptor::read_all(listed.unwrap_or_default(), attached)
}

/// Whether an answer says that the registry does not know the question, as those from before version 1.1 do.
fn has_no_referrers(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_ACCEPTABLE
            | StatusCode::NOT_IMPLEMENTED
    )
}
