//! Keel, the annotations of a workload.

use crate::policy::{
    CompiledPolicy, Pattern, PolicyFault, SortOrder, Within,
    compiled::Allow,
    extract::Extraction,
    fault::Faults,
    order::{Order, Shape},
    pattern::compile,
    relative::Relative,
};

/// What the annotations of a workload say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeelPolicy {
    /// `keel.sh/policy`: `all`, `major`, `minor`, `patch`, `force`, `never`, `glob:…` or `regexp:…`.
    pub policy: String,
    /// `keel.sh/matchPreRelease`, which is true where it is not given.
    pub match_pre_release: bool,
    /// `keel.sh/matchTag`.
    pub match_tag: bool,
}

impl Default for KeelPolicy {
    fn default() -> Self {
        Self { policy: String::new(), match_pre_release: true, match_tag: false }
    }
}

impl KeelPolicy {
    pub(super) fn compile(&self) -> Result<CompiledPolicy, Vec<PolicyFault>> {
        let mut faults = Faults::default();
        let version = |step, same_prerelease| CompiledPolicy {
            relative: Relative::KeelVersion { step, same_prerelease },
            ..CompiledPolicy::bare(Order::Version { range: None, shape: Shape::Dots(1) })
        };
        let policy = match self.policy.as_str() {
            "all" => Some(version(Within::Major, false)),
            "major" => Some(version(Within::Major, self.match_pre_release)),
            "minor" => Some(version(Within::Minor, self.match_pre_release)),
            "patch" => Some(version(Within::Patch, self.match_pre_release)),
            "force" => Some(CompiledPolicy {
                relative: Relative::KeelForce { match_tag: self.match_tag },
                ..CompiledPolicy::bare(Order::VersionOrText)
            }),
            "" | "never" => {
                Some(CompiledPolicy { relative: Relative::Never, ..CompiledPolicy::bare(Order::Text(SortOrder::Asc)) })
            }
            text => match text.split_once(':') {
                Some(("glob", glob)) => glob_policy(glob, &mut faults),
                Some(("regexp", expression)) => regexp_policy(expression, &mut faults),
                _ => {
                    let words = "`all`, `major`, `minor`, `patch`, `force`, `never`, `glob:…` or `regexp:…`";
                    faults.add("policy", format!("Keel has no policy `{text}`: write {words}"));
                    None
                }
            },
        };
        faults.or(policy)
    }
}

fn glob_policy(glob: &str, faults: &mut Faults) -> Option<CompiledPolicy> {
    if glob.contains(':') {
        faults.add("policy", format!("`glob:{glob}` has a second colon, which Keel does not take"));
        return None;
    }
    let pattern = faults.kept("policy", Pattern::star_glob(glob))?;
    Some(CompiledPolicy {
        allow: Allow::Matching(vec![pattern]),
        relative: Relative::KeelText,
        ..CompiledPolicy::bare(Order::Text(SortOrder::Asc))
    })
}

/// A group named `compare` is what is ordered.
fn regexp_policy(expression: &str, faults: &mut Faults) -> Option<CompiledPolicy> {
    let matches = faults.kept("policy", compile(expression))?;
    let compares = matches.regex.capture_names().flatten().any(|group| group == "compare");
    Some(CompiledPolicy {
        extraction: Some(Extraction::new(matches, compares.then_some("${compare}"))),
        ..CompiledPolicy::bare(Order::Text(SortOrder::Asc))
    })
}
