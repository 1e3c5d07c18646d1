//! The public keys that rules name, as they stand on the default branch.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::policy::Signer;
use heddle_manifest::config::Ruling;
use heddle_signature::{KeyError, PublicKey, limits::MAX_KEY_BYTES};
use heddle_source::{FileMode, Kind, ReadError, Snapshot, TreePath};

/// The keys by the paths that rules name, or why one cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<String, Result<PublicKey, String>>);

impl Keys {
    /// Reads what these rules name from the default branch. A link is not followed.
    ///
    /// # Errors
    /// When the branch itself cannot be read. A file that is missing or no key is told by [`Keys::complete`].
    pub fn read(default: &Snapshot, paths: BTreeSet<String>) -> Result<Self, ReadError> {
        let mut keys = BTreeMap::new();
        for path in paths {
            let key = read_key(default, &path)?;
            keys.insert(path, key);
        }
        Ok(Self(keys))
    }

    /// The paths that a rule names.
    pub fn named(ruling: &Ruling) -> impl Iterator<Item = &str> {
        ruling.policy.iter().flat_map(|policy| &policy.signed_by).map(|signer| signer.key.as_str())
    }

    /// Puts the keys into a rule; gives what is wrong with those that cannot be read, in a sentence each. By these nothing
    /// counts as signed.
    pub fn complete(&self, ruling: &mut Ruling) -> Vec<String> {
        let mut wrong = Vec::new();
        for signer in ruling.policy.iter_mut().flat_map(|policy| &mut policy.signed_by) {
            match self.0.get(&signer.key) {
                Some(Ok(key)) => {
                    let (id, public_key) = (Some(key.id().clone()), Some(key.to_pem()));
                    *signer = Signer { id, public_key, ..signer.clone() };
                }
                Some(Err(reason)) => wrong.push(format!("`{}` of `signed_by`: {reason}", signer.key)),
                None => {}
            }
        }
        wrong
    }
}

fn read_key(default: &Snapshot, path: &str) -> Result<Result<PublicKey, String>, ReadError> {
    let Ok(parsed) = TreePath::parse(path) else {
        return Ok(Err("it is no path within the repository: write for example `keys/cosign.pub`".to_owned()));
    };
    let plain = |kind| matches!(kind, Kind::File(FileMode::Regular | FileMode::Executable));
    if !default.find(&parsed)?.is_some_and(plain) {
        return Ok(Err("the default branch has no such file, so nothing counts as signed by it".to_owned()));
    }
    let bytes = match default.read(&parsed) {
        Ok(bytes) => bytes,
        Err(ReadError::FileTooLarge { .. } | ReadError::ObjectTooLarge { .. }) => {
            return Ok(Err(format!("{}; nothing counts as signed by it", KeyError::TooLarge)));
        }
        Err(other) => return Err(other),
    };
    // What is longer is refused by its length alone.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_KEY_BYTES + 1)]).into_owned();
    Ok(PublicKey::parse_pem(&text).map_err(|error| format!("{error}; nothing counts as signed by it")))
}
