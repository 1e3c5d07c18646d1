//! What a person, or the world outside, does to the World.

use std::process::{Output, Stdio};

use anyhow::{Context, Result};
use heddle_testkit::{
    github::Pull,
    registry::{Pushed, Registry},
    wait,
};
use heddle_wire::view::{CreateToken, Role};

use super::{IMAGE_PATH, PERSON, REPOSITORY, World, newcomer::sync_manifest};
use crate::{config_repository::overlay_path, programs};

impl World {
    /// Pushes an image under a new tag, through the proxy where there is one, as CI would.
    pub async fn push_tag(&self, tag: &str) -> Result<Pushed> {
        self.push_tag_of(IMAGE_PATH, tag).await
    }

    /// The same for another image of the registry.
    pub async fn push_tag_of(&self, path: &str, tag: &str) -> Result<Pushed> {
        let registry: &Registry = &self.registry;
        match &self.proxies.registry {
            Some(proxy) => registry.push_through(proxy.url(), path, tag).await,
            None => registry.push_image(path, tag).await,
        }
    }

    /// Waits for an open pull request that brings an environment to a tag.
    pub async fn wait_for_pull_request(&self, environment: &str, tag: &str) -> Result<Pull> {
        let what = format!("a pull request that brings {environment} to {tag}");
        let found = wait::until(what, wait::LONG, async || self.find_pull_request(environment, tag).await).await;
        found.with_context(|| self.complaints())
    }

    /// Merges a pull request as the person.
    pub async fn merge(&self, pull: &Pull) -> Result<String> {
        self.github.merge(REPOSITORY, pull.number, PERSON).await
    }

    /// Closes a pull request as the person.
    pub async fn close(&self, pull: &Pull) -> Result<()> {
        self.github.close(REPOSITORY, pull.number, PERSON).await
    }

    /// Commits files to the default branch as the person; no text removes a file.
    pub async fn commit(&self, files: &[(&str, Option<&str>)], message: &str) -> Result<String> {
        self.github.push_files(REPOSITORY, "main", files, message, PERSON).await
    }

    /// Reverts a commit of the default branch as the person.
    pub async fn revert(&self, revision: &str) -> Result<String> {
        self.github.revert(REPOSITORY, "main", revision, PERSON).await
    }

    /// Runs `heddle` as the person, with a token made for it.
    pub async fn heddle(&self, arguments: &[&str]) -> Result<Output> {
        let request = CreateToken {
            name: "shell".to_owned(),
            organization: self.organization,
            role: Role::Owner,
            expires_in_days: 1,
        };
        let token = self.user.create_token(&request).await.context("no token for the command line")?;
        let home = tempfile::tempdir()?;
        let mut command = tokio::process::Command::new(programs::path("heddle")?);
        command.args(arguments).env_clear().env("XDG_CONFIG_HOME", home.path());
        command.env("HEDDLE_API_URL", self.api_url.as_str()).env("HEDDLE_TOKEN", token.secret.expose());
        Ok(command.stdin(Stdio::null()).kill_on_drop(true).output().await?)
    }

    /// Applies a further Sync to the cluster, as its owner would.
    pub async fn add_sync(&self, name: &str, path: &str, namespace: &str) -> Result<()> {
        let sync = sync_manifest(&self.github, name, path, namespace);
        self.cluster.kubectl(&["apply", "-f", "-"], &sync).await.map(drop)
    }

    async fn find_pull_request(&self, environment: &str, tag: &str) -> std::result::Result<Pull, String> {
        let pulls = self.github.pulls(REPOSITORY).map_err(|error| format!("{error:#}"))?;
        for pull in pulls.iter().filter(|pull| pull.open) {
            let file = self.github.read_file(REPOSITORY, &pull.head_revision, &overlay_path(environment)).await;
            let text = file.map_err(|error| format!("{error:#}"))?.unwrap_or_default();
            if text.contains(&format!("\"{tag}\"")) {
                return Ok(pull.clone());
            }
        }
        let seen: Vec<_> = pulls.iter().map(|pull| (pull.number, &pull.title, pull.open)).collect();
        Err(format!("pull requests {seen:?}, changes {}", self.describe_changes().await))
    }
}
