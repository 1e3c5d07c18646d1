//! Starts and ends the program.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use heddle_core::id::UserId;
use heddle_db::{
    Db, administrators,
    launcher::{EmbeddedPostgres, Settings},
    login, retention, shape,
};
use heddle_service::{probes::Probes, telemetry};
use heddle_wire::view::DoctorReport;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    app::{App, Parts},
    bodies::Rooms,
    config::{AdminCommand, Config, Database},
    doctor::{self, Store},
    github::{SignIn, tokens::Tokens},
    lanes::Lanes,
    password::Hasher,
    policies::Policies,
    rates::Rates,
    router,
    routes::{
        accounts::password::{LINK_LIFE, make_link},
        drift::States,
    },
    seal::{self, Sealer, Sealing, rotate},
    secret, server,
};

/// How often what has ended or is old is forgotten.
const SWEEP: Duration = Duration::from_secs(3600);

/// The role that the program logs in as at a Postgres of its own.
const OWN_LOGIN: &str = "heddle_api";

/// How often it is counted how much of what is looked at is in which state.
const MEASURE: Duration = Duration::from_secs(300);

/// Serves until `shutdown`.
///
/// # Errors
/// When the store or an address cannot be had.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let (db, embedded) = open_store(&config).await?;

    let app = build_app(config, db.clone())?;
    let (ready, measured, sweeper) = (db.clone(), db.clone(), app.clone());
    Probes::new(telemetry::init_metrics()?, move || {
        let db = ready.clone();
        async move { db.ping().await.map_err(|error| format!("the database does not answer: {error}")) }
    })
    .serve(app.config.metrics_listen, shutdown.clone())
    .await?;

    tokio::spawn(heddle_service::ticker::run(SWEEP, shutdown.clone(), move || sweep(sweeper.clone())));
    tokio::spawn(heddle_service::ticker::run(MEASURE, shutdown.clone(), move || measure(measured.clone())));

    let listen = app.config.listen;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen} (HEDDLE_LISTEN)"))?;
    info!(address = %listener.local_addr()?, public_url = %app.config.public_url, "heddle-api listens");
    let behind_proxy = app.config.client_address_header.is_some();
    for found in doctor::warnings(&app.config) {
        warn!("{}; {}", found.said, found.remedy.unwrap_or_default());
    }
    server::serve(router::build(app, shutdown.clone()), listener, behind_proxy, shutdown).await;

    db.close().await;
    if let Some(server) = embedded {
        server.stop().await;
    }
    info!("heddle-api ended");
    Ok(())
}

/// The shared state from its parts.
///
/// # Errors
/// When what is set up for GitHub cannot be used.
pub fn build_app(config: Config, db: Db) -> anyhow::Result<App> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let automator_token_hash = config.automator_token.as_ref().map(|token| secret::hash(token.expose_secret()));
    let callback = format!("{}/api/v1/github/callback", config.public_url.as_str().trim_end_matches('/'));
    let github = match &config.github {
        Some(github) => Some(SignIn::new(github, config.ca_pem.clone(), callback.parse()?).context(
            "the sign-in at GitHub cannot be set up (HEDDLE_GITHUB_URL, HEDDLE_GITHUB_API_URL, HEDDLE_CA_FILE)",
        )?),
        None => None,
    };
    let tokens = match &config.github {
        Some(github) => Some(
            Tokens::new(github, config.ca_pem.clone())
                .context("the GitHub App cannot be used (HEDDLE_GITHUB_PRIVATE_KEY_FILE, HEDDLE_GITHUB_API_URL)")?,
        ),
        None => None,
    };
    let parts = Parts {
        hasher: Hasher::new(cores),
        github,
        tokens,
        bell: Arc::default(),
        sealing: Sealing::load(sealing_keys(&config).as_deref()),
        automator_token_hash,
        lanes: Lanes::new(db.connections()),
        rooms: Rooms::new(),
        rates: Rates::new(),
        policies: Policies::default(),
        config,
    };
    Ok(App::new(parts, db))
}

/// The file of sealing keys. The program's own store has one beside its data.
fn sealing_keys(config: &Config) -> Option<PathBuf> {
    match (&config.sealing_keys_file, &config.database) {
        (Some(file), _) => Some(file.clone()),
        (None, Database::Embedded(folder)) => Some(own_keys(folder)),
        (None, Database::External { .. }) => None,
    }
}

fn own_keys(folder: &Path) -> PathBuf {
    folder.join("sealing-keys")
}

/// Seals every stored secret anew with the first key of the file. Gives what is to be said of it.
///
/// # Errors
/// When there are no keys, the store cannot be had, or an older key is still needed.
pub async fn rotate_secrets(config: Config) -> anyhow::Result<String> {
    let file = sealing_keys(&config).with_context(|| format!("{} is not set", seal::SETTING))?;
    let (db, embedded) = open_store(&config).await?;
    let rotated = match Sealer::load(&file).context(seal::SETTING) {
        Ok(sealer) => rotate::rotate(&db, &sealer).await,
        Err(error) => Err(error),
    };
    db.close().await;
    if let Some(server) = embedded {
        server.stop().await;
    }
    let rotation = rotated?;
    anyhow::ensure!(rotation.is_done(), "{rotation}");
    Ok(rotation.to_string())
}

/// Looks at the installation from its host, and gives what is found. It makes and starts nothing.
///
/// # Errors
/// When an address of the database cannot be read.
pub async fn examine(config: Config) -> anyhow::Result<DoctorReport> {
    let sealing = Sealing::load(sealing_keys(&config).as_deref());
    let store = match &config.database {
        Database::Embedded(folder) => Store::Own(folder.clone()),
        Database::External { url, owner } => {
            if let Some(owner) = owner
                && let Err(error) = shape::try_login(&options(owner, "HEDDLE_DATABASE_OWNER_URL")?).await
            {
                return Ok(doctor::examine_from_outside(
                    &config,
                    Store::Closed("HEDDLE_DATABASE_OWNER_URL", error),
                    &sealing,
                )
                .await);
            }
            match Db::connect(options(url, "DATABASE_URL")?, 2).await {
                Ok(db) => Store::Open(db),
                Err(error) => Store::Closed("DATABASE_URL", error),
            }
        }
    };
    Ok(doctor::examine_from_outside(&config, store, &sealing).await)
}

/// Makes a link by which the owner of an address chooses a new password. Gives what is to be said of it.
///
/// # Errors
/// When the store cannot be had, or the address has no account.
pub async fn make_password_link(config: Config, email: &str) -> anyhow::Result<String> {
    let Opened { owner, embedded, .. } = open_database(&config.database).await?;
    let made = make_link(&owner, &config.public_url, email).await;
    if let Some(server) = embedded {
        server.stop().await;
    }
    let link = made?.with_context(|| format!("`{email}` has no account here"))?;
    let hours = LINK_LIFE.num_hours();
    Ok(format!("{link}\nIt is good once, for {hours} hours; hand it on to {email} and to nobody else."))
}

/// Says who looks after the installation. Gives what is to be said of it.
///
/// # Errors
/// When the store cannot be had, or there is nobody with that id.
pub async fn administer(config: Config, command: AdminCommand) -> anyhow::Result<String> {
    let Opened { owner, embedded, .. } = open_database(&config.database).await?;
    let said = match heddle_db::migrate(&owner).await {
        Ok(()) => change_administrators(&owner, command).await,
        Err(error) => Err(anyhow::Error::from(error).context("cannot bring the database's schema up to this release")),
    };
    if let Some(server) = embedded {
        server.stop().await;
    }
    said
}

async fn change_administrators(owner: &PgConnectOptions, command: AdminCommand) -> anyhow::Result<String> {
    match command {
        AdminCommand::Add { user_id } => {
            let added = administrators::add(owner, UserId(user_id)).await?;
            anyhow::ensure!(added, "there is nobody with the id {user_id}; `heddle whoami` prints one's own");
        }
        AdminCommand::Remove { user_id } => {
            let removed = administrators::remove(owner, UserId(user_id)).await?;
            anyhow::ensure!(removed, "{user_id} does not look after this installation");
        }
        AdminCommand::List => {}
    }
    let all = administrators::list(owner).await?;
    if all.is_empty() {
        return Ok("nobody looks after this installation over the API".to_owned());
    }
    let lines = all.iter().map(|one| format!("{} since {}", one.user, one.added_at.format("%Y-%m-%d %H:%M UTC")));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The store, its schema brought up to this release. The server is there where the program runs one of its own.
async fn open_store(config: &Config) -> anyhow::Result<(Db, Option<EmbeddedPostgres>)> {
    let Opened { owner, login, embedded } = open_database(&config.database).await?;
    heddle_db::migrate(&owner).await.context("cannot bring the database's schema up to this release")?;
    if let Some(login) = &login {
        login::admit(&owner, login.get_username()).await.context(
            "DATABASE_URL must log in as a role that owns nothing where HEDDLE_DATABASE_OWNER_URL is set; make one with \
             `create role heddle_api login noinherit`",
        )?;
    }
    let db = Db::connect(login.unwrap_or(owner), config.database_connections).await;
    Ok((db.context("cannot reach the database")?, embedded))
}

/// A database that can be reached.
struct Opened {
    /// Owns the tables.
    owner: PgConnectOptions,
    /// Owns nothing; `None` where the owner alone is known.
    login: Option<PgConnectOptions>,
    embedded: Option<EmbeddedPostgres>,
}

async fn open_database(database: &Database) -> anyhow::Result<Opened> {
    match database {
        Database::External { url, owner: None } => {
            Ok(Opened { owner: options(url, "DATABASE_URL")?, login: None, embedded: None })
        }
        Database::External { url, owner: Some(owner) } => Ok(Opened {
            owner: options(owner, "HEDDLE_DATABASE_OWNER_URL")?,
            login: Some(options(url, "DATABASE_URL")?),
            embedded: None,
        }),
        Database::Embedded(folder) => {
            let server = EmbeddedPostgres::start(Settings::new(folder))
                .await
                .context("DATABASE_URL is not set, and the program's own Postgres did not start")?;
            info!(data_dir = %server.data_dir().display(), "the program's own Postgres runs; its data lies in {}", server.data_dir().display());
            // Without a key nobody who tries the program could add a login; everything else works without one.
            if let Err(error) = seal::make(&own_keys(folder)) {
                error!(%error, "no sealing key could be made: {error}");
            }
            let owner = server.options();
            login::make(&owner, OWN_LOGIN).await.context("the program's own Postgres takes no login")?;
            let login = Some(owner.clone().username(OWN_LOGIN));
            Ok(Opened { owner, login, embedded: Some(server) })
        }
    }
}

fn options(url: &SecretString, variable: &str) -> anyhow::Result<PgConnectOptions> {
    url.expose_secret().parse().map_err(|_| anyhow::anyhow!("{variable} is no address"))
}

async fn measure(db: Db) {
    match States::measure(&db, Utc::now()).await {
        Ok(states) => states.publish(),
        Err(error) => {
            error.log();
            warn!("it was not counted what is in which state of drift; the next tick tries again");
        }
    }
}

/// How far back it is looked for what a replica of an earlier release stored in its own way, beside those of this one.
const MISSED: TimeDelta = TimeDelta::days(2);

async fn sweep(app: App) {
    app.rates.sweep();
    let swept = async {
        let mut tx = app.db.routing().await?;
        heddle_db::attempts::sweep_ended(&mut *tx).await?;
        tx.commit().await?;
        let since = Utc::now() - MISSED;
        match heddle_db::applied_revisions::take_over_all(&app.db, since).await {
            Ok(0) => {}
            Ok(taken) => info!(taken, "took over {taken} revisions that a replica of an earlier release was told of"),
            Err(error) => warn!(%error, "what a replica of an earlier release was told of was not all taken over"),
        }
        retention::prune(&app.db, &app.config.keep, Utc::now()).await
    };
    match swept.await {
        Ok(forgotten) => {
            for (table, rows) in forgotten.rows.into_iter().filter(|(_, rows)| *rows > 0) {
                info!(table, rows, "forgot {rows} old rows of {table}");
            }
            let failures = forgotten.failures;
            if failures > 0 {
                warn!(failures, "{failures} rules of what is forgotten were not followed; the next tick tries again");
            }
        }
        Err(error) => warn!(%error, "what is old was not all forgotten; the next tick goes on"),
    }
}
