//! What people asked for.

use heddle_core::{
    id::{ChangeId, RequestId},
    request::{
        Asked, HoldEntry, Override, Promotion, PromotionStep, Release, Requested, Requester, Rollback, RollbackStep,
        RuleEdit, Rules, ShownPlace,
    },
};

use super::*;

const ID: RequestId = RequestId(uuid::Uuid::nil());

impl World {
    /// With a request for a tag in an environment, as it is shown of what stands there now.
    pub(super) fn asked(self, environment: &str, to: &str) -> Self {
        self.asked_of("acme/api", environment, to)
    }

    fn asked_of(self, image: &str, environment: &str, to: &str) -> Self {
        let (config, _) = config::read(&self.rules);
        let branch = self.branch(&config);
        let environment: EnvironmentName = environment.parse().unwrap();
        let image: ImageRepository = image.parse().unwrap();
        let here = branch.found.occurrences.iter();
        let here = here.filter(|one| one.image.repository == image && one.environments.contains(&environment));
        let shown = |one: &Occurrence| ShownPlace {
            place: one.place.clone(),
            tag: one.image.tag.clone(),
            digest: one.image.digest.clone(),
            environments: one.environments.clone(),
        };
        let id = RequestId(uuid::Uuid::from_u128(self.requests.len() as u128));
        let places = here.map(shown).collect();
        let release = Release { environment, image, to: to.parse().unwrap(), places, holds: Vec::new() };
        self.request(Asked::Release(release), id)
    }

    fn request(mut self, asked: Asked, id: RequestId) -> Self {
        let by = Requester::new("Ada", uuid::Uuid::nil().into());
        self.requests.push(OpenRequest {
            id,
            requested: Requested { by, reason: Some("1.4.2 leaks".parse().unwrap()) },
            branch: "main".parse().unwrap(),
            asked,
            to_digest: None,
            awaits_digest: false,
            mode: Mode::Commit,
            despite: Vec::new(),
        });
        self
    }

    fn release(&mut self) -> &mut Release {
        match &mut self.requests[0].asked {
            Asked::Release(release) => release,
            other => panic!("{other:?}"),
        }
    }

    /// Nothing is written or ended of the one request, and it is said why.
    fn only_waits(&self) {
        let plan = self.plan();
        let PlanRequest { waiting, proposals, refused, .. } = &plan.request;
        assert!(
            waiting.len() == 1 && proposals.is_empty() && refused.is_empty() && plan.closes.is_empty(),
            "{plan:#?}"
        );
    }

    /// The open pull request for prod is that of the request.
    fn by_request(mut self) -> Self {
        self.open[0].request = Some(ID);
        self
    }
}

#[test]
fn what_is_asked_for_is_written_as_the_rule_of_the_place_says_and_names_who_asked() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.1", "1.4.2"]).asked("staging", "1.3.0").asked("prod", "9.9.9");
    let plan = world.check(
        "new commit staging-by-request: Update api to 1.3.0 in staging [staging/kustomization.yaml]\n\
         new pull-request prod-by-request: Update api to 9.9.9 in prod [prod/kustomization.yaml]\n",
    );
    assert_eq!(plan.writes[0][0].text, "images:\n  - name: acme/api\n    newTag: 1.3.0\n");
    let asked: Vec<_> = plan.request.proposals.iter().map(|proposal| proposal.request).collect();
    assert_eq!(asked, [Some(ID), Some(world.requests[1].id)]);
    assert!(plan.request.proposals[1].body.starts_with("**Asked for** by `Ada`: `1.4.2 leaks`"));
    assert_eq!(plan.request.proposals[0].changes[0].why, "Ada asked for it");
    // A person may ask for more care than the rule.
    world.requests.truncate(1);
    world.requests[0].mode = Mode::PullRequest;
    world.check("new pull-request staging-by-request: Update api to 1.3.0 in staging [staging/kustomization.yaml]\n");
}

#[test]
fn it_needs_no_rule_and_no_list_of_tags() {
    let world = World::new("1.4.2", "latest", &[]).asked("prod", "1.4.1");
    let one = "new pull-request prod-by-request: Update api to 1.4.1 in prod [prod/kustomization.yaml]\n";
    World { rules: RULES.replace("acme/*", "acme/other"), ..world }.check(one);
    let observing = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.1");
    World { rules: RULES.replace("{semver: '<2'}", "{semver: '<2'}, mode: observe"), ..observing }.check(one);
}

#[test]
fn what_the_rules_choose_elsewhere_goes_into_a_proposal_of_its_own() {
    World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2"]).asked("prod", "1.4.0").check(
        "new commit staging: Update api to 1.4.2 in staging [staging/kustomization.yaml]\n\
         new pull-request prod-by-request: Update api to 1.4.0 in prod [prod/kustomization.yaml]\n",
    );
}

#[test]
fn an_open_pull_request_of_the_rule_gives_way() {
    World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]).proposed("1.4.2").asked("prod", "1.4.0").check(
        "new pull-request prod-by-request: Update api to 1.4.0 in prod [prod/kustomization.yaml]\n\
         close: somebody asked for another tag at its places, which is proposed elsewhere\n",
    );
}

#[test]
fn its_own_pull_request_stays_until_it_ends() {
    let proposed = || World::new("1.4.2", "1.4.2", &["1.4.2"]).proposed("1.4.0").by_request();
    proposed().asked("prod", "1.4.0").check("");
    // It was taken back.
    proposed().check("close: nobody asks for it any more\n");
    // Merged or closed, and no read has said which.
    let ended = World { state: OpenState::Ended, ..proposed().asked("prod", "1.4.0") };
    ended.check("waits: a pull request for it was merged or closed, and a read says which\n");
    let person = World { state: OpenState::Person, ..proposed().asked("prod", "1.4.0") };
    person.check("");
    // A rule that came to choose another tag has its own way, behind the person's.
    let mut busy = proposed().asked("prod", "1.4.0");
    busy.tags = vec!["1.4.2", "1.4.3"];
    busy.files[0].1 = busy.files[0].1.replace("1.4.2", "1.4.3");
    busy.check("");
}

#[test]
fn a_place_that_changed_since_ends_it_with_what_stands_there() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.2"]).asked("prod", "1.4.0");
    world.files[1].1 = world.files[1].1.replace("1.4.1", "1.4.2");
    let changed = "`prod/kustomization.yaml:3` says `1.4.2` by now, and `1.4.1` stood there when this was asked for\n";
    world.check(&format!("refused: {changed}"));
    let mut proposed = World { ..world }.proposed("1.4.0").by_request();
    proposed.tags.clear();
    proposed.check(&format!("refused: {changed}close: {changed}"));

    let mut world = World::new("1.4.2", "1.4.1", &["1.4.2"]).asked("prod", "1.4.0");
    world.files[1].1 = world.files[1].1.replace("1.4.1", "1.4.0");
    world.tags.clear();
    world.check("refused: `main` carries it already\n");

    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.0");
    world.files[1].1 = "images: []\n".into();
    world.check("refused: `prod/kustomization.yaml` holds no `docker.io/acme/api` for `prod` any more\n");

    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.0");
    world.files[1].1.push_str("  - name: web\n    newName: acme/api\n    newTag: 1.4.2\n");
    let plan = world.plan();
    assert_eq!(plan.request.refused.len(), 1, "{plan:#?}");
    assert!(plan.request.refused[0].reason.ends_with("too by now, and was not shown"), "{plan:#?}");
}

#[test]
fn a_file_that_cannot_be_read_ends_nothing() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).proposed("1.4.0").by_request().asked("prod", "1.4.0");
    world.files[1].1 = "images: [\n".into();
    world.check("waits: a file cannot be read, which may still hold the place; its finding says why\n");
}

#[test]
fn a_place_that_came_to_count_elsewhere_too_is_not_written() {
    let world = shared(&["1.4.1"]).asked("prod", "1.4.0");
    world.check("new pull-request prod+staging-by-request: Update api to 1.4.0 in prod, staging [base/pod.yaml]\n");
    let mut grown = shared(&["1.4.1"]).asked("prod", "1.4.0");
    grown.release().places[0].environments.retain(|name| name.as_str() == "prod");
    grown.check("refused: `base/pod.yaml:7` counts in `staging` too by now, which was not shown\n");
}

#[test]
fn a_hold_a_freeze_and_the_schedule_must_be_named() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.1");
    world.rules.push_str(
        "holds: [{image: acme/api, environment: prod, tag: 1.4.2, by: ada, reason: leak}]\n\
         freezes: [{environments: [prod], from: 1970-01-01T00:00, to: 1970-01-03, time_zone: UTC}]\n",
    );
    let held = "refused: held at `1.4.2` by ada: leak (`.heddle.yaml:8`); to write it all the same, ask again and name it: `--despite hold`\n";
    world.check(held);
    world.requests[0].despite = vec![Override::Hold];
    let plan = world.plan();
    assert!(plan.request.refused[0].reason.ends_with("`--despite freeze`"), "{plan:#?}");
    world.requests[0].despite.push(Override::Freeze);
    world.check("new pull-request prod-by-request: Update api to 1.4.1 in prod [prod/kustomization.yaml]\n");
    // What is proposed already stays so when a freeze comes.
    let mut proposed = world.proposed("1.4.1").by_request();
    proposed.requests[0].despite.clear();
    proposed.check("");
}

#[test]
fn a_request_waits_until_a_broken_rule_file_is_mended() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.1");
    world.rules.push_str("holds: [{image: acme/api, environment: prod, tag: [], reason: leak}]\n");
    world.check("waits: an entry of `holds` in `.heddle.yaml` is broken, so nothing is written (`.heddle.yaml:8`)\n");
}

#[test]
fn a_digest_goes_with_the_tag_or_nothing_is_written() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]);
    let _ = writeln!(world.files[1].1, "    digest: {}", images::digest('a').as_str());
    world.digests = vec![("1.4.2", 'a')];
    let mut world = world.asked("prod", "1.4.1");
    world.check(
        "refused: a digest belongs beside the tag at `prod/kustomization.yaml:3`, and that of `1.4.1` is not known: it is once a scan has described the tag\n",
    );
    // A scan that is to look at it comes first.
    world.requests[0].awaits_digest = true;
    world.check("waits: a digest belongs beside the tag, and that of `1.4.1` is looked up first\n");
    world.requests[0].to_digest = Some(images::digest('b'));
    let plan = world.check("new pull-request prod-by-request: Update api to 1.4.1 in prod [prod/kustomization.yaml]\n");
    let text =
        format!("images:\n  - name: acme/api\n    newTag: 1.4.1\n    digest: {}\n", images::digest('b').as_str());
    assert_eq!(plan.writes[0][0].text, text);
}

#[test]
fn of_two_requests_for_a_place_the_older_one_counts() {
    World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.1").asked("prod", "1.4.0").check(
        "new pull-request prod-by-request: Update api to 1.4.1 in prod [prod/kustomization.yaml]\n\
         refused: another request is open for `prod/kustomization.yaml:3`\n",
    );
}

#[test]
fn the_limit_of_open_pull_requests_is_not_for_people() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.1");
    world.rules.push_str("updates: {limit: {open: 0}}\n");
    world.check("new pull-request prod-by-request: Update api to 1.4.1 in prod [prod/kustomization.yaml]\n");
}

#[test]
fn a_request_is_one_proposal_by_the_most_careful_rule_of_its_places() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec: {containers: [{name: api, image: 'acme/api:1.4.2'}]}\n";
    let mut world = World::new("", "", &["1.4.2"]);
    world.rules = world.rules.replace("environments: [staging], policy", "paths: [staging/one.yaml], policy");
    world.files = vec![("staging/one.yaml".into(), pod.into()), ("staging/two.yaml".into(), pod.into())];
    let mut world = world.asked("staging", "1.3.0");
    let whole =
        "new pull-request staging-by-request: Update api to 1.3.0 in staging [staging/one.yaml staging/two.yaml]\n";
    world.check(whole);
    // A place without a rule is as careful.
    world.rules = world.rules.replace("acme/*", "acme/other");
    world.check(whole);
    let mut shared = shared(&["1.4.1"]).asked("prod", "1.4.0");
    shared.rules = shared.rules.replace("acme/*", "acme/other");
    let plan = shared.plan();
    assert_eq!((plan.request.proposals.len(), plan.request.proposals[0].mode), (1, Mode::PullRequest));
}

#[test]
fn a_rule_that_came_to_commit_makes_no_second_proposal() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).proposed("1.4.0").by_request().asked("prod", "1.4.0");
    world.rules = world.rules.replace("{semver: '<2'}", "{semver: '<2'}, mode: commit");
    world.check("");
}

#[test]
fn a_broken_configuration_ends_nothing_that_was_asked_for() {
    let asked = || World::new("1.4.2", "1.4.2", &["1.4.2"]).asked("prod", "1.4.0");
    let proposed = || World::new("1.4.2", "1.4.2", &["1.4.2"]).proposed("1.4.0").by_request().asked("prod", "1.4.0");
    for mut world in [asked(), proposed()] {
        world.rules.push_str("images: [\n");
        world.only_waits();
        world.rules = "version: 1\nenvironments: {prod\n".into();
        world.only_waits();
    }
}

#[test]
fn what_was_planned_for_a_request_that_ended_meanwhile_is_left_out_with_its_texts() {
    let world = World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2"]).asked("staging", "1.3.0");
    let mut plan = world.plan();
    assert_eq!((plan.request.proposals.len(), plan.writes.len()), (2, 2));
    plan.leave_out(&[ID]);
    assert_eq!(plan.request.proposals.iter().map(|one| one.request).collect::<Vec<_>>(), [None]);
    assert!(plan.writes.len() == 1 && plan.writes[0][0].path.starts_with("prod/"), "{:?}", plan.writes);
}

/// A hold of the image in prod, as Ada asks for it.
fn hold(tag: Option<&str>) -> HoldEntry {
    HoldEntry {
        image: Some("acme/api".into()),
        environment: Some("prod".parse().unwrap()),
        tag: tag.map(|tag| tag.parse().unwrap()),
        by: Some("Ada".into()),
        reason: None,
        until: None,
    }
}

impl World {
    fn asked_for_rules(self, edit: RuleEdit) -> Self {
        let environments = vec!["prod".parse().unwrap()];
        self.request(Asked::Rules(Rules { edits: vec![edit], environments }), ID)
    }

    fn asked_to_go_back(self, to: &str) -> Self {
        let mut world = self.asked("prod", to);
        let release = world.release().clone();
        let change = ChangeId(uuid::Uuid::nil());
        let Release { environment, image, to, places, .. } = release;
        let step = RollbackStep { change, image, to, to_digest: None, places, earlier: Vec::new() };
        world.requests[0].asked = Asked::Rollback(Rollback { environment, since: None, steps: vec![step] });
        world
    }
}

#[test]
fn a_hold_is_a_pull_request_for_the_rules_alone() {
    let settled = || World::new("1.4.2", "1.4.1", &["1.4.1"]);
    let world = settled().asked_for_rules(RuleEdit::Hold { entry: hold(Some("1.4.1")), replaces: None });
    let plan = world.check("new pull-request rules-by-request: Hold acme/api in prod at 1.4.1 [.heddle.yaml]\n");
    let entry = "holds:\n- image: acme/api\n  environment: prod\n  tag: 1.4.1\n  by: Ada\n";
    assert_eq!(plan.writes[0][0].text, format!("{RULES}{entry}"));
    let body = &plan.request.proposals[0].body;
    assert!(body.starts_with("**Asked for** by `Ada`: `1.4.2 leaks`"), "{body}");
    assert!(body.contains("\n+holds:\n+- image: acme/api\n"), "{body}");
    assert!(plan.request.proposals[0].changes.is_empty());

    // It stays while it is open, is written anew when it conflicts, and is closed when nobody asks for it.
    let mut open = world.proposed("1.4.1").by_request();
    open.open[0].changes.clear();
    open.check("");
    open.state = OpenState::Ours { conflicting: true };
    open.check("move pull-request rules-by-request: Hold acme/api in prod at 1.4.1 [.heddle.yaml]\n");
    open.requests.clear();
    open.check("close: nobody asks for it any more\n");
}

#[test]
fn a_hold_that_stands_already_or_counts_elsewhere_too_ends_the_request() {
    let edit = RuleEdit::Hold { entry: hold(None), replaces: None };
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1"]).asked_for_rules(edit.clone());
    world.rules.push_str("holds: [{image: acme/api, environment: prod}]\n");
    world.check("refused: `.heddle.yaml` says so already\n");
    let everywhere = RuleEdit::Hold { entry: HoldEntry { environment: None, ..hold(None) }, replaces: None };
    let world = World::new("1.4.2", "1.4.1", &["1.4.1"]).asked_for_rules(everywhere);
    world.check("refused: it would count in `staging` too by now, which was not shown\n");
    // What cannot be read is mended first, and ends nothing.
    let mut broken = World::new("1.4.2", "1.4.1", &["1.4.1"]).asked_for_rules(edit);
    broken.rules.push_str("freezes: [{}]\n");
    broken.only_waits();
}

#[test]
fn a_hold_ends_when_somebody_asks_and_only_if_it_says_the_same() {
    let entry = HoldEntry { by: None, ..hold(None) };
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1"]).asked_for_rules(RuleEdit::Resume { entry });
    let rules = world.rules.clone();
    world.rules.push_str("holds:\n  - {image: acme/api, environment: prod}\n");
    let plan = world.check("new pull-request rules-by-request: Resume acme/api in prod [.heddle.yaml]\n");
    assert_eq!(plan.writes[0][0].text, rules);
    world.rules = world.rules.replace("environment: prod}\n", "environment: prod, tag: 1.4.0}\n");
    world.check("refused: `.heddle.yaml` has no such hold any more\n");
}

#[test]
fn a_release_below_the_rules_choice_stays_by_the_hold_that_comes_with_it() {
    // Staging commits, and would bring 1.4.2 at once.
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.1", "1.4.2"]).asked("staging", "1.4.1");
    let environment = Some("staging".parse().unwrap());
    let entry = HoldEntry { environment, ..hold(Some("1.4.1")) };
    world.release().holds = vec![RuleEdit::Hold { entry, replaces: None }];
    let one = "new pull-request staging-by-request: Update api to 1.4.1 in staging [staging/kustomization.yaml .heddle.yaml]\n";
    let plan = world.check(one);
    assert!(plan.request.proposals[0].body.contains("`hold acme/api in staging at 1.4.1`"));
    // Merged, the rule goes on around it.
    let held = plan.writes[0][1].text.clone();
    let mut merged = World::new("1.4.1", "1.4.2", &["1.4.1", "1.4.2"]);
    merged.rules = held;
    merged.check("gated staging 1.4.2: held at `1.4.1` by Ada (`.heddle.yaml:9`)\n");
    // What somebody else holds stands in the way until it is named, also where another hold comes in its place.
    let mut other = world;
    other.rules.push_str("holds: [{image: acme/api, environment: staging, tag: 1.4.2}]\n");
    let refused = other.plan().request.refused;
    assert!(refused.len() == 1 && refused[0].reason.ends_with("`--despite hold`"), "{refused:?}");
    other.requests[0].despite = vec![Override::Hold];
    other.check(one);
}

#[test]
fn where_a_release_with_a_hold_waits_the_rule_waits_too() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]).asked("prod", "1.4.0");
    world.release().holds = vec![RuleEdit::Hold { entry: hold(Some("1.4.0")), replaces: None }];
    // Nobody knows what the file would come to, though what is broken is about another environment.
    world.rules.push_str("holds: [{image: acme/api, environment: staging, tag: [], reason: leak}]\n");
    world.only_waits();
}

#[test]
fn a_hold_in_one_environment_is_one_in_those_that_share_its_place() {
    let edit = RuleEdit::Hold { entry: hold(None), replaces: None };
    let alone = World { rules: RULES.to_owned(), ..shared(&["1.4.1"]) }.asked_for_rules(edit);
    alone.check("refused: it would count in `staging` too by now, which was not shown\n");
}

#[test]
fn what_an_entry_names_becomes_no_link_in_a_title() {
    let odd = HoldEntry { image: Some("fixes:#12/x".into()), by: None, ..hold(None) };
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1"]).asked_for_rules(RuleEdit::Resume { entry: odd });
    world.rules.push_str("holds: [{image: 'fixes:#12/x', environment: prod}]\n");
    world.check("new pull-request rules-by-request: Change an entry of .heddle.yaml [.heddle.yaml]\n");
}

#[test]
fn a_rollback_writes_the_places_that_were_shown_and_no_other() {
    let back = "new pull-request prod-by-request: Update api to 1.4.1 in prod [prod/kustomization.yaml]\n";
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked_to_go_back("1.4.1");
    let plan = world.check(back);
    assert_eq!(plan.request.proposals[0].changes[0].why, "Ada rolled back to it");
    // The image came to stand elsewhere too: that is none of the change's places.
    world.files[1].1.push_str("  - name: web\n    newName: acme/api\n    newTag: 1.4.2\n");
    world.check(back);
    world.files[1].1 = world.files[1].1.replacen("1.4.2", "1.4.3", 1);
    let refused = world.plan().request.refused;
    assert!(refused[0].reason.contains("says `1.4.3` by now"), "{refused:?}");
}

#[test]
fn several_images_go_back_in_one_pull_request() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]);
    world.files[1].1.push_str("  - name: acme/web\n    newTag: 2.0.0\n");
    let web = World { files: world.files.clone(), ..World::new("", "", &[]) }.asked_of("acme/web", "prod", "1.9.0");
    let mut world = world.asked_to_go_back("1.4.1");
    let Release { image, to, places, .. } = { web }.release().clone();
    let step =
        RollbackStep { change: ChangeId(uuid::Uuid::max()), image, to, to_digest: None, places, earlier: Vec::new() };
    let Asked::Rollback(rollback) = &mut world.requests[0].asked else { panic!() };
    rollback.steps.push(step);
    world.check(
        "new pull-request prod-by-request: Update api to 1.4.1 and web to 1.9.0 in prod [prod/kustomization.yaml]\n",
    );
}

#[test]
fn a_promotion_writes_all_places_of_its_images_and_says_from_where() {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]).asked("prod", "1.4.2");
    world.rules = world.rules.replace("path: prod}", "path: prod, promote: {from: staging, after: 24h}}");
    let Release { environment, image, to, places, .. } = world.release().clone();
    let from = "staging".parse().unwrap();
    let steps = vec![PromotionStep { image, to, to_digest: None, places }];
    world.requests[0].asked = Asked::Promotion(Promotion { environment, from, steps });
    let plan = world.check("new pull-request prod-by-request: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n");
    assert_eq!(plan.request.proposals[0].changes[0].why, "Ada promoted it from staging");
}

#[test]
fn a_request_that_asks_twice_for_a_place_is_not_written() {
    let mut world = World::new("1.4.2", "1.4.2", &["1.4.2"]).asked_to_go_back("1.4.1");
    let Asked::Rollback(rollback) = &mut world.requests[0].asked else { panic!() };
    let again = RollbackStep { to: "1.4.0".parse().unwrap(), ..rollback.steps[0].clone() };
    rollback.steps.push(again);
    world.check("refused: it asks twice for `prod/kustomization.yaml:3`\n");
}
