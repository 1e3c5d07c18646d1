//! Why a registry does not show an image, where that is the login or the lack of one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a 401 or 403 means, and what stops a login before it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReadFault {
    /// The registry wants a login, and there is none.
    NoLogin,
    /// The registry, or its cloud, does not know the login, or it has expired.
    Refused,
    /// The registry knows the login, and does not show the image to it.
    Denied,
    /// The registry names a token server that nobody confirmed.
    TokenServer,
    /// The login cannot be read any more: the key that sealed it is gone.
    Unreadable,
}

impl ReadFault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::NoLogin, Self::Refused, Self::Denied, Self::TokenServer, Self::Unreadable];

    /// The word in bodies and rows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoLogin => "no-login",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::TokenServer => "token-server",
            Self::Unreadable => "unreadable",
        }
    }

    /// What it means for images that are read with `login` (as people write it: `ghcr.io/acme`), in a sentence without its
    /// end.
    pub fn in_words(self, login: &str, images: u64) -> String {
        let images = if images == 1 { "1 image".to_owned() } else { format!("{images} images") };
        match self {
            Self::NoLogin => format!("`{login}` wants a login for {images}, and there is none"),
            Self::Refused => format!("the login for `{login}` is not known there, or has expired; it is for {images}"),
            Self::Denied => format!("the login for `{login}` is known there and may not read {images}"),
            Self::TokenServer => {
                format!("the login for `{login}` is stopped: nobody confirmed its token server; it is for {images}")
            }
            Self::Unreadable => format!("the login for `{login}` cannot be opened any more; it is for {images}"),
        }
    }
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ReadFault {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|fault| fault.word() == word).ok_or_else(|| format!("`{word}` is no fault"))
    }
}
