//! Random secrets: their text is shown once, the store keeps a hash.

use aws_lc_rs::{digest, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

/// What a secret is for; it stands in front of the text, so that a leaked one can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A browser's session.
    Session,
    /// An API token.
    ApiToken,
    /// What an agent exchanges for a key.
    Bootstrap,
    /// What a registry shows with its notices.
    Receiver,
    /// An invitation.
    Invitation,
    /// What a browser takes to GitHub's sign-in.
    GitHubState,
    /// A browser in which somebody logged in.
    Device,
    /// What a reporter of drift shows.
    Reporter,
    /// What an automator of an organization shows.
    Automator,
    /// A link by which a person chooses a new password.
    PasswordLink,
}

impl Purpose {
    /// The text in front.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "hdls_",
            Self::ApiToken => "hdlt_",
            Self::Bootstrap => "hdlb_",
            Self::Receiver => "hdlr_",
            Self::Invitation => "hdli_",
            Self::GitHubState => "hdlg_",
            Self::Device => "hdld_",
            Self::Reporter => "hdlp_",
            Self::PasswordLink => "hdlw_",
            Self::Automator => heddle_wire::automator::OWN_TOKEN_PREFIX,
        }
    }
}

/// 256 random bits as text.
///
/// # Errors
/// When the system has no random numbers.
pub fn generate(purpose: Purpose) -> anyhow::Result<SecretString> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    Ok(format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(bytes)).into())
}

/// What the store keeps. The texts are 256 random bits, so a plain hash is enough.
pub fn hash(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

/// Whether `text` is the one whose hash is `known`, in a time that does not depend on where they differ.
pub fn matches(text: &str, known: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    hash(text).ct_eq(known).into()
}
