//! A bare repository, driven by the `git` binary. Knows nothing of GitHub.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use tokio::{io::AsyncWriteExt, process::Command};

/// The id that stands for "no object".
pub(crate) const ZERO: &str = "0000000000000000000000000000000000000000";

/// Name and address in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// When, to the second.
    pub at: DateTime<Utc>,
}

/// A commit as Git stores it.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its id.
    pub sha: String,
    /// Its tree.
    pub tree: String,
    /// Its parents, first parent first.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Signature,
    /// Who put it there.
    pub committer: Signature,
    /// Its whole message.
    pub message: String,
}

/// A path with its mode and object in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeEntry {
    pub mode: String,
    pub kind: String,
    pub sha: String,
    pub path: String,
}

/// A change of one path between two trees.
#[derive(Debug, Clone)]
pub(crate) struct FileChange {
    /// `A`, `M`, `D`, `R`, `T`.
    pub status: char,
    pub path: String,
    pub previous: Option<String>,
    pub sha: String,
    pub additions: u64,
    pub deletions: u64,
    pub patch: Option<String>,
}

/// A bare repository in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    pub dir: PathBuf,
}

struct Output {
    success: bool,
    stdout: Vec<u8>,
    stderr: String,
}

impl Git {
    /// Makes an empty repository whose `HEAD` names `branch`.
    pub async fn create(dir: PathBuf, branch: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        let git = Self { dir };
        git.run(&["init", "--quiet", "--bare", "--initial-branch", branch, "."], None).await?;
        for (key, value) in [
            ("http.receivepack", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"),
            ("receive.denyDeleteCurrent", "refuse"),
            ("transfer.hideRefs", "refs/stand-in"),
            ("gc.auto", "0"),
            ("core.logAllRefUpdates", "false"),
        ] {
            git.run(&["config", key, value], None).await?;
        }
        Ok(git)
    }

    /// A `git` command on this repository that reads no configuration of the machine's user.
    pub fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.dir)
            .env("GIT_DIR", &self.dir)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .kill_on_drop(true)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    async fn spawn(&self, arguments: &[&str], stdin: Option<&[u8]>, index: Option<&str>) -> anyhow::Result<Output> {
        let mut command = self.command();
        command.args(arguments).stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        if let Some(index) = index {
            command.env("GIT_INDEX_FILE", index);
        }
        let mut child = command.spawn().context("start git; is it installed?")?;
        let input = child.stdin.take();
        let feed = async {
            if let (Some(mut pipe), Some(bytes)) = (input, stdin) {
                // Git may end before it has read everything; its exit code tells.
                pipe.write_all(bytes).await.ok();
            }
        };
        let ((), output) = tokio::join!(feed, child.wait_with_output());
        let output = output?;
        Ok(Output {
            success: output.status.success(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    async fn run(&self, arguments: &[&str], stdin: Option<&[u8]>) -> anyhow::Result<Vec<u8>> {
        self.run_with_index(arguments, stdin, None).await
    }

    async fn run_with_index(
        &self,
        arguments: &[&str],
        stdin: Option<&[u8]>,
        index: Option<&str>,
    ) -> anyhow::Result<Vec<u8>> {
        let output = self.spawn(arguments, stdin, index).await?;
        if !output.success {
            bail!("git {}: {}", arguments.join(" "), output.stderr);
        }
        Ok(output.stdout)
    }

    async fn line(&self, arguments: &[&str], stdin: Option<&[u8]>) -> anyhow::Result<String> {
        Ok(String::from_utf8(self.run(arguments, stdin).await?)?.trim().to_owned())
    }

    /// The object that `revision` names, peeled to `kind` (`commit`, `tree`, `blob`), where it exists.
    pub async fn find(&self, revision: &str, kind: &str) -> anyhow::Result<Option<String>> {
        if revision.starts_with('-') || revision.is_empty() {
            return Ok(None);
        }
        let name = format!("{revision}^{{{kind}}}");
        let output = self.spawn(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name], None, None).await?;
        let sha = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // `rev-parse` takes any 40 digits for an object; only `cat-file` looks.
        if !output.success || sha.is_empty() {
            return Ok(None);
        }
        Ok(self.spawn(&["cat-file", "-e", &sha], None, None).await?.success.then_some(sha))
    }

    /// Every branch with its head, in order of name.
    pub async fn refs(&self, prefix: &str) -> anyhow::Result<Vec<(String, String)>> {
        let text = self.line(&["for-each-ref", "--format=%(objectname) %(refname)", prefix], None).await?;
        Ok(text
            .lines()
            .filter_map(|l| l.split_once(' '))
            .map(|(sha, name)| (name.to_owned(), sha.to_owned()))
            .collect())
    }

    /// What a full reference (`refs/heads/main`) points to.
    pub async fn resolve(&self, reference: &str) -> anyhow::Result<Option<String>> {
        let output = self.spawn(&["show-ref", "--verify", "--hash", "--", reference], None, None).await?;
        Ok(output.success.then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    /// Moves references all together or not at all. Each is (name, new, old); a zero id stands for "absent".
    /// Answers `false` when one of them was not at its old value.
    pub async fn update_refs(&self, updates: &[(String, String, Option<String>)]) -> anyhow::Result<bool> {
        let mut script = Vec::new();
        for (name, new, old) in updates {
            script.extend_from_slice(format!("update {name}\0{new}\0").as_bytes());
            script.extend_from_slice(format!("{}\0", old.as_deref().unwrap_or("")).as_bytes());
        }
        let output = self.spawn(&["update-ref", "--stdin", "-z"], Some(&script), None).await?;
        if !output.success && !output.stderr.contains("cannot lock ref") {
            bail!("git update-ref: {}", output.stderr);
        }
        Ok(output.success)
    }

    /// Stores files; answers their ids in order.
    pub async fn write_blobs(&self, contents: &[&[u8]]) -> anyhow::Result<Vec<String>> {
        if contents.is_empty() {
            return Ok(Vec::new());
        }
        let dir = tempfile::tempdir_in(&self.dir)?;
        let mut paths = String::new();
        for (number, content) in contents.iter().enumerate() {
            let path = dir.path().join(number.to_string());
            tokio::fs::write(&path, content).await?;
            paths.push_str(&path.display().to_string());
            paths.push('\n');
        }
        let ids = self.line(&["hash-object", "-w", "--no-filters", "--stdin-paths"], Some(paths.as_bytes())).await?;
        Ok(ids.lines().map(str::to_owned).collect())
    }

    /// Stores an object whose content nobody checks; answers its id.
    pub async fn write_object(&self, kind: &str, content: &[u8]) -> anyhow::Result<String> {
        self.line(&["hash-object", "-t", kind, "-w", "--literally", "--stdin"], Some(content)).await
    }

    /// The content of a blob.
    pub async fn read_blob(&self, sha: &str) -> anyhow::Result<Vec<u8>> {
        self.run(&["cat-file", "blob", sha], None).await
    }

    /// The tree of a revision, as it is stored.
    pub async fn read_tree(&self, revision: &str) -> anyhow::Result<Vec<u8>> {
        self.run(&["cat-file", "tree", revision], None).await
    }

    /// A tree from `base` with some paths set (mode, blob) or, with no blob, taken out.
    pub async fn write_tree(
        &self,
        base: Option<&str>,
        edits: &[(String, Option<(String, String)>)],
    ) -> anyhow::Result<String> {
        let dir = tempfile::tempdir_in(&self.dir)?;
        let index = dir.path().join("index").display().to_string();
        if let Some(base) = base {
            self.run_with_index(&["read-tree", base], None, Some(&index)).await?;
        }
        let mut script = Vec::new();
        for (path, object) in edits {
            let (mode, sha) = object.as_ref().map_or(("0", ZERO), |(mode, sha)| (mode.as_str(), sha.as_str()));
            script.extend_from_slice(format!("{mode} {sha}\t{path}\0").as_bytes());
        }
        self.run_with_index(&["update-index", "-z", "--index-info"], Some(&script), Some(&index)).await?;
        let tree = self.run_with_index(&["write-tree"], None, Some(&index)).await?;
        Ok(String::from_utf8(tree)?.trim().to_owned())
    }

    /// Stores a commit; answers its id.
    pub async fn write_commit(
        &self,
        tree: &str,
        parents: &[String],
        author: &Signature,
        committer: &Signature,
        message: &str,
    ) -> anyhow::Result<String> {
        let person = |s: &Signature| format!("{} <{}> {} +0000", s.name, s.email, s.at.timestamp());
        let parents: String = parents.iter().map(|p| format!("parent {p}\n")).collect();
        let text =
            format!("tree {tree}\n{parents}author {}\ncommitter {}\n\n{message}", person(author), person(committer));
        self.line(&["hash-object", "-t", "commit", "-w", "--stdin"], Some(text.as_bytes())).await
    }

    /// Commits reachable from `range`'s positive ends, newest first, as `git log` orders them.
    pub async fn log(&self, range: &[&str], options: &[&str]) -> anyhow::Result<Vec<Commit>> {
        let format = "--format=%H%n%T%n%P%n%an%n%ae%n%at%n%cn%n%ce%n%ct%n%B";
        let mut arguments = vec!["log", "-z", "--no-show-signature", format];
        arguments.extend(options);
        arguments.extend(range);
        arguments.push("--");
        let text = self.run(&arguments, None).await?;
        text.split(|b| *b == 0).filter(|record| !record.is_empty()).map(parse_commit).collect()
    }

    /// One commit.
    pub async fn commit(&self, sha: &str) -> anyhow::Result<Commit> {
        self.log(&[sha], &["-1"]).await?.into_iter().next().context("git log gave no commit")
    }

    /// How many commits a range holds.
    pub async fn count(&self, range: &[&str]) -> anyhow::Result<u64> {
        let mut arguments = vec!["rev-list", "--count"];
        arguments.extend(range);
        Ok(self.line(&arguments, None).await?.parse()?)
    }

    /// The best common ancestor.
    pub async fn merge_base(&self, one: &str, other: &str) -> anyhow::Result<Option<String>> {
        let output = self.spawn(&["merge-base", one, other], None, None).await?;
        Ok(output.success.then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    /// Whether `old` is `new` or an ancestor of it.
    pub async fn is_ancestor(&self, old: &str, new: &str) -> anyhow::Result<bool> {
        Ok(self.spawn(&["merge-base", "--is-ancestor", old, new], None, None).await?.success)
    }

    /// The tree that merging two commits gives, or `None` on a conflict.
    pub async fn merge_tree(&self, base: &str, head: &str) -> anyhow::Result<Option<String>> {
        let output = self.spawn(&["merge-tree", "--write-tree", base, head], None, None).await?;
        Ok(output
            .success
            .then(|| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned()))
    }

    /// The entries of a tree.
    pub async fn list_tree(&self, tree: &str, recursive: bool) -> anyhow::Result<Vec<TreeEntry>> {
        let mut arguments = vec!["ls-tree", "-z"];
        if recursive {
            arguments.extend(["-r", "-t"]);
        }
        arguments.push(tree);
        let text = String::from_utf8_lossy(&self.run(&arguments, None).await?).into_owned();
        let entry = |line: &str| {
            let (head, path) = line.split_once('\t')?;
            let mut words = head.split(' ');
            let (mode, kind, sha) = (words.next()?, words.next()?, words.next()?);
            Some(TreeEntry { mode: mode.into(), kind: kind.into(), sha: sha.into(), path: path.into() })
        };
        Ok(text.split('\0').filter_map(entry).collect())
    }

    /// The paths that differ between two trees, each with `A`, `M`, `D` or `T`.
    pub async fn changed_paths(&self, old: &str, new: &str) -> anyhow::Result<Vec<(char, String)>> {
        let text = self.run(&["diff-tree", "-r", "-z", "--no-renames", "--name-status", old, new], None).await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let words: Vec<&str> = text.split('\0').collect();
        let pair = |pair: &[&str]| Some((pair.first()?.chars().next()?, (*pair.get(1)?).to_owned()));
        Ok(words.chunks_exact(2).filter_map(pair).collect())
    }

    /// What changed from one tree to the other.
    pub async fn diff(&self, old: &str, new: &str) -> anyhow::Result<Vec<FileChange>> {
        let raw = self.run(&["diff-tree", "-r", "-M", "-z", "--raw", "--no-abbrev", old, new], None).await?;
        let raw = String::from_utf8_lossy(&raw).into_owned();
        let mut words = raw.split('\0');
        let mut changes = Vec::new();
        while let Some(head) = words.next().filter(|w| !w.is_empty()) {
            let fields: Vec<&str> = head.split(' ').collect();
            let [_, _, old_sha, new_sha, status] = fields[..] else { bail!("git diff-tree printed `{head}`") };
            let status = status.chars().next().unwrap_or('M');
            let first = words.next().unwrap_or_default().to_owned();
            let (path, previous) = match status {
                'R' => (words.next().unwrap_or_default().to_owned(), Some(first)),
                _ => (first, None),
            };
            let sha = if status == 'D' { old_sha } else { new_sha }.to_owned();
            let patch = self.patch(old, new, &path, previous.as_deref()).await?;
            let count = |sign| patch.iter().flat_map(|p| p.lines()).filter(|l| l.starts_with(sign)).count() as u64;
            let (additions, deletions) = (count('+'), count('-'));
            changes.push(FileChange { status, path, previous, sha, additions, deletions, patch });
        }
        Ok(changes)
    }

    /// The hunks of one file's change, as GitHub's `patch` has them; none for binary files.
    async fn patch(&self, old: &str, new: &str, path: &str, previous: Option<&str>) -> anyhow::Result<Option<String>> {
        let mut arguments = vec!["diff-tree", "-r", "-M", "-p", old, new, "--", path];
        arguments.extend(previous);
        let text = self.run(&arguments, None).await?;
        let text = String::from_utf8_lossy(&text);
        Ok(text.find("\n@@ ").map(|at| text[at + 1..].trim_end_matches('\n').to_owned()))
    }
}

fn parse_commit(record: &[u8]) -> anyhow::Result<Commit> {
    let text = String::from_utf8_lossy(record);
    let mut lines = text.splitn(10, '\n');
    let mut next = || lines.next().context("git log printed a short record");
    let time = |text: &str| DateTime::from_timestamp(text.parse()?, 0).context("a time that git printed");
    let (sha, tree, parents) = (next()?.to_owned(), next()?.to_owned(), next()?.to_owned());
    let author = Signature { name: next()?.into(), email: next()?.into(), at: time(next()?)? };
    let committer = Signature { name: next()?.into(), email: next()?.into(), at: time(next()?)? };
    let message = next()?.trim_end_matches('\n').to_owned();
    Ok(Commit {
        sha,
        tree,
        parents: parents.split_whitespace().map(str::to_owned).collect(),
        author,
        committer,
        message,
    })
}
