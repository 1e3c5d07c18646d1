//! Reads single settings.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use heddle_service::config::{ConfigError, read_text, read_url};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Signup;

pub(super) fn read_signup(text: &str) -> Result<Signup, ConfigError> {
    match text {
        "open" => Ok(Signup::Open),
        "first-user" => Ok(Signup::FirstUser),
        "invite" => Ok(Signup::Invite),
        _ => Err(ConfigError::new(
            "HEDDLE_SIGNUP",
            format!("`{text}` is none of its values"),
            "write open, first-user or invite",
        )),
    }
}

/// `300ms`, `30s`, `5m`, `1h`; more than zero and at most a day.
pub(super) fn read_duration(variable: &'static str, text: &str) -> Result<Duration, ConfigError> {
    let fault = || {
        ConfigError::new(
            variable,
            format!("`{text}` is no time span"),
            "write a number and ms, s, m or h, such as 30s; at most 24h",
        )
    };
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| fault())?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(fault()),
    };
    let span = Duration::from_millis(number.saturating_mul(unit_ms));
    if span.is_zero() || span > Duration::from_secs(24 * 3600) { Err(fault()) } else { Ok(span) }
}

/// A whole number of days, at least 1 and at most 100 years.
pub(super) fn read_days(variable: &'static str, text: &str) -> Result<u32, ConfigError> {
    match text.parse() {
        Ok(days @ 1..=36_500) => Ok(days),
        _ => Err(ConfigError::new(
            variable,
            format!("`{text}` is no number of days from 1 to 36500"),
            "write 400, for example",
        )),
    }
}

/// A number from 1 to 100,000.
pub(super) fn read_count(variable: &'static str, text: &str) -> Result<usize, ConfigError> {
    match text.parse() {
        Ok(count @ 1..=100_000) => Ok(count),
        _ => {
            let fault = format!("`{text}` is not a number from 1 to 100000");
            Err(ConfigError::new(variable, fault, "write 100, for example"))
        }
    }
}

/// The text of a file, without the line's end that editors add.
pub(super) fn read_secret(
    variable: &'static str,
    path: &Path,
    least_bytes: usize,
) -> Result<SecretString, ConfigError> {
    let text = read_text(variable, path)?;
    if text.len() < least_bytes {
        let why = format!("the secret in {} is shorter than {least_bytes} characters", path.display());
        return Err(ConfigError::new(variable, why, "make one with `openssl rand -hex 32`"));
    }
    Ok(text.into())
}

pub(super) fn check_pem(variable: &'static str, path: &Path, key: SecretString) -> Result<SecretString, ConfigError> {
    if jsonwebtoken::EncodingKey::from_rsa_pem(key.expose_secret().as_bytes()).is_ok() {
        return Ok(key);
    }
    let fault = format!("{} holds no RSA private key in PEM", path.display());
    Err(ConfigError::new(
        variable,
        fault,
        "generate a private key on the App's page at GitHub and name the downloaded file",
    ))
}

/// The image that was `said`; else the released one, in `registry` where that is named: its name, tag and digest stay.
pub(super) fn read_image(said: Option<String>, image: String, registry: Option<&str>) -> Result<String, ConfigError> {
    if let Some(said) = said.filter(|text| !text.is_empty()) {
        return Ok(said);
    }
    let Some(registry) = registry.map(|text| text.trim_end_matches('/')).filter(|text| !text.is_empty()) else {
        return Ok(image);
    };
    if registry.contains("://") || registry.contains(char::is_whitespace) || registry.contains('@') {
        let fault = format!("`{registry}` is no host with a path");
        return Err(ConfigError::new("HEDDLE_IMAGE_REGISTRY", fault, "write it like registry.example.com/heddle"));
    }
    let name = image.rsplit_once('/').map_or(image.as_str(), |(_, name)| name);
    Ok(format!("{registry}/{name}"))
}

/// Sessions are safe on HTTPS and on loopback only, and so are agents' tokens.
pub(super) fn read_public_url(variable: &'static str, text: &str) -> Result<Url, ConfigError> {
    let url = read_url(variable, text)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        let fault = format!("`{text}` is plain HTTP to another machine");
        return Err(ConfigError::new(variable, fault, "write https://, with a proxy in front that speaks TLS"));
    }
    Ok(url)
}

/// Whether an address is this machine itself.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn read_database(variable: &'static str, url: String) -> Result<SecretString, ConfigError> {
    // The address may hold a password: it is not repeated.
    let known_scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if !known_scheme || url.parse::<sqlx::postgres::PgConnectOptions>().is_err() {
        let fault = "this is no address of a Postgres database";
        return Err(ConfigError::new(variable, fault, "write postgres://user:password@host/database"));
    }
    Ok(url.into())
}

pub(super) fn read_web_dir(path: PathBuf) -> Result<PathBuf, ConfigError> {
    if path.join("index.html").is_file() {
        return Ok(path);
    }
    let fault = format!("there is no index.html in {}", path.display());
    Err(ConfigError::new(
        "HEDDLE_WEB_DIR",
        fault,
        "build the dashboard (`npm run build` in web/) and name its dist folder",
    ))
}

pub(super) fn read_header(text: String) -> Result<axum::http::HeaderName, ConfigError> {
    text.parse().map_err(|_| {
        ConfigError::new(
            "HEDDLE_CLIENT_ADDRESS_HEADER",
            format!("`{text}` is no header's name"),
            "write X-Forwarded-For, for example",
        )
    })
}
