//! The keys with which encrypted files of a Sync are opened.

use heddle_source::{Decryption, Identities};
use secrecy::ExposeSecret;

use super::Asker;

/// What opens encrypted files; none where the Sync names no Secret. What opened files `before` is kept where it is the same,
/// since it knows what they hold. A fault comes as a sentence.
pub(super) async fn read(asker: &Asker, before: Option<&Decryption>) -> Result<Option<Decryption>, String> {
    let Some(reference) = &asker.sync.spec.decrypt else { return Ok(None) };
    let name = &reference.secret_name;
    let read = asker.client.read_age_identities(asker.ctx.own.namespace(), name).await;
    let text = read.map_err(|error| format!("the Secret `{name}` of `spec.decrypt` cannot be used: {error}"))?;
    let identities = Identities::parse(text.expose_secret());
    let identities =
        identities.map_err(|error| format!("in the keys of the Secret `{name}` of `spec.decrypt`: {error}"))?;
    let decryption = Decryption::new(asker.ctx.sops.clone(), identities, asker.ctx.memory_dir.clone());
    Ok(Some(before.filter(|before| **before == decryption).cloned().unwrap_or(decryption)))
}
