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

use crate::{
    ask::{Failure, failed, read_body, within},
    describe::{Body, accepted},
    limits::{
        MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_PAYLOAD_BYTES, MAX_REFERRER_PAGES, MAX_SIGNATURES,
        SIGNATURES_DEADLINE,
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

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Whether a referrer may be a signature. A bundle that says that it claims something else is none.
    fn may_be_signature(&self) -> bool {
        let kind = self.artifact_type.as_deref().unwrap_or_default();
        let claims = self.annotations.get(PREDICATE).is_none_or(|claim| claim == SIGNED);
        kind == SIMPLE_ARTIFACT || (kind.starts_with(BUNDLE) && claims)
    }
}

impl Session {
    /// Fetches what is attached to an image as its signature; nothing of it is verified. `digest` is that of the manifest or
    /// index that a tag points to. Limits: [`crate::limits`].
    ///
    /// # Errors
    /// When the registry cannot be asked now, or not in time. That it has nothing is an answer.
    pub async fn signatures(&self, image: &ImageRepository, digest: &Digest) -> Result<Attached, Failure> {
        let late = || {
            let seconds = SIGNATURES_DEADLINE.as_secs();
            failed(format!("`{}` did not give the image's signatures within {seconds} s", image.registry()))
        };
        within(SIGNATURES_DEADLINE, self.gather(image, digest), late).await
    }

    async fn gather(&self, image: &ImageRepository, digest: &Digest) -> Result<Attached, Failure> {
        let mut attached = Attached::default();
        let tag = digest.as_str().replace(':', "-");
        let (referrers, more) = self.referrers(image, digest, &tag).await?;
        if more {
            attached.left_out = Some("too much is attached to the image to look through all of it".to_owned());
        }
        for referrer in referrers.iter().filter(|referrer| referrer.may_be_signature()) {
            self.take(image, referrer.digest.as_str(), &mut attached).await?;
        }
        self.take(image, &format!("{tag}.sig"), &mut attached).await?;
        Ok(attached)
    }

    /// What refers to an image, and whether there is more. Where a registry cannot be asked that, who attaches something
    /// lists it under a tag.
    async fn referrers(
        &self,
        image: &ImageRepository,
        digest: &Digest,
        tag: &str,
    ) -> Result<(Vec<Descriptor>, bool), Failure> {
        let mut url = self.address(image, &format!("referrers/{digest}")).await?;
        let asked: HeaderMap = [(ACCEPT, HeaderValue::from_static(OCI_IMAGE_INDEX_MEDIA_TYPE))].into_iter().collect();
        let mut referrers = Vec::new();
        for page in 0..MAX_REFERRER_PAGES {
            let answer = self.get(image, &url, &asked).await?;
            if page == 0 && has_no_referrers(answer.status()) {
                let listed = self.parsed::<Index>(image, tag).await?;
                return Ok((listed.map(|index| index.manifests).unwrap_or_default(), false));
            }
            self.check_status(&answer, image)?;
            let link = quirks::of_answer(image.registry(), answer.headers()).link;
            let next = next_page(answer.headers(), (answer.url(), &url), link, self.base().await?)?;
            let body = read_body(answer, MAX_MANIFEST_BYTES).await;
            let body = body.map_err(|_| failed("the list of what is attached to the image cannot be read"))?;
            let index: Index = serde_json::from_slice(&body)
                .map_err(|_| failed("the list of what is attached to the image is no index"))?;
            referrers.extend(index.manifests);
            let Some(next) = next else { return Ok((referrers, false)) };
            url = next;
        }
        Ok((referrers, true))
    }

    /// Fetches the signatures in a manifest, where it is there.
    async fn take(&self, image: &ImageRepository, reference: &str, attached: &mut Attached) -> Result<(), Failure> {
        let Some(manifest) = self.parsed::<Manifest>(image, reference).await? else { return Ok(()) };
        for layer in &manifest.layers {
            let signature = layer.annotations.get(SIGNATURE).filter(|_| layer.media_type == SIMPLE_SIGNING);
            let limit = match signature {
                Some(_) => MAX_PAYLOAD_BYTES,
                None if layer.media_type.starts_with(BUNDLE) => MAX_BUNDLE_BYTES,
                None => continue,
            };
            if attached.evidence.len() >= MAX_SIGNATURES {
                let reason = format!("it has more than {MAX_SIGNATURES} signatures, and the others were not looked at");
                attached.left_out = Some(reason);
                return Ok(());
            }
            let of = format!("blobs/{}", layer.digest);
            match (self.body(image, &of, &HeaderMap::new(), limit).await?, signature) {
                (Body::Gone, _) => {}
                (Body::TooLarge, _) => {
                    attached.left_out = Some(format!("one of its signatures has more than {} KiB", limit >> 10));
                }
                (Body::Whole(payload), Some(signature)) => {
                    attached.evidence.push(Evidence::Simple { payload, signature: signature.clone() });
                }
                (Body::Whole(bundle), None) => attached.evidence.push(Evidence::Bundle(bundle)),
            }
        }
        Ok(())
    }

    /// A manifest or index; `None` where it is not there, or something else.
    async fn parsed<T: DeserializeOwned>(
        &self,
        image: &ImageRepository,
        reference: &str,
    ) -> Result<Option<T>, Failure> {
        match self.body(image, &format!("manifests/{reference}"), &accepted(), MAX_MANIFEST_BYTES).await? {
            Body::Gone => Ok(None),
            Body::Whole(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Body::TooLarge => Err(failed("the manifest of a signature is too large")),
        }
    }
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
