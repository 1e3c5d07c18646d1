//! With OpenTofu.

use std::fs;

use crate::{Ended, Place, example, shows, tool};

const HOUSE: &str = r#"
variable "door" {
  type      = string
  sensitive = true
}

resource "local_file" "motd" {
  filename = "motd"
  content  = "welcome\nto the red house\n"
}

resource "local_file" "door" {
  filename          = "door"
  sensitive_content = var.door
}

output "address" {
  value = "https://door:${nonsensitive(var.door)}@example.com"
}
"#;

/// The folder `infra/prod`, not initialized yet.
fn house() -> Place {
    let mut place = Place::new();
    let provider = tool("HEDDLE_PROVIDER_LOCAL");
    let version = provider.to_str().unwrap().rsplit_once("-v").unwrap().1.to_owned();
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let mirror = format!("mirror/registry.opentofu.org/hashicorp/local/{version}/linux_{arch}");
    fs::create_dir_all(place.at(&mirror)).unwrap();
    fs::copy(&provider, place.at(&format!("{mirror}/terraform-provider-local_v{version}_x4"))).unwrap();
    let mirror = place.at("mirror");
    place.write(
        "tofurc",
        &format!("provider_installation {{\n  filesystem_mirror {{ path = \"{}\" }}\n}}\n", mirror.display()),
    );
    place.set("TF_CLI_CONFIG_FILE", place.at("tofurc"));
    place.set("HEDDLE_PLAN_KEY", "of the pipeline");
    place.write("infra/prod/main.tf", HOUSE);
    place.write("infra/prod/terraform.tfvars", "door = \"hunter2hunter2\"\n");
    fs::create_dir(place.at("bin")).unwrap();
    std::os::unix::fs::symlink(tool("HEDDLE_TOFU"), place.at("bin/tofu")).unwrap();
    place
}

/// The folder, applied.
fn applied_house() -> Place {
    let place = house();
    tofu(&place, &["init", "-input=false"]);
    tofu(&place, &["apply", "-input=false", "-auto-approve"]);
    place
}

fn tofu(place: &Place, arguments: &[&str]) {
    let ended = place.run("tofu", &[&["-chdir=infra/prod"], arguments].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
}

fn diff(place: &Place) -> Ended {
    place.heddle(&["diff", "terraform", "infra/prod"])
}

fn edit(place: &Place, from: &str, to: &str) {
    let text = place.read("infra/prod/main.tf");
    assert!(text.contains(from), "{from}");
    place.write("infra/prod/main.tf", &text.replace(from, to));
}

#[test]
fn a_folder_is_new_the_same_drifted_changed_and_applied_again() {
    let place = house();
    let ended = diff(&place);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("run `tofu -chdir=infra/prod init`, then this again"), "{ended:?}");
    assert!(!place.at("infra/prod/.terraform").exists(), "init is not run");

    tofu(&place, &["init", "-input=false"]);
    let ended = diff(&place);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("local_file.motd is to be made") && ended.stdout.contains("<secret "), "{ended:?}");
    let ended = place.heddle(&["sync", "terraform", "infra/prod", "--approve", ended.hash()]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "applied: 2 added, 0 changed, 0 removed\n"), "{ended:?}");
    assert_eq!(place.read("infra/prod/door"), "hunter2hunter2");

    let ended = diff(&place);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));

    // Somebody was here.
    place.write("infra/prod/motd", "somebody was here\n");
    let drifted = diff(&place);
    assert_eq!((drifted.code, drifted.stderr.as_str()), (1, ""), "{drifted:?}");
    let page = example("drift");
    assert_eq!(page[0], "$ heddle diff terraform infra/prod");
    shows(&page[1..], &drifted.stdout);
    let json = place.heddle(&["diff", "terraform", "infra/prod", "-o", "json"]).json();
    assert_eq!(
        (&json["drift"][0]["object"], &json["drift"][0]["state"]),
        (&"local_file.motd".into(), &"missing".into())
    );

    let page = example("sync");
    let line = page[1].trim_start_matches("$ ").split_once(" 1-").unwrap().0.to_owned();
    let ended = place.shell(&format!("{line} {}", drifted.hash()));
    assert_eq!(ended.code, 0, "{ended:?}");
    shows(&page[2..], &ended.stdout);
    assert_eq!(place.read("infra/prod/motd"), "welcome\nto the red house\n");

    // Git wants something else.
    edit(&place, "red", "blue");
    let changed = place.heddle(&["diff", "terraform", "infra/prod", "-o", "json"]).json();
    assert_eq!(changed["drift"], serde_json::json!([]));
    assert_eq!(
        (&changed["changes"][0]["object"], &changed["changes"][0]["state"]),
        (&"local_file.motd".into(), &"replaced".into())
    );
}

#[test]
fn a_plan_is_applied_only_where_it_is_the_approved_one() {
    let place = applied_house();
    edit(&place, "red", "blue");
    let approved = diff(&place).hash().to_owned();
    let sync = || place.heddle(&["sync", "terraform", "infra/prod", "--approve", &approved]);
    let refused = |what: &str| {
        let ended = sync();
        assert_eq!(ended.code, 2, "{what}: {ended:?}");
        assert!(ended.stderr.contains(&format!("approved {approved}, now 1-")), "{what}: {ended:?}");
        assert_eq!(place.read("infra/prod/motd"), "welcome\nto the red house\n", "{what}");
    };
    edit(&place, "blue", "green");
    refused("a resource");
    edit(&place, "green", "blue");

    place.write("infra/prod/terraform.tfvars", "door = \"hunter3hunter3\"\n");
    refused("a variable");
    place.write("infra/prod/terraform.tfvars", "door = \"hunter2hunter2\"\n");

    edit(&place, "\"motd\"\n  content", "\"motd\"\n  file_permission = \"0777\"\n  content");
    refused("the configuration alone");
    edit(&place, "  file_permission = \"0777\"\n", "");

    let lock = place.read("infra/prod/.terraform.lock.hcl");
    place.write("infra/prod/.terraform.lock.hcl", &format!("{lock}# another\n"));
    refused("the lock file");
    place.write("infra/prod/.terraform.lock.hcl", &lock);

    let ended = sync();
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "applied: 1 added, 0 changed, 1 removed\n"), "{ended:?}");
    assert_eq!(place.read("infra/prod/motd"), "welcome\nto the blue house\n");
    let ended = sync();
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("nothing to apply any more"), "{ended:?}");
}

#[test]
fn a_folder_that_cannot_be_planned_is_an_error() {
    let place = applied_house();
    fs::remove_file(place.at("infra/prod/motd")).unwrap();
    fs::create_dir(place.at("infra/prod/motd")).unwrap();
    let ended = diff(&place);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("is a directory") && ended.stderr.contains("`tofu plan` failed"), "{ended:?}");

    edit(&place, "var.door", "var.window");
    let ended = diff(&place);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("main.tf:14: Reference to undeclared input variable"), "{ended:?}");
}

#[test]
fn a_program_of_the_folder_that_does_not_end_is_ended() {
    let place = applied_house();
    // An apply that waits holds the lock, which a look does not ask for, and a sync does.
    edit(
        &place,
        "variable \"door\"",
        "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" { command = \"sleep 600\" }\n}\nvariable \"door\"",
    );
    let approved = diff(&place).hash().to_owned();
    let arguments = ["sync", "terraform", "infra/prod", "--approve", &approved, "--time-limit", "15s"];
    let ended = place.heddle(&arguments);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("took longer than 15 s and was ended"), "{ended:?}");
    assert!(
        !place.at("infra/prod/.terraform.tfstate.lock.info").exists(),
        "it was asked to end, and gave its lock back"
    );
}

#[test]
fn the_job_of_the_page_runs() {
    let place = applied_house();
    let lines = example("job");
    let runs: Vec<&str> = lines.iter().filter_map(|line| line.trim().strip_prefix("- run: ")).collect();
    assert_eq!(runs.len(), 2, "{lines:?}");
    for line in runs {
        let ended = place.shell(line);
        assert_eq!(ended.code, 0, "{line}: {ended:?}");
    }
}
