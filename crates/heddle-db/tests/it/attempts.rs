use chrono::{TimeDelta, Utc};
use heddle_db::{Db, attempts};
use heddle_testkit::postgres::Database;

#[tokio::test]
async fn a_try_that_is_refused_is_not_counted() {
    let database = Database::migrated().await.unwrap();
    let db = Db::connect(database.options(), 2).await.unwrap();
    let since = Utc::now() - TimeDelta::minutes(15);
    let take = async |subject: &[u8]| {
        let mut tx = db.routing().await.unwrap();
        let may = attempts::take(&mut *tx, subject, since, 2).await.unwrap();
        tx.commit().await.unwrap();
        may
    };
    for may in [true, true, false, false, false] {
        assert_eq!(take(b"ada").await, may);
    }
    assert!(take(b"bob").await, "another is not concerned");
    assert_eq!(database.dump().await.unwrap()["attempts"].len(), 3);
}
