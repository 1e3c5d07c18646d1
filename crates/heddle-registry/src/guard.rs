//! Where requests may go: public addresses over HTTPS, and what the operator allows besides.

use std::{
    collections::BTreeSet,
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Certificate,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use url::{Host, Url};

use crate::egress::Egress;

pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const USER_AGENT: &str = concat!("heddle/", env!("CARGO_PKG_VERSION"));

/// Why registries cannot be reached at all. Found at start.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// An entry of the allow list is no host.
    #[error("`{0}` is no `host` or `host:port`")]
    Allowed(String),
    /// The extra certificate authority cannot be read.
    #[error("the extra certificate authority holds no certificate in PEM form")]
    Certificate,
    /// The HTTP client or its guard could not be set up.
    #[error("the HTTP client for registries could not be set up")]
    Setup(#[source] Box<dyn Error + Send + Sync>),
}

/// What all sessions share: the allow list, the trusted authorities, the connections.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) guard: Arc<Guard>,
    pub(crate) http: reqwest::Client,
    pub(crate) egress: Arc<Egress>,
    pub(crate) ca_pem: Option<Vec<u8>>,
}

impl Access {
    /// Prepares connections; connects to nothing yet. Hosts of `allowed` (`host` or `host:port`) may be plain HTTP or on
    /// private addresses. `ca_pem` is trusted beside the system's authorities.
    ///
    /// # Errors
    /// When an entry is no host, or `ca_pem` holds no certificate.
    pub async fn new(allowed: &[String], ca_pem: Option<Vec<u8>>) -> Result<Self, AccessError> {
        let guard = Arc::new(Guard::new(allowed)?);
        let on_redirect = Arc::clone(&guard);
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .no_proxy()
            .dns_resolver(Arc::new(GuardedResolver(Arc::clone(&guard))))
            .redirect(redirect::Policy::custom(move |attempt| {
                if attempt.previous().len() > 3 {
                    return attempt.error(Refused("too many redirects".into()));
                }
                match on_redirect.check(attempt.url()) {
                    Ok(()) => attempt.follow(),
                    Err(refused) => attempt.error(refused),
                }
            }));
        if let Some(pem) = &ca_pem {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|_| AccessError::Certificate)?;
            if certificates.is_empty() {
                return Err(AccessError::Certificate);
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| AccessError::Setup(error.into()))?;
        let egress = Egress::start(Arc::clone(&guard)).await.map_err(|error| AccessError::Setup(error.into()))?;
        Ok(Self { guard, http, egress: Arc::new(egress), ca_pem })
    }
}

/// A request that was not sent.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub String);

/// Decides on addresses.
#[derive(Debug)]
pub(crate) struct Guard {
    allowed: BTreeSet<String>,
}

impl Guard {
    fn new(allowed: &[String]) -> Result<Self, AccessError> {
        for host in allowed {
            let url = Url::parse(&format!("https://{host}/"));
            let plain = url.is_ok_and(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none());
            if !plain || host.is_empty() {
                return Err(AccessError::Allowed(host.clone()));
            }
        }
        Ok(Self { allowed: allowed.iter().map(|host| host.to_ascii_lowercase()).collect() })
    }

    /// Whether the operator allows plain HTTP and private addresses for a host at a port.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        self.allowed.contains(host) || self.allowed.contains(&format!("{host}:{port}"))
    }

    /// Whether a request may be sent to the address as it is written. Names are checked again when they are resolved.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refused("the address has no host".into()));
        };
        let written = host.to_string();
        if self.allows(&written, port) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(Refused(format!("`{written}` is plain HTTP, which only an allowed registry may be")));
        }
        let address = match host {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return Ok(()),
        };
        if is_public(address) { Ok(()) } else { Err(private(&written)) }
    }

    /// Resolves a name to the addresses that may be connected to.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((bare, port)).await;
        let found = found.map_err(|_| Refused(format!("`{host}` has no address")))?;
        let any = self.allows(host, port);
        let addresses: Vec<SocketAddr> = found.filter(|address| any || is_public(address.ip())).collect();
        if addresses.is_empty() { Err(private(host)) } else { Ok(addresses) }
    }
}

fn private(host: &str) -> Refused {
    Refused(format!("`{host}` is on a private address, which only an allowed registry may be"))
}

/// reqwest does not tell the resolver which port it will use, so an allowed `host:port` allows its host's name here; the
/// port was checked with the address.
struct GuardedResolver(Arc<Guard>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str().to_ascii_lowercase();
            let prefix = format!("{host}:");
            let listed = guard.allowed.iter().any(|allowed| *allowed == host || allowed.starts_with(&prefix));
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.filter(|address| listed || is_public(address.ip())).collect();
            if addresses.is_empty() {
                return Err(private(&host).into());
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
        // Shared address space (RFC 6598), IETF protocols, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3; out of it documentation, 6to4 and Teredo, which can carry private IPv4 addresses.
    let [first, second, ..] = address.segments();
    (first & 0xe000) == 0x2000 && first != 0x2002 && !(first == 0x2001 && (second == 0 || second == 0xdb8))
}

#[cfg(test)]
mod tests;
