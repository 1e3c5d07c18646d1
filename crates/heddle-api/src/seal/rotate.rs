//! Seals every stored secret anew with the first key of the file, so that older keys may go.
//!
//! It may be stopped and run again at any time, beside any number of replicas: each batch is one transaction, and a row
//! that somebody holds at the moment is left for the next run.

use std::{collections::BTreeMap, fmt};

use heddle_core::id::OrganizationId;
use heddle_db::{
    Db,
    registry_logins::{self, SealedRow},
};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{KeyId, Place, Sealer};

/// The table whose secrets are sealed.
pub const LOGINS: &str = "registry_logins";

/// So many secrets are sealed anew in one transaction.
const BATCH: i64 = 100;

/// Which keys seal what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// The key that seals.
    pub writes_with: KeyId,
    /// The other keys of the file, with how many secrets each still seals.
    pub older: Vec<(KeyId, i64)>,
    /// Keys that are not in the file, with how many secrets are lost with each.
    pub lost: Vec<(KeyId, i64)>,
}

/// Counts the stored secrets by the keys that seal them.
///
/// # Errors
/// When the store cannot be reached.
pub async fn census(db: &Db, sealer: &Sealer) -> anyhow::Result<Census> {
    let ids = sealer.key_ids();
    let mut tx = db.routing().await?;
    let organizations = heddle_db::organizations::list_ids(&mut *tx).await?;
    tx.commit().await?;
    let mut counts: BTreeMap<KeyId, i64> = BTreeMap::new();
    for organization in organizations {
        let mut tx = db.organization(organization).await?;
        for (key, secrets) in registry_logins::count_by_key(&mut *tx, organization).await? {
            let key = KeyId::from_bytes(&key).ok_or_else(|| anyhow::anyhow!("a row names no key"))?;
            *counts.entry(key).or_default() += secrets;
        }
        tx.commit().await?;
    }
    let seals = |key: &KeyId| counts.get(key).copied().unwrap_or_default();
    let older = ids.iter().skip(1).map(|key| (*key, seals(key))).collect();
    let lost = counts.iter().map(|(key, secrets)| (*key, *secrets)).filter(|(key, _)| !ids.contains(key)).collect();
    Ok(Census { writes_with: sealer.writes_with(), older, lost })
}

/// What a run did, and what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// How many secrets were sealed anew.
    pub sealed_anew: u64,
    /// The key that seals.
    pub writes_with: KeyId,
    /// The other keys of the file, with how many secrets each still seals.
    pub older: Vec<(KeyId, i64)>,
    /// Keys that are not in the file, with how many secrets are lost with each.
    pub lost: Vec<(KeyId, i64)>,
}

impl Rotation {
    /// Whether every secret that can be read is sealed with the first key.
    pub fn is_done(&self) -> bool {
        self.older.iter().all(|(_, secrets)| *secrets == 0)
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets were sealed anew with key {}", self.sealed_anew, self.writes_with)?;
        for (key, secrets) in &self.older {
            match secrets {
                0 => write!(f, "\nkey {key} seals nothing any more and may be dropped from the file")?,
                _ => write!(f, "\nkey {key} still seals {secrets} of them and must stay; run this again")?,
            }
        }
        for (key, secrets) in &self.lost {
            write!(
                f,
                "\n{secrets} secrets are sealed with key {key}, which is not in the file: put it back, or enter them again"
            )?;
        }
        Ok(())
    }
}

/// Seals anew what an older key of the file seals, organization by organization.
///
/// # Errors
/// When the store cannot be reached. What was done until then stays done.
pub async fn rotate(db: &Db, sealer: &Sealer) -> anyhow::Result<Rotation> {
    let ids = sealer.key_ids();
    let Some((_, older)) = ids.split_first() else { anyhow::bail!("there is no key") };
    let mut tx = db.routing().await?;
    let organizations = heddle_db::organizations::list_ids(&mut *tx).await?;
    tx.commit().await?;
    let mut sealed_anew = 0;
    for organization in organizations {
        sealed_anew += rotate_organization(db, sealer, organization, older).await?;
    }
    let Census { writes_with, older, lost } = census(db, sealer).await?;
    Ok(Rotation { sealed_anew, writes_with, older, lost })
}

async fn rotate_organization(
    db: &Db,
    sealer: &Sealer,
    organization: OrganizationId,
    older: &[KeyId],
) -> anyhow::Result<u64> {
    let keys: Vec<Vec<u8>> = older.iter().map(|key| key.as_bytes().to_vec()).collect();
    let (mut done, mut after) = (0, Uuid::nil());
    loop {
        let mut tx = db.organization(organization).await?;
        let rows = registry_logins::lock_sealed_with(&mut *tx, organization, &keys, after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(done) };
        after = last.id;
        for row in rows {
            let place = Place { table: LOGINS, organization, row: row.id };
            // One that was changed in the store cannot be read, and is counted as what its key still seals.
            let Ok(secret) = sealer.open(place, &row.sealed) else { continue };
            let sealed = sealer.seal(place, secret.expose_secret())?;
            let anew = SealedRow { id: row.id, sealed: sealed.bytes, sealed_with: sealed.key.as_bytes().to_vec() };
            registry_logins::reseal(&mut *tx, organization, &anew).await?;
            done += 1;
        }
        tx.commit().await?;
    }
}
