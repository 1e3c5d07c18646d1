//! What a person enters as a login, checked and brought into the form in which it is kept.

use heddle_core::registry::{LoginKind, Reach, RegistryHost};
use heddle_wire::{registry::RegistrySecret, secret::WireSecret, view::EnterRegistryLogin};
use serde::{Deserialize, Serialize};

use crate::problem::{ApiError, ApiResult, FieldChecks};

/// The longest text of a secret, in bytes. A service account's file has about 2,400.
pub const MAX_TEXT_BYTES: usize = 16 << 10;

/// The longest name of a user, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Of a shorter secret its end is not shown: too much of it would be told.
const LEAST_SHOWN: usize = 12;

/// A login that can be kept.
#[derive(Debug)]
pub(super) struct Entered {
    pub reach: Reach,
    pub auth_host: Option<String>,
    pub secret: RegistrySecret,
    /// Who it says it is.
    pub user_name: String,
    /// The end of the secret.
    pub last_four: String,
}

/// What is used of a service account's file. Its `token_uri` is not: a file could send the proof of its key anywhere.
#[derive(Serialize, Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: String,
    private_key_id: String,
}

#[derive(Deserialize)]
struct ServiceAccountFile {
    r#type: String,
    #[serde(flatten)]
    account: ServiceAccount,
}

impl Entered {
    /// Checks every field.
    ///
    /// # Errors
    /// 422 with the fields at fault; nothing of a secret is repeated.
    pub fn check(request: EnterRegistryLogin) -> ApiResult<Self> {
        let EnterRegistryLogin { host, prefix, auth_host, secret } = request;
        let host: RegistryHost = host.parse().map_err(|error| ApiError::invalid("host", format!("{error}")))?;
        secret.kind().check(&host).map_err(|error| ApiError::invalid("host", error.to_string()))?;
        let reach = Reach::new(host, &prefix).map_err(|error| ApiError::invalid("prefix", error.to_string()))?;
        let auth_host = check_auth_host(auth_host, secret.kind())?;
        let (secret, user_name) = check_secret(secret)?;
        let last_four = last_four(&secret);
        Ok(Self { reach, auth_host, secret, user_name, last_four })
    }
}

fn check_auth_host(text: Option<String>, kind: LoginKind) -> ApiResult<Option<String>> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    if !matches!(kind, LoginKind::Basic | LoginKind::IdentityToken) {
        return Err(ApiError::invalid(
            "auth_host",
            format!("a login of the kind `{kind}` has no token server of its own"),
        ));
    }
    let host: RegistryHost = text.parse().map_err(|_| {
        ApiError::invalid(
            "auth_host",
            format!("`{text}` is no host; write the token server's, such as `gitlab.example.com`"),
        )
    })?;
    Ok(Some(host.to_string()))
}

fn check_secret(secret: RegistrySecret) -> ApiResult<(RegistrySecret, String)> {
    let mut checks = FieldChecks::default();
    let name = match &secret {
        RegistrySecret::Basic { username, password } => {
            let fits = is_name(username) && !username.contains(':');
            checks.check(fits, "secret.username", "a user's name takes 1 to 255 characters without spaces and `:`");
            check_text(&mut checks, "secret.password", password);
            username.clone()
        }
        RegistrySecret::IdentityToken { token } => {
            check_text(&mut checks, "secret.token", token);
            "identity token".to_owned()
        }
        RegistrySecret::Ecr { access_key_id, secret_access_key, role_arn, external_id } => {
            let fits =
                (16..=128).contains(&access_key_id.len()) && access_key_id.bytes().all(|b| b.is_ascii_alphanumeric());
            checks.check(fits, "secret.access_key_id", "write the access key's id, such as AKIAIOSFODNN7EXAMPLE");
            check_text(&mut checks, "secret.secret_access_key", secret_access_key);
            let fits = role_arn.as_deref().is_none_or(is_role);
            checks.check(
                fits,
                "secret.role_arn",
                "write the role's ARN, such as arn:aws:iam::123456789012:role/heddle",
            );
            let fits = external_id.as_deref().is_none_or(|id| (2..=1224).contains(&id.len()) && is_external_id(id));
            checks.check(fits, "secret.external_id", "an external id takes 2 to 1224 letters, digits and +=,.@:/-_");
            let alone = external_id.is_none() || role_arn.is_some();
            checks.check(alone, "secret.external_id", "an external id goes with a role; name the role too");
            access_key_id.clone()
        }
        RegistrySecret::Gar { key } => {
            check_text(&mut checks, "secret.key", key);
            checks.finish()?;
            let (key, email) = read_service_account(key)?;
            return Ok((RegistrySecret::Gar { key }, email));
        }
        RegistrySecret::Acr { tenant, client_id, client_secret } => {
            let fits =
                |text: &str| is_name(text) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
            checks.check(
                fits(tenant),
                "secret.tenant",
                "write the tenant's id or domain, such as acme.onmicrosoft.com",
            );
            checks.check(fits(client_id), "secret.client_id", "write the application's (client) id");
            check_text(&mut checks, "secret.client_secret", client_secret);
            client_id.clone()
        }
    };
    checks.finish()?;
    Ok((secret, name))
}

fn check_text(checks: &mut FieldChecks, field: &str, text: &WireSecret) {
    let length = text.expose().len();
    checks.check(length > 0, field, "it is empty");
    checks.check(length <= MAX_TEXT_BYTES, field, format!("it has more than {MAX_TEXT_BYTES} bytes"));
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// Source: "IAM identifiers" of the IAM User Guide.
fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, "", account, resource] = parts[..] else { return false };
    let role = resource.strip_prefix("role/").unwrap_or_default();
    arn == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && (1..=576).contains(&role.len())
        && role.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&b))
}

fn is_external_id(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@:/-_".contains(&b))
}

/// The parts of a service account's file that are kept, and the account's name.
fn read_service_account(key: &WireSecret) -> ApiResult<(WireSecret, String)> {
    let refused = |why: &str| {
        ApiError::invalid(
            "secret.key",
            format!("{why}; paste the JSON file that Google made for the key of a service account"),
        )
    };
    let file: ServiceAccountFile =
        serde_json::from_str(key.expose()).map_err(|_| refused("this is not the key of a service account"))?;
    if file.r#type != "service_account" {
        return Err(refused("its `type` is not `service_account`"));
    }
    let account = file.account;
    if !is_name(&account.client_email) || !account.client_email.contains('@') || !is_name(&account.private_key_id) {
        return Err(refused("its `client_email` or `private_key_id` is none"));
    }
    if jsonwebtoken::EncodingKey::from_rsa_pem(account.private_key.as_bytes()).is_err() {
        return Err(refused("its `private_key` is no RSA key in PEM"));
    }
    let text = serde_json::to_string(&account).map_err(|_| refused("it cannot be written"))?;
    Ok((text.into(), account.client_email))
}

/// The end of what a person sees of the secret at the registry, too.
fn last_four(secret: &RegistrySecret) -> String {
    let text = match secret {
        RegistrySecret::Basic { password: text, .. }
        | RegistrySecret::IdentityToken { token: text }
        | RegistrySecret::Ecr { secret_access_key: text, .. }
        | RegistrySecret::Acr { client_secret: text, .. } => text.expose().to_owned(),
        // The end of a key is padding; its id is what Google's console shows.
        RegistrySecret::Gar { key } => {
            let account: Option<ServiceAccount> = serde_json::from_str(key.expose()).ok();
            account.map(|account| account.private_key_id).unwrap_or_default()
        }
    };
    let length = text.chars().count();
    if length < LEAST_SHOWN { String::new() } else { text.chars().skip(length - 4).collect() }
}
