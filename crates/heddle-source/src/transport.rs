//! The HTTP that gix speaks, within bounds: so many bytes, until a deadline, with one host.

use std::{
    any::Any,
    io::{self, BufRead, Read},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse, reqwest::Remote,
};
use url::{Origin, Url};

use crate::FetchError;

/// What one fetch may cost, and why it was ended.
pub(crate) struct Bounds {
    origin: Origin,
    limit: Duration,
    deadline: Instant,
    most_bytes: u64,
    bytes_left: AtomicU64,
    fault: OnceLock<Fault>,
}

#[derive(Debug, Clone, thiserror::Error)]
enum Fault {
    #[error("too many bytes")]
    Bytes,
    #[error("too late")]
    Time,
    #[error("another host")]
    Host { name: String },
}

impl Bounds {
    /// Bounds of a fetch from `url` that begins now.
    pub(crate) fn new(url: &Url, limit: Duration, most_bytes: u64) -> Self {
        Self {
            origin: url.origin(),
            limit,
            deadline: Instant::now() + limit,
            // One more than may be read, so that nothing left is too much.
            bytes_left: AtomicU64::new(most_bytes.saturating_add(1)),
            most_bytes,
            fault: OnceLock::new(),
        }
    }

    /// How long all of it may take.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// What the error of a fetch means: the bound that was passed, else what gix says.
    pub(crate) fn explain(&self, error: gix::Error) -> FetchError {
        self.check().err().unwrap_or_else(|| FetchError::from_gix(error))
    }

    /// Whether no bound was passed.
    pub(crate) fn check(&self) -> Result<(), FetchError> {
        match self.fault.get() {
            None => Ok(()),
            Some(Fault::Bytes) => Err(FetchError::TooLarge { limit_mib: self.most_bytes >> 20 }),
            Some(Fault::Time) => Err(FetchError::TimedOut { limit_secs: self.limit.as_secs() }),
            Some(Fault::Host { name }) => Err(FetchError::Redirected { host: name.clone() }),
        }
    }

    fn end(&self, fault: Fault) -> Fault {
        self.fault.get_or_init(|| fault).clone()
    }

    fn count(&self, bytes: usize) {
        let take = |left: u64| Some(left.saturating_sub(bytes as u64));
        let _ = self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
    }

    /// Whether more may be read.
    fn check_reading(&self) -> io::Result<()> {
        if self.bytes_left.load(Ordering::Relaxed) == 0 {
            return Err(io::Error::other(self.end(Fault::Bytes)));
        }
        if Instant::now() > self.deadline {
            return Err(io::Error::other(self.end(Fault::Time)));
        }
        Ok(())
    }

    fn check_host(&self, address: &str) -> Result<(), Fault> {
        let url = Url::parse(address).ok();
        if url.as_ref().is_some_and(|url| url.origin() == self.origin) {
            return Ok(());
        }
        let name = url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        Err(self.end(Fault::Host { name }))
    }
}

/// gix's client within bounds. A host may lead from one of its addresses to another, as after a rename; whatever leads to
/// another host ends the fetch before a login is sent there, and before anything that it says is used.
pub(crate) struct BoundedHttp {
    http: Remote,
    bounds: Arc<Bounds>,
}

impl BoundedHttp {
    pub(crate) fn new(bounds: Arc<Bounds>) -> Self {
        Self { http: Remote::default(), bounds }
    }

    fn check(&self, base_url: &str) -> gix::Result<()> {
        let led_to = self.http.redirected_base_url();
        let hosts = led_to.as_deref().into_iter().chain([base_url]);
        hosts.into_iter().try_for_each(|host| self.bounds.check_host(host)).map_err(gix::Error::from_error)
    }
}

type Body = BoundedBody<<Remote as Http>::ResponseBody>;

impl Http for BoundedHttp {
    type Headers = <Remote as Http>::Headers;
    type ResponseBody = Body;
    type PostBody = <Remote as Http>::PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        self.check(base_url)?;
        let GetResponse { headers, body } = self.http.get(url, base_url, headers)?;
        Ok(GetResponse { headers, body: BoundedBody { body, bounds: Arc::clone(&self.bounds) } })
    }

    fn post(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        kind: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        self.check(base_url)?;
        let PostResponse { post_body, headers, body } = self.http.post(url, base_url, headers, kind)?;
        Ok(PostResponse { post_body, headers, body: BoundedBody { body, bounds: Arc::clone(&self.bounds) } })
    }

    fn configure(&mut self, config: &dyn Any) -> gix::Result {
        self.http.configure(config)
    }

    /// Asked after each answer: a redirect to another host is noted here.
    fn redirected_base_url(&self) -> Option<String> {
        let led_to = self.http.redirected_base_url()?;
        let _ = self.bounds.check_host(&led_to);
        Some(led_to)
    }
}

/// An answer of which each byte counts.
pub(crate) struct BoundedBody<B> {
    body: B,
    bounds: Arc<Bounds>,
}

impl<B: Read> Read for BoundedBody<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bounds.check_reading()?;
        let count = self.body.read(buffer)?;
        self.bounds.count(count);
        Ok(count)
    }
}

impl<B: BufRead> BufRead for BoundedBody<B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.bounds.check_reading()?;
        self.body.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.bounds.count(count);
        self.body.consume(count);
    }
}
