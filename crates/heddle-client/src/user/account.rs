//! The person who is asking: sessions and tokens.

use std::time::Duration;

use heddle_wire::view::{ChangePassword, CreateToken, DoctorReport, Me, SessionView, TokenCreated, TokenView};
use reqwest::Method;
use uuid::Uuid;

use super::UserClient;
use crate::error::ClientError;

/// The API itself may wait a minute for GitHub before it answers.
const LONG: Duration = Duration::from_secs(75);

impl UserClient {
    /// `GET /me`: who is asking, with the organizations.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when the token is not accepted.
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.get("me").await
    }

    /// `GET /installation/doctor`: what is right and wrong with the installation.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-an-administrator` when the asker does not look after it.
    pub async fn doctor(&self) -> Result<DoctorReport, ClientError> {
        self.call(Method::GET, "installation/doctor").timeout(LONG).send().await?.json()
    }

    /// `POST /password`: gives the asker another password. Every other session of theirs ends.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `invalid` when the present password is another, or the new one is too weak.
    pub async fn change_password(&self, request: &ChangePassword) -> Result<(), ClientError> {
        self.call(Method::POST, "password").json(request).send().await.map(drop)
    }

    /// `GET /sessions`: the asker's own.
    ///
    /// # Errors
    /// As every call.
    pub async fn sessions(&self) -> Result<Vec<SessionView>, ClientError> {
        self.get("sessions").await
    }

    /// `DELETE /sessions/{session}`: ends one of the asker's own.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn end_session(&self, session: Uuid) -> Result<(), ClientError> {
        self.delete(&format!("sessions/{session}")).await
    }

    /// `GET /tokens`: the asker's own API tokens.
    ///
    /// # Errors
    /// As every call.
    pub async fn tokens(&self) -> Result<Vec<TokenView>, ClientError> {
        self.get("tokens").await
    }

    /// `POST /tokens`: makes an API token, whose text is in this answer alone.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when it would be allowed more than the asker is.
    pub async fn create_token(&self, request: &CreateToken) -> Result<TokenCreated, ClientError> {
        self.post("tokens", request).await
    }

    /// `DELETE /tokens/{token}`: revokes it at once.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` when there is none.
    pub async fn revoke_token(&self, token: Uuid) -> Result<(), ClientError> {
        self.delete(&format!("tokens/{token}")).await
    }
}
