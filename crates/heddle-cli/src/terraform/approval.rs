//! What somebody approves when they approve a plan: a hash over all that an apply of it would do.
//!
//! It is an HMAC whose key comes from a number of the run, which stands in the hash, and from what only those know who may
//! read the secrets anyway: the lineage of the state, in which they stand in clear, or a key that the pipeline holds. So
//! nobody else can try values against it.

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, sign};
use heddle_core::drift::PlanHash;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

/// How the names of settings of backends end in which a login may stand.
const LOGIN_ENDINGS: [&str; 8] = ["password", "secret", "token", "_key", "_auth", "_pem", "credentials", "conn_str"];

/// Beside what the plan itself says, what its apply depends on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Basis {
    /// Lineage and serial of the state, where there is one.
    pub(crate) state: Option<StateId>,
    /// The lock file of providers, where there is one.
    pub(crate) lock: Option<Vec<u8>>,
    /// The workspace in which it is planned.
    pub(crate) workspace: String,
    /// Where the state is kept, as `init` wrote it down: JSON with `type` and `config`.
    pub(crate) backend: Option<Value>,
    /// The commit that is checked out, where that is known.
    pub(crate) commit: Option<String>,
    /// The key that the pipeline holds, where it holds one.
    pub(crate) key: Option<Vec<u8>>,
}

impl Basis {
    /// Whether the settings of the backend hold a login.
    fn holds_login(&self) -> bool {
        let settings = self.backend.as_ref().and_then(|backend| backend["config"].as_object());
        let is_login = |name: &str| LOGIN_ENDINGS.iter().any(|ending| name.ends_with(ending));
        settings.into_iter().flatten().any(|(name, value)| is_login(name) && !value.is_null() && *value != "")
    }
}

/// Which state it is, and which of its versions.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StateId {
    lineage: String,
    serial: u64,
}

/// Why a plan has no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unapprovable {
    /// Anybody could try secrets against it.
    #[error(
        "the plan or its backend holds secrets and there is no state yet, so anybody could try values against a hash: set HEDDLE_PLAN_KEY to \
         a secret of your own, here and for `heddle sync`, or apply for the first time by hand"
    )]
    NoKey,
    /// It is no plan.
    #[error("the plan cannot be hashed")]
    NoPlan,
}

/// What is hashed of a plan, in the very bytes that the program printed: they are in a fixed order, and no number is rounded.
#[derive(Deserialize)]
struct Hashed<'a> {
    #[serde(borrow, default)]
    resource_changes: Vec<&'a RawValue>,
    #[serde(borrow)]
    output_changes: Option<&'a RawValue>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow)]
    configuration: Option<&'a RawValue>,
    #[serde(borrow)]
    terraform_version: Option<&'a RawValue>,
    #[serde(borrow)]
    action_invocations: Option<&'a RawValue>,
    #[serde(borrow)]
    deferred_action_invocations: Option<&'a RawValue>,
    #[serde(borrow)]
    prior_state: Option<PriorState<'a>>,
}

/// What was read before anything is changed. Provisioners and providers take from it what no change shows.
#[derive(Deserialize)]
struct PriorState<'a> {
    #[serde(borrow)]
    values: Option<PriorValues<'a>>,
}

#[derive(Deserialize)]
struct PriorValues<'a> {
    #[serde(borrow)]
    root_module: Option<Module<'a>>,
}

#[derive(Deserialize)]
struct Module<'a> {
    #[serde(borrow, default)]
    resources: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    child_modules: Vec<Module<'a>>,
}

#[derive(Deserialize)]
struct ReadHead {
    address: String,
    #[serde(default)]
    mode: String,
}

impl<'a> Module<'a> {
    /// The data sources of it and of those below it, each with its address.
    fn data(&self, found: &mut Vec<(String, &'a str)>) -> Result<(), Unapprovable> {
        for resource in &self.resources {
            let head: ReadHead = serde_json::from_str(resource.get()).map_err(|_| Unapprovable::NoPlan)?;
            if head.mode == "data" {
                found.push((head.address, resource.get()));
            }
        }
        self.child_modules.iter().try_for_each(|child| child.data(found))
    }
}

#[derive(Deserialize)]
struct Head {
    address: String,
    deposed: Option<String>,
    previous_address: Option<String>,
    change: HeadChange,
}

#[derive(Deserialize)]
struct HeadChange {
    #[serde(default)]
    actions: Vec<String>,
    importing: Option<serde::de::IgnoredAny>,
}

impl Head {
    fn does_something(&self) -> bool {
        self.change.actions != ["no-op"] || self.previous_address.is_some() || self.change.importing.is_some()
    }
}

/// A plan whose hashes are asked for.
pub(crate) struct Approval<'a> {
    /// The parts, each with its name.
    parts: Vec<(&'static str, Vec<u8>)>,
    basis: &'a Basis,
}

impl<'a> Approval<'a> {
    /// Of a plan as `show -json` printed it.
    ///
    /// # Errors
    /// When it can have no hash.
    pub(crate) fn of(plan: &[u8], has_secrets: bool, basis: &'a Basis) -> Result<Self, Unapprovable> {
        if (has_secrets || basis.holds_login()) && basis.state.is_none() && basis.key.is_none() {
            return Err(Unapprovable::NoKey);
        }
        let hashed: Hashed<'_> = serde_json::from_slice(plan).map_err(|_| Unapprovable::NoPlan)?;
        let mut changes = Vec::new();
        for change in hashed.resource_changes {
            let head: Head = serde_json::from_str(change.get()).map_err(|_| Unapprovable::NoPlan)?;
            if head.does_something() {
                changes.push((head.address, head.deposed, change.get()));
            }
        }
        changes.sort();
        let mut parts: Vec<(&'static str, Vec<u8>)> =
            changes.into_iter().map(|(_, _, change)| ("resource_change", change.into())).collect();
        let mut data = Vec::new();
        if let Some(module) = hashed.prior_state.and_then(|state| state.values?.root_module) {
            module.data(&mut data)?;
        }
        data.sort();
        parts.extend(data.into_iter().map(|(_, one)| ("data", one.into())));
        let rest = [
            ("output_changes", hashed.output_changes),
            ("variables", hashed.variables),
            ("configuration", hashed.configuration),
            ("terraform_version", hashed.terraform_version),
            ("action_invocations", hashed.action_invocations),
            ("deferred_action_invocations", hashed.deferred_action_invocations),
        ];
        parts.extend(rest.into_iter().filter_map(|(name, value)| Some((name, value?.get().into()))));
        parts.extend(basis.state.iter().map(|state| ("lineage", state.lineage.clone().into_bytes())));
        parts.extend(basis.state.iter().map(|state| ("serial", state.serial.to_string().into_bytes())));
        parts.extend(basis.lock.iter().map(|lock| ("lock", lock.clone())));
        parts.push(("workspace", basis.workspace.clone().into_bytes()));
        parts.extend(basis.backend.iter().map(|backend| ("backend", backend.to_string().into_bytes())));
        parts.extend(basis.commit.iter().map(|commit| ("commit", commit.clone().into_bytes())));
        Ok(Self { parts, basis })
    }

    /// The hash of a run of its own.
    pub(crate) fn new_hash(&self) -> PlanHash {
        self.hash(Uuid::new_v4())
    }

    /// The hash as it would have been in the run of `approved`: the same one where the plan is the same.
    pub(crate) fn hash_like(&self, approved: &PlanHash) -> PlanHash {
        self.hash(approved.run())
    }

    fn hash(&self, run: Uuid) -> PlanHash {
        let known = Key::new(HMAC_SHA256, run.as_bytes());
        let mut context = Context::with_key(&known);
        let lineage = self.basis.state.as_ref().map(|state| state.lineage.as_bytes());
        for part in [lineage, self.basis.key.as_deref()] {
            update(&mut context, part.unwrap_or_default());
        }
        let key = Key::new(HMAC_SHA256, context.sign().as_ref());
        let mut context = Context::with_key(&key);
        for (name, value) in &self.parts {
            update(&mut context, name.as_bytes());
            // A hash of each, so that no part is held twice.
            update(&mut context, sign(&key, value).as_ref());
        }
        let tag = context.sign();
        // A tag of SHA-256 has as many bytes.
        let mut hash = [0; 32];
        hash.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        PlanHash::new(run, &hash)
    }
}

/// Each part with its length, so that no two lists of parts are the same bytes.
fn update(context: &mut Context, part: &[u8]) {
    context.update(&(part.len() as u64).to_be_bytes());
    context.update(part);
}

#[cfg(test)]
mod tests;
