//! The agent's key: made in the cluster, kept there, used to sign short-lived tokens.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::id::{ClusterId, ClusterKeyId};
use heddle_wire::agent::AUDIENCE;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Serialize;
use uuid::Uuid;

/// How long a signed token is good for.
const TOKEN_LIFE: TimeDelta = TimeDelta::minutes(5);

/// Why a key cannot be used. It never shows the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no Ed25519 private key in PKCS #8 form.
    #[error("this is no Ed25519 private key in PKCS #8 form")]
    Malformed,
    /// The system gave no randomness.
    #[error("the system could not make a key")]
    NotMade,
}

/// An Ed25519 key pair, not yet known to any API.
#[derive(Debug, Clone)]
pub struct KeyPair {
    pkcs8: SecretSlice<u8>,
    public: Vec<u8>,
}

impl KeyPair {
    /// Makes a new pair.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NotMade)?;
        let document = pair.to_pkcs8().map_err(|_| KeyError::NotMade)?;
        Ok(Self { pkcs8: document.as_ref().to_vec().into(), public: pair.public_key().as_ref().to_vec() })
    }

    /// Takes a pair that [`Self::pkcs8`] gave, from where it was kept.
    ///
    /// # Errors
    /// When the bytes are no such key.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| KeyError::Malformed)?;
        Ok(Self { pkcs8: bytes.to_vec().into(), public: pair.public_key().as_ref().to_vec() })
    }

    /// The private key as PKCS #8 DER, for the one place that keeps it.
    pub fn pkcs8(&self) -> &SecretSlice<u8> {
        &self.pkcs8
    }

    /// The public key as an enrollment carries it: 32 bytes in unpadded base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }
}

/// A key pair that an API knows, with the names it goes by.
#[derive(Debug, Clone)]
pub struct AgentKey {
    pair: KeyPair,
    cluster_id: ClusterId,
    key_id: ClusterKeyId,
}

impl AgentKey {
    /// Joins a pair with what its enrollment answered.
    pub fn new(pair: KeyPair, cluster_id: ClusterId, key_id: ClusterKeyId) -> Self {
        Self { pair, cluster_id, key_id }
    }

    /// The cluster.
    pub fn cluster_id(&self) -> ClusterId {
        self.cluster_id
    }

    /// The key.
    pub fn key_id(&self) -> ClusterKeyId {
        self.key_id
    }

    /// Signs a token that is good for 5 minutes from `now`.
    ///
    /// # Errors
    /// When the key does not sign, which a key that was read once does not do.
    pub fn sign_token(&self, now: DateTime<Utc>) -> Result<SecretString, KeyError> {
        #[derive(Serialize)]
        struct Claims<'a> {
            sub: ClusterId,
            aud: &'a str,
            iat: i64,
            exp: i64,
            jti: Uuid,
        }
        let claims = Claims {
            sub: self.cluster_id,
            aud: AUDIENCE,
            iat: now.timestamp(),
            exp: (now + TOKEN_LIFE).timestamp(),
            jti: Uuid::new_v4(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key_id.to_string());
        let key = EncodingKey::from_ed_der(self.pair.pkcs8.expose_secret());
        jsonwebtoken::encode(&header, &claims, &key).map(Into::into).map_err(|_| KeyError::Malformed)
    }
}
