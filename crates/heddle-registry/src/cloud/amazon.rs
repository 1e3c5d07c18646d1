//! A password for Elastic Container Registry from an access key, with a role that is assumed where one is set.
//!
//! Source: `GetAuthorizationToken` of the Amazon ECR and ECR Public API References, `AssumeRole` of the STS API Reference,
//! "Signature Version 4".

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use heddle_core::registry::Amazon;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{Caller, Endpoint, Given};
use crate::{
    ask::{Failure, LoginFault},
    login::Credential,
};

/// How long an assumed role lasts: the shortest that STS gives. It is used once.
const ROLE_SECS: &str = "900";

/// An access key.
pub(super) struct Key {
    id: String,
    secret: SecretString,
    session: Option<SecretString>,
}

impl Key {
    pub fn new(id: &str, secret: &SecretString) -> Self {
        Self { id: id.to_owned(), secret: secret.clone(), session: None }
    }

    /// For the signer, whose own type is not printed either.
    fn credentials(&self) -> Credentials {
        let session = self.session.as_ref().map(|token| token.expose_secret().to_owned());
        Credentials::new(self.id.clone(), self.secret.expose_secret(), session, None, "heddle")
    }
}

/// Where the services of a registry are, and what they are signed for.
struct Services {
    region: String,
    ecr: Url,
    sts: Url,
    target: &'static str,
    /// What the signature is for.
    service: &'static str,
}

/// What ECR gives: one for each registry, and the public gallery one alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    authorization_data: Tokens,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tokens {
    Many(Vec<Token>),
    One(Token),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    authorization_token: String,
    /// Seconds since 1970, with a fraction.
    expires_at: f64,
}

#[derive(Deserialize)]
struct AssumeRoleResponse {
    #[serde(rename = "AssumeRoleResult")]
    result: AssumeRoleResult,
}

#[derive(Deserialize)]
struct AssumeRoleResult {
    #[serde(rename = "Credentials")]
    credentials: Assumed,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Assumed {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
}

/// What the registry takes: a user and a password, or in the public gallery a token.
pub(super) async fn password(
    caller: &Caller<'_>,
    key: Key,
    role: Option<&str>,
    external_id: Option<&str>,
) -> Result<Given, Failure> {
    let amazon = caller.host.amazon().ok_or_else(|| caller.failed("it is no registry of Amazon"))?;
    let services = services(caller, &amazon)?;
    let key = match role {
        Some(role) => assume(caller, &services, &key, role, external_id).await?,
        None => key,
    };
    let headers = [
        (CONTENT_TYPE, "application/x-amz-json-1.1".to_owned()),
        (HeaderName::from_static("x-amz-target"), services.target.to_owned()),
    ];
    let call = Call { url: &services.ecr, service: services.service, region: &services.region, headers: &headers };
    let body = call.send(caller, &key, b"{}".to_vec()).await?;
    let answer: Answer = caller.parse(&body)?;
    let token = match answer.authorization_data {
        Tokens::Many(all) => all.into_iter().next(),
        Tokens::One(token) => Some(token),
    };
    let token = token.ok_or_else(|| caller.failed("its cloud gave no token"))?;
    #[allow(clippy::cast_possible_truncation, reason = "a whole second is fine enough")]
    let ends_at = DateTime::<Utc>::from_timestamp(token.expires_at as i64, 0);
    let ends_at = ends_at.ok_or_else(|| caller.failed("its cloud gave no token"))?;
    let text = caller.check(token.authorization_token)?;
    let credential = match amazon {
        Amazon::Public => Credential::Bearer(text),
        Amazon::Private { .. } => user_and_password(text.expose_secret())
            .ok_or_else(|| caller.failed("its cloud gave what is no user and password"))?,
    };
    Ok(Given { credential, ends_at })
}

fn user_and_password(token: &str) -> Option<Credential> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credential::Password { username: username.to_owned(), password: password.to_owned().into() })
}

fn services(caller: &Caller<'_>, amazon: &Amazon) -> Result<Services, Failure> {
    let endpoints = caller.endpoints;
    let (region, ecr, target, service) = match amazon {
        Amazon::Public => {
            let own = "https://api.ecr-public.us-east-1.amazonaws.com/";
            let ecr = endpoints.at(Endpoint::EcrPublic, own)?;
            ("us-east-1", ecr, "SpencerFrontendService.GetAuthorizationToken", "ecr-public")
        }
        Amazon::Private { region, fips } => {
            let end = end_of(region);
            let own = if *fips {
                format!("https://ecr-fips.{region}.{end}/")
            } else {
                format!("https://api.ecr.{region}.{end}/")
            };
            let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
            (region.as_str(), endpoints.at(Endpoint::Ecr, &own)?, target, "ecr")
        }
    };
    let sts = endpoints.at(Endpoint::Sts, &format!("https://sts.{region}.{}/", end_of(region)))?;
    Ok(Services { region: region.to_owned(), ecr, sts, target, service })
}

fn end_of(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

async fn assume(
    caller: &Caller<'_>,
    services: &Services,
    key: &Key,
    role: &str,
    external_id: Option<&str>,
) -> Result<Key, Failure> {
    let mut form = vec![
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", "heddle"),
        ("DurationSeconds", ROLE_SECS),
    ];
    form.extend(external_id.map(|id| ("ExternalId", id)));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8".to_owned())];
    let call = Call { url: &services.sts, service: "sts", region: &services.region, headers: &headers };
    let body = call.send(caller, key, form.into_bytes()).await?;
    let text = String::from_utf8(body).map_err(|_| caller.failed("its cloud gave no role"))?;
    let answer: AssumeRoleResponse =
        quick_xml::de::from_str(&text).map_err(|_| caller.failed("its cloud gave no role"))?;
    let Assumed { access_key_id, secret_access_key, session_token } = answer.result.credentials;
    Ok(Key { id: access_key_id, secret: secret_access_key.into(), session: Some(session_token.into()) })
}

/// A request that is signed.
struct Call<'a> {
    url: &'a Url,
    service: &'a str,
    region: &'a str,
    headers: &'a [(HeaderName, String)],
}

impl Call<'_> {
    async fn send(&self, caller: &Caller<'_>, key: &Key, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let headers = self.sign(key, &body).ok_or_else(|| caller.failed("the access key holds what cannot be sent"))?;
        caller.read(caller.access.egress.post(self.url, headers, body).await, class).await
    }

    fn sign(&self, key: &Key, body: &[u8]) -> Option<HeaderMap> {
        let identity = key.credentials().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(Utc::now().into())
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let named = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = SignableRequest::new("POST", self.url.as_str(), named, SignableBody::Bytes(body)).ok()?;
        let (signed, _) = sign(request, &parameters).ok()?.into_parts();
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.insert(name.clone(), value.parse().ok()?);
        }
        for (name, value) in signed.headers() {
            let mut value: HeaderValue = value.parse().ok()?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
        }
        Some(headers)
    }
}

/// The classes of refusals, by the names of errors that the API References give.
fn class(status: StatusCode, body: &str) -> Option<(LoginFault, &'static str)> {
    let says = |names: &[&str]| names.iter().any(|name| body.contains(name));
    if !status.is_client_error() {
        return None;
    }
    if says(&["AccessDenied"]) {
        let words = "its cloud knows the access key, but does not let it do this: allow `ecr:GetAuthorizationToken`, or \
                     `sts:AssumeRole` and, in the role's trust, this user with the external id";
        return Some((LoginFault::Denied, words));
    }
    let unknown = ["UnrecognizedClient", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignature"];
    if says(&unknown) || says(&["ExpiredToken", "IncompleteSignature", "OptInRequired"]) {
        let words =
            "its cloud does not know the access key, or it was made inactive; make a new one in IAM and enter it";
        return Some((LoginFault::Refused, words));
    }
    None
}
