#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::Path, process::Command, thread, time::Duration};

use sqlx::Connection;
use tokio::time::Instant;

use super::{programs::debian_versions, server::stop_left_over, *};

fn settings(folder: &Path) -> Settings {
    Settings { durable: false, ..Settings::new(folder) }
}

async fn ask(postgres: &EmbeddedPostgres, sql: &'static str) -> String {
    let mut connection = postgres.options().connect().await.unwrap();
    let answer = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    answer
}

fn scratch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn rows_are_there_after_a_stop_and_a_start() {
    let folder = scratch();
    let postgres = EmbeddedPostgres::start(settings(folder.path())).await.unwrap();
    let mut connection = sqlx::PgConnection::connect(&postgres.url()).await.unwrap();
    sqlx::raw_sql("create table kept (word text); insert into kept values ('still here')")
        .execute(&mut connection)
        .await
        .unwrap();
    postgres.stop().await;
    let again = EmbeddedPostgres::start(settings(folder.path())).await.unwrap();
    assert_eq!(ask(&again, "select word from kept").await, "still here");
    again.stop().await;
    assert!(!folder.path().join("postgres/postmaster.pid").exists());
}

#[tokio::test]
async fn a_second_starter_is_told_that_the_folder_is_in_use() {
    let folder = scratch();
    let postgres = EmbeddedPostgres::start(settings(folder.path())).await.unwrap();
    let second = EmbeddedPostgres::start(settings(folder.path())).await;
    assert!(matches!(second, Err(LaunchError::InUse(_))), "{second:?}");
    assert_eq!(ask(&postgres, "select 'untouched'").await, "untouched");
    postgres.stop().await;
}

/// Not through [`EmbeddedPostgres`]: as if its starter had been killed before the kernel was told to end the server.
#[tokio::test]
async fn a_server_left_behind_is_stopped_and_its_rows_are_kept() {
    let folder = scratch();
    let postgres = EmbeddedPostgres::start(settings(folder.path())).await.unwrap();
    ask(&postgres, "with t as (select 1) select 'made'").await;
    let cluster = postgres.folders.cluster.clone();
    let account = Account::choose().unwrap();
    let programs = Programs::find(None, &cluster).unwrap();
    let folders = postgres.folders.clone();
    postgres.stop().await;

    let mut orphan = account.command(&programs.postgres);
    orphan.arg("-D").arg(&cluster).arg("-k").arg(&folders.socket).args(["-c", "listen_addresses="]);
    let mut orphan = orphan.stderr(std::process::Stdio::null()).spawn().unwrap();
    wait_for_pid_file(&cluster);
    let again = EmbeddedPostgres::start(settings(folder.path())).await.unwrap();
    assert!(orphan.wait().unwrap().code().is_some(), "it was shut down, not killed");
    assert_eq!(ask(&again, "select 'served'").await, "served");
    again.stop().await;
}

#[test]
fn a_process_that_got_the_number_of_a_dead_server_is_left_alone() {
    let folder = scratch();
    let mut bystander = Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(folder.path().join("postmaster.pid"), format!("{}\n", bystander.id())).unwrap();
    stop_left_over(folder.path()).unwrap();
    assert_eq!(bystander.try_wait().unwrap(), None);
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[tokio::test]
async fn a_missing_program_is_named_with_its_package() {
    let folder = scratch();
    let settings = Settings { bin_dir: Some("/nowhere/bin".into()), ..settings(folder.path()) };
    let error = EmbeddedPostgres::start(settings).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`postgres` was not found in /nowhere/bin; install it (Debian: `apt-get install postgresql`)"
    );
}

#[tokio::test]
async fn data_of_another_major_version_is_not_touched() {
    let folder = scratch();
    fs::create_dir_all(folder.path().join("postgres")).unwrap();
    fs::write(folder.path().join("postgres/PG_VERSION"), "9\n").unwrap();
    let error = EmbeddedPostgres::start(settings(folder.path())).await.unwrap_err();
    assert!(matches!(&error, LaunchError::WrongVersion { major, .. } if major == "9"), "{error}");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_refused_with_the_remedy() {
    let folder = scratch();
    let deep = folder.path().join("a".repeat(100));
    let error = EmbeddedPostgres::start(settings(&deep)).await.unwrap_err();
    assert!(error.to_string().ends_with("choose a data folder with a shorter path"), "{error}");
}

#[test]
fn the_newest_of_debians_versions_comes_first() {
    let folder = scratch();
    for version in ["9", "15", "common", "17"] {
        fs::create_dir_all(folder.path().join(version)).unwrap();
    }
    let versions: Vec<u32> = debian_versions(folder.path()).into_iter().map(|(version, _)| version).collect();
    assert_eq!(versions, [17, 15, 9]);
}

fn wait_for_pid_file(cluster: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !cluster.join("postmaster.pid").exists() {
        assert!(Instant::now() < deadline, "the server wrote no postmaster.pid");
        thread::sleep(Duration::from_millis(10));
    }
}
