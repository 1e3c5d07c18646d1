//! `make demo`: the whole loop on this machine, from nothing, with each step printed.
//!
//! With `--once` it merges by itself, prints one JSON object as its last line and ends; else it stays until Ctrl-C.
//! Whatever it started ends with it, also when it is killed: every part has a parent-death signal, and folders that an
//! earlier run left behind are removed at the start.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context, Result, bail};
use heddle_testkit::process::Program;
use heddle_tests::{
    Store, World, WorldOptions,
    follow::{Follow, outcome},
    world::{EMAIL, PASSWORD, REPOSITORY},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// What the person asked for.
#[derive(Debug, Default)]
struct Wishes {
    once: bool,
    /// The dashboard's sources, to be served by Vite.
    web_server: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match read_wishes(std::env::args().skip(1)) {
        Ok(wishes) => run_until_signal(wishes).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn read_wishes(mut args: impl Iterator<Item = String>) -> Result<Wishes> {
    let mut wishes = Wishes::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--once" => wishes.once = true,
            "--web-server" => wishes.web_server = Some(args.next().context("--web-server takes a folder")?.into()),
            other => bail!("`{other}` is no option; there are --once and --web-server DIR"),
        }
    }
    Ok(wishes)
}

async fn run_until_signal(wishes: Wishes) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    // Dropping the run drops all that it started.
    tokio::select! {
        result = run(&wishes) => result,
        _ = interrupted.recv() => finish(&wishes),
        _ = terminated.recv() => finish(&wishes),
    }
}

fn finish(wishes: &Wishes) -> Result<()> {
    println!("\nstopping everything");
    if wishes.once { bail!("it was stopped before it was done") } else { Ok(()) }
}

async fn run(wishes: &Wishes) -> Result<()> {
    let world = start(wishes).await?;
    let web = match &wishes.web_server {
        Some(folder) => Some(start_vite(&world, folder).await?),
        None => None,
    };
    introduce(&world, web.as_ref().map(|(_, address)| address.as_str()));
    if wishes.once {
        return once(world).await;
    }
    let mut patch = 0;
    let mut lines = keyboard();
    loop {
        patch += 1;
        show(&world, &format!("1.4.{patch}")).await?;
        println!("\nPress Enter to push the next tag, Ctrl-C to end.");
        if lines.recv().await.is_none() {
            // Nobody is at the keyboard: stay until a signal comes.
            return std::future::pending().await;
        }
    }
}

async fn start(wishes: &Wishes) -> Result<World> {
    let began = Instant::now();
    let dist = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    let options = WorldOptions {
        store: Store::Embedded,
        // As people set them: here everything is told by notices, webhooks and hints.
        poll: "1m",
        proxies: false,
        web_dir: (wishes.web_server.is_none() && dist.join("index.html").is_file()).then_some(dist),
        tell: Arc::new(move |step| println!("[{:5.1} s] {step}", began.elapsed().as_secs_f64())),
        ..WorldOptions::default()
    };
    let world = World::start_with(options).await?;
    println!("[{:5.1} s] everything runs", began.elapsed().as_secs_f64());
    Ok(world)
}

fn introduce(world: &World, web: Option<&str>) {
    let dashboard = web.unwrap_or(world.api_url.as_str());
    println!(
        "\n  Dashboard   {dashboard}\n  User        {EMAIL}\n  Password    {PASSWORD}\n  GitHub      {}/{REPOSITORY}\n  Logs        {}\n",
        world.github.pages_url(),
        world.folder().display(),
    );
}

/// Pushes a tag and shows both lines; the person merges in the browser.
async fn show(world: &World, tag: &str) -> Result<()> {
    println!("docker push {}:{tag}", world.image());
    world.push_tag(tag).await?;
    Follow::new(world, "staging", tag).print_until_end().await?;
    let pull = world.wait_for_pull_request("prod", tag).await?;
    println!("prod waits for you: open {}/{REPOSITORY}/pull/{} and press Merge", world.github.pages_url(), pull.number);
    Follow::new(world, "prod", tag).without_limit().print_until_end().await.map(drop)
}

async fn once(world: World) -> Result<()> {
    let tag = "1.4.1";
    println!("docker push {}:{tag}", world.image());
    world.push_tag(tag).await?;
    let pull = world.wait_for_pull_request("prod", tag).await?;
    world.merge(&pull).await?;
    let change = Follow::new(&world, "prod", tag).print_until_end().await?;
    Follow::new(&world, "staging", tag).print_until_end().await?;
    let outcome = outcome(&world, &change)?;
    world.stop().await?;
    println!("{outcome}");
    Ok(())
}

/// What is typed, line by line. A thread of its own, since a read of the terminal cannot be taken back at the end.
fn keyboard() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

async fn start_vite(world: &World, folder: &std::path::Path) -> Result<(heddle_testkit::process::Process, String)> {
    let port = heddle_testkit::port::free()?;
    let vite = folder.join("node_modules/.bin/vite");
    let program = Program::new(vite)
        .args(["--host", "127.0.0.1", "--strictPort", "--port", &port.to_string()])
        .env("HEDDLE_API_URL", world.api_url.as_str().trim_end_matches('/'))
        .folder(folder);
    let process = program.spawn(&world.folder().join("vite.log"))?;
    let address = format!("http://127.0.0.1:{port}/");
    let client = reqwest::Client::builder().no_proxy().build()?;
    process.wait_ready(&client, &address.parse()?).await.context("Vite did not start")?;
    Ok((process, address))
}
