//! The client against the GitHub stand-in.

#![allow(clippy::unwrap_used, clippy::panic)]

mod app;
mod branches;
mod commits;
mod failures;
mod pulls;

use heddle_core::{
    git::{BranchName, RepoName, Revision},
    id::IntentId,
};
use heddle_github::{App, AppConfig, CommitMessage, FileEdit, FileMode, Host, Permissions, RepositoryClient};
use heddle_testkit::github::{AppCredentials, AppPlan, GitHub, GitHubConfig, Schemas};
use uuid::Uuid;

const REPOSITORY: &str = "acme/config";

/// A stand-in with the organization `acme` of `ada`, its repository `acme/config`, and an App that is installed on it.
struct Scene {
    github: GitHub,
    credentials: AppCredentials,
    installation: u64,
    first: Revision,
}

impl Scene {
    async fn new() -> Self {
        let github = GitHub::start(GitHubConfig { keep_exchanges: true, ..GitHubConfig::default() }).await.unwrap();
        github.add_user("ada");
        github.add_organization("acme", "ada");
        let files = [("a.yaml", "tag: v1\n"), ("b.yaml", "x: 1\n")];
        let first = github.create_repository(REPOSITORY, &files).await.unwrap().parse().unwrap();
        let credentials = github.create_app(AppPlan::new("heddle")).unwrap();
        let installation = github.install(credentials.id, "acme", &[REPOSITORY]).unwrap();
        Self { github, credentials, installation, first }
    }

    fn host(&self) -> Host {
        let ca_pem = self.github.ca_pem().as_bytes().to_vec();
        Host::new(self.github.api_url().parse().unwrap(), Some(ca_pem)).unwrap()
    }

    fn app(&self) -> App {
        let private_key_pem = self.credentials.private_key_pem.clone().into();
        App::new(AppConfig { app_id: self.credentials.id, private_key_pem, host: self.host() }).unwrap()
    }

    async fn repository(&self) -> RepositoryClient {
        let token = self.app().mint_token(self.installation, &name(), Permissions::Write).await.unwrap();
        RepositoryClient::new(&self.host(), &token.secret, name()).unwrap()
    }

    async fn head(&self, branch: &str) -> Revision {
        self.github.head(REPOSITORY, branch).await.unwrap().unwrap().parse().unwrap()
    }

    async fn read(&self, revision: &str, path: &str) -> String {
        self.github.read_file(REPOSITORY, revision, path).await.unwrap().unwrap()
    }

    /// A commit of `ada` on `branch`.
    async fn push(&self, branch: &str, path: &str, content: &str) -> Revision {
        let files = [(path, Some(content))];
        self.github.push_files(REPOSITORY, branch, &files, "by hand", "ada").await.unwrap().parse().unwrap()
    }
}

/// Whatever was asked and answered must fit GitHub's published descriptions.
impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let faults = Schemas::load().unwrap().check(&self.github);
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    }
}

fn name() -> RepoName {
    REPOSITORY.parse().unwrap()
}

fn branch(text: &str) -> BranchName {
    text.parse().unwrap()
}

fn edit(path: &str, content: &str) -> FileEdit {
    FileEdit { path: path.into(), mode: FileMode::Regular, content: Some(content.into()) }
}

fn executable(path: &str, content: &str) -> FileEdit {
    FileEdit { mode: FileMode::Executable, ..edit(path, content) }
}

fn message() -> CommitMessage {
    CommitMessage {
        subject: "Bump api to v2".into(),
        body: "why".into(),
        requested: None,
        intent: IntentId(Uuid::now_v7()),
    }
}
