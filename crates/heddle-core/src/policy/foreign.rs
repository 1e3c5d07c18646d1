//! Policies as the peers write them, read into the same type, so that they choose as at home.
//!
//! Sources: fluxcd/image-reflector-controller (`internal/policy`), fluxcd/flux (`pkg/policy`), argocd-image-updater
//! (`registry-scanner/pkg/image`), keel-hq/keel (`internal/policy`), akuity/kargo (`pkg/image`), renovatebot/renovate
//! (`lib/modules/versioning/docker`, `lib/workers/repository/process/lookup/filter.ts`).

mod flux;
mod flux_v1;
mod image_updater;
mod kargo;
mod keel;
mod renovate;
mod translate;

pub use self::{
    flux::{FluxOrder, FluxPolicy},
    image_updater::ImageUpdaterPolicy,
    kargo::KargoPolicy,
    keel::KeelPolicy,
    renovate::RenovatePolicy,
    translate::{Translation, translate_flux_v1},
};
use super::{CompiledPolicy, PolicyFault};

/// A policy in a peer's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignPolicy {
    /// Flux 2: the `spec` of an `ImagePolicy`.
    Flux(FluxPolicy),
    /// Flux 1: the value of a tag annotation, such as `semver:~1`.
    FluxV1(String),
    /// Argo CD Image Updater: the options of an image.
    ImageUpdater(ImageUpdaterPolicy),
    /// Kargo: an image subscription of a `Warehouse`.
    Kargo(KargoPolicy),
    /// Keel: the annotations of a workload.
    Keel(KeelPolicy),
    /// Renovate: the options of a Docker dependency.
    Renovate(RenovatePolicy),
}

impl ForeignPolicy {
    /// Reads the policy into one that can be followed.
    ///
    /// # Errors
    /// All faults at once, with the peer's own names of the fields.
    pub fn compile(&self) -> Result<CompiledPolicy, Vec<PolicyFault>> {
        let policy = match self {
            Self::Flux(policy) => policy.compile(),
            Self::FluxV1(pattern) => flux_v1::compile(pattern),
            Self::ImageUpdater(policy) => policy.compile(),
            Self::Kargo(policy) => policy.compile(),
            Self::Keel(policy) => policy.compile(),
            Self::Renovate(policy) => policy.compile(),
        };
        policy?.within_limits()
    }
}

#[cfg(test)]
mod tests;
