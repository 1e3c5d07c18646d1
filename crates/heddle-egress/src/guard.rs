//! Where requests may go: public addresses over HTTPS, and what the operator allows besides.
//!
//! Plain decisions on addresses. What a name resolves to is decided when it is resolved, by [`PublicOnly`].

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// A request that is not sent. The words follow from the written address alone: what a name resolves to is not told,
/// else a tenant could read the operator's network from the reasons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// How an address may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Over HTTPS, where it is public.
    Public,
    /// As the operator allows: plain HTTP too, and on private addresses.
    Listed,
}

/// Decides on addresses.
#[derive(Debug)]
pub struct Guard {
    allowed: BTreeSet<String>,
}

impl Guard {
    /// Hosts of `allowed` are `host` or `host:port`.
    ///
    /// # Errors
    /// With the first that is neither.
    pub fn new(allowed: &[String]) -> Result<Self, String> {
        for host in allowed {
            let url = Url::parse(&format!("https://{host}/"));
            let plain = url.is_ok_and(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none());
            if !plain || host.is_empty() {
                return Err(host.clone());
            }
        }
        Ok(Self { allowed: allowed.iter().map(|host| host.to_ascii_lowercase()).collect() })
    }

    /// How a request to the address may be sent, as far as the written address tells. An entry with a port opens that port
    /// of its host and no other.
    ///
    /// # Errors
    /// When it may not be sent.
    pub fn route(&self, url: &Url) -> Result<Route, Refused> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refused("the address has no host".into()));
        };
        let written = host.to_string();
        let web = matches!(url.scheme(), "http" | "https");
        if web && (self.allowed.contains(&written) || self.allowed.contains(&format!("{written}:{port}"))) {
            return Ok(Route::Listed);
        }
        if url.scheme() != "https" {
            return Err(Refused(format!("`{written}` is plain HTTP, which only an allowed host may be")));
        }
        let address = match host {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return Ok(Route::Public),
        };
        if is_public(address) {
            return Ok(Route::Public);
        }
        Err(Refused(format!("`{written}` is on a private address, which only an allowed host may be")))
    }
}

/// Resolves names to their public addresses, and to no others.
#[derive(Debug)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if addresses.is_empty() {
                return Err(Refused("no address of it may be connected to".into()).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Shared address space (RFC 6598), IETF protocols, 6to4 relays, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3. Out of it: IETF protocols with Teredo (2001::/23), 6to4, both of which can carry private
    // IPv4 addresses, and documentation.
    let [first, second, ..] = address.segments();
    let special = (first == 0x2001 && (second < 0x200 || second == 0xdb8))
        || first == 0x2002
        || (first == 0x3fff && second < 0x1000);
    (first & 0xe000) == 0x2000 && !special
}

/// Whether nobody on the way reads what is sent there: it is `https`, or `http` on a loopback host.
pub fn is_private_on_its_way(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests;
