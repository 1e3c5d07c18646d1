//! One of our programs that serves: it can be killed, and started again as it was.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use heddle_testkit::{
    port,
    process::{Process, Program},
    wait,
};
use url::Url;

use crate::programs;

/// A program of ours with its settings.
pub struct Service {
    name: &'static str,
    program: Program,
    log: PathBuf,
    ready: Url,
    client: reqwest::Client,
    process: Option<Process>,
}

impl Service {
    /// Prepares the binary `name`, with probes on a free port and its log in `folder`. Nothing is started.
    pub fn new(name: &'static str, folder: &Path) -> Result<Self> {
        let probes = format!("127.0.0.1:{}", port::free()?);
        let program = Program::new(programs::path(name)?)
            .env("HEDDLE_METRICS_LISTEN", &probes)
            .env("RUST_BACKTRACE", "1")
            // An embedded Postgres is stopped in order when its API is asked to end.
            .when_starter_dies("TERM");
        Ok(Self {
            name,
            program,
            log: folder.join(format!("{name}.log")),
            ready: Url::parse(&format!("http://{probes}/readyz"))?,
            client: reqwest::Client::builder().no_proxy().build()?,
            process: None,
        })
    }

    /// Sets a variable of its environment for the next start.
    pub fn set(&mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) {
        self.program = self.program.clone().env(name, value);
    }

    /// Starts it without waiting.
    pub fn spawn(&mut self) -> Result<()> {
        self.process = Some(self.program.spawn(&self.log)?);
        Ok(())
    }

    /// Starts it and waits until it says that it is ready.
    pub async fn start(&mut self) -> Result<()> {
        self.spawn()?;
        self.running()?
            .wait_ready(&self.client, &self.ready)
            .await
            .with_context(|| format!("{} did not start", self.name))
    }

    /// Runs the same program with the same settings and these arguments, to its end; tells how it ended.
    pub async fn run(&self, args: &[&str]) -> Result<Ended> {
        let log = self.log.with_extension("run.log");
        let before = std::fs::read(&log).map(|bytes| bytes.len()).unwrap_or_default();
        let process = self.program.clone().args(args).spawn(&log)?;
        let success = process.wait_exit(wait::LONG).await?.success();
        let printed = std::fs::read(&log)?;
        let printed = String::from_utf8_lossy(&printed[before.min(printed.len())..]).into_owned();
        Ok(Ended { success, printed })
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// The running process.
    pub fn running(&self) -> Result<&Process> {
        self.process.as_ref().with_context(|| format!("{} does not run", self.name))
    }

    /// Where its metrics are, in Prometheus' text format.
    pub fn metrics_url(&self) -> Url {
        let mut url = self.ready.clone();
        url.set_path("/metrics");
        url
    }

    /// Everything that it logged, over all its starts.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines of its log that tell of trouble, for error messages.
    pub fn complaints(&self) -> String {
        let output = self.output();
        let is_complaint =
            |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"") || line.contains("panicked");
        let lines: Vec<&str> = output.lines().filter(is_complaint).collect();
        format!("{}:\n  {}", self.name, lines[lines.len().saturating_sub(8)..].join("\n  "))
    }
}

/// How a program ended that runs to its end.
#[derive(Debug)]
pub struct Ended {
    /// Whether it ended with code 0.
    pub success: bool,
    /// What it printed, logs among it.
    pub printed: String,
}
