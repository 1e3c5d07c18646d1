//! The kinds that run containers, and where their images stand.

use heddle_core::image::ImageRef;
use serde_json::Value;

use crate::GroupKind;

/// Whether objects of this kind run containers for as long as they exist, or on a schedule.
pub fn is_workload(kind: &GroupKind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") | ("batch", "Job" | "CronJob")
    )
}

/// The images of an object's pod template by container, init containers first. What is no image reference is left out.
pub fn images_of(object: &Value) -> Vec<(String, ImageRef)> {
    let spec = match object["kind"].as_str() {
        Some("Pod") => &object["spec"],
        Some("CronJob") => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        _ => &object["spec"]["template"]["spec"],
    };
    let containers = ["initContainers", "containers"].into_iter().filter_map(|list| spec[list].as_array()).flatten();
    containers
        .filter_map(|container| {
            let name = container["name"].as_str()?.to_owned();
            let image = container["image"].as_str()?.parse().ok()?;
            Some((name, image))
        })
        .collect()
}
