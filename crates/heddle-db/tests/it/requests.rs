//! Where a request stands: by its proposal while it is open, by its stored end afterwards.

use std::time::Duration;

use chrono::Utc;
use heddle_core::{
    change::{Mode, ProposalRef},
    id::{OrganizationId, ProposalId, RepositoryId, RequestId, UserId},
    request::{Asked, Override, Release, RequestState, Requested, Requester, ShownPlace},
};
use heddle_db::{
    Db, Tx, grants,
    grants::Grant,
    members, organizations,
    proposals::{self, Proposal},
    requests::{self, Carrier, Held, NewRequest, Request},
    users, work,
};
use heddle_testkit::{postgres::Database, wait};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// A release of 1.4.1 at a place.
fn asked(shown: ShownPlace) -> Asked {
    Asked::Release(Release {
        environment: "prod".parse().unwrap(),
        image: "acme/api".parse().unwrap(),
        to: "1.4.1".parse().unwrap(),
        places: vec![shown],
        holds: Vec::new(),
    })
}

struct Room {
    database: Database,
    db: Db,
    organization: OrganizationId,
    user: UserId,
    repository: RepositoryId,
}

impl Room {
    async fn new() -> Self {
        let database = Database::migrated().await.unwrap();
        let db = Db::connect(database.options(), 2).await.unwrap();
        let (user, organization) = (UserId(Uuid::now_v7()), OrganizationId(Uuid::now_v7()));
        let repository = RepositoryId(Uuid::now_v7());
        let mut tx = db.member(organization, user).await.unwrap();
        users::insert(&mut *tx, user, "ada@example.com", "Ada", "-").await.unwrap();
        organizations::insert(&mut tx, organization, "acme", user).await.unwrap();
        sqlx::query(
            "insert into repositories (id, organization_id, installation_id, name, url, default_branch, private)
             values ($1, $2, 1, 'acme/config', 'github.com/acme/config', 'main', true)",
        )
        .bind(repository.0)
        .bind(organization.0)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        Self { database, db, organization, user, repository }
    }

    async fn tx(&self) -> Tx {
        self.db.organization(self.organization).await.unwrap()
    }

    async fn ask(&self, tx: &mut Tx) -> RequestId {
        let requested =
            Requested { by: Requester::new("Ada", self.user), reason: Some("1.4.2 leaks".parse().unwrap()) };
        let place = heddle_core::place::Place {
            file: "prod/api.yaml".into(),
            line: 9,
            object: "Deployment api".into(),
            field: "image".into(),
        };
        let shown = ShownPlace {
            place,
            tag: Some("1.4.2".parse().unwrap()),
            digest: None,
            environments: vec!["prod".parse().unwrap()],
        };
        let id = RequestId(Uuid::now_v7());
        let new = NewRequest {
            id,
            repository: self.repository,
            requested: &requested,
            branch: &"main".parse().unwrap(),
            head: &"4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap(),
            asked: &asked(shown),
            mode: Mode::PullRequest,
            despite: &[Override::Hold, Override::Freeze],
        };
        requests::insert(&mut **tx, self.organization, &new).await.unwrap();
        id
    }

    async fn announce(&self, tx: &mut Tx, request: RequestId) -> ProposalId {
        let proposal = Proposal {
            id: ProposalId(Uuid::now_v7()),
            mode: Mode::PullRequest,
            group: "prod-by-request".into(),
            request: Some(request),
            base_branch: "main".parse().unwrap(),
            head_branch: Some("heddle/prod/1".parse().unwrap()),
            number: None,
            head: None,
        };
        proposals::insert(&mut **tx, self.organization, self.repository, &proposal).await.unwrap();
        assert!(requests::set_proposal(&mut **tx, self.repository, request, proposal.id).await.unwrap());
        proposal.id
    }

    async fn seen(&self, tx: &mut Tx, request: RequestId) -> Request {
        requests::find(&mut **tx, self.organization, request).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_request_follows_its_proposal_until_it_ends_and_then_no_more() {
    let room = Room::new().await;
    let mut tx = room.tx().await;
    let id = room.ask(&mut tx).await;
    let asked = room.seen(&mut tx, id).await;
    assert_eq!((asked.state, asked.requested.by.name.as_str()), (RequestState::Waiting, "Ada"));
    assert_eq!(asked.asked.places().next().unwrap().tag.as_ref().unwrap().as_str(), "1.4.2");
    assert_eq!(asked.despite, [Override::Hold, Override::Freeze]);

    let proposal = room.announce(&mut tx, id).await;
    assert_eq!(room.seen(&mut tx, id).await.state, RequestState::Writing);
    proposals::abandon_unwritten(&mut *tx, proposal).await.unwrap();
    assert_eq!(room.seen(&mut tx, id).await.state, RequestState::Waiting);

    let proposal = room.announce(&mut tx, id).await;
    let place = ProposalRef::PullRequest { number: 41, url: "https://example.com/41".into() };
    let head = "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap();
    proposals::set_written(&mut *tx, proposal, &place, &head, Utc::now()).await.unwrap();
    assert!(requests::end_settled(&mut *tx, room.repository, Utc::now()).await.unwrap().is_empty());
    let proposed = room.seen(&mut tx, id).await;
    assert_eq!((proposed.state, proposed.proposal_ref), (RequestState::Proposed, Some(place)));
    let unsettled = proposals::list_unsettled(&mut *tx, room.repository).await.unwrap();
    assert_eq!(unsettled.iter().map(|one| one.request).collect::<Vec<_>>(), [Some(id)]);

    proposals::settle(&mut *tx, proposal, proposals::State::Merged, None, Utc::now()).await.unwrap();
    assert_eq!(requests::end_settled(&mut *tx, room.repository, Utc::now()).await.unwrap(), [id]);
    assert_eq!(room.seen(&mut tx, id).await.state, RequestState::Merged);
    let again = requests::end(&mut *tx, room.repository, id, RequestState::Refused, Some("late"), Utc::now()).await;
    assert!(!again.unwrap(), "an end is kept");
    assert!(!requests::set_proposal(&mut *tx, room.repository, id, proposal).await.unwrap());
    assert!(requests::list_open(&mut *tx, room.repository).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_row_of_the_release_before_is_a_release() {
    let room = Room::new().await;
    let mut tx = room.tx().await;
    let id = room.ask(&mut tx).await;
    let now = room.seen(&mut tx, id).await.asked;
    // As that release wrote it, and reads it.
    sqlx::query("update requests set asked = null where id = $1").bind(id.0).execute(&mut *tx).await.unwrap();
    assert_eq!(room.seen(&mut tx, id).await.asked, now);
}

#[tokio::test]
async fn what_was_taken_back_and_merged_all_the_same_is_merged() {
    let room = Room::new().await;
    let mut tx = room.tx().await;
    for state in [RequestState::Withdrawn, RequestState::Refused] {
        let id = room.ask(&mut tx).await;
        assert_eq!(requests::hold(&mut tx, room.repository, id).await.unwrap(), Some(Held { carrier: None }));
        let proposal = room.announce(&mut tx, id).await;
        let carrier = Carrier { proposal, mode: Mode::PullRequest, is_announced: true };
        let held = requests::hold(&mut tx, room.repository, id).await.unwrap();
        assert_eq!(held, Some(Held { carrier: Some(carrier) }));
        assert!(requests::end(&mut *tx, room.repository, id, state, Some("why"), Utc::now()).await.unwrap());
        assert_eq!(requests::hold(&mut tx, room.repository, id).await.unwrap(), None);
        assert!(requests::end_settled(&mut *tx, room.repository, Utc::now()).await.unwrap().is_empty());
        proposals::settle(&mut *tx, proposal, proposals::State::Merged, None, Utc::now()).await.unwrap();
        assert_eq!(requests::end_settled(&mut *tx, room.repository, Utc::now()).await.unwrap(), [id]);
        let merged = room.seen(&mut tx, id).await;
        assert_eq!((merged.state, merged.why), (RequestState::Merged, None));
        assert!(requests::end_settled(&mut *tx, room.repository, Utc::now()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_somebody_asked_for_who_leaves_is_taken_back_and_their_grants_go() {
    let room = Room::new().await;
    let mut tx = room.tx().await;
    let id = room.ask(&mut tx).await;
    let grant = |environment: &str| Grant { repository: room.repository, environment: environment.parse().unwrap() };
    let both = [grant("prod"), grant("staging")];
    grants::replace(&mut tx, room.organization, room.user, &both, "ada").await.unwrap();
    grants::replace(&mut tx, room.organization, room.user, &both[..1], "eve").await.unwrap();
    assert_eq!(grants::list_of(&mut *tx, room.organization, room.user).await.unwrap(), both[..1]);
    let kept: String = sqlx::query_scalar("select granted_by from grants").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(kept, "ada", "who gave it first");

    let touched = requests::end_of_person(&mut *tx, room.organization, room.user, Utc::now()).await.unwrap();
    assert_eq!(touched, [room.repository.0]);
    assert_eq!(room.seen(&mut tx, id).await.state, RequestState::Withdrawn);
    members::remove(&mut tx, room.organization, room.user).await.unwrap();
    assert!(grants::list(&mut *tx, room.organization).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_waited_for_an_update_knows_the_request_for_which_it_was_held() {
    let room = Room::new().await;
    let mut owner = PgConnection::connect_with(&room.database.options()).await.unwrap();
    let mut tx = room.tx().await;
    work::request_updates(&mut tx, room.organization, &[room.repository.0]).await.unwrap();
    tx.commit().await.unwrap();

    let mut first = room.tx().await;
    room.ask(&mut first).await;
    work::request_updates(&mut first, room.organization, &[room.repository.0]).await.unwrap();
    let (db, organization, repository) = (room.db.clone(), room.organization, room.repository);
    let second = tokio::spawn(async move {
        let mut second = db.organization(organization).await.unwrap();
        work::request_updates(&mut second, organization, &[repository.0]).await.unwrap();
        second.commit().await.unwrap();
    });
    wait::until("the second to wait for the first", wait::LONG, async || {
        let sql =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(sql).fetch_one(&mut owner).await.map_err(|error| error.to_string())?;
        if waiting > 0 { Ok(()) } else { Err("nobody waits".to_owned()) }
    })
    .await
    .unwrap();
    first.commit().await.unwrap();
    second.await.unwrap();
    let needs = sqlx::query_scalar("select needs_requests from work where kind = 'update'");
    assert_eq!(needs.fetch_one(&mut owner).await.map(|needs: i16| needs).unwrap(), 1);
}

#[tokio::test]
async fn an_update_that_nobody_here_can_write_wakes_nobody() {
    let room = Room::new().await;
    let mut owner = PgConnection::connect_with(&room.database.options()).await.unwrap();
    let mut tx = room.tx().await;
    room.ask(&mut tx).await;
    work::request_updates(&mut tx, room.organization, &[room.repository.0]).await.unwrap();
    tx.commit().await.unwrap();
    let due_in = async || work::next_in(&mut *room.db.routing().await.unwrap()).await.unwrap();
    let lease = async |knows| {
        let mut tx = room.db.routing().await.unwrap();
        let leased = work::lease(&mut *tx, "one", Duration::from_secs(30), None, knows).await.unwrap();
        tx.commit().await.unwrap();
        leased
    };
    assert!(lease(0).await.is_none());
    assert_eq!(due_in().await, None);
    // One that knows it and is gone for long does not count either.
    let sql = "insert into automators (name, seen_at, knows_requests) values ('gone', now() - interval '1 hour', 9)";
    sqlx::query(sql).execute(&mut owner).await.unwrap();
    assert_eq!(due_in().await, None);
    assert!(lease(1).await.is_some());
}

#[tokio::test]
async fn another_organization_sees_neither_requests_nor_grants() {
    let room = Room::new().await;
    let mut tx = room.tx().await;
    let id = room.ask(&mut tx).await;
    tx.commit().await.unwrap();
    let mut other = room.db.organization(OrganizationId(Uuid::now_v7())).await.unwrap();
    assert!(requests::find(&mut *other, room.organization, id).await.unwrap().is_none());
    assert!(requests::list_open(&mut *other, room.repository).await.unwrap().is_empty());
    let ended = requests::end(&mut *other, room.repository, id, RequestState::Withdrawn, None, Utc::now()).await;
    assert!(!ended.unwrap());
}
