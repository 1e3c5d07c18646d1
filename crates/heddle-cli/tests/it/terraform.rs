//! `heddle diff terraform` and `heddle sync terraform` on what OpenTofu printed (`terraform/record.sh` records it anew). The
//! program itself is asked by `make test-drift`.

use std::{fs, path::Path};

use crate::{
    local::with,
    program::{Ended, Person},
};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/terraform");

/// A person in whose `PATH` a program plays a recorded case, and whose folder is `infra`.
struct Played {
    person: Person,
    case: String,
}

impl Played {
    fn new(case: &str) -> Self {
        let person = with(&[("infra/main.tf", ""), ("bin/x", "")]);
        std::os::unix::fs::symlink(format!("{RECORDED}/play.sh"), person.home.path().join("bin/tofu")).unwrap();
        Self { person, case: format!("{RECORDED}/{case}") }
    }

    fn home(&self) -> &Path {
        self.person.home.path()
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, ("TF_LOG", "trace")).await
    }

    /// With one more variable in its environment.
    async fn run_with(&self, arguments: &[&str], (name, value): (&str, &str)) -> Ended {
        let home = self.home().to_str().unwrap();
        let mut command = self.person.command(arguments);
        command.current_dir(home).env("PATH", format!("{home}/bin:/usr/bin:/bin")).env("TMPDIR", home);
        command.env("PLAY", &self.case).env("ASKED", format!("{home}/asked"));
        command.env("HEDDLE_PLAN_KEY", "of the pipeline").env("HEDDLE_TOKEN", "hdlt_x");
        command.env("TF_LOG", "trace").env("AWS_PROFILE", "prod").env(name, value);
        let ended = Ended::from(command.output().await.unwrap());
        assert!(!format!("{ended:?}").contains("hunter"), "a secret is told: {ended:?}");
        ended
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.home().join("asked")).unwrap()
    }
}

fn hash_of(ended: &Ended) -> String {
    ended.stdout.lines().find_map(|line| line.strip_prefix("plan hash: ")).unwrap().to_owned()
}

#[tokio::test]
async fn a_world_that_is_as_the_folder_says_is_the_same() {
    let played = Played::new("same");
    let ended = played.run(&["diff", "terraform", "infra"]).await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    let asked = played.asked();
    let flags = "plan -json -input=false -refresh=true -lock=false -out=";
    assert!(asked.starts_with(flags), "{asked}");
    assert!(asked.contains("cwd=infra token= log= profile=prod\n700\n"), "{asked}");
}

#[tokio::test]
async fn drift_and_changes_are_told_and_nothing_secret_is() {
    let played = Played::new("drifted");
    let ended = played.run(&["diff", "terraform", "infra"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""), "{ended:?}");
    for part in [
        "local_file.motd was removed outside\n",
        "local_file.motd is to be made\n  content\n    + welcome\n    + to the red house\n",
        "terraform_data.paint is to be changed\n  input.color\n    - \"red\"\n    + \"blue\"\n",
        "local_file.door is to be replaced (cannot update)\n",
        "  value\n    - \"https://door:<secret ",
        "plan hash: 1-",
    ] {
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
    let plan = fs::read(played.home().join("asked.plan")).unwrap();
    assert!(!plan.is_empty() && plan.iter().all(|byte| *byte == 0), "the plan file is overwritten");
    let left: Vec<_> = fs::read_dir(played.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("heddle-")), "{left:?}");

    let ended = played.run(&["diff", "terraform", "infra", "-o", "json"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    let json = ended.json();
    assert_eq!(
        (&json["tool"], &json["version"], &json["complete"]),
        (&"terraform".into(), &"1.12.6".into(), &true.into())
    );
    assert_eq!(json["drift"][0]["object"], "local_file.motd");
    assert_eq!(json["drift"][0]["state"], "missing");
    assert_eq!(json["changes"].as_array().unwrap().len(), 3);
    assert_eq!(json["outputs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_init_the_command_is_told_and_not_run() {
    let played = Played::new("not-initialized");
    let ended = played.run(&["diff", "terraform", "infra"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("run `tofu -chdir=infra init`, then this again"), "{ended:?}");
    assert!(!played.asked().contains("init"), "{}", played.asked());
}

#[tokio::test]
async fn a_plan_that_fails_is_an_error_with_its_words() {
    let ended = Played::new("broken").run(&["diff", "terraform", "infra", "-o", "json"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended.stderr.contains("is a directory") && ended.stderr.contains("`tofu plan` failed in infra"),
        "{ended:?}"
    );
    assert_eq!((&ended.json()["complete"], &ended.json()["plan_hash"]), (&false.into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn a_tool_that_does_not_end_is_ended() {
    let played = Played::new("same");
    let slow = played.home().join("bin/slow");
    fs::write(&slow, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&slow, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ended = played.run(&["diff", "terraform", "infra", "--program", "slow", "--time-limit", "1s"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("took longer than 1 s") && ended.stderr.contains("--time-limit"), "{ended:?}");
}

#[tokio::test]
async fn whoever_ends_us_ends_the_tool_and_no_plan_is_left() {
    let played = Played::new("drifted");
    let home = played.home().to_str().unwrap().to_owned();
    let slow = played.home().join("bin/slow");
    // It has written its plan, and does not end.
    fs::write(
        &slow,
        "#!/bin/sh\necho hunter2 > ${7#-out=}\necho $$ > asked.part\nmv asked.part asked\nexec sleep 600\n",
    )
    .unwrap();
    fs::set_permissions(&slow, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let slow = slow.to_str().unwrap();
    let mut command = played.person.command(&["diff", "terraform", "infra", "--program", slow]);
    let child = command.current_dir(&home).env("PATH", "/usr/bin:/bin").env("TMPDIR", &home).spawn().unwrap();
    let asked = played.home().join("infra/asked");
    while !asked.exists() {
        tokio::task::yield_now().await;
    }
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = Ended::from(child.wait_with_output().await.unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("was interrupted"), "{ended:?}");
    let left: Vec<_> = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("heddle-")), "{left:?}");
}

#[tokio::test]
async fn only_the_approved_plan_is_applied() {
    let played = Played::new("new");
    let approved = hash_of(&played.run(&["diff", "terraform", "infra"]).await);
    let mut other = Played::new("drifted");
    let ended = other.run(&["sync", "terraform", "infra", "--approve", &approved]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains(&format!("approved {approved}, now 1-")), "{ended:?}");
    assert!(ended.stdout.contains("terraform_data.paint is to be changed"), "what it is now is shown: {ended:?}");
    assert!(!other.asked().contains("apply"), "{}", other.asked());

    let ended = played.run(&["sync", "terraform", "infra", "--approve", &approved]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "applied: 3 added, 0 changed, 0 removed\n"), "{ended:?}");
    let asked = played.asked();
    assert!(asked.contains("plan -json -input=false -refresh=true -lock-timeout=60s"), "under the lock: {asked}");
    assert!(asked.contains("apply -json -input=false /"), "{asked}");

    other.case = format!("{RECORDED}/same");
    let ended = other.run(&["sync", "terraform", "infra", "--approve", &approved]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("nothing to apply any more"), "{ended:?}");
}

#[tokio::test]
async fn another_workspace_or_backend_is_another_plan() {
    let played = Played::new("new");
    let approved = hash_of(&played.run(&["diff", "terraform", "infra"]).await);
    let data = played.home().join("infra/.terraform");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("terraform.tfstate"), r#"{"backend": {"type": "s3", "config": {"bucket": "b"}}}"#).unwrap();
    let ended = played.run(&["sync", "terraform", "infra", "--approve", &approved]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    fs::remove_dir_all(&data).unwrap();
    let ended =
        played.run_with(&["sync", "terraform", "infra", "--approve", &approved], ("TF_WORKSPACE", "prod")).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(!played.asked().contains("apply"), "{}", played.asked());
}

#[tokio::test]
async fn a_plan_that_only_refreshes_is_refused() {
    let played = Played::new("same");
    let arguments = ["diff", "terraform", "infra"];
    for name in ["TF_CLI_ARGS", "TF_CLI_ARGS_plan"] {
        let ended = played.run_with(&arguments, (name, "-compact-warnings -refresh-only")).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(&format!("`-refresh-only` stands in {name}")), "{ended:?}");
    }
    assert!(!played.home().join("asked").exists());
    let ended = played.run_with(&arguments, ("TF_CLI_ARGS_plan", "-refresh-only=false")).await;
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[tokio::test]
async fn secrets_without_a_key_have_no_hash() {
    let played = Played::new("new");
    let home = played.home().to_str().unwrap().to_owned();
    let mut command = played.person.command(&["diff", "terraform", "infra"]);
    command.current_dir(&home).env("PATH", format!("{home}/bin:/usr/bin:/bin"));
    let ended = Ended::from(command.env("PLAY", &played.case).env("ASKED", "asked").output().await.unwrap());
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("set HEDDLE_PLAN_KEY") && !ended.stdout.contains("plan hash"), "{ended:?}");
}
