//! Passwords: which are taken, how they are kept.

use std::sync::{Arc, LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Fewest characters.
pub const LEAST_CHARACTERS: usize = 12;
/// Most characters: hashing must stay cheap.
pub const MOST_CHARACTERS: usize = 128;

/// Words that guessers try first, alone and with digits and signs around them. Lower case.
static COMMON_WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("password/common.txt").lines().filter(|line| !line.starts_with('#')).collect());

/// Why a password is not taken, or `None` when it is. `email` is its owner's.
pub fn fault(password: &str, email: &str) -> Option<&'static str> {
    let characters = password.chars().count();
    if characters < LEAST_CHARACTERS {
        return Some("a password takes at least 12 characters");
    }
    if characters > MOST_CHARACTERS {
        return Some("a password takes at most 128 characters");
    }
    let lower = password.to_lowercase();
    let account = email.split('@').next().unwrap_or_default().to_lowercase();
    if account.len() >= 4 && core_of(&lower) == core_of(&account) || lower == email.to_lowercase() {
        return Some("this password is your address; choose another");
    }
    if is_common(&lower) {
        return Some("this password is among those that guessers try first; choose another");
    }
    None
}

/// Whether guessers find it early: one character or one word again and again, a run of neighbors, a common word with
/// digits and signs around it.
fn is_common(lower: &str) -> bool {
    let characters: Vec<char> = lower.chars().collect();
    let steps: Vec<i64> =
        characters.windows(2).map(|pair| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0]))).collect();
    let run = steps.iter().filter(|step| matches!(step, -1..=1)).count() * 10 >= steps.len() * 8;
    run || COMMON_WORDS.iter().any(|word| *word == lower || *word == core_of(lower)) || is_repeated_word(lower)
}

fn is_repeated_word(lower: &str) -> bool {
    (1..=lower.len() / 2)
        .filter(|length| lower.len().is_multiple_of(*length) && lower.is_char_boundary(*length))
        .map(|length| &lower[..length])
        .any(|part| {
            lower.split(part).all(str::is_empty) && (part.len() < 6 || COMMON_WORDS.iter().any(|w| *w == core_of(part)))
        })
}

/// The text without the digits and signs around it, and with letters for the digits that stand for them.
fn core_of(lower: &str) -> String {
    lower
        .trim_matches(|c: char| !c.is_alphabetic())
        .chars()
        .filter_map(|c| match c {
            '0' => Some('o'),
            '1' | '!' => Some('i'),
            '3' => Some('e'),
            '4' | '@' => Some('a'),
            '5' | '$' => Some('s'),
            c if c.is_alphabetic() => Some(c),
            _ => None,
        })
        .collect()
}

/// Hashes with Argon2id, a few at a time: each takes 19 MiB and tens of milliseconds of one core.
#[derive(Clone)]
pub struct Hasher(Arc<Semaphore>);

impl Hasher {
    /// Uses at most `at_once` cores.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// The hash to keep, in PHC form.
    ///
    /// # Errors
    /// When the system has no random numbers for the salt.
    pub async fn hash(&self, password: SecretString) -> anyhow::Result<String> {
        self.run(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
            Ok(hash.map_err(|error| anyhow::anyhow!("cannot hash a password: {error}"))?.to_string())
        })
        .await?
    }

    /// Whether `password` is the one that was hashed. Without a hash it takes as long and is false, so that the time
    /// does not tell who has an account.
    ///
    /// # Errors
    /// When the stored hash cannot be read.
    pub async fn verify(&self, password: SecretString, known: Option<String>) -> anyhow::Result<bool> {
        self.run(move || {
            let Some(known) = known else {
                let _ = Argon2::default().hash_password(password.expose_secret().as_bytes());
                return Ok(false);
            };
            let known =
                PasswordHash::new(&known).map_err(|error| anyhow::anyhow!("a stored hash is broken: {error}"))?;
            Ok(Argon2::default().verify_password(password.expose_secret().as_bytes(), &known).is_ok())
        })
        .await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
        let _turn = self.0.acquire().await?;
        Ok(tokio::task::spawn_blocking(work).await?)
    }
}

#[cfg(test)]
mod tests;
