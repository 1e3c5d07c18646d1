//! What people ask to be written, from the request to its end.

use heddle_client::{ClientError, PageQuery, UserClient};
use heddle_core::{
    change::Mode,
    id::UserId,
    request::{Asked, Override, RequestState},
};
use heddle_wire::{
    automator::{
        Done, Lease, OpenRequest, PlanRequest, PostedIntent, ProposalState, PullRequestState, ReadReport,
        RefusedRequest, UpdateWork, Work,
    },
    view::{NewRequest, PreviewRequest, RequestPreview, RequestView, Wish, WishedRelease},
};

use heddle_testkit::wait;
use sqlx::Connection;

use crate::{
    loom::{Loom, at, revision},
    steps::{lease_update, one_change, push, read, scan},
    told::{IMAGE, plan, planned, pull_request, read_report, written},
};

/// A loom that has read 1.4.1 in prod and scanned these tags.
pub async fn settled(tags: &[&str]) -> Loom {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "1.4.1")).await;
    let update = scan(&loom, tags).await;
    loom.automator.done(&update, &Done::default()).await.unwrap();
    loom
}

pub fn release(tag: Option<&str>) -> Wish {
    Wish::Release(WishedRelease {
        repository: None,
        environment: "prod".parse().unwrap(),
        image: IMAGE.parse().unwrap(),
        tag: tag.map(|tag| tag.parse().unwrap()),
        by_pull_request: false,
        hold: false,
        hold_until: None,
        despite: vec![Override::Hold],
    })
}

pub async fn shown(user: &UserClient, loom: &Loom, wish: &Wish) -> Result<RequestPreview, ClientError> {
    let request = PreviewRequest { wish: wish.clone(), reason: None };
    user.preview_request(loom.organization, &request).await
}

pub async fn preview(loom: &Loom, tag: Option<&str>) -> Result<RequestPreview, ClientError> {
    shown(&loom.user, loom, &release(tag)).await
}

fn wish(preview: &RequestPreview, reason: Option<&str>) -> NewRequest {
    let reason = reason.map(|text| text.parse().unwrap());
    NewRequest { wish: release(Some(preview.steps[0].to.as_str())), reason, shown: preview.shown.clone() }
}

/// Asks for what it would do.
pub async fn ask_for(loom: &Loom, wish: Wish) -> RequestView {
    let shown = shown(&loom.user, loom, &wish).await.unwrap().shown;
    loom.user.create_request(loom.organization, &NewRequest { wish, reason: None, shown }).await.unwrap()
}

pub async fn ask(loom: &Loom, tag: &str) -> RequestView {
    let preview = preview(loom, Some(tag)).await.unwrap();
    loom.user.create_request(loom.organization, &wish(&preview, Some("1.4.2 leaks"))).await.unwrap()
}

pub async fn seen(loom: &Loom, request: &RequestView) -> RequestView {
    loom.user.request(loom.organization, request.id).await.unwrap()
}

/// Announces what a lease's request asks for, as a pull request.
async fn announce(loom: &Loom, update: &Lease, request: &OpenRequest) -> PostedIntent {
    let mut plan = plan(Mode::PullRequest, None, planned("1.4.1", "1.4.0"));
    plan.proposals[0].request = Some(request.id);
    loom.automator.intents(update, &plan).await.unwrap().intents.remove(0)
}

pub fn only(work: &UpdateWork) -> OpenRequest {
    assert_eq!(work.requests.len(), 1, "{:?}", work.requests);
    work.requests[0].clone()
}

pub fn code(error: ClientError) -> String {
    error.code().unwrap_or_else(|| panic!("{error}")).to_owned()
}

#[tokio::test]
async fn a_request_is_leased_written_and_ends_with_the_merge() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let preview = preview(&loom, Some("1.4.0")).await.unwrap();
    assert_eq!(preview.does, "opens a pull request on acme/config");
    let passed_over = preview.passed_over.as_ref().unwrap();
    assert_eq!((passed_over.tag.as_str(), &*passed_over.rule), ("1.4.0", "downgrade"));
    assert_eq!(preview.afterwards.as_ref().unwrap().as_str(), "1.4.1");
    assert_eq!((preview.refusal.as_deref(), preview.steps[0].places.len()), (None, 1));

    let asked = ask(&loom, "1.4.0").await;
    assert_eq!((asked.state, asked.requested_by.as_str()), (RequestState::Waiting, "Ada"));
    let (update, work) = lease_update(&loom).await;
    let request = only(&work);
    let Asked::Release(release) = &request.asked else { panic!("{request:?}") };
    assert_eq!((release.to.as_str(), release.places[0].tag.as_ref().unwrap().as_str()), ("1.4.0", "1.4.1"));
    assert_eq!(request.despite, [Override::Hold]);
    assert_eq!(request.requested.reason.as_ref().unwrap().as_str(), "1.4.2 leaks");

    let posted = announce(&loom, &update, &request).await;
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Writing);
    loom.automator.outcome(&update, posted.id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let proposed = seen(&loom, &asked).await;
    assert_eq!((proposed.state, proposed.message.as_str()), (RequestState::Proposed, "waits for #41 to be merged"));
    assert_eq!(proposed.changes, [one_change(&loom).await.id]);

    let merged = PullRequestState::Merged { revision: revision(2), by: Some("ada".into()), at: at(30) };
    let state = ProposalState { id: posted.proposal, state: merged, head: None, ours: true };
    push(&loom).await;
    read(&loom, ReadReport { proposals: vec![state], ..read_report(&[2], "1.4.0") }).await;
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Merged);
    let (_, work) = lease_update(&loom).await;
    assert!(work.requests.is_empty() && work.open_proposals.is_empty(), "{work:?}");
}

#[tokio::test]
async fn its_open_pull_request_is_known_as_its_own_until_it_is_taken_back() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let asked = ask(&loom, "1.4.0").await;
    let again = preview(&loom, Some("1.4.0")).await.unwrap();
    assert!(again.refusal.as_deref().unwrap().contains("must end first"), "{again:?}");
    let refused = loom.user.create_request(loom.organization, &wish(&again, None)).await.unwrap_err();
    assert_eq!(code(refused), "request-open");

    let (update, work) = lease_update(&loom).await;
    let posted = announce(&loom, &update, &only(&work)).await;
    loom.automator.outcome(&update, posted.id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    loom.user.withdraw_request(loom.organization, asked.id).await.unwrap();
    let (_, work) = lease_update(&loom).await;
    assert!(work.requests.is_empty());
    assert_eq!(work.open_proposals[0].request, Some(asked.id), "so that the update closes it");
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Withdrawn);
    let twice = loom.user.withdraw_request(loom.organization, asked.id).await.unwrap_err();
    assert_eq!(code(twice), "request-ended");
}

#[tokio::test]
async fn what_cannot_be_written_ends_with_the_reason_and_stands_on_record() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let asked = ask(&loom, "1.4.0").await;
    let (update, work) = lease_update(&loom).await;
    let reason = "`clusters/prod/kustomization.yaml:9` says `1.4.2` by now".to_owned();
    let refused = vec![RefusedRequest { id: only(&work).id, reason: reason.clone() }];
    let nothing = PlanRequest { proposals: vec![], refused, ..plan(Mode::PullRequest, None, planned("1", "2")) };
    loom.automator.intents(&update, &nothing).await.unwrap();
    let ended = seen(&loom, &asked).await;
    assert_eq!((ended.state, ended.message), (RequestState::Refused, reason));
    let open = loom.user.requests(loom.organization, true, &PageQuery::default()).await.unwrap();
    assert!(open.items.is_empty());
    let record = loom.user.audit(loom.organization, &PageQuery::default()).await.unwrap();
    let actions: Vec<_> = record.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["request.refuse", "request.create"]);
}

#[tokio::test]
async fn a_write_that_never_came_to_be_is_tried_again() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let asked = ask(&loom, "1.4.0").await;
    let (update, work) = lease_update(&loom).await;
    announce(&loom, &update, &only(&work)).await;
    // The automator is killed here; the next one settles what is open, and finds nothing.
    loom.expire_leases().await;
    let (update, work) = lease_update(&loom).await;
    let reason = "it was announced and never written".to_owned();
    let outcome = heddle_wire::automator::IntentOutcome::Abandoned { reason, retry_at: Some(chrono::Utc::now()) };
    loom.automator.outcome(&update, work.open_intents[0].id, &outcome).await.unwrap();
    loom.automator.done(&update, &Done { read_due: true, ..Done::default() }).await.unwrap();
    let waiting = seen(&loom, &asked).await;
    assert_eq!(waiting.state, RequestState::Waiting);
    assert!(waiting.message.starts_with("not written: it was announced and never written"), "{}", waiting.message);
    push(&loom).await;
    let work = loop {
        let lease = loom.lease().await;
        match lease.work {
            Work::Update(work) => break work,
            Work::Read(_) => loom.automator.read_report(&lease, &read_report(&[], "1.4.1")).await.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(only(&work).id, asked.id);
}

#[tokio::test]
async fn only_what_was_shown_is_taken() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let before = preview(&loom, Some("1.4.0")).await.unwrap();
    push(&loom).await;
    read(&loom, read_report(&[2], "1.4.2")).await;
    let other = loom.user.create_request(loom.organization, &wish(&before, None)).await.unwrap_err();
    assert_eq!(code(other), "shown-other");
    let unknown = preview(&loom, Some("9.9.9")).await.unwrap_err();
    assert!(unknown.to_string().contains("had no tag `9.9.9`"), "{unknown}");
    let there = preview(&loom, Some("1.4.2")).await.unwrap_err();
    assert_eq!(code(there), "nothing-to-write");
}

#[tokio::test]
async fn without_a_name_the_greatest_tag_that_the_rule_allows_is_proposed() {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "latest")).await;
    let update = scan(&loom, &["1.4.0", "1.4.1", "0.9.0", "latest"]).await;
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let preview = preview(&loom, None).await.unwrap();
    assert_eq!((preview.steps[0].to.as_str(), preview.mode), ("1.4.1", Mode::PullRequest));
    assert_eq!(&*preview.passed_over.unwrap().rule, "current");
    assert_eq!(preview.afterwards, None);
}

/// A token of Ada's that may do as much as this role.
pub async fn token(loom: &Loom, role: &str) -> UserClient {
    let text = format!("hdlt_{role}");
    let mut owner = loom.owner().await;
    sqlx::query(
        "insert into tokens (id, secret_hash, user_id, organization_id, role, name, expires_at)
         select gen_random_uuid(), $1, user_id, organization_id, $2, $2, now() + interval '1 day' from memberships",
    )
    .bind(heddle_api::secret::hash(&text))
    .bind(role)
    .execute(&mut owner)
    .await
    .unwrap();
    UserClient::new(heddle_client::Http::new(loom.base.clone(), None).unwrap(), text.into())
}

#[tokio::test]
async fn an_operator_asks_where_an_owner_granted_it_and_nowhere_else() {
    use heddle_wire::view::{Grant, SetGrants};
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let operator = token(&loom, "operator").await;
    let preview = shown(&operator, &loom, &release(Some("1.4.0"))).await.unwrap();
    assert!(preview.refusal.as_deref().unwrap().contains("none for `prod`"), "{preview:?}");
    let refused = operator.create_request(loom.organization, &wish(&preview, None)).await.unwrap_err();
    assert_eq!(code(refused), "grant-missing");

    let user = loom.user.me().await.unwrap().id;
    let grants = |environment: &str| SetGrants {
        grants: vec![Grant { repository: preview.repository, environment: environment.parse().unwrap() }],
    };
    let unknown = loom.user.set_grants(loom.organization, user, &grants("elsewhere")).await.unwrap_err();
    assert_eq!(code(unknown), "invalid");
    loom.user.set_grants(loom.organization, user, &grants("prod")).await.unwrap();
    let members = loom.user.members(loom.organization).await.unwrap();
    assert_eq!(members[0].grants[0].repository_name.as_str(), "acme/config");
    let asked = operator.create_request(loom.organization, &wish(&preview, None)).await.unwrap();
    loom.user.set_grants(loom.organization, user, &SetGrants { grants: vec![] }).await.unwrap();
    // Their own they take back without one.
    operator.withdraw_request(loom.organization, asked.id).await.unwrap();
}

/// Eve, a member with this role, and her token.
pub async fn eve(loom: &Loom, role: &str) -> (UserId, UserClient) {
    let (user, text) = (uuid::Uuid::now_v7(), "hdlt_eve");
    let mut owner = loom.owner().await;
    let statements = [
        "insert into users (id, email, name, password_hash)
         select $2, 'eve@example.com', 'Eve', '-' where $1::uuid is not null and $3::bytea is not null
             and $4::text is not null",
        "insert into memberships (organization_id, user_id, role) select $1, $2, $4 where $3::bytea is not null",
        "insert into tokens (id, secret_hash, user_id, organization_id, role, name, expires_at)
         values (gen_random_uuid(), $3, $2, $1, $4, 'eve', now() + interval '1 day')",
    ];
    for sql in statements {
        let query = sqlx::query(sql).bind(loom.organization.0).bind(user);
        query.bind(heddle_api::secret::hash(text)).bind(role).execute(&mut owner).await.unwrap();
    }
    let client = UserClient::new(heddle_client::Http::new(loom.base.clone(), None).unwrap(), text.to_owned().into());
    (UserId(user), client)
}

#[tokio::test]
async fn a_right_that_is_taken_back_takes_back_what_was_asked_for_by_it() {
    use heddle_wire::view::{ChangeRole, Grant, Role, SetGrants};
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let (user, eve) = eve(&loom, "operator").await;
    let preview = preview(&loom, Some("1.4.0")).await.unwrap();
    let grants =
        SetGrants { grants: vec![Grant { repository: preview.repository, environment: "prod".parse().unwrap() }] };
    let none = SetGrants { grants: vec![] };
    loom.user.set_grants(loom.organization, user, &grants).await.unwrap();
    let asked = eve.create_request(loom.organization, &wish(&preview, None)).await.unwrap();
    loom.user.set_grants(loom.organization, user, &grants).await.unwrap();
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Waiting);
    loom.user.set_grants(loom.organization, user, &none).await.unwrap();
    let ended = seen(&loom, &asked).await;
    assert_eq!((ended.state, &*ended.message), (RequestState::Withdrawn, "who asked for it may not any more"));

    loom.user.set_grants(loom.organization, user, &grants).await.unwrap();
    let asked = eve.create_request(loom.organization, &wish(&preview, None)).await.unwrap();
    let role = |role| ChangeRole { role };
    loom.user.change_role(loom.organization, user, &role(Role::Admin)).await.unwrap();
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Waiting);
    loom.user.change_role(loom.organization, user, &role(Role::Viewer)).await.unwrap();
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Withdrawn);
    let (_, work) = lease_update(&loom).await;
    assert!(work.requests.is_empty(), "{:?}", work.requests);
}

#[tokio::test]
async fn a_commit_on_its_way_is_not_taken_back() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let asked = ask(&loom, "1.4.0").await;
    let (update, work) = lease_update(&loom).await;
    let mut plan = plan(Mode::Commit, None, planned("1.4.1", "1.4.0"));
    plan.proposals[0].request = Some(only(&work).id);
    loom.automator.intents(&update, &plan).await.unwrap();
    let refused = loom.user.withdraw_request(loom.organization, asked.id).await.unwrap_err();
    assert_eq!(code(refused), "being-written");
    assert_eq!(seen(&loom, &asked).await.state, RequestState::Writing);
}

#[tokio::test]
async fn one_proposal_carries_a_request_and_one_that_ended_is_left_out() {
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let asked = ask(&loom, "1.4.0").await;
    let (update, work) = lease_update(&loom).await;
    let mut both = plan(Mode::PullRequest, None, planned("1.4.1", "1.4.0"));
    both.proposals[0].request = Some(only(&work).id);
    both.proposals.push(heddle_wire::automator::PlannedProposal { mode: Mode::Commit, ..both.proposals[0].clone() });
    let twice = loom.automator.intents(&update, &both).await.unwrap_err();
    assert_eq!(code(twice), "request-carried");
    both.proposals[1].request = None;
    loom.user.withdraw_request(loom.organization, asked.id).await.unwrap();
    let told = loom.automator.intents(&update, &both).await.unwrap();
    assert_eq!((told.intents.len(), told.left_out), (1, vec![asked.id]));
    assert_eq!(told.intents[0].head_branch, None, "the commit, which nobody asked for");
}

#[tokio::test]
async fn what_is_asked_for_while_its_right_is_taken_back_is_refused() {
    use heddle_wire::view::{Grant, SetGrants};
    let loom = settled(&["1.4.0", "1.4.1"]).await;
    let (user, eve) = eve(&loom, "operator").await;
    let preview = preview(&loom, Some("1.4.0")).await.unwrap();
    let grants = vec![Grant { repository: preview.repository, environment: "prod".parse().unwrap() }];
    loom.user.set_grants(loom.organization, user, &SetGrants { grants }).await.unwrap();
    // An owner is about to take it back.
    let mut owner = loom.owner().await;
    let mut taking = owner.begin().await.unwrap();
    sqlx::query("select role from memberships where user_id = $1 for update")
        .bind(user.0)
        .execute(&mut *taking)
        .await
        .unwrap();
    sqlx::query("delete from grants where user_id = $1").bind(user.0).execute(&mut *taking).await.unwrap();
    let organization = loom.organization;
    let asked = wish(&preview, None);
    let asking = tokio::spawn(async move { eve.create_request(organization, &asked).await });
    let mut watcher = loom.owner().await;
    wait::until("the request to wait for the owner, or to be answered", wait::LONG, async || {
        let sql =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(sql).fetch_one(&mut watcher).await.map_err(|error| error.to_string())?;
        if waiting > 0 || asking.is_finished() { Ok(()) } else { Err("nobody waits".to_owned()) }
    })
    .await
    .unwrap();
    taking.commit().await.unwrap();
    assert_eq!(code(asking.await.unwrap().unwrap_err()), "grant-missing");
}
