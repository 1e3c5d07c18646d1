//! An organization: its members, what they may do and what they did.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::RepoName,
    id::{OrganizationId, RepositoryId, UserId},
    name::EnvironmentName,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secret::WireSecret;

bodies! {
    /// Makes an organization: `POST /organizations`.
    CreateOrganization {
        /// Its name, 1 to 60 characters.
        name: String,
    }

    /// An organization as one of its members sees it.
    OrganizationView {
        /// The organization.
        id: OrganizationId,
        /// Its name.
        name: String,
        /// What the asker may do in it.
        role: Role,
    }

    /// A member of an organization: `GET /organizations/{organization}/members`.
    MemberView {
        /// The person.
        user: UserId,
        /// Their address.
        email: String,
        /// Their name.
        name: String,
        /// What they may do.
        role: Role,
        /// Since when they belong to it.
        joined_at: DateTime<Utc>,
        /// For which environments they may ask as an operator.
        #[serde(default)]
        grants: Vec<GrantView>,
    }

    /// An environment for which a member may ask as an operator.
    GrantView {
        /// The repository.
        repository: RepositoryId,
        /// Its name.
        repository_name: RepoName,
        /// The environment.
        environment: EnvironmentName,
    }

    /// Says for which environments a member may ask as an operator:
    /// `PUT /organizations/{organization}/members/{user}/grants`.
    SetGrants {
        /// All of them; what is not among them is taken back.
        grants: Vec<Grant>,
    }

    /// An environment of a repository.
    Grant {
        /// The repository.
        repository: RepositoryId,
        /// The environment.
        environment: EnvironmentName,
    }

    /// Gives a member another role: `PUT /organizations/{organization}/members/{user}/role`.
    ChangeRole {
        /// What they may do from now on.
        role: Role,
    }

    /// Invites somebody: `POST /organizations/{organization}/invitations`.
    CreateInvitation {
        /// For whom.
        email: String,
        /// What they may do.
        role: Role,
    }

    /// A new invitation; its code is shown this once and is good for seven days.
    InvitationCreated {
        /// The invitation.
        id: Uuid,
        /// For whom.
        email: String,
        /// What they may do.
        role: Role,
        /// The code, for [`SignUpRequest::invitation`] or [`AcceptInvitation`].
        code: WireSecret,
        /// When it ends.
        expires_at: DateTime<Utc>,
    }

    /// An invitation that may still be taken: `GET /organizations/{organization}/invitations`.
    InvitationView {
        /// The invitation.
        id: Uuid,
        /// For whom.
        email: String,
        /// What they may do.
        role: Role,
        /// When it was made.
        created_at: DateTime<Utc>,
        /// When it ends.
        expires_at: DateTime<Utc>,
    }

    /// Takes an invitation with an account that is there: `POST /invitations/accept`.
    AcceptInvitation {
        /// The code.
        code: WireSecret,
    }

    /// A page of the audit record: `GET /organizations/{organization}/audit`.
    AuditPage {
        /// The entries, newest first.
        items: Vec<AuditEntry>,
        /// Pass as `after` for the next page.
        next: Option<String>,
    }

    /// One write by somebody.
    AuditEntry {
        /// The entry.
        id: Uuid,
        /// When.
        at: DateTime<Utc>,
        /// Who, in words: an address, a token's name, `heddle`.
        actor: String,
        /// From where: `session`, `token`, `agent`, `automator`, `github`.
        via: String,
        /// What: `cluster.create`, `repository.connect`, ….
        action: String,
        /// On what.
        object: String,
        /// More, without secrets.
        details: serde_json::Value,
        /// The request.
        request_id: String,
    }
}

/// What a member or a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything but secrets.
    Viewer,
    /// Also asks for a tag to be written, in the environments that an owner granted.
    Operator,
    /// Also connects repositories and clusters.
    Admin,
    /// Also members, tokens of others and the organization itself.
    Owner,
}
