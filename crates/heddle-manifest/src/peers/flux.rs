//! Flux 2: markers, with the `ImagePolicy`, `ImageRepository` and `ImageUpdateAutomation` behind them.

use std::collections::BTreeSet;

use heddle_core::{change::Mode, policy::FluxPolicy};

use super::{
    Brought, Origin, Places, Setup, Wish,
    objects::{for_each_of, origin, word, words},
};
use crate::{FoundPolicy, config::read_flux_policy, yaml::Node};

const GROUP: &str = "image.toolkit.fluxcd.io/";

/// An object's namespace and name. One without a namespace may stand in any: a kustomization may give it one.
#[derive(Debug, Clone)]
struct Key {
    namespace: String,
    name: String,
}

impl Key {
    fn of(object: &Node) -> Self {
        let word = |key| word(object, &["metadata", key]).to_owned();
        Self { namespace: word("namespace"), name: word("name") }
    }

    fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.is_in(namespace)
    }

    fn is_in(&self, namespace: &str) -> bool {
        self.namespace == namespace || self.namespace.is_empty() || namespace.is_empty()
    }
}

struct Policy {
    key: Key,
    /// Namespace and name of the `ImageRepository`.
    repository: (String, String),
    spec: FluxPolicy,
    suspended: bool,
    origin: Origin,
    named: bool,
}

struct Repository {
    key: Key,
    exclusions: Option<Vec<String>>,
    suspended: bool,
}

/// What writes to git.
struct Automation {
    key: Key,
    path: String,
    mode: Mode,
}

#[derive(Default)]
struct Objects {
    policies: Vec<Policy>,
    repositories: Vec<Repository>,
    automations: Vec<Automation>,
}

/// Reads the objects, then a wish for each place that a marker names.
pub(super) fn read(setup: &Setup<'_>, brought: &mut Brought) {
    let mut objects = Objects::default();
    for_each_of(setup.files, GROUP, |file, object| match word(object, &["kind"]) {
        "ImagePolicy" => match read_policy(file, object) {
            Ok(policy) => objects.policies.push(policy),
            Err(why) => brought.fault(&origin(file, object), why),
        },
        "ImageRepository" => objects.repositories.push(Repository {
            key: Key::of(object),
            exclusions: object.at(&["spec", "exclusionList"]).map(|list| words(Some(list))),
            suspended: word(object, &["spec", "suspend"]) == "true",
        }),
        "ImageUpdateAutomation" => objects.automations.push(read_automation(file, object, brought)),
        _ => {}
    });
    for (index, occurrence) in setup.occurrences.iter().enumerate() {
        let Some(FoundPolicy::FluxMarker { namespace, name }) = &occurrence.policy else { continue };
        let place = &occurrence.place;
        let Some(policy) = objects.policies.iter_mut().find(|policy| policy.key.is(namespace, name)) else {
            let what = format!("marker `{namespace}:{name}`");
            let marker = Origin { what, file: place.file.clone(), line: place.line };
            brought.fault(&marker, "there is no such `ImagePolicy` here");
            continue;
        };
        policy.named = true;
        let (namespace, name) = &policy.repository;
        let repository = objects.repositories.iter().find(|repository| repository.key.is(namespace, name));
        let mut spec = policy.spec.clone();
        spec.exclusions = repository.and_then(|repository| repository.exclusions.clone());
        let translation = spec.translate();
        let suspended = policy.suspended || repository.is_some_and(|repository| repository.suspended);
        let mode = if suspended { Mode::Observe } else { mode_at(&objects.automations, &policy.key, &place.file) };
        for sentence in translation.differs {
            brought.differs(&policy.origin, sentence);
        }
        if let Some(native) = translation.policy {
            brought.wish(Wish {
                image: occurrence.image.repository.clone(),
                places: Places::At(BTreeSet::from([index])),
                policy: native,
                mode,
                origin: policy.origin.clone(),
            });
        }
    }
    for policy in objects.policies.iter().filter(|policy| !policy.named) {
        brought.differs(&policy.origin, "no marker names it, so it updates nothing and no rule is written for it");
    }
}

fn read_policy(file: &str, object: &Node) -> Result<Policy, String> {
    let key = Key::of(object);
    let named = |path: &[&str]| word(object, path).to_owned();
    let namespace = named(&["spec", "imageRepositoryRef", "namespace"]);
    let namespace = if namespace.is_empty() { key.namespace.clone() } else { namespace };
    Ok(Policy {
        repository: (namespace, named(&["spec", "imageRepositoryRef", "name"])),
        spec: read_flux_policy(object)?,
        suspended: word(object, &["spec", "suspend"]) == "true",
        origin: origin(file, object),
        named: false,
        key,
    })
}

fn read_automation(file: &str, object: &Node, brought: &mut Brought) -> Automation {
    let spec = |path: &[&str]| object.get("spec").map_or("", |spec| word(spec, path));
    let (checkout, push) = (spec(&["git", "checkout", "ref", "branch"]), spec(&["git", "push", "branch"]));
    let suspended = spec(&["suspend"]) == "true";
    let mode = match suspended {
        true => Mode::Observe,
        false if !push.is_empty() && push != checkout => Mode::PullRequest,
        false => Mode::Commit,
    };
    let origin = origin(file, object);
    if suspended {
        brought.differs(&origin, "it is suspended, so its rules observe only");
    } else if mode == Mode::PullRequest {
        brought.differs(&origin, format!("Heddle opens pull requests itself, in the place of pushes to `{push}`"));
    }
    if object.at(&["spec", "policySelector"]).is_some() {
        brought.differs(&origin, "`policySelector` is not looked at: every marker is updated");
    }
    if !spec(&["git", "commit", "messageTemplate"]).is_empty() {
        brought.differs(&origin, "`messageTemplate` is not taken over: Heddle's commits name image and tag");
    }
    let path = spec(&["update", "path"]).trim_start_matches("./").trim_matches('/').trim_matches('.').to_owned();
    Automation { key: Key::of(object), path, mode }
}

/// How the automations of a policy's namespace write a file; by pull request where there is none.
fn mode_at(automations: &[Automation], policy: &Key, file: &str) -> Mode {
    let here = automations.iter().filter(|automation| {
        let below = automation.path.is_empty() || file.starts_with(&format!("{}/", automation.path));
        below && automation.key.is_in(&policy.namespace)
    });
    // What one of them writes is written.
    here.map(|automation| automation.mode).min().unwrap_or_default()
}
