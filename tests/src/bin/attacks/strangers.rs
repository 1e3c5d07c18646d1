//! Who has no login: half requests, silent connections, invented methods, other people's passwords.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, future::join_all, stream};
use heddle_testkit::wait;
use heddle_tests::{
    World,
    browser::Browser,
    world::{EMAIL, PASSWORD},
};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::siege::{Siege, Victim};

/// As many connections as the attacker has.
const SOCKETS: usize = 300;

/// How long the attacker leaves a connection as it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries them all.
pub async fn attack(siege: &mut Siege<'_>) -> Result<()> {
    let world = siege.world;
    siege.attempt("300 half bodies of 2 MB without a login", Victim::Api, half_bodies(world)).await?;
    siege.attempt("500 half heads, 500 silent connections", Victim::Api, silence(world)).await?;
    siege.attempt("17,000 invented methods", Victim::Api, methods(world)).await?;
    siege.attempt("a NUL in every field of a log-in", Victim::Api, nul(world)).await?;
    siege.attempt("9 wrong passwords from each of 12 addresses", Victim::Api, guess(world)).await
}

/// An address of this machine that nobody else uses.
fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 66, last))
}

async fn connect(world: &World, from: IpAddr) -> Result<TcpStream> {
    let port = world.api_url.port_or_known_default().context("the API has no port")?;
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    Ok(socket.connect(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)).await?)
}

/// Sends the start of a request and says what came back, while the connection stays open.
async fn begin(world: &World, from: IpAddr, start: &[u8]) -> String {
    let Ok(mut stream) = connect(world, from).await else { return "refused".to_owned() };
    // Whoever is answered early cannot send the rest.
    let sent = timeout(PATIENCE, stream.write_all(start)).await;
    let mut answer = [0; 12];
    match timeout(PATIENCE, stream.read_exact(&mut answer)).await {
        Ok(Ok(_)) => String::from_utf8_lossy(&answer[9..]).into_owned(),
        Ok(Err(_)) => "closed".to_owned(),
        Err(_) if matches!(sent, Ok(Ok(()))) => "waited".to_owned(),
        Err(_) => "not read".to_owned(),
    }
}

async fn half_bodies(world: &World) -> Result<String> {
    let mut request =
        b"POST /api/v1/organizations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n{\"name\":\""
            .to_vec();
    request.resize(1_990_000, b'a');
    let answers = join_all((0..SOCKETS).map(|_| begin(world, address(1), &request))).await;
    Ok(count(answers))
}

async fn silence(world: &World) -> Result<String> {
    let half = (0..500).map(|_| begin(world, address(2), b"GET /api/v1/me HTTP/1.1\r\nhost: x\r\n"));
    let silent = (0..500).map(|_| begin(world, address(3), b""));
    let (half, silent) = tokio::join!(join_all(half), join_all(silent));
    Ok(count(half.into_iter().chain(silent)))
}

async fn methods(world: &World) -> Result<String> {
    let client = Client::builder().no_proxy().local_address(address(4)).build()?;
    let url = world.api_url.join("/api/v1/me")?;
    let answers = stream::iter(0..17_000).map(|number| {
        let method = Method::from_bytes(format!("M{number}").as_bytes());
        let request = method.map(|method| client.request(method, url.clone()));
        async move { Ok::<_, anyhow::Error>(request?.send().await?.status().as_str().to_owned()) }
    });
    let answers: Vec<Result<String>> = answers.buffer_unordered(16).collect().await;
    let answers: Vec<String> = answers.into_iter().map(|one| one.unwrap_or_else(|_| "failed".to_owned())).collect();
    let metrics = client.get(world.api.metrics_url()).send().await?.text().await?;
    ensure!(metrics.len() < 1 << 20, "the metrics have grown to {} bytes", metrics.len());
    Ok(format!("{}; metrics {} kB", count(answers), metrics.len() >> 10))
}

async fn nul(world: &World) -> Result<String> {
    let client = Client::builder().no_proxy().local_address(address(5)).build()?;
    let mut answers = Vec::new();
    for body in [json!({"email": "a\0@example.com", "password": "x"}), json!({"email": EMAIL, "password": "x\0"})] {
        let request = client.post(world.api_url.join("/api/v1/login")?).json(&body);
        let status = request.header("origin", world.api_url.origin().ascii_serialization()).send().await?.status();
        ensure!(status == StatusCode::UNPROCESSABLE_ENTITY, "{status}");
        answers.push(status.as_str().to_owned());
    }
    Ok(count(answers))
}

/// Many addresses guess one person's password; the person's own browser, which was logged in before, still gets in.
async fn guess(world: &World) -> Result<String> {
    let mut browser = Browser::login(&world.api_url, EMAIL, PASSWORD).await?;
    let origin = world.api_url.origin().ascii_serialization();
    let mut answers = Vec::new();
    for last in 10..22 {
        let client = Client::builder().no_proxy().local_address(address(last)).build()?;
        for _ in 0..9 {
            let body = json!({"email": EMAIL, "password": "not this one"});
            let request = client.post(world.api_url.join("/api/v1/login")?).header("origin", &origin).json(&body);
            answers.push(request.timeout(wait::LONG).send().await?.status().as_str().to_owned());
        }
    }
    browser.login_again(EMAIL, PASSWORD).await.context("the person's own browser was locked out")?;
    Ok(format!("{}; the person's own browser got in", count(answers)))
}

/// How often each answer came.
pub fn count(answers: impl IntoIterator<Item = String>) -> String {
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for answer in answers {
        *counts.entry(answer).or_default() += 1;
    }
    counts.iter().map(|(answer, count)| format!("{count} × {answer}")).collect::<Vec<_>>().join(", ")
}
