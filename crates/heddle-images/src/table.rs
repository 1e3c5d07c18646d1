//! The sizes of images beside their limits.

use std::fmt::Write;

use anyhow::{Result, ensure};

use crate::build::Made;

/// One line an image.
pub(crate) fn render(made: &[Made]) -> String {
    let mut table =
        String::from("| Image | For | Packed, of at most | Unpacked, of at most | Digest |\n|---|---|---|---|---|\n");
    for Made { image, digest, architecture, packed_bytes, unpacked_bytes } in made {
        let _ = writeln!(
            table,
            "| {} | linux/{architecture} | {} of {} MiB | {} of {} MiB | `{digest}` |",
            image.name,
            mebibytes(*packed_bytes),
            mebibytes(image.most_packed_bytes),
            mebibytes(*unpacked_bytes),
            mebibytes(image.most_unpacked_bytes),
        );
    }
    table
}

/// Holds images against their limits.
///
/// # Errors
/// When one is larger.
pub(crate) fn check(made: &[Made]) -> Result<()> {
    for Made { image, packed_bytes, unpacked_bytes, .. } in made {
        for (what, bytes, most) in [
            ("packed", *packed_bytes, image.most_packed_bytes),
            ("unpacked", *unpacked_bytes, image.most_unpacked_bytes),
        ] {
            ensure!(
                bytes <= most,
                "{} has {} MiB {what}, and at most {} MiB are allowed: look what made it grow, or raise the limit in \
                 crates/heddle-images/src/image.rs",
                image.name,
                mebibytes(bytes),
                mebibytes(most),
            );
        }
    }
    Ok(())
}

/// Rounded up.
fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}

#[cfg(test)]
mod tests;
