//! Leases: whose turn it is, and what becomes of those that run out.

use std::time::Duration;

use heddle_core::id::{OrganizationId, RepositoryId};
use heddle_db::{Db, work};
use heddle_testkit::postgres::Database;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(30);

struct House {
    db: Db,
    owner: PgConnection,
    _database: Database,
}

impl House {
    async fn build() -> Self {
        let database = Database::migrated().await.unwrap();
        let db = Db::connect(database.options(), 4).await.unwrap();
        let owner = PgConnection::connect_with(&database.options()).await.unwrap();
        Self { db, owner, _database: database }
    }

    /// An organization with a repository.
    async fn organization(&mut self, number: u128, installation: i64) -> (OrganizationId, RepositoryId) {
        let (organization, repository) = (Uuid::from_u128(number), Uuid::from_u128(number + 100));
        sqlx::query("insert into organizations (id, name) values ($1, 'acme')")
            .bind(organization)
            .execute(&mut self.owner)
            .await
            .unwrap();
        sqlx::query(
            "insert into repositories (id, organization_id, installation_id, name, url, default_branch, private)
             values ($1, $2, $3, 'acme/config', $1::text, 'main', true)",
        )
        .bind(repository)
        .bind(organization)
        .bind(installation)
        .execute(&mut self.owner)
        .await
        .unwrap();
        (OrganizationId(organization), RepositoryId(repository))
    }

    async fn request_scans(&self, organization: OrganizationId, images: u128) {
        let images: Vec<Uuid> = (0..images).map(|_| Uuid::now_v7()).collect();
        let mut tx = self.db.organization(organization).await.unwrap();
        work::request_scans(&mut tx, organization, &images).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn lease(&self, length: Duration) -> Option<work::Leased> {
        let mut tx = self.db.routing().await.unwrap();
        let leased = work::lease(&mut *tx, "one", length, None, 1).await.unwrap();
        tx.commit().await.unwrap();
        leased
    }

    async fn finish(&self, leased: &work::Leased) {
        let mut tx = self.db.organization(leased.organization).await.unwrap();
        let held = work::hold(&mut tx, leased.lease, leased.fence).await.unwrap().unwrap();
        assert!(work::finish(&mut tx, &held, None, None).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn due_in(&self) -> Option<Duration> {
        work::next_in(&mut *self.db.routing().await.unwrap()).await.unwrap()
    }
}

#[tokio::test]
async fn organizations_take_turns_however_much_one_of_them_asks_for() {
    let mut house = House::build().await;
    let (busy, _) = house.organization(1, 1).await;
    let (small, _) = house.organization(2, 2).await;
    house.request_scans(busy, 50).await;
    house.request_scans(small, 2).await;
    let first = house.lease(LEASE).await.unwrap();
    let second = house.lease(LEASE).await.unwrap();
    assert_ne!(first.organization, second.organization, "who holds a lease comes after who holds none");
    house.finish(&first).await;
    house.finish(&second).await;
    let third = house.lease(LEASE).await.unwrap();
    assert_eq!(third.organization, first.organization, "who was served longest ago comes first");
    house.finish(&third).await;
    assert_eq!(house.lease(LEASE).await.unwrap().organization, second.organization);
    let rest = house.lease(LEASE).await.unwrap();
    assert_eq!(rest.organization, busy, "who has nothing left keeps nobody waiting");
}

#[tokio::test]
async fn updates_of_one_installation_wait_for_each_other_and_for_nobody_else() {
    let mut house = House::build().await;
    let (organization, repository) = house.organization(1, 7).await;
    let (neighbor, beside) = house.organization(2, 7).await;
    for (organization, repository) in [(organization, repository), (neighbor, beside)] {
        let mut tx = house.db.organization(organization).await.unwrap();
        work::request_updates(&mut tx, organization, &[repository.0]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let leased = house.lease(LEASE).await.unwrap();
    assert!(house.lease(LEASE).await.is_none());
    let due_in = house.due_in().await.unwrap();
    assert!(due_in > LEASE / 2, "the other is looked for when the lease ends, not all the time: {due_in:?}");
    house.finish(&leased).await;
    assert_ne!(house.lease(LEASE).await.unwrap().subject, leased.subject);
}

#[tokio::test]
async fn what_ends_automators_again_and_again_rests_for_a_day() {
    let mut house = House::build().await;
    let (organization, _) = house.organization(1, 1).await;
    house.request_scans(organization, 1).await;
    let lost = house.lease(Duration::ZERO).await.unwrap();
    let again = house.lease(Duration::ZERO).await.expect("one that was lost is looked at again at once");
    assert_eq!(again.subject, lost.subject);
    for expiry in 2..=work::MOST_EXPIRIES {
        assert!(house.lease(Duration::ZERO).await.is_none(), "after {expiry} losses it waits");
        let due_in = house.due_in().await.unwrap();
        if expiry < work::MOST_EXPIRIES {
            assert!(due_in > Duration::from_secs(1) && due_in < Duration::from_secs(600), "{due_in:?}");
            sqlx::query("update work set due_at = now()").execute(&mut house.owner).await.unwrap();
            house.lease(Duration::ZERO).await.unwrap();
        } else {
            assert!(due_in > Duration::from_secs(23 * 3600), "{due_in:?}");
        }
    }
    // Whoever asks for it meanwhile ends the rest, and not at once.
    let mut tx = house.db.organization(organization).await.unwrap();
    work::request_scans(&mut tx, organization, &[lost.subject]).await.unwrap();
    let reason = work::find_failure(&mut *tx, work::Kind::Scan, lost.subject).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert!(house.lease(LEASE).await.is_none());
    let due_in = house.due_in().await.unwrap();
    assert!(due_in > Duration::from_secs(500) && due_in < Duration::from_secs(601), "{due_in:?}");
    assert!(
        reason.contains(&format!("{} times in a row", work::MOST_EXPIRIES))
            && reason.contains("`one`")
            && reason.contains("after a day"),
        "{reason}"
    );

    // A report, whatever it says, begins the count anew.
    sqlx::query("update work set due_at = now(), not_before = null").execute(&mut house.owner).await.unwrap();
    let leased = house.lease(LEASE).await.unwrap();
    house.finish(&leased).await;
    let (expiries, failures): (i32, i32) =
        sqlx::query_as("select expiries, failures from work").fetch_one(&mut house.owner).await.unwrap();
    assert_eq!((expiries, failures), (0, 0));
}

#[tokio::test]
async fn what_was_given_back_did_not_fail() {
    let mut house = House::build().await;
    let (organization, _) = house.organization(1, 7).await;
    house.request_scans(organization, 1).await;
    let asked = "select failures, expiries, last_failure, asked_at is not null from work";
    let before: (i32, i32, Option<String>, bool) = sqlx::query_as(asked).fetch_one(&mut house.owner).await.unwrap();
    let leased = house.lease(LEASE).await.unwrap();
    let mut tx = house.db.organization(organization).await.unwrap();
    let held = work::hold(&mut tx, leased.lease, leased.fence).await.unwrap().unwrap();
    assert!(work::give_back(&mut tx, &held, chrono::Utc::now()).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(
        sqlx::query_as::<_, (i32, i32, Option<String>, bool)>(asked).fetch_one(&mut house.owner).await.unwrap(),
        before
    );
    assert_eq!(house.lease(LEASE).await.unwrap().subject, leased.subject, "it is due again");
}

#[tokio::test]
async fn what_was_lost_together_does_not_come_back_together() {
    let mut house = House::build().await;
    let (organization, _) = house.organization(1, 1).await;
    house.request_scans(organization, 20).await;
    sqlx::query(
        "update work set lease_id = gen_random_uuid(), lease_expires_at = now(), leased_by = 'one', expiries = 1,
             leased_generation = generation",
    )
    .execute(&mut house.owner)
    .await
    .unwrap();
    assert!(house.lease(LEASE).await.is_none(), "each of them waits");
    let apart: f64 = sqlx::query_scalar("select extract(epoch from max(due_at) - min(due_at))::float8 from work")
        .fetch_one(&mut house.owner)
        .await
        .unwrap();
    assert!(apart > 2.0, "they come back within {apart} s");
}
