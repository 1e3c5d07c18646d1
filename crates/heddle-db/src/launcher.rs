//! Starts a private Postgres from the programs that are installed on the machine, for a trial and for tests.
//!
//! One server belongs to one data folder and lives as long as its starter: the kernel ends it when the starter dies in
//! any way, and a server that is found all the same is stopped before a new one starts. It listens on a Unix socket in
//! a folder that only its owner may enter, and on no port. Run by root, it drops to the user `postgres`, since Postgres
//! refuses to run as root. It must not know of tables, rows and migrations.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep};

mod account;
mod programs;
mod server;
#[cfg(test)]
mod tests;

use account::Account;
use programs::Programs;
use server::Server;

/// The role that owns the server. It connects without a password: entering the socket's folder is the proof.
pub const OWNER: &str = "heddle";

/// The database that [`EmbeddedPostgres::options`] connects to.
pub const DATABASE: &str = "heddle";

/// A first start unpacks the cluster and takes a second; a start after a crash replays the log and may take longer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything of the server lies; made when missing.
    pub data_dir: PathBuf,
    /// The folder of `initdb` and `postgres`; else the newest of Debian's, else `PATH`.
    pub bin_dir: Option<PathBuf>,
    /// Whether a committed row survives a power cut. Tests say no and are faster.
    pub durable: bool,
}

impl Settings {
    /// A durable server of the installed programs, with its data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), bin_dir: None, durable: true }
    }
}

/// Why the server is not there.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A program that is needed is not installed.
    #[error("`{program}` was not found in {searched}; install it (Debian: `apt-get install {package}`)")]
    MissingProgram {
        /// The program.
        program: &'static str,
        /// Where it was looked for.
        searched: String,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// Run by root, and there is no user to drop to.
    #[error(
        "Postgres refuses to run as root and there is no user `{0}` to run it as; Debian's package `postgresql` makes it"
    )]
    MissingUser(&'static str),
    /// Another living program holds the data folder.
    #[error("{} is in use by another program; stop that one, or choose another data folder", .0.display())]
    InUse(PathBuf),
    /// Run by root, and the user that Postgres drops to cannot enter the folder.
    #[error("user `{user}`, as whom Postgres runs when root starts it, cannot enter {}; choose a data folder outside of private folders, such as /var/lib/heddle", .folder.display())]
    Unreachable {
        /// The user.
        user: &'static str,
        /// The folder.
        folder: PathBuf,
    },
    /// The path of the socket is longer than the kernel takes.
    #[error("{} is too long for a socket, which takes {limit} bytes; choose a data folder with a shorter path", .socket.display())]
    PathTooLong {
        /// The path.
        socket: PathBuf,
        /// The most that fits.
        limit: usize,
    },
    /// The data was written by a major version that is not installed.
    #[error("the data in {} is of Postgres {major}, which is not installed (Debian: `apt-get install postgresql-{major}`)", .folder.display())]
    WrongVersion {
        /// The folder.
        folder: PathBuf,
        /// The major version that wrote it.
        major: String,
    },
    /// `initdb` failed.
    #[error("`initdb` could not make {}: {output}", .folder.display())]
    Init {
        /// The folder.
        folder: PathBuf,
        /// What `initdb` said.
        output: String,
    },
    /// The server ended, or did not answer in time.
    #[error("Postgres did not start: {reason}; its log is {}, which ends with:\n{tail}", .log.display())]
    Start {
        /// What was seen.
        reason: String,
        /// The log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The operating system refused something.
    #[error("could not {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A running server. Dropping it asks the server to stop; [`EmbeddedPostgres::stop`] also waits.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    server: Server,
    folders: Folders,
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the server and makes the database [`DATABASE`] where it is missing.
    ///
    /// # Errors
    /// See [`LaunchError`]; each message names what to do.
    pub async fn start(settings: Settings) -> Result<Self, LaunchError> {
        let folders = Folders::new(&settings.data_dir)?;
        let lock = folders.lock()?;
        let prepared = folders.clone();
        let started = tokio::task::spawn_blocking(move || prepare_and_spawn(&settings, &prepared)).await;
        let server = started.map_err(|error| LaunchError::Start {
            reason: error.to_string(),
            log: folders.log.clone(),
            tail: String::new(),
        })??;
        let postgres = Self { server, folders, _lock: lock };
        postgres.wait_until_ready().await?;
        Ok(postgres)
    }

    /// How to connect, as the owner, to the database [`DATABASE`].
    pub fn options(&self) -> PgConnectOptions {
        self.options_of(DATABASE)
    }

    /// The same as an address, for `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.options().to_url_lossy().into()
    }

    /// Where the data lies.
    pub fn data_dir(&self) -> &Path {
        &self.folders.root
    }

    /// Where the server writes its log.
    pub fn log_file(&self) -> &Path {
        &self.folders.log
    }

    /// Stops the server and waits until it is gone. Open connections are cut, committed rows are kept.
    pub async fn stop(mut self) {
        self.server.stop().await;
    }

    fn options_of(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.folders.socket).username(OWNER).database(database)
    }

    async fn wait_until_ready(&self) -> Result<(), LaunchError> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let seen = match self.make_database().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if let Some(status) = self.server.exit_status() {
                return Err(self.start_error(format!("it ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.start_error(format!("it did not answer within {START_LIMIT:?} ({seen})")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn make_database(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.options_of("postgres").disable_statement_logging().connect().await?;
        let there: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await?;
        if !there {
            sqlx::query("create database heddle").execute(&mut connection).await?;
        }
        connection.close().await
    }

    fn start_error(&self, reason: String) -> LaunchError {
        LaunchError::Start { reason, log: self.folders.log.clone(), tail: tail(&self.folders.log) }
    }
}

/// The parts of a data folder.
#[derive(Debug, Clone)]
struct Folders {
    root: PathBuf,
    cluster: PathBuf,
    socket: PathBuf,
    log: PathBuf,
}

impl Folders {
    fn new(root: &Path) -> Result<Self, LaunchError> {
        fs::create_dir_all(root).map_err(at("make", root))?;
        let root = fs::canonicalize(root).map_err(at("find", root))?;
        let folders =
            Self { cluster: root.join("postgres"), socket: root.join("socket"), log: root.join("postgres.log"), root };
        // `sun_path` takes 108 bytes with the closing zero; 5432 is the name's port even where no port is open.
        let socket = folders.socket.join(".s.PGSQL.5432.lock");
        let limit = 107;
        if socket.as_os_str().len() > limit {
            return Err(LaunchError::PathTooLong { socket, limit });
        }
        Ok(folders)
    }

    /// The kernel lets go of the lock when the program ends, also by SIGKILL.
    fn lock(&self) -> Result<File, LaunchError> {
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(at("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(LaunchError::InUse(self.root.clone())),
            Err(TryLockError::Error(source)) => Err(LaunchError::Io { action: "lock", path, source }),
        }
    }
}

fn prepare_and_spawn(settings: &Settings, folders: &Folders) -> Result<Server, LaunchError> {
    let account = Account::choose()?;
    server::stop_left_over(&folders.cluster)?;
    let programs = Programs::find(settings.bin_dir.as_deref(), &folders.cluster)?;
    account.own(&folders.socket)?;
    account.check_reach(&folders.root)?;
    if !folders.cluster.join("PG_VERSION").exists() {
        init(&programs, &account, folders, settings.durable)?;
    }
    server::spawn(&programs, &account, folders, settings.durable)
}

/// Makes the cluster under another name first, so that a kill half-way leaves nothing that looks whole.
fn init(programs: &Programs, account: &Account, folders: &Folders, durable: bool) -> Result<(), LaunchError> {
    let part = folders.root.join("postgres.part");
    if part.exists() {
        fs::remove_dir_all(&part).map_err(at("remove", &part))?;
    }
    account.own(&part)?;
    let mut command = account.command(&programs.initdb);
    command.args(["--auth=trust", "-U", OWNER, "-E", "UTF8", "--locale=C"]);
    if !durable {
        command.arg("--no-sync");
    }
    let output = command.arg("-D").arg(&part).output().map_err(at("run", &programs.initdb))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(LaunchError::Init { folder: part, output });
    }
    fs::rename(&part, &folders.cluster).map_err(at("rename", &part))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LaunchError {
    let path = path.to_owned();
    move |source| LaunchError::Io { action, path, source }
}
