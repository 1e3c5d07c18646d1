use heddle_core::id::ClusterId;
use heddle_db::{
    Db,
    notice::{Notice, NoticeStream},
};
use heddle_testkit::{postgres::Database, wait};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

async fn next(notices: &mut NoticeStream) -> Notice {
    tokio::time::timeout(wait::LONG, notices.next()).await.expect("no notice came").unwrap()
}

#[tokio::test]
async fn a_notice_reaches_every_replica_when_its_transaction_commits() {
    let database = Database::migrated().await.unwrap();
    let (one, two) =
        (Db::connect(database.options(), 2).await.unwrap(), Db::connect(database.options(), 2).await.unwrap());
    let mut heard = [one.notices(), two.notices()];
    let undone = Notice::Resync { cluster: ClusterId(Uuid::now_v7()) };
    let mut tx = one.routing().await.unwrap();
    tx.notify(&undone).await.unwrap();
    drop(tx);
    let done = Notice::Revoked { cluster: ClusterId(Uuid::now_v7()) };
    let mut tx = one.routing().await.unwrap();
    tx.notify(&done).await.unwrap();
    tx.commit().await.unwrap();
    for heard in &mut heard {
        assert_eq!(next(heard).await, done);
    }
}

#[tokio::test]
async fn after_a_lost_connection_everybody_looks_again() {
    let database = Database::migrated().await.unwrap();
    let db = Db::connect(database.options(), 2).await.unwrap();
    let mut heard = db.notices();
    let mut owner = PgConnection::connect_with(&database.options()).await.unwrap();
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query ilike '%listen%' and pid <> pg_backend_pid()",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    assert_eq!(next(&mut heard).await, Notice::Missed);
    let told = Notice::Work;
    let mut tx = db.routing().await.unwrap();
    tx.notify(&told).await.unwrap();
    tx.commit().await.unwrap();
    loop {
        match next(&mut heard).await {
            Notice::Missed => {}
            notice => {
                assert_eq!(notice, told);
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_store_closes_although_it_listens() {
    let database = Database::migrated().await.unwrap();
    let db = Db::connect(database.options(), 2).await.unwrap();
    tokio::time::timeout(wait::LONG, db.close()).await.expect("the pool did not close");
}
