//! Files that are encrypted by the real sops, for keys of age that are made anew.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::tools;

/// A key of age.
#[derive(Debug, Clone)]
pub struct AgeKey {
    /// What opens, as `age-keygen` writes it into a file.
    pub identity: String,
    /// For whom is encrypted.
    pub recipient: String,
}

impl AgeKey {
    /// A new one.
    pub fn new() -> Result<Self> {
        let output = Command::new(tools::path("age-keygen")?).output()?;
        let identity = String::from_utf8(output.stdout)?;
        let recipient = identity.lines().find_map(|line| line.strip_prefix("# public key: "));
        let recipient = recipient.context("age-keygen names no public key")?.to_owned();
        Ok(Self { identity, recipient })
    }

    /// Encrypts a file of a name, as `sops encrypt` does with these options.
    pub fn encrypt(&self, name: &str, text: &str, options: &[&str]) -> Result<String> {
        let mut child = Command::new(tools::path("sops")?)
            .args(["encrypt", "--age", &self.recipient, "--filename-override", name])
            .args(options)
            .env_clear()
            .env("HOME", "/nonexistent")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("it has no standard input")?.write_all(text.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "sops failed: {}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }
}
