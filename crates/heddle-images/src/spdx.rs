//! The list of what is in an image, for those who look for known faults.
//!
//! Source: SPDX specification 2.3, <https://spdx.github.io/spdx-spec/v2.3/>.

use serde_json::{Value, json};

use crate::{build::VERSION, image::Image, inventory::Package};

/// The document of an image whose manifest has `digest`.
pub(crate) fn document(image: &Image, digest: &str, created: &str, packages: &[Package]) -> Value {
    let hex = digest.trim_start_matches("sha256:");
    let whole = json!({
        "SPDXID": "SPDXRef-Image",
        "name": image.name,
        "versionInfo": VERSION,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": env!("CARGO_PKG_LICENSE"),
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": hex }],
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": format!("pkg:oci/{}@sha256%3A{hex}", image.name),
        }],
    });
    let id = |index: usize| format!("SPDXRef-Package-{index}");
    let listed = packages.iter().enumerate().map(|(index, package)| {
        json!({
            "SPDXID": id(index),
            "name": package.name,
            "versionInfo": package.version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": package.license.as_deref().unwrap_or("NOASSERTION"),
            "copyrightText": "NOASSERTION",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": package.url,
            }],
        })
    });
    let relation = |from: &str, kind: &str, to: &str| json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to });
    let contained = (0..packages.len()).map(|index| relation("SPDXRef-Image", "CONTAINS", &id(index)));
    let packages: Vec<Value> = [whole].into_iter().chain(listed).collect();
    let relationships: Vec<Value> =
        [relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")].into_iter().chain(contained).collect();
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("{}-{VERSION}", image.name),
        "documentNamespace": format!("{}/spdx/{}-{VERSION}-{hex}", env!("CARGO_PKG_REPOSITORY"), image.name),
        "creationInfo": { "created": created, "creators": [format!("Tool: heddle-images-{VERSION}")] },
        "packages": packages,
        "relationships": relationships,
    })
}
