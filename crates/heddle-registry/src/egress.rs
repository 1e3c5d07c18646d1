//! A proxy on loopback through which the login of `oci-distribution` goes.
//!
//! That crate calls whatever address a registry names as its login server, follows redirects, and takes neither a
//! resolver nor a client of ours. It does take a proxy; this one connects only to where the guard lets it.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use url::Url;

use crate::guard::{CONNECT_TIMEOUT, Guard, Refused};

/// The largest request head: tokens are long, and nothing else is.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The running proxy. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Egress {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Egress {
    pub async fn start(guard: Arc<Guard>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let guard = Arc::clone(&guard);
                tokio::spawn(async move {
                    if let Err(error) = serve(client, &guard).await {
                        tracing::debug!(%error, "a connection to a registry's login server ended");
                    }
                });
            }
        });
        Ok(Self { address, task })
    }

    /// The proxy's address, as HTTP clients take it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Egress {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, guard: &Guard) -> io::Result<()> {
    let head = timeout(CONNECT_TIMEOUT, read_head(&mut client)).await??;
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let tunnel = method == "CONNECT";
    let upstream = match connect(target, tunnel, guard).await {
        Ok(upstream) => upstream,
        Err(refused) => {
            let body = refused.to_string();
            let answer = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            return client.write_all(answer.as_bytes()).await;
        }
    };
    let mut upstream = upstream;
    if tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        // Servers take the absolute form too (RFC 9112, section 3.2.2), so the head goes on as it came.
        upstream.write_all(&head).await?;
    }
    copy_bidirectional(&mut client, &mut upstream).await.map(drop)
}

async fn read_head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = client.read(&mut chunk).await?;
        if count == 0 || head.len() + count > MAX_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend_from_slice(&chunk[..count]);
    }
    Ok(head)
}

async fn connect(target: &str, tunnel: bool, guard: &Guard) -> Result<TcpStream, Refused> {
    let address = if tunnel { format!("https://{target}/") } else { target.to_owned() };
    let url = Url::parse(&address).map_err(|_| Refused("the address cannot be read".into()))?;
    guard.check(&url)?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Refused("the address has no host".into()));
    };
    let addresses = guard.resolve(host, port).await?;
    match timeout(CONNECT_TIMEOUT, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(upstream)) => Ok(upstream),
        _ => Err(Refused(format!("`{host}` cannot be reached"))),
    }
}
