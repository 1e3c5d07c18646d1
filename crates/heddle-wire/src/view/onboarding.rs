//! The way from an account to the first change.

use serde::{Deserialize, Serialize};

bodies! {
    /// How far an organization has come: `GET /organizations/{organization}/onboarding`.
    Onboarding {
        /// The steps in order.
        steps: Vec<OnboardingStep>,
        /// The page at GitHub that installs the App.
        github_install_url: String,
    }

    /// A step of the check list.
    OnboardingStep {
        /// Which.
        step: OnboardingStepName,
        /// Whether it is done.
        done: bool,
        /// What was seen: "agent connected, 7 workloads seen"; or what to do next.
        message: String,
    }
}

/// The steps of the check list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnboardingStepName {
    /// An organization exists.
    Organization,
    /// A config repository is bound.
    GitHub,
    /// A cluster was added and its manifest handed out.
    Cluster,
    /// The agent is connected.
    Agent,
    /// A rule governs an image.
    Policy,
}
