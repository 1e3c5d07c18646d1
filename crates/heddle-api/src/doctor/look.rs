//! Asks: the database, GitHub. Nothing here decides.

use std::{path::PathBuf, time::Duration};

use chrono::Utc;
use heddle_db::{Db, DbError, shape, work};
use heddle_github::{App as GitHub, AppConfig, GitHubError, Host};
use heddle_wire::view::{DoctorArea, DoctorCheck, DoctorReport};

use super::{clock, github, report, settings, store};
use crate::{
    config::{Config, GitHubApp},
    seal::{Sealing, rotate},
};

/// So long GitHub is waited for at each of five questions; `heddle doctor` waits for all of them.
const LONGEST: Duration = Duration::from_secs(12);

/// The database, as the host reaches it.
pub enum Store {
    /// It can be looked at.
    Open(Db),
    /// It did not let in who this variable names.
    Closed(&'static str, DbError),
    /// The program's own, which the API starts and holds.
    Own(PathBuf),
}

/// Looks at an installation from its host, whether its API runs or not.
pub async fn examine_from_outside(config: &Config, store: Store, sealing: &Sealing) -> DoctorReport {
    let mut checks = settings::check(config);
    match store {
        Store::Open(db) => {
            checks.extend(at_store(&db, sealing).await);
            db.close().await;
        }
        Store::Closed(variable, error) => {
            checks.push(store::away(variable, &error));
            checks.extend(store::judge_keys(sealing, None));
        }
        Store::Own(folder) => checks.push(store::own(&folder)),
    }
    checks.extend(at_github(config).await);
    report(config.shown.clone(), checks, Utc::now())
}

pub(super) async fn at_store(db: &Db, sealing: &Sealing) -> Vec<DoctorCheck> {
    let asked = Utc::now();
    let shape = match shape::load(db).await {
        Ok(shape) => shape,
        Err(error) => return vec![store::away("DATABASE_URL", &error)],
    };
    let mut checks = vec![clock::judge("the database", shape.now, asked, Utc::now())];
    checks.extend(store::judge(&shape));
    if shape.migrated < shape.newest {
        // Tables may be missing.
        return checks;
    }
    match automator_seen_at(db).await {
        Ok(seen) => checks.push(store::judge_automators(seen, Utc::now())),
        Err(error) => checks.push(store::unasked(DoctorArea::Automators, &error.to_string())),
    }
    match sealing {
        Sealing::Ready(sealer) => match rotate::census(db, sealer).await {
            Ok(census) => checks.extend(store::judge_keys(sealing, Some(&census))),
            Err(error) => checks.push(store::unasked(DoctorArea::Keys, &format!("{error:#}"))),
        },
        Sealing::Off(_) | Sealing::Broken(_) => checks.extend(store::judge_keys(sealing, None)),
    }
    checks
}

async fn automator_seen_at(db: &Db) -> Result<Option<chrono::DateTime<Utc>>, DbError> {
    let mut tx = db.routing().await?;
    let seen = work::automator_seen_at(&mut *tx).await?;
    tx.commit().await?;
    Ok(seen)
}

pub(super) async fn at_github(config: &Config) -> Vec<DoctorCheck> {
    let Some(app) = &config.github else { return vec![github::not_set()] };
    let (host, client) = match client(config, app) {
        Ok(client) => client,
        Err(error) => return vec![github::refused(DoctorArea::Github, "about the App", &error)],
    };
    let asked = Utc::now();
    let mut checks = match within(host.clock()).await {
        Ok(theirs) => vec![clock::judge("GitHub", theirs, asked, Utc::now())],
        // Without a connection nothing else is told either, and once is enough.
        Err(error) => return vec![github::refused(DoctorArea::Github, "the time", &error)],
    };
    match within(client.registration()).await {
        Ok(found) => checks.extend(github::judge_registration(app, &found)),
        Err(error) => {
            checks.push(github::refused(DoctorArea::Github, "about the App", &error));
            return checks;
        }
    }
    match within(client.list_installations()).await {
        Ok(found) => checks.extend(github::judge_installations(app, &found)),
        Err(error) => checks.push(github::refused(DoctorArea::Github, "where the App is installed", &error)),
    }
    let wanted = format!("{}/webhooks/github", config.public_url.as_str().trim_end_matches('/'));
    match within(client.webhook()).await {
        Ok(found) => checks.push(github::judge_webhook(&wanted, &found)),
        Err(error) => checks.push(github::refused(DoctorArea::Webhooks, "where webhooks go", &error)),
    }
    match within(client.list_deliveries()).await {
        Ok(newest_first) => checks.push(github::judge_deliveries(&newest_first)),
        Err(error) => checks.push(github::refused(DoctorArea::Webhooks, "which webhooks arrived", &error)),
    }
    checks
}

/// The answer to one question, and that there was none is one too: what others found stays.
pub(super) async fn within<T>(question: impl Future<Output = Result<T, GitHubError>>) -> Result<T, GitHubError> {
    let silence = |_| Err(GitHubError::Unavailable { reason: format!("no answer within {} s", LONGEST.as_secs()) });
    tokio::time::timeout(LONGEST, question).await.unwrap_or_else(silence)
}

fn client(config: &Config, app: &GitHubApp) -> Result<(Host, GitHub), GitHubError> {
    let host = Host::new(app.api_url.clone(), config.ca_pem.clone())?;
    let (app_id, private_key_pem) = (app.app_id, app.private_key.clone());
    Ok((host.clone(), GitHub::new(AppConfig { app_id, private_key_pem, host })?))
}
