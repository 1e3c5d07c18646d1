//! Seals secrets that the store keeps: AES-256-GCM with a random nonce, under a key that stands in a file and never in the
//! store.
//!
//! The only place that holds both a key and what is sealed with it. What is sealed is bound to its row: moved to another
//! row, organization or table it does not open. It must not know what the secrets are for.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use heddle_core::id::OrganizationId;
use secrecy::{SecretSlice, zeroize::Zeroizing};
use uuid::Uuid;

use crate::problem::{ApiError, ApiResult};

mod file;
pub mod rotate;
#[cfg(test)]
mod tests;

pub use file::{KeysError, MAX_KEYS, make};

/// The setting that names the file of keys.
pub const SETTING: &str = "HEDDLE_SEALING_KEYS_FILE";

/// How what is sealed begins.
const FORM: u8 = 1;

/// Names a key without telling it: the first bytes of a hash of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The bytes, as a row holds them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key that the bytes of a row name.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key. It is never shown.
struct Key {
    id: KeyId,
    key: RandomizedNonceKey,
}

/// The row that a secret belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The row.
    pub row: Uuid,
}

impl Place {
    /// What is authenticated with the secret: each part with its length, so that no two places are written alike.
    fn bytes(&self, key: KeyId) -> Vec<u8> {
        let parts: [&[u8]; 4] =
            [&key.0, self.table.as_bytes(), self.organization.0.as_bytes().as_slice(), self.row.as_bytes().as_slice()];
        parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes(), *part].concat()).collect()
    }
}

/// A sealed secret, as a row keeps it: form, key id, nonce, ciphertext with its tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key that opens it.
    pub key: KeyId,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", self.key)
    }
}

/// Why a secret does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its key is not in the file.
    #[error("the sealing key {0} is not in the file that {SETTING} names")]
    UnknownKey(KeyId),
    /// It was changed, or belongs to another row.
    #[error("it was changed in the store, or belongs to another row")]
    Broken,
}

/// Seals with the first key of the file and opens with any of them.
pub struct Sealer {
    file: PathBuf,
    keys: RwLock<Arc<[Key]>>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Sealer {
    /// Reads the keys.
    ///
    /// # Errors
    /// When the file cannot be read, or holds what is no key.
    pub fn load(file: &Path) -> Result<Self, KeysError> {
        Ok(Self { file: file.to_owned(), keys: RwLock::new(file::read(file)?.into()) })
    }

    /// The key that seals.
    pub fn writes_with(&self) -> KeyId {
        self.keys()[0].id
    }

    /// Every key of the file, the one that seals first.
    pub fn key_ids(&self) -> Vec<KeyId> {
        self.keys().iter().map(|key| key.id).collect()
    }

    /// Seals a secret for its row.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, place: Place, secret: &[u8]) -> anyhow::Result<Sealed> {
        let keys = self.keys();
        let Key { id, key } = &keys[0];
        let mut text = secret.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(place.bytes(*id)), &mut text);
        let nonce = nonce.map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
        let bytes = [&[FORM], &id.0[..], nonce.as_ref(), &text].concat();
        Ok(Sealed { key: *id, bytes })
    }

    /// Opens what was sealed for this row. A key that is not known is looked for in the file again: another replica may
    /// have been started with a newer one.
    ///
    /// # Errors
    /// When the key is in the file no more, or the bytes are not those that were sealed for this row.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<SecretSlice<u8>, OpenError> {
        let (form, rest) = sealed.split_first().ok_or(OpenError::Broken)?;
        let (id, rest) = rest.split_at_checked(size_of::<KeyId>()).ok_or(OpenError::Broken)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Broken)?;
        let id = KeyId::from_bytes(id).filter(|_| *form == FORM).ok_or(OpenError::Broken)?;
        let mut keys = self.keys();
        if !keys.iter().any(|key| key.id == id) {
            keys = self.read_again();
        }
        let key = keys.iter().find(|key| key.id == id).ok_or(OpenError::UnknownKey(id))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Broken)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = key.key.open_in_place(nonce, Aad::from(place.bytes(id)), &mut text);
        opened.map(|opened| SecretSlice::from(opened.to_vec())).map_err(|_| OpenError::Broken)
    }

    fn keys(&self) -> Arc<[Key]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn read_again(&self) -> Arc<[Key]> {
        // A file that is gone or broken at the moment takes nothing from who knows its keys.
        if let Ok(keys) = file::read(&self.file) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        }
        self.keys()
    }
}

/// Whether this program can seal.
#[derive(Debug)]
pub enum Sealing {
    /// It can.
    Ready(Sealer),
    /// No key is set, and the sentence says what to set. Everything but stored secrets works.
    Off(String),
    /// The keys that are set cannot be read, and the sentence says why. Everything but stored secrets works.
    Broken(String),
}

impl Sealing {
    /// Reads the keys of a file that is set, or of the program's own beside its data.
    pub fn load(file: Option<&Path>) -> Self {
        let Some(file) = file else {
            return Self::Off(format!(
                "no sealing key is set here, so no login can be kept; let {SETTING} name a file with the output of \
                 `openssl rand -hex 32`"
            ));
        };
        match Sealer::load(file) {
            Ok(sealer) => Self::Ready(sealer),
            Err(error) => {
                tracing::error!(%error, "stored secrets cannot be read: {error}");
                Self::Broken(format!("the sealing keys cannot be read, so no login can be used: {error}"))
            }
        }
    }

    /// The sealer.
    ///
    /// # Errors
    /// 503 with the setting that is missing.
    pub fn ready(&self) -> ApiResult<&Sealer> {
        match self {
            Self::Ready(sealer) => Ok(sealer),
            Self::Off(reason) | Self::Broken(reason) => {
                Err(ApiError::unavailable("sealing-not-configured", reason.clone()))
            }
        }
    }

    /// What is missing.
    pub fn missing(&self) -> Option<&str> {
        match self {
            Self::Ready(_) => None,
            Self::Off(reason) | Self::Broken(reason) => Some(reason),
        }
    }
}

impl Key {
    fn new(bytes: &Zeroizing<[u8; 32]>) -> Option<Self> {
        use aws_lc_rs::digest::{Context, SHA256};
        let mut context = Context::new(&SHA256);
        context.update(b"heddle sealing key");
        context.update(&bytes[..]);
        let id = KeyId::from_bytes(context.finish().as_ref().get(..8)?)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes[..]).ok()?;
        Some(Self { id, key })
    }
}
