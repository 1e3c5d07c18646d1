//! The other kinds of Kubernetes itself that can be anything but healthy.

use serde_json::Value;

use super::{Verdict, conditions::find};
use crate::GroupKind;

pub(super) fn judge(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    let verdict = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Service") => service(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Secret" | "ConfigMap") | ("policy", "PodDisruptionBudget") => Verdict::healthy("Exists"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("apiregistration.k8s.io", "APIService") => api_service(object),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(object),
        _ => return None,
    };
    Some(verdict)
}

fn service(object: &Value) -> Verdict {
    if object["spec"]["type"] != "LoadBalancer" {
        return Verdict::healthy("Exists");
    }
    match object["status"]["loadBalancer"]["ingress"].as_array() {
        Some(addresses) if !addresses.is_empty() => Verdict::healthy("HasAddress"),
        _ => Verdict::progressing("NoAddress", "its load balancer has no address yet"),
    }
}

fn claim(object: &Value) -> Verdict {
    match object["status"]["phase"].as_str() {
        Some("Bound") => Verdict::healthy("Bound"),
        Some("Lost") => Verdict::degraded("Lost", "its volume is lost"),
        _ => Verdict::progressing("NotBound", "it is not bound to a volume yet"),
    }
}

fn definition(object: &Value) -> Verdict {
    if let Some(condition) = find(object, "NamesAccepted").filter(|condition| condition.is_false) {
        return Verdict::degraded(condition.reason, condition.message);
    }
    match find(object, "Established") {
        Some(condition) if condition.is_true => Verdict::healthy("Established"),
        Some(condition) if condition.is_false && condition.reason != "Installing" => {
            Verdict::degraded(condition.reason, condition.message)
        }
        _ => Verdict::progressing("Installing", "the API server does not serve it yet"),
    }
}

fn api_service(object: &Value) -> Verdict {
    match find(object, "Available") {
        Some(condition) if condition.is_true => Verdict::healthy("Available"),
        Some(condition) => Verdict::progressing(condition.reason, condition.message),
        None => Verdict::progressing("NotObserved", "nothing has seen it yet"),
    }
}

fn autoscaler(object: &Value) -> Verdict {
    const FAULTS: [&str; 4] = ["FailedGet", "FailedUpdate", "FailedCompute", "InvalidSelector"];
    for kind in ["AbleToScale", "ScalingActive"] {
        let Some(condition) = find(object, kind).filter(|condition| condition.is_false) else { continue };
        if FAULTS.iter().any(|fault| condition.reason.starts_with(fault)) {
            return Verdict::degraded(condition.reason, condition.message);
        }
    }
    match find(object, "AbleToScale") {
        Some(condition) if condition.is_true => Verdict::healthy(condition.reason),
        _ => Verdict::progressing("NotObserved", "it has not looked at its target yet"),
    }
}
