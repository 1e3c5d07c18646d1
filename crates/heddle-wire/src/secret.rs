//! A text that must not be printed.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A credential in a body. It is sent whole and shown nowhere: `Debug` prints `[REDACTED]`, `Display` does not exist.
#[derive(Debug, Clone)]
pub struct WireSecret(pub SecretString);

impl WireSecret {
    /// The text, for the one place that sends it on.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for WireSecret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for WireSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for WireSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for WireSecret {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for WireSecret {}
