mod beside;
mod few;
mod groups;
mod images;
mod promotion;
mod requests;
mod signed;
mod together;

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use chrono::TimeDelta;
use heddle_core::{
    change::GateKind,
    id::{ChangeId, ProposalId},
    policy::{Signed, TagInfo, TagList},
};
use heddle_manifest::{
    config, find,
    find::{FindInput, FoundEnvironment, environments_on},
};
use heddle_wire::automator::ProposedChange;

use super::*;

const RULES: &str = "version: 1\nenvironments:\n  - {name: staging, path: staging}\n  - {name: prod, path: prod}\nimages:\n  - {name: acme/api, environments: [staging], policy: {semver: '*'}, mode: commit}\n  - {name: acme/*, policy: {semver: '<2'}}\n";

/// A repository with an overlay for each environment, the tags of `acme/api`, and what else there is.
struct World {
    rules: String,
    files: Vec<(String, String)>,
    tags: Vec<&'static str>,
    complete: bool,
    open: Vec<OpenProposal>,
    state: OpenState,
    barred: Vec<Barred>,
    proven: Vec<Proven>,
    requests: Vec<OpenRequest>,
    /// When each tag was created and for which platforms, as far as that is known.
    described: Vec<(&'static str, i64, &'static str)>,
    /// What tags point to, as a digit that makes a digest.
    digests: Vec<(&'static str, char)>,
    /// What came of looking for signatures by any key.
    signed: Vec<(&'static str, Signed)>,
    /// Whether no key can be read.
    lost_keys: bool,
    /// When it was last seen what the tags name.
    seen_at: Option<DateTime<Utc>>,
    /// What another image has.
    companion: Option<(&'static str, Vec<&'static str>)>,
}

impl World {
    fn new(staging: &str, prod: &str, tags: &[&'static str]) -> Self {
        let overlay = |tag: &str| format!("images:\n  - name: acme/api\n    newTag: {tag}\n");
        Self {
            rules: RULES.to_owned(),
            files: vec![
                ("staging/kustomization.yaml".into(), overlay(staging)),
                ("prod/kustomization.yaml".into(), overlay(prod)),
            ],
            tags: tags.to_vec(),
            complete: true,
            open: Vec::new(),
            state: OpenState::Ours { conflicting: false },
            barred: Vec::new(),
            proven: Vec::new(),
            requests: Vec::new(),
            described: Vec::new(),
            digests: Vec::new(),
            signed: Vec::new(),
            lost_keys: false,
            seen_at: Some(DateTime::UNIX_EPOCH),
            companion: None,
        }
    }

    fn branch(&self, config: &Config) -> Branch {
        let mut files = Files::with_resources(config.resources.clone());
        for (path, text) in &self.files {
            files.insert(path.clone(), text.clone());
        }
        let main: BranchName = "main".parse().unwrap();
        let environments: Vec<FoundEnvironment> = environments_on(config, &main, &main, &BTreeMap::new());
        let found = find(&FindInput { files: &files, environments: &environments });
        Branch {
            name: main,
            head: "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap(),
            files,
            executable: BTreeSet::new(),
            found,
        }
    }

    fn plan(&self) -> Plan {
        self.plan_at(DateTime::UNIX_EPOCH)
    }

    fn plan_at(&self, now: DateTime<Utc>) -> Plan {
        let (mut config, _) = config::read(&self.rules);
        signed::know_keys(&mut config, self.lost_keys);
        let first_seen_at = DateTime::UNIX_EPOCH;
        let described = |tag: &str| self.described.iter().find(|(described, ..)| *described == tag);
        let info = |tag: &&str| TagInfo {
            created_at: described(tag).map(|(_, hour, _)| DateTime::UNIX_EPOCH + TimeDelta::hours(*hour)),
            platforms: described(tag).map(|(.., platform)| vec![(*platform).to_owned()]),
            signatures: self.signed.iter().filter(|(known, _)| known == tag).map(|(_, it)| signed::check(it)).collect(),
            digest: self.digests.iter().find(|(known, _)| known == tag).map(|(_, digit)| images::digest(*digit)),
            seen_at: self.seen_at,
            ..TagInfo::named(tag.parse().unwrap(), first_seen_at)
        };
        let list =
            |tags: &[&str]| TagList { complete: self.complete, ..TagList::whole(tags.iter().map(info).collect()) };
        let mut images = vec![ImageTags { image: "acme/api".parse().unwrap(), list: Some(list(&self.tags)) }];
        if let Some((image, tags)) = &self.companion {
            images.push(ImageTags { image: image.parse().unwrap(), list: Some(list(tags)) });
        }
        let open: Vec<_> =
            self.open.iter().map(|proposal| OpenView { proposal, state: self.state, head: None }).collect();
        few::plan_both_ways(&PlanInput {
            config: &config,
            rules_file: &RulesFile::Text(self.rules.clone()),
            default_branch: &"main".parse().unwrap(),
            branches: &[self.branch(&config)],
            images: &images,
            settled: &HashSet::new(),
            open: &open,
            barred: &self.barred,
            proven: &self.proven,
            requests: &self.requests,
            taken_at: now,
            now,
        })
    }

    /// The plan in short, one line for each thing to do.
    fn check(&self, expected: &str) -> Plan {
        let plan = self.plan();
        let mut seen = String::new();
        for (proposal, texts) in plan.request.proposals.iter().zip(&plan.writes) {
            let files: Vec<_> = texts.iter().map(|new| new.path.as_str()).collect();
            let verb = if proposal.updates.is_some() { "move" } else { "new" };
            let mode = if proposal.mode == Mode::Commit { "commit" } else { "pull-request" };
            let _ = writeln!(seen, "{verb} {mode} {}: {} [{}]", proposal.group, proposal.title, files.join(" "));
        }
        for gated in &plan.request.gated {
            let change = &gated.change;
            let _ = writeln!(seen, "gated {} {}: {}", change.environment, change.to, gated.gate.reason);
        }
        for refused in &plan.request.refused {
            let _ = writeln!(seen, "refused: {}", refused.reason);
        }
        for waiting in &plan.request.waiting {
            let _ = writeln!(seen, "waits: {}", waiting.reason);
        }
        for (_, reason) in &plan.closes {
            let _ = writeln!(seen, "close: {reason}");
        }
        for finding in &plan.request.findings {
            let _ = writeln!(seen, "finding {} {}", finding.code, finding.message);
        }
        assert_eq!(seen, expected);
        plan
    }

    /// An open pull request for prod.
    fn proposed(mut self, to: &str) -> Self {
        let (config, _) = config::read(&self.rules);
        let branch = self.branch(&config);
        let place = branch.found.occurrences.iter().find(|o| o.place.file.starts_with("prod")).unwrap().place.clone();
        let change = ProposedChange {
            id: ChangeId(uuid::Uuid::nil()),
            environment: "prod".parse().unwrap(),
            image: "acme/api".parse().unwrap(),
            to: to.parse().unwrap(),
            to_digest: None,
            places: vec![place],
        };
        self.open.push(OpenProposal {
            id: ProposalId(uuid::Uuid::nil()),
            head_branch: "heddle/prod/0".parse().unwrap(),
            base_branch: "main".parse().unwrap(),
            number: Some(41),
            head: None,
            group: "prod".into(),
            request: None,
            changes: vec![change],
        });
        self
    }
}

#[test]
fn each_environment_is_written_as_its_rule_says() {
    let plan = World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2", "2.0.0"]).check(
        "new commit staging: Update api to 2.0.0 in staging [staging/kustomization.yaml]\n\
         new pull-request prod: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n",
    );
    assert_eq!(plan.writes[1][0].text, "images:\n  - name: acme/api\n    newTag: 1.4.2\n");
    let change = &plan.request.proposals[1].changes[0];
    assert_eq!(change.why, "it is the highest that `<2` allows (`.heddle.yaml:7`)");
    assert_eq!(
        change.diff,
        "--- a/prod/kustomization.yaml\n+++ b/prod/kustomization.yaml\n@@ -1,3 +1,3 @@\n images:\n   - name: acme/api\n-    newTag: 1.4.1\n+    newTag: 1.4.2\n"
    );
}

#[test]
fn nothing_is_written_when_everything_runs_the_chosen_tag() {
    World::new("1.4.2", "1.4.2", &["1.4.1", "1.4.2"]).check("");
}

#[test]
fn an_incomplete_or_empty_list_changes_nothing() {
    let world = World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2"]);
    World { complete: false, ..world }.check("");
    World::new("1.4.1", "1.4.1", &[]).check("");
    // Not even what is proposed.
    let world = World::new("1.4.1", "1.4.1", &["1.4.1"]).proposed("1.4.2");
    World { complete: false, ..world }.check("");
}

#[test]
fn an_open_pull_request_with_the_same_tag_is_left_alone() {
    World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]).proposed("1.4.2").check("");
}

#[test]
fn a_newer_tag_moves_the_open_pull_request() {
    World::new("1.4.3", "1.4.1", &["1.4.1", "1.4.2", "1.4.3"])
        .proposed("1.4.2")
        .check("move pull-request prod: Update api to 1.4.3 in prod [prod/kustomization.yaml]\n");
}

#[test]
fn a_pull_request_in_conflict_is_moved_onto_its_base() {
    let world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]).proposed("1.4.2");
    World { state: OpenState::Ours { conflicting: true }, ..world }
        .check("move pull-request prod: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n");
}

#[test]
fn a_tag_that_vanished_from_the_list_does_not_move_a_pull_request_back() {
    World::new("1.4.2", "1.4.0", &["1.4.0", "1.4.1"]).proposed("1.4.2").check("");
}

#[test]
fn a_pull_request_whose_tag_stands_on_the_base_is_closed() {
    World::new("1.4.2", "1.4.2", &["1.4.1", "1.4.2"])
        .proposed("1.4.2")
        .check("close: `main` already carries what it proposes\n");
}

#[test]
fn a_pull_request_that_no_rule_asks_for_is_closed() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]).proposed("1.4.2");
    world.rules = world.rules.replace("acme/*", "acme/other");
    world.check("close: nothing asks for what it proposes any more\n");
}

#[test]
fn a_broken_configuration_closes_and_writes_nothing() {
    let mut world = World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2"]).proposed("1.4.2");
    world.rules.push_str("images: [\n");
    world.check("");
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]);
    world.rules = world.rules.replace("'<2'", "'<'");
    world.check("");
}

#[test]
fn a_branch_that_a_person_committed_to_is_theirs() {
    let world = World::new("1.4.3", "1.4.1", &["1.4.2", "1.4.3"]).proposed("1.4.2");
    let plan = World { state: OpenState::Person, ..world }
        .check("gated prod 1.4.3: someone committed to the open pull request (#41): merge or close it\n");
    assert_eq!(plan.request.gated[0].gate.kind, GateKind::Branch);
    assert_eq!(plan.foreign.len(), 1);
    let world = World::new("1.4.2", "1.4.1", &["1.4.2"]).proposed("1.4.2");
    assert!(World { state: OpenState::Person, ..world }.check("").foreign.is_empty());
}

#[test]
fn a_pull_request_that_ended_unread_is_neither_moved_nor_made_again() {
    let world = World::new("1.4.3", "1.4.1", &["1.4.2", "1.4.3"]).proposed("1.4.2");
    World { state: OpenState::Ended, ..world }.check("");
}

#[test]
fn what_was_taken_back_waits_for_something_newer() {
    let mut world = World::new("1.4.3", "1.4.1", &["1.4.1", "1.4.2"]);
    let (config, _) = config::read(&world.rules);
    let prod = world.branch(&config).found.occurrences[0].place.key();
    world.barred = vec![Barred {
        environment: "prod".parse().unwrap(),
        image: "acme/api".parse().unwrap(),
        place: prod,
        digest: None,
        tag: "1.4.2".parse().unwrap(),
        change: ChangeId(uuid::Uuid::nil()),
        reason: "declined by ada (#41)".into(),
    }];
    world.check("");
    world.tags.push("1.4.3");
    world.check("new pull-request prod: Update api to 1.4.3 in prod [prod/kustomization.yaml]\n");
}

fn gated(world: &World, seconds: i64) -> (Vec<String>, Option<i64>) {
    let plan = world.plan_at(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
    let gated = plan.request.gated.iter().map(|gated| format!("{:?} {}", gated.gate.kind, gated.gate.reason)).collect();
    (gated, plan.request.next_due_at.map(|at| at.timestamp()))
}

#[test]
fn a_freeze_gates_its_environment_until_it_ends() {
    let mut world = World::new("1.4.1", "1.4.1", &["1.4.2"]);
    world.rules.push_str(
        "freezes: [{environments: [prod], from: 1970-01-01T01:00, to: 1970-01-03, time_zone: Europe/Berlin, reason: move}]\n",
    );
    let frozen = "Freeze frozen until 1970-01-03 00:00 Europe/Berlin: move (`.heddle.yaml:8`)";
    assert_eq!(gated(&world, 0), (vec![frozen.to_owned()], Some(2 * 86_400 - 3_600)));
    assert_eq!(world.plan().request.proposals.len(), 1, "the other environment goes on");
    assert_eq!(gated(&world, 2 * 86_400 - 3_600), (Vec::new(), None));
}

#[test]
fn a_hold_lets_its_own_tag_through_and_no_other() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.2"]);
    let hold =
        |tag: &str| format!("holds: [{{image: acme/api, environment: prod, tag: {tag}, by: ada, reason: leak}}]\n");
    let rules = world.rules.clone();
    world.rules = format!("{rules}{}", hold("1.4.1"));
    assert_eq!(gated(&world, 0), (vec!["Hold held at `1.4.1` by ada: leak (`.heddle.yaml:8`)".to_owned()], None));
    world.rules = format!("{rules}{}", hold("1.4.2"));
    assert_eq!(gated(&world, 0), (Vec::new(), None));
    world.rules = format!("{rules}{}", hold("1.4.1, until: 1970-01-02"));
    assert_eq!(gated(&world, 0).1, Some(86_400));
    assert_eq!(gated(&world, 86_400), (Vec::new(), None));
}

#[test]
fn outside_the_schedule_a_change_waits_for_the_next_window() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.2"]);
    world.rules.push_str("updates: {schedule: [{days: [mon-wed], from: \"22:00\", to: \"02:00\"}]}\n");
    // 1970-01-01 is a Thursday: Wednesday's window goes on until 02:00.
    assert_eq!(gated(&world, 3_600), (Vec::new(), None));
    let waiting = "Schedule outside the schedule, which goes on at 1970-01-05 22:00 UTC";
    assert_eq!(gated(&world, 2 * 3_600), (vec![waiting.to_owned()], Some(4 * 86_400 + 22 * 3_600)));
}

#[test]
fn a_tag_that_is_too_young_is_a_change_that_waits() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]);
    world.rules = world.rules.replace("{semver: '<2'}", "{semver: '<2', min_age: 2d}");
    let waiting = "Age it is too young: `min_age` lets it in after 1 d more (`.heddle.yaml:7`)";
    assert_eq!(gated(&world, 86_400), (vec![waiting.to_owned()], Some(2 * 86_400)));
    assert_eq!(gated(&world, 2 * 86_400), (Vec::new(), None));
}

#[test]
fn the_limit_of_open_proposals_gates_what_comes_after() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.2"]);
    world.rules.push_str("updates: {limit: {open: 0}}\n");
    world.check("gated prod 1.4.2: 0 proposals are open, which is the limit\n");
}

#[test]
fn a_rule_that_observes_shows_and_does_not_write() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.2"]);
    world.rules = world.rules.replace("{semver: '<2'}}", "{semver: '<2'}, mode: observe}");
    world.check("gated prod 1.4.2: the rule observes only (`.heddle.yaml:7`)\n");
}

/// Both overlays take the tag from one base.
fn shared(tags: &[&'static str]) -> World {
    let mut world = World::new("", "", tags);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec:\n  containers:\n    - name: api\n      image: acme/api:1.4.1\n";
    let overlay = "resources: [../base]\n".to_owned();
    world.files = vec![
        ("base/kustomization.yaml".into(), "resources: [pod.yaml]\n".into()),
        ("base/pod.yaml".into(), pod.into()),
        ("staging/kustomization.yaml".into(), overlay.clone()),
        ("prod/kustomization.yaml".into(), overlay),
    ];
    world
}

#[test]
fn a_shared_place_is_one_edit_that_each_environment_must_choose() {
    let plan = shared(&["1.4.1", "1.4.2"])
        .check("new pull-request prod+staging: Update api to 1.4.2 in prod, staging [base/pod.yaml]\n");
    assert!(plan.writes[0][0].text.ends_with("image: acme/api:1.4.2\n"));
    shared(&["1.4.1", "1.4.2", "2.0.0"]).check(
        "finding shared-place `staging` and `prod` share this place and choose different tags, so it is not updated\n",
    );
}

#[test]
fn a_shared_place_that_one_environment_does_not_update_stays() {
    let mut world = shared(&["1.4.1", "1.4.2"]);
    world.rules = world.rules.replace("acme/*", "acme/other");
    world.check("finding shared-place `prod` shares this place and no rule updates it there, so it is not updated\n");
}
