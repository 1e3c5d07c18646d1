//! Registries that an organization has logins for: how their hosts are written, which kind of login a host takes, and
//! which login is for which image.
//!
//! An address that a secret is sent to follows from these forms alone, never from the secret. It must not know how a login
//! is stored or used.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::image::{ImageError, ImageRepository};

mod fault;
pub mod pace;
mod pattern;
pub mod polling;
#[cfg(test)]
mod tests;

pub use fault::ReadFault;
pub use pattern::HostPattern;

/// Kinds of logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LoginKind {
    /// A user's name with a password or token.
    Basic,
    /// A token that the registry's token server takes in the place of user and password (OAuth 2 refresh token).
    IdentityToken,
    /// An access key of Amazon Web Services, for Elastic Container Registry.
    Ecr,
    /// The key of a Google service account, for Artifact Registry.
    Gar,
    /// A service principal of Microsoft Entra, for Azure Container Registry.
    Acr,
}

/// Why a login does not fit a host. The message names the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// No registry can be at this host.
    #[error("`{0}` is no registry's host; write a host such as `ghcr.io` or `registry.example.com:5000`")]
    Host(String),
    /// What names neither a host nor the hosts below a domain.
    #[error("`{0}` names no registries; write a host such as `registry.example.com:5000`, or `*.example.com`")]
    Pattern(String),
    /// A prefix that no image can begin with.
    #[error("`{0}` is no beginning of an image's path; write whole parts of it, such as `acme` or `acme/team`")]
    Prefix(String),
    /// A kind that only hosts of a published form take.
    #[error(
        "a login of the kind `{kind}` is for {forms} alone, and `{host}` is none; for another host use a user name and a password"
    )]
    Kind {
        /// The kind.
        kind: LoginKind,
        /// The forms, in words.
        forms: &'static str,
        /// The host.
        host: String,
    },
}

impl LoginKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Basic, Self::IdentityToken, Self::Ecr, Self::Gar, Self::Acr];

    /// The word in bodies and rows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::IdentityToken => "identity-token",
            Self::Ecr => "ecr",
            Self::Gar => "gar",
            Self::Acr => "acr",
        }
    }

    /// Refuses a host of a form that this kind is not for.
    ///
    /// # Errors
    /// With the forms that it is for.
    pub fn check(self, host: &RegistryHost) -> Result<(), LoginError> {
        let (fits, forms) = match self {
            Self::Basic | Self::IdentityToken => (true, ""),
            Self::Ecr => (
                host.amazon().is_some(),
                "`ACCOUNT.dkr.ecr.REGION.amazonaws.com` (also `.cn`, `ecr-fips` and `dkr-ecr.REGION.on.aws`) and `public.ecr.aws`",
            ),
            Self::Gar => (host.is_google(), "`*.pkg.dev` and `gcr.io`"),
            Self::Acr => (host.azure().is_some(), "`*.azurecr.io`, `*.azurecr.cn` and `*.azurecr.us`"),
        };
        if fits { Ok(()) } else { Err(LoginError::Kind { kind: self, forms, host: host.to_string() }) }
    }
}

impl fmt::Display for LoginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for LoginKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| format!("`{word}` is no kind of login"))
    }
}

/// A registry's host as images name it, in lower case, with its port if one is written. Docker Hub is `docker.io`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryHost(String);

/// Names under which Docker Hub is written.
const DOCKER_HUB: [&str; 5] =
    ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"];

/// A registry of Amazon. Source: "Amazon ECR endpoints and quotas" and "Making requests to Amazon ECR registries" of the
/// AWS General Reference and the ECR User Guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amazon {
    /// A private registry.
    Private {
        /// Such as `eu-central-1`.
        region: String,
        /// Whether it is asked by endpoints that are validated by FIPS 140.
        fips: bool,
    },
    /// The public gallery, whose tokens come from `us-east-1`.
    Public,
}

/// A cloud of Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Azure {
    /// The worldwide one.
    Public,
    /// In China, by 21Vianet.
    China,
    /// Of the government of the United States.
    Government,
}

impl RegistryHost {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without its port.
    pub fn name(&self) -> &str {
        self.0.rsplit_once(':').filter(|_| !self.0.ends_with(']')).map_or(&self.0, |(name, _)| name)
    }

    /// Which of Amazon's registries it is, if any.
    pub fn amazon(&self) -> Option<Amazon> {
        if matches!(self.0.as_str(), "public.ecr.aws" | "ecr-public.aws.com") {
            return Some(Amazon::Public);
        }
        let (account, rest) = self.0.split_once('.')?;
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let forms = [
            ("dkr.ecr.", ".amazonaws.com", false),
            ("dkr.ecr.", ".amazonaws.com.cn", false),
            ("dkr.ecr-fips.", ".amazonaws.com", true),
            ("dkr-ecr.", ".on.aws", false),
            ("dkr-ecr.", ".on.amazonwebservices.com.cn", false),
            ("dkr-ecr-fips.", ".on.aws", true),
        ];
        forms.into_iter().find_map(|(begin, end, fips)| {
            let region = rest.strip_prefix(begin)?.strip_suffix(end)?;
            (is_region(region) && end.ends_with(".cn") == region.starts_with("cn-"))
                .then(|| Amazon::Private { region: region.to_owned(), fips })
        })
    }

    /// Whether it is a registry of Google. Source: "Repository and image names" and "Transition from Container Registry" of
    /// Artifact Registry.
    pub fn is_google(&self) -> bool {
        self.is_below("pkg.dev") || self.0 == "gcr.io" || self.is_below("gcr.io")
    }

    /// Which of Microsoft's clouds holds it, if any. Source: "Azure Container Registry: service endpoints" for each cloud.
    pub fn azure(&self) -> Option<Azure> {
        let ends = [("azurecr.io", Azure::Public), ("azurecr.cn", Azure::China), ("azurecr.us", Azure::Government)];
        ends.into_iter().find(|(end, _)| self.is_below(end)).map(|(_, cloud)| cloud)
    }

    fn is_below(&self, domain: &str) -> bool {
        self.0.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    }
}

/// `eu-central-1`, `us-gov-west-1`: letters, a direction, a number.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let number = parts.next().is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let mut words = 0;
    let named = parts.all(|part| {
        words += 1;
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase())
    });
    number && named && (2..=4).contains(&words) && text.len() <= 32
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RegistryHost {
    type Err = LoginError;

    /// Takes also what people paste: an address (`https://index.docker.io/v1/`), as the keys of a Docker configuration are.
    fn from_str(text: &str) -> Result<Self, LoginError> {
        let refused = || LoginError::Host(text.to_owned());
        let bare = text.trim().to_ascii_lowercase();
        let bare = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://")).unwrap_or(&bare);
        let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
        if !matches!(path.trim_matches('/'), "" | "v1" | "v2") || host.is_empty() || host.len() > 255 {
            return Err(refused());
        }
        let host = if DOCKER_HUB.contains(&host) { "docker.io" } else { host };
        // What an image could not name, no image needs a login for.
        let image: ImageRepository = format!("{host}/image").parse().map_err(|_: ImageError| refused())?;
        if image.registry() == host { Ok(Self(host.to_owned())) } else { Err(refused()) }
    }
}

impl TryFrom<String> for RegistryHost {
    type Error = LoginError;
    fn try_from(text: String) -> Result<Self, LoginError> {
        text.parse()
    }
}

impl From<RegistryHost> for String {
    fn from(host: RegistryHost) -> Self {
        host.0
    }
}

/// The images of a host that a login is for: all, or those below a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reach {
    /// The host.
    pub host: RegistryHost,
    /// Whole parts of a path, such as `acme/team`; empty for all images of the host.
    prefix: String,
}

impl Reach {
    /// All images of `host` whose path is `prefix` or lies below it.
    ///
    /// # Errors
    /// When `prefix` is no beginning of a path.
    pub fn new(host: RegistryHost, prefix: &str) -> Result<Self, LoginError> {
        let prefix = prefix.trim().trim_matches('/');
        if !prefix.is_empty() {
            let image = format!("{host}/{prefix}").parse::<ImageRepository>();
            // Docker Hub's short names would make another path of it.
            let kept = image.is_ok_and(|image| image.path() == prefix || image.path() == format!("library/{prefix}"));
            if !kept {
                return Err(LoginError::Prefix(prefix.to_owned()));
            }
        }
        Ok(Self { host, prefix: prefix.to_owned() })
    }

    /// The path's beginning.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the login is for `image`.
    pub fn covers(&self, image: &ImageRepository) -> bool {
        if image.registry() != self.host.as_str() {
            return false;
        }
        let below = image.path().strip_prefix(self.prefix.as_str());
        self.prefix.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => write!(f, "{}", self.host),
            prefix => write!(f, "{}/{prefix}", self.host),
        }
    }
}

/// The one for `image` among some that are for images of `reach`: the longest prefix wins.
pub fn choose<'a, T>(all: &'a [T], reach: impl Fn(&T) -> &Reach, image: &ImageRepository) -> Option<&'a T> {
    all.iter().filter(|one| reach(one).covers(image)).max_by_key(|one| reach(one).prefix().len())
}
