//! The person at a shell: `heddle`, as the same organization sees it.

use std::process::Stdio;

use anyhow::{Context, Result};
use heddle_wire::view::{CreateToken, Role};
use tokio::io::AsyncWriteExt;

use crate::{World, programs};

/// `heddle` with a token of the World's person.
pub struct CommandLine {
    api: String,
    token: String,
}

/// What a run printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The exit code.
    pub code: i32,
    /// Data.
    pub out: String,
    /// Everything else.
    pub err: String,
}

impl CommandLine {
    /// Makes a token as the person would.
    pub async fn of(world: &World) -> Result<Self> {
        let request = CreateToken {
            name: "shell".to_owned(),
            organization: world.organization,
            role: Role::Owner,
            expires_in_days: 1,
        };
        let created = world.user.create_token(&request).await.context("no token was made")?;
        Ok(Self { api: world.api_url.to_string(), token: created.secret.expose().to_owned() })
    }

    /// What lets `heddle` be that person in a shell.
    pub fn login(&self) -> String {
        format!("export HEDDLE_API_URL={} HEDDLE_TOKEN={}", self.api, self.token)
    }

    /// Runs a command with `stdin` piped in.
    pub async fn run(&self, args: &[&str], stdin: &str) -> Result<Printed> {
        let mut command = tokio::process::Command::new(programs::path("heddle")?);
        command.args(args).env_clear().env("HEDDLE_API_URL", &self.api).env("HEDDLE_TOKEN", &self.token);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("could not start heddle")?;
        if let Some(mut pipe) = child.stdin.take() {
            // A command that reads nothing has closed it.
            let _ = pipe.write_all(stdin.as_bytes()).await;
        }
        let output = child.wait_with_output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().context("heddle was killed")?;
        Ok(Printed { code, out: text(&output.stdout), err: text(&output.stderr) })
    }
}
