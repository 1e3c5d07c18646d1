//! The dashboard in Chromium: runs the files of `web/browser/` against running parts. What a person does outside of the
//! browser, they ask for over HTTP, and the case does it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    extract::{Path as Segment, State},
    http::StatusCode,
    routing::post,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use url::Url;

/// Longer than the longest file takes on a slow machine; a file that hangs has limits of its own.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// What a person does outside of the browser.
#[derive(Debug)]
pub enum Errand {
    /// `kubectl apply` with this manifest.
    Apply(String),
    /// Push the image under this tag.
    Push(String),
}

/// A file of `web/browser/`, with the settings that `web/browser/support.ts` names.
pub struct BrowserTest<'a> {
    /// The file's name up to the first dot.
    pub name: &'static str,
    /// The dashboard's address.
    pub dashboard: &'a Url,
    /// Further settings.
    pub settings: &'a [(&'static str, &'a str)],
    /// Where the pictures of the pages go.
    pub pictures: PathBuf,
}

impl BrowserTest<'_> {
    /// Runs it, doing its errands one after the other.
    ///
    /// # Errors
    /// With everything that it printed, when it fails.
    pub async fn run(&self, mut errand: impl AsyncFnMut(Errand) -> Result<()>) -> Result<()> {
        std::fs::create_dir_all(&self.pictures)?;
        let (asks, mut asked) = mpsc::channel(1);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let world = format!("http://{}", listener.local_addr()?);
        let outside = async { axum::serve(listener, routes(asks)).await };
        let run = tokio::time::timeout(LIMIT, self.start(&world)?);
        let errands = async {
            while let Some(Asked { what, answer }) = asked.recv().await {
                // Who asked may be gone; the file says why it gave up.
                let _ = answer.send(errand(what).await);
            }
        };
        let output = tokio::select! {
            output = run => output.with_context(|| format!("{} did not end within {LIMIT:?}", self.name))??,
            served = outside => anyhow::bail!("the door to the world outside closed: {served:?}"),
            () = errands => anyhow::bail!("nobody asks for errands any more"),
        };
        self.judge(&output)
    }

    fn start(&self, world: &str) -> Result<impl Future<Output = std::io::Result<Output>> + use<>> {
        let mut npm = tokio::process::Command::new("npm");
        npm.args(["run", "--silent", "test:browser", "--", self.name]).current_dir(web());
        npm.env("HEDDLE_URL", self.dashboard.as_str()).env("HEDDLE_WORLD", world);
        npm.env("HEDDLE_SHOTS", &self.pictures).envs(self.settings.iter().copied()).env("NO_COLOR", "1");
        npm.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = npm.spawn().context("could not start npm")?;
        Ok(child.wait_with_output())
    }

    fn judge(&self, output: &Output) -> Result<()> {
        ensure!(
            output.status.success(),
            "{} failed ({}); pictures are in {}\n{}\n{}",
            self.name,
            output.status,
            self.pictures.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        Ok(())
    }
}

struct Asked {
    what: Errand,
    answer: oneshot::Sender<Result<()>>,
}

type Asks = mpsc::Sender<Asked>;

fn routes(asks: Asks) -> Router {
    let apply = async |State(asks): State<Asks>, manifest: String| ask(&asks, Errand::Apply(manifest)).await;
    let push = async |State(asks): State<Asks>, Segment(tag): Segment<String>| ask(&asks, Errand::Push(tag)).await;
    Router::new().route("/apply", post(apply)).route("/push/{tag}", post(push)).with_state(asks)
}

async fn ask(asks: &Asks, what: Errand) -> (StatusCode, String) {
    let (answer, done) = oneshot::channel();
    if asks.send(Asked { what, answer }).await.is_err() {
        return (StatusCode::GONE, "the case has ended".to_owned());
    }
    match done.await {
        Ok(Ok(())) => (StatusCode::NO_CONTENT, String::new()),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
        Err(_) => (StatusCode::GONE, "the case has ended".to_owned()),
    }
}

/// The built dashboard, built anew where its sources are newer.
pub fn built() -> Result<PathBuf> {
    static BUILT: OnceLock<std::result::Result<(), String>> = OnceLock::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/web.sh");
    let build = || match Command::new(&script).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} failed ({status}); what it needs stands above", script.display())),
        Err(error) => Err(format!("could not run {}: {error}", script.display())),
    };
    BUILT.get_or_init(build).clone().map_err(anyhow::Error::msg)?;
    Ok(web().join("dist"))
}

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web")
}
