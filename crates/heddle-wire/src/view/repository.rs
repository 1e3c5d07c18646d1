//! Config repositories, what is wrong in them, and who tells of pushes.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoName, RepoUrl, Revision},
    id::RepositoryId,
    image::ImageRepository,
    name::EnvironmentName,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secret::WireSecret;

bodies! {
    /// Repositories that the asker may bind, proved by the asker's own GitHub sign-in:
    /// `GET /organizations/{organization}/github/repositories`.
    AvailableRepository {
        /// The App's installation.
        installation_id: i64,
        /// The repository.
        name: RepoName,
        /// Its default branch.
        default_branch: BranchName,
        /// Whether it is private.
        private: bool,
        /// Whether this organization already has it.
        connected: bool,
    }

    /// Binds a repository: `POST /organizations/{organization}/repositories`.
    ConnectRepository {
        /// The App's installation.
        installation_id: i64,
        /// The repository.
        name: RepoName,
    }

    /// A config repository.
    RepositoryView {
        /// The repository.
        id: RepositoryId,
        /// Its name.
        name: RepoName,
        /// Its canonical address.
        url: RepoUrl,
        /// Its page.
        web_url: String,
        /// Its default branch.
        default_branch: BranchName,
        /// When it was last read with success.
        read_at: Option<DateTime<Utc>>,
        /// The head that was read.
        head: Option<Revision>,
        /// Why the last read failed.
        error: Option<String>,
        /// The environments in order of promotion.
        environments: Vec<EnvironmentView>,
        /// How many images stand in it.
        images: i64,
    }

    /// An environment.
    EnvironmentView {
        /// Its name.
        name: EnvironmentName,
        /// Its path.
        path: String,
        /// Its branch.
        branch: BranchName,
        /// It stands in no `.heddle.yaml`.
        implicit: bool,
    }

    /// Something wrong in a file that a person wrote.
    FindingView {
        /// The repository.
        repository: RepoName,
        /// The branch.
        branch: BranchName,
        /// The file.
        file: String,
        /// Line, from 1.
        line: i32,
        /// Column, from 1.
        column: i32,
        /// A stable word.
        code: String,
        /// What is wrong and what to write instead.
        message: String,
        /// Whether it keeps something from being written.
        blocks: bool,
        /// The line's page at the host.
        url: String,
        /// For `current`: the images there that wait for a person to decide once.
        subjects: Vec<FindingSubject>,
    }

    /// An image in an environment, for which a tag can be released.
    FindingSubject {
        /// The environment.
        environment: EnvironmentName,
        /// The image.
        image: ImageRepository,
    }

    /// Makes an address that takes push notices of a registry: `POST /organizations/{organization}/receivers`.
    CreateReceiver {
        /// What it is for.
        name: String,
    }

    /// A new receiver; the secret is shown this once.
    ReceiverCreated {
        /// The receiver.
        receiver: ReceiverView,
        /// Goes into the notices' `Authorization: Bearer` header.
        secret: WireSecret,
        /// The block for the configuration of a CNCF Distribution registry.
        configuration: String,
    }

    /// A receiver.
    ReceiverView {
        /// The receiver.
        id: Uuid,
        /// What it is for.
        name: String,
        /// Where the registry posts to.
        url: String,
        /// When the last notice came.
        last_notice_at: Option<DateTime<Utc>>,
    }
}
