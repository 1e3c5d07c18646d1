//! Addresses of clients.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderName, request::Parts},
};

use crate::app::App;

/// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which one customer has for themselves.
/// Source: RFC 6177, section 2.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The client's address as limits count it: the connection's, or what the trusted proxy says.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

impl ClientAddress {
    /// The address of whoever sent a request.
    pub fn of(app: Option<&App>, parts: &Parts) -> Self {
        let header = app.and_then(|app| app.config.client_address_header.as_ref());
        let proxied = header.and_then(|header| told_by_proxy(&parts.headers, header));
        let direct = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let address = proxied.or_else(direct).map(network);
        Self(address.map_or_else(|| "unknown".to_owned(), |address| address.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.extensions.get::<App>(), parts))
    }
}

/// The last entry: the ones before it are what the client itself claims.
fn told_by_proxy(headers: &HeaderMap, header: &HeaderName) -> Option<IpAddr> {
    let value = headers.get_all(header).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
