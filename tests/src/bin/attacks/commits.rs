//! Commits to a repository that an agent follows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use heddle_testkit::wait;
use heddle_tests::{
    World,
    world::{PERSON, REPOSITORY},
};
use tokio::net::TcpListener;

use crate::siege::{Siege, Victim};

/// The path of the Sync that is attacked.
const PATH: &str = "clusters/staging";

/// How long the agent may take to come upon a push that nobody tells it of: it asks each minute.
const UNTOLD: Duration = Duration::from_secs(150);

/// A text that nobody but its owner may read.
const CANARY: &str = "hunter2-canary";

/// Tries them all.
pub async fn attack(siege: &mut Siege<'_>) -> Result<()> {
    let world = siege.world;
    siege.attempt("a tree with `..` in it", Victim::Agent, climbing(world)).await?;
    siege.attempt("a push of 1 kB with 10^9 files", Victim::Agent, tree_bomb(world)).await?;
    siege.attempt("200 kB of YAML with 90 nested anchors", Victim::Agent, anchors(world)).await?;
    siege.attempt("a NUL in a kind", Victim::Agent, nul(world)).await?;
    siege.attempt("a Secret whose rendering fails", Victim::Agent, secret(world)).await?;
    siege.attempt("kustomize asked to fetch from loopback", Victim::Agent, loopback(world)).await
}

/// What the agent says is wrong with a revision, once it has tried it.
async fn refused(world: &World, revision: &str) -> Result<String> {
    let name = world.sync_name(PATH).await?;
    let said = wait::until(format!("{} to be refused", &revision[..8]), UNTOLD, async || {
        let sync = world.sync(&name).await.map_err(|error| format!("{error:#}"))?;
        if sync.attempted_revision.as_ref().is_none_or(|tried| tried.as_str() != revision) {
            return Err(format!("{:?} is tried: {:?}", sync.attempted_revision, sync.conditions));
        }
        let condition =
            sync.conditions.iter().find(|one| one.kind.as_str() == "Ready" && one.status.as_str() == "False");
        let words = sync.errors.first().map(|error| error.message.to_string());
        words.or_else(|| condition.map(|one| one.message.to_string())).ok_or_else(|| format!("{:?}", sync.conditions))
    })
    .await?;
    Ok(said)
}

/// Whether the Sync has applied this revision, or one after it of the same content.
async fn well_again(world: &World, revision: &str) -> Result<()> {
    let name = world.sync_name(PATH).await?;
    wait::until(format!("{} to be applied", &revision[..8]), wait::LONG, async || {
        let sync = world.sync(&name).await.map_err(|error| format!("{error:#}"))?;
        let applied = sync.applied_revision.as_ref().is_some_and(|applied| applied.as_str() == revision);
        if applied && sync.errors.is_empty() { Ok(()) } else { Err(format!("{:?} {:?}", sync.conditions, sync.errors)) }
    })
    .await
}

/// A commit whose whole tree is the head's with one entry more.
async fn push_beside(world: &World, name: &[u8], tree: &str) -> Result<(String, String)> {
    let before = world.github.head(REPOSITORY, "main").await?.context("an empty repository")?;
    let root = world.github.read_tree(REPOSITORY, &before).await?;
    let mut content = root.clone();
    content.extend(entry("40000", name, tree)?);
    let tree = world.github.write_object(REPOSITORY, "tree", &content).await?;
    let revision = world.github.push_tree(REPOSITORY, "main", &tree, "More", PERSON).await?;
    let root = world.github.write_object(REPOSITORY, "tree", &root).await?;
    Ok((revision, root))
}

/// Puts the whole tree back, and pushes once more so that the agent is told: of [`push_beside`] nobody is.
async fn take_back(world: &World, root: &str) -> Result<()> {
    world.github.push_tree(REPOSITORY, "main", root, "As before", PERSON).await?;
    let revision = world.commit(&[("README.md", Some("# As before\n"))], "Tell of it").await?;
    well_again(world, &revision).await
}

/// An entry of a tree as Git stores it.
fn entry(mode: &str, name: &[u8], id: &str) -> Result<Vec<u8>> {
    let mut entry = [mode.as_bytes(), b" ", name, b"\0"].concat();
    for pair in id.as_bytes().chunks(2) {
        entry.push(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    }
    Ok(entry)
}

async fn climbing(world: &World) -> Result<String> {
    let git = &world.github;
    let target = world.folder().join("canary.txt");
    let mut id = git.write_object(REPOSITORY, "blob", CANARY.as_bytes()).await?;
    let mut mode = "100644";
    for part in target.iter().skip(1).collect::<Vec<_>>().into_iter().rev() {
        let name = part.to_str().context("a folder whose name is no text")?;
        id = git.write_object(REPOSITORY, "tree", &entry(mode, name.as_bytes(), &id)?).await?;
        mode = "40000";
    }
    for _ in 0..24 {
        id = git.write_object(REPOSITORY, "tree", &entry("40000", b"..", &id)?).await?;
    }
    let (revision, root) = push_beside(world, b"zz", &id).await?;
    let said = refused(world, &revision).await?;
    ensure!(!target.exists(), "{} was written", target.display());
    take_back(world, &root).await?;
    Ok(said)
}

async fn tree_bomb(world: &World) -> Result<String> {
    let git = &world.github;
    let mut id = git.write_object(REPOSITORY, "blob", b"").await?;
    let mut mode = "100644";
    for _ in 0..9 {
        let entries: Vec<Vec<u8>> =
            (0..10).map(|number| entry(mode, format!("f{number}").as_bytes(), &id)).collect::<Result<_>>()?;
        id = git.write_object(REPOSITORY, "tree", &entries.concat()).await?;
        mode = "40000";
    }
    let (revision, root) = push_beside(world, b"zz", &id).await?;
    // The bomb lies beside the path: the agent may well apply what it follows and never look at it.
    let name = world.sync_name(PATH).await?;
    let said = wait::until("a word on the bomb", UNTOLD, async || {
        let sync = world.sync(&name).await.map_err(|error| format!("{error:#}"))?;
        match (&sync.applied_revision, sync.errors.first(), &sync.attempted_revision) {
            (Some(applied), ..) if applied.as_str() == revision => Ok("applied, the rest not looked at".to_owned()),
            (_, Some(error), _) => Ok(error.message.to_string()),
            _ => Err(format!("{:?}", sync.conditions)),
        }
    })
    .await?;
    take_back(world, &root).await?;
    Ok(said)
}

/// Adds a file to the path as a resource of its own, waits for the answer, and takes it away.
async fn file(world: &World, text: &str, kustomization: Option<&str>) -> Result<String> {
    let path = format!("{PATH}/kustomization.yaml");
    let before = world.github.read_file(REPOSITORY, "main", &path).await?.context("there is no kustomization")?;
    let extra = format!("{PATH}/evil.yaml");
    let with = match kustomization {
        Some(more) => format!("{before}{more}"),
        None => before.replace("  - ../../base\n", "  - ../../base\n  - evil.yaml\n"),
    };
    let revision = world.commit(&[(&extra, Some(text)), (&path, Some(&with))], "More").await?;
    let said = refused(world, &revision).await?;
    let revision = world.commit(&[(&extra, None), (&path, Some(&before))], "As before").await?;
    well_again(world, &revision).await?;
    Ok(said)
}

async fn anchors(world: &World) -> Result<String> {
    let mut text = format!("a0: &a0 [{}]\n", vec!["x"; 60_000].join(","));
    for number in 1..=90 {
        text += &format!("a{number}: &a{number} [*a{0}, *a{0}]\n", number - 1);
    }
    file(world, &text, None).await
}

async fn nul(world: &World) -> Result<String> {
    let text = "apiVersion: v1\nkind: \"De\\0p\"\nmetadata: {name: a}\n";
    file(world, text, None).await
}

async fn secret(world: &World) -> Result<String> {
    let more = format!("secretGenerator:\n  - name: s\n    literals: [\"{CANARY}\"]\n");
    let said = file(world, "a: 1\n", Some(&more)).await?;
    ensure!(!said.contains(CANARY), "the text of the Secret was told");
    let logged = [&world.api, &world.agent].map(|service| service.output().contains(CANARY));
    ensure!(logged == [false, false], "the text of the Secret was logged");
    Ok(said)
}

async fn loopback(world: &World) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    let server = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let more = format!("configMapGenerator:\n  - name: c\n    files: ['x=http://127.0.0.1:{port}/']\n");
    let said = file(world, "a: 1\n", Some(&more)).await?;
    server.abort();
    let hits = hits.load(Ordering::Relaxed);
    ensure!(hits == 0, "{hits} connections were made");
    Ok(said)
}
