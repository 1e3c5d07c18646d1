use heddle_testkit::postgres::Database;
use sqlx::{ConnectOptions, Connection};

#[tokio::test]
async fn each_test_has_a_database_of_its_own_on_one_server() {
    let (one, other) = (Database::create().await.unwrap(), Database::create().await.unwrap());
    let mut connection = one.options().connect().await.unwrap();
    sqlx::raw_sql("create table mine ()").execute(&mut connection).await.unwrap();
    let mut there = sqlx::PgConnection::connect(&other.url()).await.unwrap();
    let tables: i64 = sqlx::query_scalar("select count(*) from pg_tables where tablename = 'mine'")
        .fetch_one(&mut there)
        .await
        .unwrap();
    assert_eq!(tables, 0);
}
