//! `heddle diff` and `heddle sync` with the real tools, and the examples of `docs/drift.md`. `make test-drift` builds the tools,
//! names them in the environment and runs this; a tool that is not named is a failure.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ansible;
mod terraform;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A tool that `tests/tools/drift.sh` built or installed.
fn tool(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} names no tool: run `make test-drift`")).into()
}

/// A folder of its own, in which programs run.
struct Place {
    root: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// What a run left.
#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The hash that `diff` printed.
    fn hash(&self) -> &str {
        self.stdout.lines().find_map(|line| line.strip_prefix("plan hash: ")).unwrap_or_else(|| panic!("{self:?}"))
    }
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn set(&mut self, name: &str, value: impl AsRef<Path>) {
        self.environment.push((name.to_owned(), value.as_ref().to_str().unwrap().to_owned()));
    }

    /// Runs a program in an environment that holds nothing of the tester's.
    fn run(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Ended {
        let mut command = Command::new(program.as_ref());
        command.env_clear().current_dir(self.root.path()).env("HOME", self.at("home"));
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.at("bin").display()));
        command.env("TMPDIR", self.root.path()).env("LANG", "C.UTF-8");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(arguments).output().unwrap().into()
    }

    /// Runs `heddle`; nothing of it may be left, and nothing planted may be told.
    fn heddle(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(env!("CARGO_BIN_EXE_heddle"), arguments);
        let said = format!("{ended:?}");
        assert!(!said.contains("hunter"), "a secret is told: {said}");
        let left: Vec<_> = fs::read_dir(self.root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("heddle-")), "{left:?}");
        ended
    }

    /// Runs a line of an example.
    fn shell(&self, line: &str) -> Ended {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
        match words[..] {
            ["heddle", ref arguments @ ..] => self.heddle(arguments),
            [program, ref arguments @ ..] => self.run(program, arguments),
            [] => panic!("no command in `{line}`"),
        }
    }
}

/// An example of `docs/drift.md`: the lines of the block after the mark `<!-- tried: NAME -->`.
fn example(name: &str) -> Vec<String> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/drift.md")).unwrap();
    let (_, rest) =
        page.split_once(&format!("<!-- tried: {name} -->\n")).unwrap_or_else(|| panic!("no example {name}"));
    let block = rest.lines().skip(1).take_while(|line| *line != "```");
    block.map(str::to_owned).collect()
}

/// Holds what an example shows against what was printed; `…` stands for anything.
fn shows(shown: &[String], printed: &str) {
    let shown = shown.join("\n");
    let mut rest = printed;
    for part in shown.split('…').map(str::trim).filter(|part| !part.is_empty()) {
        let at = rest.find(part).unwrap_or_else(|| panic!("the page shows\n{part}\nand this is printed\n{printed}"));
        rest = &rest[at + part.len()..];
    }
}
