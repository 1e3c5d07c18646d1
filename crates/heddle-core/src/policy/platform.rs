//! Platforms of images: `linux/amd64`, `linux/arm/v7`.

use std::fmt;

/// An operating system and a processor, perhaps with a variant of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// Reads `os/architecture` or `os/architecture/variant`; `None` when a part is missing or empty.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '/').map(str::to_owned);
        let (os, architecture, variant) = (parts.next()?, parts.next()?, parts.next());
        let filled = !os.is_empty() && !architecture.is_empty() && variant.as_ref().is_none_or(|text| !text.is_empty());
        filled.then_some(Self { os, architecture, variant })
    }

    /// Whether an image for `offered` runs where this platform is asked for: a variant counts where one is asked for.
    pub fn admits(&self, offered: &Self) -> bool {
        self.os == offered.os
            && self.architecture == offered.architecture
            && (self.variant.is_none() || self.variant == offered.variant)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}
