//! Flux 2: markers, with the `ImagePolicy`, `ImageRepository` and `ImageUpdateAutomation` behind them.

use std::collections::{BTreeSet, HashSet};

use heddle_core::{
    change::Mode,
    image::ImageRepository,
    policy::{FluxPolicy, TagPolicy},
};

use super::{
    Brought, Origin, Places, Setup, Wish,
    objects::{for_each_of, origin, word, words},
    patched::Patched,
};
use crate::{FoundPolicy, config::read_flux_policy, flux::nearness, occurrence::Occurrence, yaml::Node};

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
    spec: Result<FluxPolicy, String>,
    suspended: bool,
    origin: Origin,
    named: bool,
    /// The file that counts for which markers it is near to.
    file: String,
    /// Patches completed it.
    is_patched: bool,
}

struct Repository {
    key: Key,
    image: String,
    exclusions: Option<Vec<String>>,
    suspended: bool,
    file: String,
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
    let mut objects = read_objects(setup, brought);
    for (index, occurrence) in setup.occurrences.iter().enumerate() {
        let Some(FoundPolicy::FluxMarker { namespace, name }) = &occurrence.policy else { continue };
        read_marker(&mut objects, (namespace, name), (index, occurrence), brought);
    }
    // What one kustomization makes of an object need not be what a marker means.
    let id = |policy: &Policy| (policy.origin.file.clone(), policy.origin.line);
    let named: HashSet<_> = objects.policies.iter().filter(|policy| policy.named).map(id).collect();
    let mut told = HashSet::new();
    for policy in objects.policies.iter().filter(|policy| !policy.named) {
        let is_told = !told.insert((id(policy), policy.spec.as_ref().err()));
        match &policy.spec {
            _ if is_told || (policy.spec.is_ok() && named.contains(&id(policy))) => {}
            Err(why) => brought.fault(&policy.origin, why),
            Ok(_) => {
                brought
                    .differs(&policy.origin, "no marker names it, so it updates nothing and no rule is written for it");
            }
        }
    }
}

fn read_objects(setup: &Setup<'_>, brought: &mut Brought) -> Objects {
    let mut objects = Objects::default();
    let patched = Patched::read(setup.files, "ImagePolicy");
    let mut branches = Vec::new();
    for_each_of(setup.files, "source.toolkit.fluxcd.io/", |file, object| {
        if word(object, &["kind"]) == "GitRepository" {
            branches.push((Key::of(object), file.to_owned(), word(object, &["spec", "ref", "branch"]).to_owned()));
        }
    });
    for_each_of(setup.files, GROUP, |file, object| match word(object, &["kind"]) {
        "ImagePolicy" if patched.patch_files.contains(file) || patched.replaces(file, object) => {}
        "ImagePolicy" => objects.policies.push(read_policy(file, object)),
        "ImageRepository" => objects.repositories.push(Repository {
            key: Key::of(object),
            image: word(object, &["spec", "image"]).to_owned(),
            exclusions: object.at(&["spec", "exclusionList"]).map(|list| words(Some(list))),
            suspended: word(object, &["spec", "suspend"]) == "true",
            file: file.to_owned(),
        }),
        "ImageUpdateAutomation" => objects.automations.push(read_automation(file, object, &branches, brought)),
        _ => {}
    });
    let made = patched.objects.iter().map(|(kustomization, file, object, doubt)| {
        let read = read_policy(file, object);
        let spec = doubt.clone().map_or(read.spec, Err);
        Policy { file: kustomization.clone(), is_patched: true, spec, ..read }
    });
    objects.policies.extend(made);
    objects
}

/// The policy that a marker in a file means: of several of one name the one in the nearest folder, as its patches complete
/// it. `None` where none is nearer than another that says something else.
fn meant(policies: &[Policy], (namespace, name): (&str, &str), file: &str) -> Option<Option<usize>> {
    let rank = |policy: &Policy| (nearness(&policy.file, file), policy.is_patched);
    let all: Vec<usize> = (0..policies.len()).filter(|index| policies[*index].key.is(namespace, name)).collect();
    let best = all.iter().map(|index| rank(&policies[*index])).max()?;
    let mut nearest = all.into_iter().filter(|index| rank(&policies[*index]) == best);
    let first = nearest.next()?;
    Some(nearest.all(|index| policies[index].spec == policies[first].spec).then_some(first))
}

fn read_marker(
    objects: &mut Objects,
    (namespace, name): (&str, &str),
    (index, occurrence): (usize, &Occurrence),
    brought: &mut Brought,
) {
    let place = &occurrence.place;
    let what = format!("marker `{namespace}:{name}`");
    let marker = Origin { what, file: place.file.clone(), line: place.line };
    let policy = match meant(&objects.policies, (namespace, name), &place.file) {
        None => return brought.fault(&marker, "there is no such `ImagePolicy` here"),
        Some(None) => {
            return brought
                .fault(&marker, "several `ImagePolicy` objects have this name, and none is nearer than the others");
        }
        Some(Some(policy)) => &mut objects.policies[policy],
    };
    policy.named = true;
    let spec = match &policy.spec {
        Ok(spec) => spec,
        Err(why) => return brought.fault(&policy.origin, why),
    };
    let (namespace, name) = &policy.repository;
    let known = objects.repositories.iter().filter(|repository| repository.key.is(namespace, name));
    let repository = known.max_by_key(|repository| nearness(&repository.file, &policy.file));
    if let Some(other) = repository.and_then(|repository| other_image(repository, occurrence)) {
        let own = &occurrence.image.repository;
        if occurrence.has_tag_apart() {
            brought.differs(
                &marker,
                format!("Flux reads the tags of `{other}`, and this rule those of `{own}`, which stands here"),
            );
        } else {
            return brought.fault(
                &marker,
                format!(
                    "its policy is for `{other}`, and `{own}` stands here: write the image that is meant, with a tag"
                ),
            );
        }
    }
    let mut spec = spec.clone();
    spec.exclusions = repository.and_then(|repository| repository.exclusions.clone());
    let mut translation = spec.translate();
    if let (Some(tag), Some(policy)) = (one_tag(&spec), &mut translation.policy) {
        // The one tag that the filter lets in is followed by its digest.
        *policy = TagPolicy { digest: Some(tag), ..TagPolicy::default() };
        // Where one tag is followed, nothing is ordered, and so nothing otherwise.
        translation.differs.clear();
    }
    let suspended = policy.suspended || repository.is_some_and(|repository| repository.suspended);
    let mode = if suspended { Mode::Observe } else { mode_at(&objects.automations, &policy.key, &place.file) };
    for sentence in translation.differs {
        brought.differs(&policy.origin, sentence);
    }
    if let Some(native) = translation.policy {
        brought.wish(Wish {
            image: occurrence.image.repository.clone(),
            is_chart: false,
            places: Places::At(BTreeSet::from([index])),
            policy: native,
            mode,
            origin: policy.origin.clone(),
        });
    }
}

/// The image of a repository, where another one stands at the place.
fn other_image(repository: &Repository, occurrence: &Occurrence) -> Option<ImageRepository> {
    let image: ImageRepository = repository.image.parse().ok()?;
    (image != occurrence.image.repository).then_some(image)
}

/// The tag of a policy that lets one tag in and reflects its digest.
fn one_tag(spec: &FluxPolicy) -> Option<String> {
    let tag = spec.pattern.strip_prefix('^')?.strip_suffix('$')?;
    let is_plain = tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    (spec.reflects_digest && is_plain && spec.extract.is_empty()).then(|| tag.to_owned())
}

fn read_policy(file: &str, object: &Node) -> Policy {
    let key = Key::of(object);
    let named = |path: &[&str]| word(object, path).to_owned();
    let namespace = named(&["spec", "imageRepositoryRef", "namespace"]);
    let namespace = if namespace.is_empty() { key.namespace.clone() } else { namespace };
    Policy {
        repository: (namespace, named(&["spec", "imageRepositoryRef", "name"])),
        spec: read_flux_policy(object),
        suspended: word(object, &["spec", "suspend"]) == "true",
        origin: origin(file, object),
        named: false,
        file: file.to_owned(),
        is_patched: false,
        key,
    }
}

fn read_automation(file: &str, object: &Node, branches: &[(Key, String, String)], brought: &mut Brought) -> Automation {
    let spec = |path: &[&str]| object.get("spec").map_or("", |spec| word(spec, path));
    let push = spec(&["git", "push", "branch"]);
    let key = Key::of(object);
    // Without a branch of its own it reads the one of its source.
    let source = (spec(&["sourceRef", "namespace"]), spec(&["sourceRef", "name"]));
    let namespace = if source.0.is_empty() { key.namespace.as_str() } else { source.0 };
    let sources = branches.iter().filter(|(other, ..)| other.is(namespace, source.1));
    let source = sources.max_by_key(|(_, other, _)| nearness(other, file)).map_or("", |(_, _, branch)| branch.as_str());
    let checkout = Some(spec(&["git", "checkout", "ref", "branch"])).filter(|own| !own.is_empty()).unwrap_or(source);
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
    Automation { key, path, mode }
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
