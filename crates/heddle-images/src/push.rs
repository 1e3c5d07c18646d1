//! Pushes a layout to a registry, byte by byte as it is.
//!
//! Source: OCI distribution specification 1.1, "Pushing manifests" and "Pushing manifests with subject".

use anyhow::{Context, Result, ensure};
use http::HeaderValue;
use oci_distribution::{
    Client, Reference, RegistryOperation,
    client::{ClientConfig, ClientProtocol},
    secrets::RegistryAuth,
};

use crate::{
    config::Push,
    layout::{Descriptor, Layout, MANIFEST_TYPE, REFERENCE},
};

/// Pushes every image with what belongs to it; gives the names under which they can be pulled.
///
/// # Errors
/// When the layout is not whole, or the registry refuses.
pub(crate) async fn push(layout: &Layout, target: &Push) -> Result<Vec<String>> {
    let protocol = if target.plain_http { ClientProtocol::Http } else { ClientProtocol::Https };
    let client = Client::new(ClientConfig { protocol, ..ClientConfig::default() });
    let login = login(target)?;
    let mut pushed = Vec::new();
    for image in layout.manifests() {
        let Some(name) = image.annotations.get(REFERENCE) else { continue };
        let (repository, tag) = name.rsplit_once(':').with_context(|| format!("`{name}` has no tag"))?;
        let tagged: Reference = format!("{}/{repository}:{tag}", target.to)
            .parse()
            .with_context(|| format!("`{}` is no name of a registry with a path", target.to))?;
        client
            .auth(&tagged, &login, RegistryOperation::Push)
            .await
            .with_context(|| format!("{} does not let this login in", tagged.registry()))?;
        push_manifest(&client, layout, image, &tagged).await?;
        for other in layout.manifests() {
            let subject = layout.manifest(other)?.subject;
            if subject.is_some_and(|subject| subject.digest == image.digest) {
                let named = tagged.clone_with_digest(other.digest.clone());
                push_manifest(&client, layout, other, &named).await?;
            }
        }
        pushed.push(format!("{tagged}@{}", image.digest));
    }
    ensure!(!pushed.is_empty(), "there is no image in {}", target.layout.display());
    Ok(pushed)
}

fn login(target: &Push) -> Result<RegistryAuth> {
    let (Some(user), Some(file)) = (&target.username, &target.password_file) else {
        return Ok(RegistryAuth::Anonymous);
    };
    let password = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(RegistryAuth::Basic(user.clone(), password.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Pushes a manifest after everything that it names.
async fn push_manifest(client: &Client, layout: &Layout, manifest: &Descriptor, to: &Reference) -> Result<()> {
    let named = layout.manifest(manifest)?;
    for blob in [&named.config].into_iter().chain(&named.layers) {
        let there = client.blob_exists(to, &blob.digest).await;
        if !there.with_context(|| format!("{to} cannot be asked for {}", blob.digest))? {
            let pushed = client.push_blob(to, layout.blob(blob)?, &blob.digest).await;
            pushed.with_context(|| format!("{} was not taken for {to}", blob.digest))?;
        }
    }
    let pushed = client.push_manifest_raw(to, layout.blob(manifest)?, HeaderValue::from_static(MANIFEST_TYPE)).await;
    pushed.with_context(|| format!("{to} was not taken"))?;
    Ok(())
}
