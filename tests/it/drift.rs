//! Is the world as Git says: Terraform folders and playbooks, from the look to the page and the command line. What the tools
//! print was recorded once; `make test-drift` asks the tools themselves.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use heddle_testkit::wait;
use heddle_tests::{
    World, WorldOptions,
    command_line::{CommandLine, Printed},
    config_repository::rules,
    dashboard::BrowserTest,
    programs,
    world::{EMAIL, PASSWORD},
};
use serde_json::{Value, json};

use crate::{
    browser::{pictures, report, with_dashboard},
    secrets::everything_told,
};

/// What stands in every recorded plan that is secret, and in the complaint of a playbook that cannot be read.
const PLANTED: &str = "hunter";

/// What somebody looks at, and what that comes to.
struct Looked {
    tool: &'static str,
    source: &'static str,
    /// What the tool printed; a tool that does not end where none is named.
    play: Option<&'static str>,
    code: i32,
    state: &'static str,
    /// A part of what the page and the command line say of it.
    told: &'static str,
}

const fn looked(
    tool: &'static str,
    source: &'static str,
    play: Option<&'static str>,
    (code, state, told): (i32, &'static str, &'static str),
) -> Looked {
    Looked { tool, source, play, code, state, told }
}

const LOOKED: [Looked; 12] = [
    looked("terraform", "infra/same", Some("terraform/same"), (0, "same", "")),
    looked(
        "terraform",
        "infra/drifted",
        Some("terraform/drifted"),
        (1, "differs", "local_file.motd was removed outside"),
    ),
    looked("terraform", "infra/changed", Some("terraform/new"), (1, "differs", "local_file.motd is to be made")),
    looked("terraform", "infra/broken", Some("terraform/not-initialized"), (2, "unknown", "`tofu plan` failed")),
    looked("terraform", "infra/slow", None, (2, "unknown", "took longer than 1 s and was ended")),
    looked("ansible", "same.yml", Some("ansible/same.jsonl"), (0, "same", "")),
    looked("ansible", "drifted.yml", Some("ansible/drifted.jsonl"), (1, "differs", "would change")),
    looked("ansible", "changed.yml", Some("ansible/new.jsonl"), (1, "differs", "would change")),
    looked("ansible", "broken.yml", Some("ansible/none"), (2, "unknown", "ended before it looked at anything")),
    looked(
        "ansible",
        "rings.yml",
        Some("ansible/unchecked.jsonl"),
        (2, "unknown", "Command would have run if not in check mode"),
    ),
    // One host differs, and the other one is away.
    looked(
        "ansible",
        "away.yml",
        Some("ansible/unreachable.jsonl"),
        (2, "differs", "Failed to connect to the host via ssh"),
    ),
    looked("ansible", "slow.yml", None, (2, "unknown", "took longer than 1 s and was ended")),
];

/// What is asked for and nobody looks at.
const UNSEEN: [(&str, &str); 2] = [("terraform", "infra/never"), ("ansible", "never.yml")];

/// `.heddle.yaml`, which asks for all of it.
fn asking() -> String {
    let asked = LOOKED.iter().map(|one| (one.tool, one.source)).chain(UNSEEN);
    let entries = asked.map(|(tool, source)| {
        format!("  - {{tool: {tool}, source: {source}, repository: acme/infra, environment: prod, every: 1d}}\n")
    });
    format!("{}drift:\n{}", rules("IMAGE"), entries.collect::<String>())
}

fn recorded(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/heddle-cli/tests/it").join(path)
}

/// A clone of `acme/infra` on the machine of a job, with the tools beside it.
struct Clone {
    root: tempfile::TempDir,
    api: String,
}

impl Clone {
    async fn new(world: &World) -> Result<Self> {
        let clone = Self { root: tempfile::tempdir()?, api: world.api_url.to_string() };
        for one in LOOKED.iter().filter(|one| one.tool == "terraform") {
            clone.write(&format!("{}/main.tf", one.source), "")?;
        }
        clone.write("infra/prod/main.tf", "")?;
        LOOKED.iter().filter(|one| one.tool == "ansible").try_for_each(|one| clone.write(one.source, "[]\n"))?;
        clone.program("slow", "#!/bin/sh\nexec sleep 600\n")?;
        for (name, program) in [
            ("tofu", recorded("terraform/play.sh")),
            ("ansible-playbook", recorded("ansible/play.sh")),
            ("heddle", programs::path("heddle")?),
        ] {
            std::os::unix::fs::symlink(program, clone.root.path().join("bin").join(name))?;
        }
        let commit = "git init -q && git remote add origin https://github.example/acme/infra.git && git add -A && \
                      git -c user.name=ada -c user.email=ada@example.com commit -q -m 'Begin'";
        let made = clone.shell(commit, "terraform/same", "").await?;
        ensure!(made.code == 0, "{made:?}");
        Ok(clone)
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    /// A program that lines find by its name.
    fn program(&self, name: &str, text: &str) -> Result<()> {
        let path = format!("bin/{name}");
        self.write(&path, text)?;
        Ok(fs::set_permissions(self.root.path().join(path), Permissions::from_mode(0o755))?)
    }

    /// Runs a line as a job does that holds a reporter's token, and logins that no tool may tell.
    async fn shell(&self, line: &str, play: &str, token: &str) -> Result<Printed> {
        let root = self.root.path();
        let mut command = tokio::process::Command::new("sh");
        command.args(["-euc", line]).current_dir(root).env_clear().kill_on_drop(true);
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", root.join("bin").display()));
        command.env("HOME", root).env("TMPDIR", root).env("PLAY", recorded(play)).env("ASKED", root.join("asked"));
        command.env("HEDDLE_API_URL", &self.api).env("HEDDLE_REPORT_TOKEN", token);
        command.env("HEDDLE_PLAN_KEY", "hunter of the pipeline").env("TF_VAR_door", "hunter of the job");
        let ended = command.output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = ended.status.code().context("it was killed")?;
        let printed = Printed { code, out: text(&ended.stdout), err: text(&ended.stderr) };
        ensure!(!format!("{printed:?}").contains(PLANTED), "a secret is told: {printed:?}");
        Ok(printed)
    }

    async fn look(&self, one: &Looked, environment: &str, token: &str) -> Result<Printed> {
        let inventory = if one.tool == "ansible" { " -i hosts" } else { "" };
        let slow = if one.play.is_none() { " --program bin/slow --time-limit 1s" } else { "" };
        let slow = slow.replace("bin/", &format!("{}/bin/", self.root.path().display()));
        let line = format!("heddle diff {} {}{inventory}{slow} --report {environment}", one.tool, one.source);
        self.shell(&line, one.play.unwrap_or("terraform/same"), token).await
    }
}

/// Makes a reporter at a shell, as an administrator does; gives its token.
async fn add_reporter(shell: &CommandLine, tool: &str, source: &str) -> Result<String> {
    let named = ["--repository", "acme/infra", "--environment", "prod", "--tool", tool, "--source", source];
    let made = shell.run(&[&["reporter", "add", "nightly"][..], &named].concat(), "").await?;
    ensure!(made.code == 0 && made.out.starts_with("hdlp_"), "{made:?}");
    Ok(made.out.trim().to_owned())
}

async fn listed(shell: &CommandLine, arguments: &[&str]) -> Result<Value> {
    let told = shell.run(&[&["drift", "-o", "json"][..], arguments].concat(), "").await?;
    serde_json::from_str(&told.out).with_context(|| format!("{told:?}"))
}

#[tokio::test]
async fn what_was_looked_at_and_what_was_not_stands_on_the_page_and_in_the_shell_and_nothing_secret_does() {
    let files = vec![(".heddle.yaml".to_owned(), asking())];
    let world = World::start_with(WorldOptions { files, ..with_dashboard() }).await.unwrap();
    let shell = CommandLine::of(&world).await.unwrap();
    let clone = Clone::new(&world).await.unwrap();
    wait::until("what is asked for to be listed, and the Syncs to be as Git says", wait::LONG, async || {
        let page = listed(&shell, &["--environment", "prod"]).await.map_err(|error| format!("{error:#}"))?;
        let rows = page["items"].as_array().cloned().unwrap_or_default();
        let asked = rows.iter().filter(|row| row["tool"] != "kubernetes").count();
        let is_synced = rows.iter().any(|row| row["tool"] == "kubernetes" && row["state"] == "same");
        if asked == LOOKED.len() + UNSEEN.len() && is_synced { Ok(()) } else { Err(page.to_string()) }
    })
    .await
    .unwrap();

    let mut tokens = Vec::new();
    for one in &LOOKED {
        let token = add_reporter(&shell, one.tool, one.source).await.unwrap();
        let ended = clone.look(one, "prod", &token).await.unwrap();
        assert_eq!(ended.code, one.code, "{}: {ended:?}", one.source);
        tokens.push(token);
    }
    // A token of one environment tries another: before its tool runs, and whoever does not use `heddle`.
    fs::remove_file(clone.root.path().join("asked")).unwrap();
    let ended = clone.look(&LOOKED[0], "staging", &tokens[0]).await.unwrap();
    assert!(ended.code == 2 && ended.err.contains("reports terraform infra/same of acme/infra in prod"), "{ended:?}");
    assert!(!clone.root.path().join("asked").exists(), "the tool ran");
    let now = chrono::Utc::now();
    let look = json!({
        "id": uuid::Uuid::new_v4(), "environment": "staging", "tool": "terraform", "source": "infra/same",
        "repository": "acme/infra", "commit": null, "begun_at": now, "ended_at": now, "program": "tofu", "version": null,
        "items": [], "not_looked_at": [], "failure": null, "plan_hash": null,
    });
    let looks = world.api_url.join("reporter/v1/looks").unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let told = http.post(looks).bearer_auth(&tokens[0]).json(&look).send().await.unwrap();
    assert_eq!(told.status(), 403);

    // At a shell.
    for one in &LOOKED {
        let detail = listed(&shell, &[one.source, "--tool", one.tool]).await.unwrap();
        assert_eq!(detail["record"]["state"], one.state, "{detail}");
        let text = shell.run(&["drift", one.source], "").await.unwrap();
        assert!(text.code == 0 && text.out.contains(one.told), "{} in {text:?}", one.told);
    }
    for (tool, source) in UNSEEN {
        let detail = listed(&shell, &[source, "--tool", tool]).await.unwrap();
        assert_eq!(detail["record"]["state"], "not-looked-at", "{detail}");
        assert!(detail["asked_in"].as_str().unwrap().starts_with("acme/config:.heddle.yaml:"), "{detail}");
    }
    let page = listed(&shell, &[]).await.unwrap();
    let staging: Vec<_> =
        page["items"].as_array().unwrap().iter().filter(|row| row["environment"] == "staging").collect();
    assert!(staging.iter().all(|row| row["tool"] == "kubernetes"), "nothing of the other environment: {staging:?}");
    assert_eq!(shell.run(&["drift", "--check"], "").await.unwrap().code, 1);
    assert_eq!(shell.run(&["drift", "infra/same", "--check"], "").await.unwrap().code, 0);
    let markdown = shell.run(&["drift", "infra/drifted", "--markdown"], "").await.unwrap();
    assert!(markdown.out.contains("`local_file.motd` was removed outside"), "{markdown:?}");

    // In the browser.
    let expected: Vec<_> = LOOKED
        .iter()
        .map(|one| json!({"source": one.source, "state": one.state, "told": one.told}))
        .chain(
            UNSEEN.map(|(_, source)| json!({"source": source, "state": "not-looked-at", "told": "nobody has looked"})),
        )
        .collect();
    let expected = Value::from(expected).to_string();
    let test = BrowserTest {
        name: "drift",
        dashboard: &world.api_url,
        settings: &[
            ("HEDDLE_EMAIL", EMAIL),
            ("HEDDLE_PASSWORD", PASSWORD),
            ("HEDDLE_DRIFT", &expected),
            ("HEDDLE_PLANTED", PLANTED),
        ],
        pictures: pictures("drift"),
    };
    report(test.run(async |_| anyhow::bail!("nothing is asked for")).await, &world.complaints());

    // It is put right, and what was is history.
    let mended = Looked { play: Some("terraform/same"), ..looked("terraform", "infra/drifted", None, (0, "same", "")) };
    assert_eq!(clone.look(&mended, "prod", &tokens[1]).await.unwrap().code, 0);
    let detail = listed(&shell, &["infra/drifted"]).await.unwrap();
    let found: Vec<&Value> = detail["history"].as_array().unwrap().iter().map(|spell| &spell["found"]).collect();
    assert_eq!((&detail["record"]["state"], found), (&json!("same"), vec![&json!("same"), &json!("differs")]));

    the_job_of_the_cluster_looks(&world, &shell, &clone).await.unwrap();
    the_job_of_the_workflow_looks(&shell, &clone).await.unwrap();
    the_example_of_the_page_runs(&shell, &clone).await.unwrap();

    for (place, text) in everything_told(&world).await {
        let planted = [PLANTED.to_owned(), STANDARD.encode("hunter2hunter2"), STANDARD.encode("hunter3hunter3")];
        for secret in planted.iter().chain(&tokens) {
            let at = text.find(secret).map(|at| &text[at.saturating_sub(200)..at + secret.len()]);
            assert!(at.is_none(), "{place} holds `{secret}`: …{}", at.unwrap_or_default());
        }
    }
}

/// `deploy/drift/cronjob.yaml` as a cluster takes it, and its command lines with what they are given, in their order.
async fn the_job_of_the_cluster_looks(world: &World, shell: &CommandLine, clone: &Clone) -> Result<()> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/drift/cronjob.yaml"))?;
    world.cluster.kubectl(&["create", "namespace", "drift"], "").await?;
    world.cluster.kubectl(&["apply", "--validate=strict", "-f", "-"], &manifest).await?;
    let get = ["get", "cronjob", "infra-prod", "-n", "drift", "-o", "json"];
    let job: Value = serde_json::from_str(&world.cluster.kubectl(&get, "").await?)?;
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let containers = [&pod["initContainers"], &pod["containers"]].into_iter().filter_map(Value::as_array).flatten();
    let token = add_reporter(shell, "terraform", "infra/prod").await?;

    let root = clone.root.path().display();
    // `acme/infra` is the clone; `/work` and `/tools` are folders beside it.
    let rewrite = format!("git config --global url.file://{root}.insteadOf https://github.com/acme/infra");
    clone.shell(&rewrite, "terraform/same", "").await?;
    let here = |text: &str| {
        ["/work", "/tools", "/memory"].iter().fold(text.to_owned(), |text, folder| {
            text.replace(&format!("{folder}/"), &format!("{root}/cluster{folder}/"))
        })
    };
    for folder in ["work", "tools", "memory"] {
        fs::create_dir_all(clone.root.path().join("cluster").join(folder))?;
    }
    let mut names = Vec::new();
    for container in containers {
        let words = |member: &str| container[member].as_array().cloned().unwrap_or_default();
        let words: Vec<String> = words("command")
            .into_iter()
            .chain(words("args"))
            .filter_map(|word| Some(word.as_str()?.to_owned()))
            .collect();
        let line = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["sh", "-euc", script] => format!("cd {root}/cluster/work\n{}", here(script)),
            ["/usr/local/bin/heddle", "install-into", "/tools"] => format!("heddle install-into {root}/cluster/tools"),
            ref other => anyhow::bail!("no such command is known: {other:?}"),
        };
        let has_token = container["env"].to_string().contains("HEDDLE_REPORT_TOKEN");
        let given = if has_token { token.as_str() } else { "" };
        let ended = clone.shell(&line, "terraform/drifted", given).await?;
        ensure!(ended.code == 0, "{}: {ended:?}", container["name"]);
        names.push((container["name"].as_str().unwrap_or_default().to_owned(), has_token));
    }
    let expected = [("heddle", false), ("fetch", false), ("look", true)].map(|(name, has)| (name.to_owned(), has));
    ensure!(names == expected, "{names:?}");
    let detail = listed(shell, &["infra/prod"]).await?;
    ensure!(detail["record"]["state"] == "differs" && detail["record"]["looked_by"] == "nightly", "{detail}");
    Ok(())
}

/// `deploy/drift/github.yaml`: its lines in their order, each with what its step is given. `docker` gives the program out of its
/// image.
async fn the_job_of_the_workflow_looks(shell: &CommandLine, clone: &Clone) -> Result<()> {
    let file = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/drift/github.yaml"))?;
    let workflow: Value = serde_saphyr::from_str(&file)?;
    let triggers: Vec<&str> = workflow["on"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    ensure!(triggers == ["push", "schedule"], "a pull request from a fork would run with these logins: {triggers:?}");
    let token = add_reporter(shell, "terraform", "infra/prod").await?;
    clone.program("docker", "#!/bin/sh\nif [ $1 = cp ]; then cp \"$(command -v heddle)\" \"$3\"; fi\n")?;
    let temporary = clone.root.path().join("runner");
    fs::create_dir_all(&temporary)?;
    let steps = workflow["jobs"]["look"]["steps"].as_array().context("a job has steps")?;
    let mut has_token = Vec::new();
    for step in steps {
        let Some(line) = step["run"].as_str() else { continue };
        let is_given = step["env"]["HEDDLE_REPORT_TOKEN"].is_string();
        let given = if is_given { token.as_str() } else { "" };
        let line = format!("export RUNNER_TEMP={}\n{line}", temporary.display());
        let ended = clone.shell(&line, "terraform/drifted", given).await?;
        ensure!(ended.code == 0, "{line}: {ended:?}");
        has_token.push(is_given);
    }
    ensure!(has_token == [false, false, true], "the token is for the look alone: {has_token:?}");
    ensure!(workflow["jobs"]["look"]["env"]["HEDDLE_REPORT_TOKEN"].is_null(), "the token is for the look alone");
    let reporters = shell.run(&["reporter", "list", "-o", "json"], "").await?;
    let reporters: Value = serde_json::from_str(&reporters.out)?;
    let of = |one: &&Value| one["source"] == "infra/prod" && one["reported_at"].is_null();
    let silent = reporters.as_array().context("a list")?.iter().filter(of).count();
    ensure!(silent == 0, "this one has not reported: {reporters}");
    Ok(())
}

/// The block of `docs/drift.md` behind the mark `<!-- tried: NAME -->`.
fn example(name: &str) -> Result<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/drift.md"))?;
    let (_, rest) =
        page.split_once(&format!("<!-- tried: {name} -->\n")).with_context(|| format!("no example {name}"))?;
    let block: Vec<&str> = rest.lines().skip(1).take_while(|line| *line != "```").collect();
    Ok(block.join("\n"))
}

/// The lines of `docs/drift.md` on reporting, one after the other, as they stand.
async fn the_example_of_the_page_runs(shell: &CommandLine, clone: &Clone) -> Result<()> {
    let mut token = String::new();
    for step in example("report")?.split("$ ").filter(|step| !step.is_empty()) {
        let (line, shown) = step.split_once('\n').context("each command shows what it prints")?;
        let printed = match line.split_whitespace().nth(1) {
            // By whoever reports.
            Some("diff") => clone.shell(line, "terraform/drifted", &token).await?,
            // By whoever is logged in.
            _ => clone.shell(&format!("{}; {line}", shell.login()), "terraform/drifted", "").await?,
        };
        ensure!(printed.code <= 1, "{line}: {printed:?}");
        if printed.out.starts_with("hdlp_") {
            token = printed.out.trim().to_owned();
        }
        let mut rest = printed.out.as_str();
        for part in shown.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            let at =
                rest.find(part).with_context(|| format!("the page shows\n{part}\nand this is printed\n{printed:?}"))?;
            rest = &rest[at + part.len()..];
        }
    }
    Ok(())
}
