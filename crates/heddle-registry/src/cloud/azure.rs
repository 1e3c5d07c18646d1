//! A token for Azure Container Registry from a service principal: Entra gives one for the service, and the registry another
//! in exchange.
//!
//! Source: "Microsoft identity platform and the OAuth 2.0 client credentials flow"; "AAD-OAuth" of the Azure Container
//! Registry documentation, for the exchange, the user's name and the three hours.

use heddle_core::registry::Azure;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Caller, Endpoint, Given, ends_in};
use crate::{
    ask::{Failure, LoginFault},
    login::Credential,
};

/// What the registry takes as the user's name beside its own tokens.
const USER: &str = "00000000-0000-0000-0000-000000000000";

/// The audience of every cloud's registries.
const SCOPE: &str = "https://containerregistry.azure.net/.default";

/// How long a token of the exchange lasts.
const TERM_SECS: u64 = 3 * 3600;

#[derive(Deserialize)]
struct EntraAnswer {
    access_token: String,
}

#[derive(Deserialize)]
struct ExchangeAnswer {
    refresh_token: String,
}

pub(super) async fn token(
    caller: &Caller<'_>,
    tenant: &str,
    client_id: &str,
    client_secret: &SecretString,
) -> Result<Given, Failure> {
    let cloud = caller.host.azure().ok_or_else(|| caller.failed("it is no registry of Azure"))?;
    let entra = match cloud {
        Azure::Public => "https://login.microsoftonline.com/",
        Azure::China => "https://login.partner.microsoftonline.cn/",
        Azure::Government => "https://login.microsoftonline.us/",
    };
    let mut entra = caller.endpoints.at(Endpoint::Azure, entra)?;
    // A tenant is one part of the path, whatever stands in it.
    let no_address = || caller.failed("its cloud has no address");
    let parts = [tenant, "oauth2", "v2.0", "token"];
    entra.path_segments_mut().map_err(|()| no_address())?.pop_if_empty().extend(parts);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret.expose_secret()),
        ("scope", SCOPE),
    ];
    let body = caller.read(caller.access.post_form(&entra, &form).await, entra_class).await?;
    let token = caller.check(caller.parse::<EntraAnswer>(&body)?.access_token)?;

    let own = format!("https://{}/oauth2/exchange", caller.host);
    let exchange = caller.endpoints.at(Endpoint::Acr, &own)?;
    let form = [
        ("grant_type", "access_token"),
        ("service", caller.host.as_str()),
        ("tenant", tenant),
        ("access_token", token.expose_secret()),
    ];
    let body = caller.read(caller.access.post_form(&exchange, &form).await, exchange_class).await?;
    let password = caller.check(caller.parse::<ExchangeAnswer>(&body)?.refresh_token)?;
    let credential = Credential::Password { username: USER.to_owned(), password };
    Ok(Given { credential, ends_at: ends_in(TERM_SECS) })
}

fn entra_class(status: StatusCode, _: &str) -> Option<(LoginFault, &'static str)> {
    let refused = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
    let words = "Entra does not take the application's secret, or does not know the application or the tenant; make a new client \
                 secret and enter it";
    refused.then_some((LoginFault::Refused, words))
}

fn exchange_class(status: StatusCode, _: &str) -> Option<(LoginFault, &'static str)> {
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let words = "the registry knows the application, but gives it no right: assign it `AcrPull` on the registry";
    refused.then_some((LoginFault::Denied, words))
}
