//! One login for each registry that a Docker configuration holds a secret for.

use heddle_wire::{docker, secret::WireSecret, view::EnterRegistryLogin};

use crate::problem::{ApiError, ApiResult, FieldChecks};

/// One login for each entry. An entry without a secret is at fault, by name: the secret lies in a store of the machine that
/// the configuration is from.
///
/// # Errors
/// 422 with every entry at fault; nothing of a secret is repeated.
pub(super) fn read(config: &WireSecret) -> ApiResult<Vec<EnterRegistryLogin>> {
    let entries = docker::read(config).map_err(|_| {
        ApiError::invalid("config", "this is no Docker configuration; paste the text of ~/.docker/config.json")
    })?;
    if entries.is_empty() {
        return Err(ApiError::invalid("config", "it has no entry under `auths`"));
    }
    let mut checks = FieldChecks::default();
    let mut logins = Vec::new();
    for entry in entries {
        match entry.secret {
            Ok(secret) => {
                let (host, prefix) = (entry.host, entry.prefix);
                logins.push(EnterRegistryLogin { host, prefix, auth_host: None, secret });
            }
            Err(lies) if entry.host.is_empty() => {
                checks.check(false, "config", format!("it holds no secret: every registry {lies}"));
            }
            Err(lies) => {
                let told =
                    format!("the entry for `{}` {lies}, and not in this file; add this host by itself", entry.host);
                checks.check(false, "config", told);
            }
        }
    }
    checks.finish()?;
    Ok(logins)
}
