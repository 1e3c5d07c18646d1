//! What the settings of several programs share: their one error, and how addresses, certificates and folders are read.
//!
//! Which settings there are, and what they mean, each program's own `Config` knows.

use std::{
    borrow::Cow,
    fs::File,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use url::Url;

use crate::limits::MAX_FILE_BYTES;

mod files;

pub use files::{find_text, with_files};

/// A setting that the program cannot start with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {fault}; {remedy}")]
pub struct ConfigError {
    /// The environment variable.
    pub variable: Cow<'static, str>,
    /// What is wrong with its value.
    pub fault: String,
    /// What to do.
    pub remedy: String,
}

impl ConfigError {
    /// `fault` names the value where it is no secret; `remedy` says what to write.
    pub fn new(variable: impl Into<Cow<'static, str>>, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { variable: variable.into(), fault: fault.into(), remedy: remedy.into() }
    }

    /// One that must be set and is not.
    pub fn not_set(variable: &'static str, remedy: impl Into<String>) -> Self {
        Self::new(variable, "it is not set", remedy)
    }
}

/// An `http` or `https` address of a scheme, a host, a port and a path alone.
///
/// # Errors
/// When `text` is another address, or none. A name, password, query or fragment would end in logs or be dropped.
pub fn read_url(variable: &'static str, text: &str) -> Result<Url, ConfigError> {
    let fault = |text: &str, why: &str| {
        ConfigError::new(
            variable,
            format!("`{text}` {why}"),
            "write a whole address, such as https://heddle.example.com",
        )
    };
    let mut url: Url = text.parse().map_err(|_| fault(text, "is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(fault(text, "is no http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // What stands before the host may be a password: it is not repeated.
        let _ = (url.set_username(""), url.set_password(None));
        return Err(fault(url.as_str(), "was written with a name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fault(text, "has more than a scheme, a host, a port and a path"));
    }
    Ok(url)
}

/// The address of the Heddle API, which a program that asks it must be given.
///
/// # Errors
/// When there is none, and as [`read_url`].
pub fn read_api_url(text: Option<&str>) -> Result<Url, ConfigError> {
    const VARIABLE: &str = "HEDDLE_API_URL";
    let remedy = "set it to the address of the Heddle API, such as https://heddle.example.com";
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| ConfigError::not_set(VARIABLE, remedy))?;
    read_url(VARIABLE, text)
}

/// An IP address and port, such as where to listen.
///
/// # Errors
/// When `text` is none.
pub fn read_address(variable: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| {
        ConfigError::new(variable, format!("`{text}` is no address and port"), "write 127.0.0.1:8080, for example")
    })
}

/// The bytes of a file, at most [`MAX_FILE_BYTES`].
///
/// # Errors
/// When it cannot be read or is larger.
pub fn read_bytes(variable: impl Into<Cow<'static, str>>, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
    let fault = match read {
        Ok(_) if bytes.len() <= MAX_FILE_BYTES => return Ok(bytes),
        Ok(_) => format!("`{}` is larger than {} KiB", path.display(), MAX_FILE_BYTES >> 10),
        Err(error) => format!("`{}` cannot be read: {error}", path.display()),
    };
    Err(ConfigError::new(variable, fault, "name a file that this program may read"))
}

/// The text of a file, without the line's end that editors add.
///
/// # Errors
/// As [`read_bytes`], and when it is no text. What the file holds is not repeated.
pub fn read_text(variable: impl Into<Cow<'static, str>>, path: &Path) -> Result<String, ConfigError> {
    let variable = variable.into();
    let text = String::from_utf8(read_bytes(variable.clone(), path)?).map_err(|_| {
        let fault = format!("`{}` holds bytes that are no text", path.display());
        ConfigError::new(variable, fault, "write the value as text")
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Further certificate authorities, PEM. A file without a word counts as none, so that a mounted one may be empty.
///
/// # Errors
/// When the file cannot be read.
pub fn read_authorities(variable: &'static str, path: Option<&Path>) -> Result<Option<Vec<u8>>, ConfigError> {
    let pem = path.map(|path| read_bytes(variable, path)).transpose()?;
    Ok(pem.filter(|pem| !pem.trim_ascii().is_empty()))
}

/// A folder that the program may write; it is made where there is none.
///
/// # Errors
/// When nothing can be written there.
pub fn make_dir(variable: &'static str, dir: PathBuf) -> Result<PathBuf, ConfigError> {
    let probe = dir.join(".writable");
    let made = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&probe, ""));
    match made.and_then(|()| std::fs::remove_file(probe)) {
        Ok(()) => Ok(dir),
        Err(error) => {
            let fault = format!("`{}` cannot be written: {error}", dir.display());
            Err(ConfigError::new(variable, fault, "name a folder that the program may write"))
        }
    }
}

#[cfg(test)]
mod tests;
