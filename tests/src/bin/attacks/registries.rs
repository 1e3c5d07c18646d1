//! Registries and login servers that never end, or that drip.

use std::{convert::Infallible, time::Duration};

use anyhow::{Result, ensure};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::{Stream, StreamExt, stream};
use heddle_core::image::ImageRepository;
use heddle_testkit::wait;
use heddle_tests::{World, world::REPOSITORY};
use tokio::net::TcpListener;

use crate::siege::{Siege, Victim};

/// How long a dripping registry waits before its next byte.
const DRIP: Duration = Duration::from_secs(5);

/// The registry of somebody who means harm.
pub struct Hostile {
    /// Its name in images.
    pub host: String,
}

impl Hostile {
    /// Begins to serve; it ends with the process.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let host = listener.local_addr()?.to_string();
        let router = Router::new()
            .route("/token", get(|| async { endless("{\"token\":\"", &[b'a'; 8192]) }))
            .route("/v2/evil/{image}/tags/list", get(list));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { host })
    }
}

async fn list(Path(image): Path<String>, headers: HeaderMap) -> Response {
    match image.as_str() {
        "login" => {
            let host = headers[header::HOST].to_str().unwrap_or_default();
            let realm = format!("Bearer realm=\"http://{host}/token\",service=\"evil\"");
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, realm)]).into_response()
        }
        "tags" => endless("{\"tags\":[\"1\"", b",\"1.0.0\",\"1.0.1\",\"1.0.2\",\"1.0.3\""),
        "text" => endless("{\"tags\":[\"", &[b'a'; 8192]),
        _ => drip(),
    }
}

fn endless(start: &'static str, piece: &'static [u8]) -> Response {
    answer(stream::iter([Bytes::from(start)]).chain(stream::repeat(Bytes::from_static(piece))))
}

fn drip() -> Response {
    let blanks = stream::unfold((), |()| async {
        tokio::time::sleep(DRIP).await;
        Some((Bytes::from_static(b" "), ()))
    });
    answer(stream::iter([Bytes::from_static(b"{\"tags\":[\"1.0.0\"")]).chain(blanks))
}

fn answer(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    Response::new(Body::from_stream(pieces.map(Ok::<_, Infallible>)))
}

/// Tries them all.
pub async fn attack(siege: &mut Siege<'_>, hostile: &Hostile) -> Result<()> {
    let world = siege.world;
    let endless = ["login", "tags", "text"].map(|image| format!("{}/evil/{image}", hostile.host));
    siege.attempt("a login server and lists without end", Victim::Automator, refused(world, &endless)).await?;
    let drips: [String; 9] = std::array::from_fn(|number| format!("{}/evil/drip-{number}", hostile.host));
    siege.attempt("nine images whose registry drips", Victim::Automator, others_go_on(world, &drips)).await
}

/// Has Heddle watch images: an environment of their own, without a cluster.
async fn watch(world: &World, images: &[String]) -> Result<String> {
    let rules = world.github.read_file(REPOSITORY, "main", ".heddle.yaml").await?.unwrap_or_default();
    let host = images.first().and_then(|image| image.split('/').next()).unwrap_or_default();
    let with = rules.replace("images:\n", &format!(
        "  - {{name: evil, path: clusters/evil}}\nimages:\n  - name: {host}/evil/*\n    environments: [evil]\n    policy: {{semver: '*'}}\n"
    ));
    let containers = images
        .iter()
        .enumerate()
        .map(|(number, image)| format!("        - {{name: c{number}, image: '{image}:1.0.0'}}\n"));
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: evil}}\nspec:\n  template:\n    spec:\n      containers:\n{}",
        containers.collect::<String>()
    );
    world.commit(&[(".heddle.yaml", Some(&with)), ("clusters/evil/all.yaml", Some(&deployment))], "Watch more").await?;
    Ok(rules)
}

async fn forget(world: &World, rules: &str) -> Result<()> {
    world.commit(&[(".heddle.yaml", Some(rules)), ("clusters/evil/all.yaml", None)], "Watch less").await.map(drop)
}

/// Each of the images is said to fail.
async fn refused(world: &World, images: &[String]) -> Result<String> {
    let rules = watch(world, images).await?;
    let mut said = Vec::new();
    for image in images {
        let image: ImageRepository = image.parse()?;
        let environment = "evil".to_owned().try_into()?;
        let fault = wait::until(format!("{image} to be told as failing"), wait::LONG, async || {
            let verdicts = world.user.verdicts(world.organization, &environment, &image).await;
            let verdicts = verdicts.map_err(|error| format!("{error:#}"))?;
            verdicts.scan_error.clone().ok_or_else(|| format!("{verdicts:?}"))
        });
        said.push(fault.await?);
    }
    forget(world, &rules).await?;
    Ok(said.join("; "))
}

/// While all of the images drip, a push of our own goes its way.
async fn others_go_on(world: &World, images: &[String]) -> Result<String> {
    let rules = watch(world, images).await?;
    let mut longest = Duration::ZERO;
    for tag in ["1.5.1", "1.5.2", "1.5.3"] {
        let began_at = std::time::Instant::now();
        world.push_tag(tag).await?;
        wait::until(format!("{tag} in staging"), wait::LONG, async || match world.image_in_git("staging").await {
            Ok(now) if now == tag => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await?;
        longest = longest.max(began_at.elapsed());
    }
    forget(world, &rules).await?;
    ensure!(longest < wait::LONG, "a push took {longest:?}");
    Ok(format!("a push of another image was committed within {:.1} s", longest.as_secs_f64()))
}
